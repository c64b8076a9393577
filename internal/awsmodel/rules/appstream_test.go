package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

// Each input is refused for the member named, and for nothing else; a member "" is an input that is accepted.
func TestAppStreamRules(t *testing.T) {
	const (
		imported = `"SourceAmiId":"ami-0123456789abcdef0","IamRoleArn":"arn:aws:iam::123456789012:role/r"`
		builder  = `"Name":"b","InstanceType":"stream.standard.large"`
		fleet    = `"Name":"f","InstanceType":"stream.standard.large","ComputeCapacity":{"DesiredInstances":1}`
	)
	for _, tt := range []struct{ op, in, member, says string }{
		{"CreateImportedImage", `{"Name":"cad",` + imported + `}`, "", ""},
		{"CreateImportedImage", `{"Name":"cad","SourceAmiId":"?","IamRoleArn":"?"}`, "", ""},
		{"CreateImportedImage", `{"Name":"AppStream-cad",` + imported + `}`, "Name", "appstream"},
		{"CreateImportedImage", `{"Name":"` + strings.Repeat("x", 101) + `",` + imported + `}`, "Name", "101 characters"},
		{"CreateImportedImage", `{"Name":"cad","SourceAmiId":"ami-0123456789abcdef0"}`, "IamRoleArn", "role"},
		{"CreateImportedImage", `{"Name":"cad"}`, "", "Exactly one of SourceAmiId or WorkspaceImageId"},
		{"CreateImportedImage", `{"Name":"cad","Description":"a, b",` + imported + `}`, "Description", "pattern"},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"AppCatalogConfig":[{"Name":"a","AbsoluteAppPath":"C:\\a"},{"Name":"a","AbsoluteAppPath":"C:\\b"}]}`, "AppCatalogConfig[1].Name", "already"},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"AppCatalogConfig":[{"Name":"a","AbsoluteAppPath":"C:\\a","AbsoluteIconPath":"C:\\a.ico"}]}`, "AppCatalogConfig[0].AbsoluteIconPath", "PNG"},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"AppCatalogConfig":[{"Name":"a","AbsoluteAppPath":"C:\\a","DisplayName":"Größe (neu)"}]}`, "AppCatalogConfig[0].DisplayName", "pattern"},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"AppCatalogConfig":[{"Name":"a","AbsoluteAppPath":"cad.exe"}]}`, "AppCatalogConfig[0].AbsoluteAppPath", "absolute"},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"AppCatalogConfig":[{"Name":"a","AbsoluteAppPath":"\\\\share\\a.exe"},{"Name":"b","AbsoluteAppPath":"%ProgramFiles%\\b.exe"}]}`, "", ""},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"RuntimeValidationConfig":{"IntendedInstanceType":"stream.standard.large"}}`, "RuntimeValidationConfig.IntendedInstanceType", "do not run"},
		{"CreateImportedImage", `{"Name":"cad",` + imported + `,"Tags":{"aws:x":"y"}}`, "Tags.aws:x", ""},

		{"CreateImageBuilder", `{` + builder + `,"ImageArn":"?"}`, "", ""},
		{"CreateImageBuilder", `{` + builder + `}`, "", "Exactly one of ImageName or ImageArn"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","VpcConfig":{"SubnetIds":["subnet-a","subnet-b"]}}`, "VpcConfig.SubnetIds", "exactly one subnet"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","EnableDefaultInternetAccess":true}`, "EnableDefaultInternetAccess", "public subnet"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","SoftwaresToInstall":["Office"]}`, "SoftwaresToInstall[0]", "no licence-included software"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","SoftwaresToInstall":["Microsoft_Office_2021_LTSC_Standard_64Bit","Microsoft_Visio_2024_LTSC_Standard_64Bit"]}`, "SoftwaresToInstall[1]", "2024"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","SoftwaresToInstall":["Microsoft_Office_2021_LTSC_Standard_64Bit","Microsoft_Project_2021_Standard_32Bit"]}`, "SoftwaresToInstall[1]", "32 bits"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","AppstreamAgentVersion":"09-30-2025","SoftwaresToInstall":["Microsoft_Office_2021_LTSC_Standard_64Bit"]}`, "AppstreamAgentVersion", "SoftwaresToInstall does not work"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","AppstreamAgentVersion":"12-31-2023","DisableIMDSV1":true}`, "AppstreamAgentVersion", "DisableIMDSV1 does not work"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","AppstreamAgentVersion":"01-05-2026","DisableIMDSV1":true,"SoftwaresToInstall":["Microsoft_Office_2021_LTSC_Standard_64Bit"]}`, "", ""},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","VpcConfig":{"SubnetIds":["subnet-a"]},"DomainJoinInfo":{"DirectoryName":"corp.example.com","OrganizationalUnitDistinguishedName":"CN=Computers,DC=corp"}}`, "DomainJoinInfo.OrganizationalUnitDistinguishedName", "begins with OU="},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","VpcConfig":{"SubnetIds":["subnet-a"]},"DomainJoinInfo":{"DirectoryName":"corp.example.com","OrganizationalUnitDistinguishedName":"OU=A, DC=corp"}}`, "DomainJoinInfo.OrganizationalUnitDistinguishedName", "spaces"},
		{"CreateImageBuilder", `{` + builder + `,"ImageName":"x","RootVolumeConfig":{"VolumeSizeInGb":100}}`, "RootVolumeConfig.VolumeSizeInGb", "200"},
		{"CreateImageBuilder", `{"Name":"b","InstanceType":"stream.graphics-pro.4xlarge","ImageName":"x"}`, "InstanceType", "retired"},
		{"CreateImageBuilder", `{"Name":"b","InstanceType":"Stream.standard.large","ImageName":"x"}`, "InstanceType", "no instance family"},

		{"CreateUpdatedImage", `{"existingImageName":"a","newImageName":"a"}`, "newImageName", "the name of the one"},
		{"CreateUpdatedImage", `{"existingImageName":"a","newImageName":"amazon-a"}`, "newImageName", "amazon"},
		{"CopyImage", `{"SourceImageName":"a","DestinationImageName":"a","DestinationRegion":"Frankfurt"}`, "DestinationRegion", "not the name of a region"},
		{"UpdateImagePermissions", `{"Name":"a","SharedAccountId":"1234","ImagePermissions":{"allowFleet":true}}`, "SharedAccountId", "account id"},
		{"CreateFleet", `{` + fleet + `,"ImageName":"a"}`, "", ""},
		{"CreateFleet", `{` + fleet + `,"ImageName":"a","ImageArn":"?"}`, "ImageArn", "Only one"},
		{"CreateFleet", `{` + fleet + `}`, "ImageName", "needs an image"},
		{"CreateFleet", `{"Name":"f","InstanceType":"stream.standard.large","ImageName":"a"}`, "ComputeCapacity", "capacity"},
		{"CreateFleet", `{"Name":"f","InstanceType":"stream.standard.large","FleetType":"ELASTIC","Platform":"WINDOWS_SERVER_2022","VpcConfig":{"SubnetIds":["subnet-a","subnet-b"]},"ImageName":"a","MaxConcurrentSessions":2}`, "", "Elastic fleets have no image"},
		{"CreateDirectoryConfig", `{"DirectoryName":"corp","OrganizationalUnitDistinguishedNames":["OU=A,DC=corp"]}`, "DirectoryName", "fully qualified"},
		{"CreateDirectoryConfig", `{"DirectoryName":"corp.example.com","OrganizationalUnitDistinguishedNames":["OU=A,DC=corp"],"ServiceAccountCredentials":{"AccountName":"join","AccountPassword":"x"}}`, "ServiceAccountCredentials.AccountName", "DOMAIN"},
	} {
		op, ok := service(t, "appstream").Operation(tt.op)
		if !ok {
			t.Fatalf("no operation %s", tt.op)
		}
		found := rules.Check(op, input(t, tt.in), here)
		switch {
		case tt.member == "" && tt.says == "":
			if len(found) > 0 {
				t.Errorf("%s %s is refused: %v", tt.op, tt.in, found)
			}
		case len(found) != 1 || found[0].Path != tt.member || !strings.Contains(found[0].Message, tt.says):
			t.Errorf("%s %s: %v, want %s: … %s …", tt.op, tt.in, found, tt.member, tt.says)
		}
	}
}

// What DescribeImages tells is enough to refuse an AMI before anything is made.
func TestSourceImages(t *testing.T) {
	good := `{"OwnerId":"123456789012","State":"available","Architecture":"x86_64","VirtualizationType":"hvm","ImageType":"machine","Platform":"windows",
		"PlatformDetails":"Windows","BootMode":"uefi","TpmSupport":"v2.0","RootDeviceName":"/dev/sda1","EnaSupport":true,
		"BlockDeviceMappings":[{"DeviceName":"/dev/sda1","Ebs":{"Encrypted":false,"VolumeType":"gp3","VolumeSize":60}}]}`
	if found := rules.CheckSourceImage(input(t, good), "123456789012"); len(found) > 0 {
		t.Errorf("a good image is refused: %v", found)
	}
	for change, path := range map[string]string{
		`"OwnerId":"999999999999"`:                        "OwnerId",
		`"Architecture":"arm64"`:                          "Architecture",
		`"PlatformDetails":"Windows with SQL Server Web"`: "PlatformDetails",
		`"BootMode":"legacy-bios"`:                        "BootMode",
		`"TpmSupport":""`:                                 "TpmSupport",
		`"EnaSupport":false`:                              "EnaSupport",
		`"RootDeviceName":"/dev/xvda"`:                    "RootDeviceName",
		`"Encrypted":true`:                                "BlockDeviceMappings[0].Ebs.Encrypted",
		`"VolumeType":"io1"`:                              "BlockDeviceMappings[0].Ebs.VolumeType",
		`"VolumeSize":501`:                                "BlockDeviceMappings[0].Ebs.VolumeSize",
	} {
		name, _, _ := strings.Cut(change, ":")
		i := strings.Index(good, name+":")
		end := i + strings.IndexAny(good[i:], ",}")
		found := rules.CheckSourceImage(input(t, good[:i]+change+good[end:]), "123456789012")
		if !slices.ContainsFunc(found, func(f awsmodel.Finding) bool { return f.Path == path }) || len(found) != 1 {
			t.Errorf("%s: %v, want %s alone", change, found, path)
		}
	}
}
