package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var (
	imports  = []string{"CreateImportedImage"}
	builders = []string{"CreateImageBuilder"}
	fleets   = []string{"CreateFleet", "UpdateFleet"}
	joining  = []string{"CreateImageBuilder", "CreateFleet", "UpdateFleet"}
)

// appstreamRules are what AppStream enforces and its model leaves out.
var appstreamRules = []Rule{
	{
		ID: "as-name-length", Source: "Administration Guide: names have at most 100 characters",
		Says: "Names have at most 100 characters.",
		on:   on([]string{"CreateImageBuilder", "CreateFleet", "CreateStack", "UpdateImagePermissions"}, "Name"), judge: nameLength,
	},
	{
		ID: "as-image-name", Source: "Administration Guide: names of images",
		Says: "An image's name does not begin with aws, amazon or appstream.",
		on:   []site{{imports, "Name"}, {[]string{"CreateUpdatedImage"}, "newImageName"}, {[]string{"CopyImage"}, "DestinationImageName"}}, judge: imageName,
	},
	{
		ID: "as-updated-image-name", Source: "API Reference, CreateUpdatedImage: the new image has a name of its own",
		Says: "An updated image has a name of its own.",
		on:   on([]string{"CreateUpdatedImage"}, ""), judge: otherName,
	},
	{
		ID: "as-region-name", Source: "General Reference, regional endpoints: names of regions",
		Says: "A region is given by its name.",
		on:   on([]string{"CopyImage"}, "DestinationRegion"), judge: regionForm,
	},
	{
		ID: "as-account", Source: "Account ids have 12 digits",
		Says: "An account is given by its 12 digits.",
		on:   on([]string{"UpdateImagePermissions", "DeleteImagePermissions"}, "SharedAccountId"), judge: account,
	},
	{
		ID: "as-import-source", Source: "API Reference, CreateImportedImage: SourceAmiId or WorkspaceImageId",
		Says: "An image is imported from an AMI or from a WorkSpaces image.",
		on:   on(imports, ""), judge: oneSourceOfImport,
	},
	{
		ID: "as-import-role", Source: "API Reference, CreateImportedImage: IamRoleArn",
		Says: "Importing an AMI needs a role.",
		on:   on(imports, ""), judge: roleOfImport,
	},
	{
		ID: "as-application-once", Source: "API Reference, ApplicationConfig: names are unique",
		Says: "Applications of an image have names of their own.",
		on:   on(imports, "AppCatalogConfig"), judge: applicationsOnce,
	},
	{
		ID: "as-application-path", Source: "API Reference, ApplicationConfig: AbsoluteAppPath",
		Says: "A program's path is absolute.",
		on:   on(imports, "AppCatalogConfig[].AbsoluteAppPath"), judge: absolutePath,
	},
	{
		ID: "as-icon", Source: "API Reference, ApplicationConfig: icons are PNG",
		Says: "Icons of imported images are PNG files.",
		on:   on(imports, "AppCatalogConfig[].AbsoluteIconPath"), judge: pngIcon,
	},
	{
		ID: "as-import-instance", Source: "Administration Guide: imported images use GeneralPurpose, MemoryOptimized, ComputeOptimized and Accelerated",
		Says: "Imported images run on GeneralPurpose, MemoryOptimized, ComputeOptimized and Accelerated instances.",
		on:   on(imports, "RuntimeValidationConfig.IntendedInstanceType"), judge: customFamily,
	},
	{
		ID: "as-builder-image", Source: "API Reference, CreateImageBuilder: ImageName or ImageArn",
		Says: "An image builder starts from an image's name or its ARN, not both.",
		on:   on(builders, ""), judge: oneImage,
	},
	{
		ID: "as-builder-subnet", Source: "Administration Guide: an image builder has one subnet",
		Says: "An image builder has exactly one subnet.",
		on:   on(builders, "VpcConfig.SubnetIds"), judge: oneSubnet,
	},
	{
		ID: "as-software-mix", Source: "Administration Guide: licence-included applications",
		Says: "License-included software is of one year and one width of bits.",
		on:   on(builders, ""), judge: oneKindOfSoftware,
	},
	{
		ID: "as-internet-subnet", Source: "Administration Guide: default internet access takes a public subnet",
		Says: "Default internet access needs a subnet.",
		on:   on(builders, ""), judge: internetNeedsSubnet,
	},
	{
		ID: "as-agent-version", Source: "Administration Guide: licence-included applications, IMDSv2: oldest agents",
		Says: "License-included software and IMDSv2 need a recent agent.",
		on:   on(builders, ""), judge: agentOfSoftware,
	},
	{
		ID: "as-software-name", Source: "Administration Guide: licence-included applications",
		Says: "License-included software has one of the documented names.",
		on:   on(builders, "SoftwaresToInstall[]"), judge: softwareName,
	},
	{
		ID: "as-organizational-unit", Source: "Administration Guide: joining a domain",
		Says: "An organizational unit is given by its distinguished name, without spaces around commas.",
		on:   []site{{joining, "DomainJoinInfo.OrganizationalUnitDistinguishedName"}, {[]string{"CreateDirectoryConfig", "UpdateDirectoryConfig"}, "OrganizationalUnitDistinguishedNames[]"}}, judge: organizationalUnit,
	},
	{
		ID: "as-root-volume", Source: "API Reference, VolumeConfig: 200 to 500",
		Says: "A root volume has 200 to 500 GiB.",
		on:   on(joining, "RootVolumeConfig.VolumeSizeInGb"), judge: rootVolume,
	},
	{
		ID: "as-instance-type", Severity: Warning, Source: "API Reference, CreateFleet: InstanceType; Administration Guide: instance families; EC2's model for imported images",
		Says: "An instance type is one that AppStream is known to have.",
		on:   []site{{joining, "InstanceType"}, {imports, "RuntimeValidationConfig.IntendedInstanceType"}}, judge: streamInstance,
	},
	{
		ID: "as-instance-family", Source: "Administration Guide: instance families",
		Says: "An instance type is of a family that exists and is not retired.",
		on:   on(joining, "InstanceType"), judge: instanceFamily,
	},
	{
		ID: "as-service-account", Source: "Administration Guide: service accounts are written DOMAIN\\user",
		Says: "A service account is written DOMAIN\\user.",
		on:   on([]string{"CreateDirectoryConfig", "UpdateDirectoryConfig"}, "ServiceAccountCredentials.AccountName"), judge: domainAccount,
	},
	{
		ID: "as-directory-name", Source: "Administration Guide: the directory's fully qualified name",
		Says: "A directory is given by its fully qualified name.",
		on:   on([]string{"CreateDirectoryConfig", "UpdateDirectoryConfig"}, "DirectoryName"), judge: domainName,
	},
	{
		ID: "as-fleet-image", Source: "API Reference, CreateFleet: ImageName or ImageArn",
		Says: "A fleet has an image's name or its ARN, not both.",
		on:   on(fleets, ""), judge: oneFleetImage,
	},
	{
		ID: "as-fleet-capacity", Source: "API Reference, CreateFleet: Elastic fleets have sessions, others machines",
		Says: "An Elastic fleet has sessions; other fleets have instances and an image.",
		on:   on([]string{"CreateFleet"}, ""), judge: fleetCapacity,
	},
	{
		ID: "as-tag-prefix", Source: "API Reference, Tags",
		Says: "Tags that begin with aws: are AWS's own.",
		on:   []site{{[]string{"CreateImportedImage", "CreateImageBuilder", "CreateFleet", "CreateStack"}, "Tags"}, {[]string{"CreateUpdatedImage"}, "newImageTags"}}, judge: tagForm,
	},
}

// maxName is what the documentation has; the model's pattern takes one character more.
const maxName = 100

func nameLength(s *subject) {
	if n := utf8.RuneCountInString(text(s.value)); n > maxName {
		s.wrong("", "It has "+strconv.Itoa(n)+" characters and may have 100", "Shorten it.")
	}
}

// imageName refuses the beginnings that AWS keeps for itself.
func imageName(s *subject) {
	nameLength(s)
	for _, reserved := range []string{"aws", "appstream", "amazon"} {
		if strings.HasPrefix(strings.ToLower(text(s.value)), reserved) {
			s.wrong("", "An image's name must not begin with "+reserved, "Take another name: aws, appstream and amazon begin the names of AWS's own images.")
			return
		}
	}
}

func otherName(s *subject) {
	in := object(s.value)
	if a, b := text(in["existingImageName"]), text(in["newImageName"]); a != "" && a == b {
		s.wrong(".newImageName", "The new image has the name of the one it is made from", "Give it another name: an image is never changed.")
	}
}

var accountForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{12}$`) })

func account(s *subject) {
	if v := text(s.value); v != "" && !accountForm().MatchString(v) {
		s.wrong("", "It must be an account id", "Write the 12 digits of the account, in quotes.")
	}
}

func oneSourceOfImport(s *subject) {
	exactlyOne("SourceAmiId", "WorkspaceImageId")(s)
}

func roleOfImport(s *subject) {
	in := object(s.value)
	if present(in["SourceAmiId"]) && !present(in["IamRoleArn"]) {
		s.wrong(".IamRoleArn", "An AMI is read with a role, and none is given", "Give the ARN of a role that AppStream may assume, with ec2:ModifyImageAttribute and ec2:DescribeImages.")
	}
}

func applicationsOnce(s *subject) {
	seen := map[string]int{}
	for i, e := range entries(s.value) {
		name := text(object(e)["Name"])
		if j, dup := seen[name]; dup && name != "" {
			s.wrong(index(i)+".Name", "The name "+strconv.Quote(name)+" is already that of AppCatalogConfig"+index(j), "Give every application a name of its own.")
			continue
		}
		seen[name] = i
	}
}

// absolutePathForm is a drive and a directory, a share, or a path that begins with a variable of the system's.
var absolutePathForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:[A-Za-z]:[\\/]|\\\\|%)`) })

func absolutePath(s *subject) {
	if v := text(s.value); v != "" && !absolutePathForm().MatchString(v) {
		s.wrong("", "The path of a program must be absolute", `Write it with its drive, such as C:\CAD\cad.exe.`)
	}
}

func pngIcon(s *subject) {
	if v := text(s.value); v != "" && !strings.HasSuffix(strings.ToLower(v), ".png") {
		s.wrong("", "An icon of an imported image must be a PNG", "Convert it, and name the file that ends in .png.")
	}
}

// customFamilies are the instance families of imported images.
var customFamilies = []string{"GeneralPurpose", "MemoryOptimized", "ComputeOptimized", "Accelerated"}

func customFamily(s *subject) {
	family, _, _ := strings.Cut(text(s.value), ".")
	if !slices.Contains(customFamilies, family) {
		s.wrong("", "Imported images do not run on "+text(s.value), "Write a type of "+strings.Join(customFamilies, ", ")+", such as GeneralPurpose.t3.large.")
	}
}

// retired are families that cannot be had any more, with their last day.
var retired = map[string]string{"stream.graphics-pro.": "2025-10-31", "stream.graphics-design.": "2025-12-31"}

func instanceFamily(s *subject) {
	v := text(s.value)
	for prefix, day := range retired {
		if strings.HasPrefix(v, prefix) {
			s.wrong("", "The family of "+v+" was retired on "+day, "Write a type of a newer one, such as stream.graphics.g5.xlarge.")
			return
		}
	}
	family, _, _ := strings.Cut(v, ".")
	if v != "" && family != "stream" && !slices.Contains(customFamilies, family) {
		s.wrong("", "There is no instance family "+strconv.Quote(family), awsmodel.Suggest(family, append([]string{"stream"}, customFamilies...)))
	}
}

func oneImage(s *subject) { exactlyOne("ImageName", "ImageArn")(s) }

func oneFleetImage(s *subject) {
	in := object(s.value)
	if present(in["ImageName"]) && present(in["ImageArn"]) {
		s.wrong(".ImageArn", "Only one of ImageName and ImageArn can be given", "Keep one of the two.")
	}
}

func oneSubnet(s *subject) {
	if l := entries(s.value); len(l) != 1 && l != nil {
		s.wrong("", "An image builder has exactly one subnet, and "+strconv.Itoa(len(l))+" are given", "Keep one of them.")
	}
}

func internetNeedsSubnet(s *subject) {
	in := object(s.value)
	if in["EnableDefaultInternetAccess"] == true && !filled(object(in["VpcConfig"])["SubnetIds"]) && !isUnknown(in["VpcConfig"]) {
		s.wrong(".EnableDefaultInternetAccess", "Default internet access needs a public subnet", "Name a subnet whose route table leads to an internet gateway.")
	}
}

// softwareForm is what the names of licence-included software look like: 24 of them in 2026.
var softwareForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^Microsoft_(?:(?:Office|Visio)_(2021|2024)_LTSC_(?:Professional_Plus|Professional|Standard)|Project_(2021|2024)_(?:Professional|Standard))_(32|64)Bit$`)
})

func softwareName(s *subject) {
	if v := text(s.value); v != "" && !softwareForm().MatchString(v) {
		s.wrong("", "There is no licence-included software "+strconv.Quote(v), "Write a name such as Microsoft_Office_2024_LTSC_Professional_Plus_64Bit.")
	}
}

// oneKindOfSoftware refuses mixtures of years and of 32 and 64 bits.
func oneKindOfSoftware(s *subject) {
	year, bits := "", ""
	for i, e := range entries(object(s.value)["SoftwaresToInstall"]) {
		m := softwareForm().FindStringSubmatch(text(e))
		if m == nil {
			continue
		}
		y := m[1] + m[2]
		if year != "" && (y != year || m[3] != bits) {
			s.wrong(".SoftwaresToInstall"+index(i), "Software of "+y+" in "+m[3]+" bits stands beside software of "+year+" in "+bits+" bits", "Take all of one year, and all in 32 or all in 64 bits.")
			return
		}
		year, bits = y, m[3]
	}
}

// firstAgents are the oldest versions of the agent, by date, with which a member of CreateImageBuilder works.
var firstAgents = map[string]time.Time{
	"SoftwaresToInstall": time.Date(2025, time.October, 2, 0, 0, 0, 0, time.UTC),
	"DisableIMDSV1":      time.Date(2024, time.January, 16, 0, 0, 0, 0, time.UTC),
}

// agentDate is how versions of the agent are written: dates, the month first.
const agentDate = "01-02-2006"

func agentOfSoftware(s *subject) {
	in := object(s.value)
	have, err := time.Parse(agentDate, text(in["AppstreamAgentVersion"]))
	if err != nil {
		return // LATEST, or a version of another form
	}
	for member, first := range firstAgents {
		if (filled(in[member]) || in[member] == true) && have.Before(first) {
			s.wrong(".AppstreamAgentVersion", "With an agent of "+have.Format(agentDate)+", "+member+" does not work", "Take "+first.Format(agentDate)+" or a later one, or LATEST.")
		}
	}
}

func organizationalUnit(s *subject) {
	if mistake, hint := UnitMistake(text(s.value)); mistake != "" {
		s.wrong("", mistake, hint)
	}
}

// UnitMistake is what AppStream does not take in the distinguished name of an organizational unit, and what to write
// instead; "" for nothing (Administration Guide, "Troubleshooting Active Directory Domain Join").
func UnitMistake(name string) (mistake, hint string) {
	switch {
	case name == "":
	case !strings.HasPrefix(strings.ToUpper(name), "OU="):
		return "An organizational unit begins with OU=", "Write its distinguished name, such as OU=AppStream,DC=corp,DC=example,DC=com. The container Computers cannot be used."
	case strings.Contains(name, ", ") || strings.Contains(name, " ,"):
		return "There are spaces around a comma", "Remove them: with them AppStream reports that the account already exists."
	}
	return "", ""
}

const (
	leastVolume = 200
	mostVolume  = 500
)

func rootVolume(s *subject) {
	if n, ok := awsmodel.ToNumber(s.value); ok && (n < leastVolume || n > mostVolume) {
		s.wrong("", "A root volume has 200 to 500 GiB", "Write a number from 200 to 500.")
	}
}

func domainAccount(s *subject) {
	if v := text(s.value); v != "" && !strings.Contains(v, `\`) {
		s.wrong("", "It must be written DOMAIN\\user", "Write the domain's short name, a backslash and the account's name.")
	}
}

func domainName(s *subject) {
	if v := text(s.value); v != "" && !strings.Contains(v, ".") {
		s.wrong("", "It must be the fully qualified name of the directory", "Write it such as corp.example.com.")
	}
}

func fleetCapacity(s *subject) {
	in := object(s.value)
	elastic := text(in["FleetType"]) == "ELASTIC"
	switch {
	case elastic && (present(in["ImageName"]) || present(in["ImageArn"])):
		s.wrong("", "Elastic fleets have no image", "Remove the image, or the fleet type.")
	case elastic && !present(in["MaxConcurrentSessions"]):
		s.wrong(".MaxConcurrentSessions", "Elastic fleets need a number of sessions", "Give it.")
	case !elastic && !present(in["ComputeCapacity"]):
		s.wrong(".ComputeCapacity", "The fleet needs a capacity", "Give DesiredInstances or, with MaxSessionsPerInstance, DesiredSessions.")
	case !elastic && !present(in["ImageName"]) && !present(in["ImageArn"]):
		s.wrong(".ImageName", "The fleet needs an image", "Give ImageName, or ImageArn for an image that another account shares.")
	}
}

func tagForm(s *subject) {
	for k := range object(s.value) {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			s.wrong("."+k, "Tags that begin with aws: are AWS's own", "Rename the tag.")
		}
	}
}
