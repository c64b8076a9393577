package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

// importImage makes an image of an AMI of the caller's. What can be told from the AMI is refused at once, as
// AWS does; what only a boot shows is not looked at here.
func (a *appStream) importImage(c *call) (object, error) {
	name := text(c.in, "Name")
	ami, err := a.importSource(c)
	if err != nil {
		return nil, err
	}
	if err = a.newImageName(c, name); err != nil {
		return nil, err
	}
	apps, err := catalogue(list(c.in, "AppCatalogConfig"))
	if err != nil {
		return nil, err
	}
	validate := text(c.in, "RuntimeValidationConfig", "IntendedInstanceType")
	if strings.HasPrefix(validate, "stream.") {
		return nil, notTogether(validate, "CUSTOM")
	}
	if flag(false, c.in, "DryRun") {
		return nil, fail("DryRunOperationException", "The request would have succeeded, but DryRun is set. Nothing was created.")
	}
	latest := "FALSE"
	if text(c.in, "AgentSoftwareVersion") == "ALWAYS_LATEST" {
		latest = "TRUE"
	}
	r := &streamResource{
		Kind: kindImage, Name: name, Layers: ami.Layers, VolumeGB: max(200, ami.root().GB),
		Body: with(nil, object{
			"DisplayName": c.in["DisplayName"], "Description": c.in["Description"], "ImageType": "CUSTOM", "ImageBuilderSupported": true,
			"Platform": importPlatform(ami), "AppstreamAgentVersion": agentNow, "LatestAppstreamAgentVersion": latest,
			"Applications": apps, "DynamicAppProvidersEnabled": "DISABLED", "ManagedSoftwareIncluded": false,
		}),
	}
	if _, old := a.noted(c, name, effectOld); old {
		r.set(object{"AppstreamAgentVersion": agentOld})
	}
	a.add(c, r)
	states := []string{"IMPORTING", "AVAILABLE"}
	if validate != "" {
		states = []string{"IMPORTING", "VALIDATING", "AVAILABLE"}
	}
	a.pass(c, r, states...)
	a.doom(c, r, "ImageErrors", "IMAGE_IMPORT_FAILURE")
	return object{"Image": a.showImage(c, r)}, nil
}

// importSource is the AMI to import, when it is one that can be.
func (a *appStream) importSource(c *call) (*ami, error) {
	id, wsi := text(c.in, "SourceAmiId"), text(c.in, "WorkspaceImageId")
	role := text(c.in, "IamRoleArn")
	switch {
	case (id == "") == (wsi == ""):
		return nil, fail("InvalidParameterCombinationException", "Exactly one of SourceAmiId and WorkspaceImageId must be given.")
	case wsi != "":
		return nil, fail("ResourceNotFoundException", "The WorkSpaces image %s does not exist. The sandbox has no WorkSpaces.", wsi)
	case role == "":
		return nil, fail("InvalidParameterCombinationException", "SourceAmiId needs IamRoleArn, a role that may read and share the AMI.")
	}
	if err := ownRole(c, role); err != nil {
		return nil, err
	}
	m := a.db.amis.get(c.region + "/" + id)
	if m == nil || !m.visible(c.account) {
		return nil, fail("ResourceNotFoundException", "The AMI %s does not exist.", id)
	}
	for _, rule := range importRules() {
		if !rule.holds(m, c) {
			return nil, fail("IncompatibleImageException", "The AMI %s cannot be imported: %s.", id, rule.says)
		}
	}
	return m, nil
}

// An importRule is something that AppStream demands of an AMI and sees without booting it.
type importRule struct {
	says  string
	holds func(*ami, *call) bool
}

// importRules are those of "Import EC2 AMI" in the administration guide.
func importRules() []importRule {
	return []importRule{
		{"it must belong to the account that imports it", func(m *ami, c *call) bool { return m.Owner == c.account }},
		{"its platform must be Windows", func(m *ami, _ *call) bool { return m.Platform == "Windows" }},
		{"it must be a Windows Server 2022 or 2025", func(m *ami, _ *call) bool { return importPlatform(m) != "" }},
		{"its architecture must be x86_64", func(m *ami, _ *call) bool { return m.Architecture == "x86_64" }},
		{"its boot mode must be uefi", func(m *ami, _ *call) bool { return m.BootMode == "uefi" }},
		{"its TPM support must be v2.0", func(m *ami, _ *call) bool { return m.TPM == "v2.0" }},
		{"it must have exactly one volume", func(m *ami, _ *call) bool { return len(m.volumes()) == 1 }},
		{"its root volume must be /dev/sda1", func(m *ami, _ *call) bool { return m.root().Device == "/dev/sda1" }},
		{"its root volume must not be encrypted", func(m *ami, _ *call) bool { return !m.root().Encrypted }},
		{"its root volume must have at most 500 GB", func(m *ami, _ *call) bool { return m.root().GB <= 500 }},
		{"its root volume must be gp2 or gp3", func(m *ami, _ *call) bool { return slices.Contains([]string{"gp2", "gp3"}, m.root().Type) }},
	}
}

// importPlatform is the platform that an imported AMI has; "" for a system that cannot be imported.
func importPlatform(m *ami) string {
	for _, year := range []string{"2022", "2025"} {
		if strings.Contains(m.OS, "Windows Server "+year) {
			return "WINDOWS_SERVER_" + year
		}
	}
	return ""
}

// catalogue turns an import's AppCatalogConfig into the image's applications.
func catalogue(config []any) ([]any, error) {
	seen := map[string]bool{}
	apps := make([]any, 0, len(config))
	for _, e := range config {
		name := text(e, "Name")
		if seen[name] {
			return nil, fail("InvalidParameterCombinationException", "The application name %s is not unique.", name)
		}
		seen[name] = true
		apps = append(apps, with(nil, object{
			"Name": name, "DisplayName": cmp.Or(text(e, "DisplayName"), name), "LaunchPath": at(e, "AbsoluteAppPath"), "IconURL": nil,
			"WorkingDirectory": at(e, "WorkingDirectory"), "LaunchParameters": at(e, "LaunchParameters"), "Enabled": true,
		}))
	}
	return apps, nil
}
