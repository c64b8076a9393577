package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// streamStackRules hold for AppStream's stacks and what belongs to them.
var streamStackRules = []Rule{
	{
		ID: "as-connector-once", Source: "API Reference, CreateStack: StorageConnectors",
		Says: "A stack has one storage connector of a type.",
		on:   on(stacks, "StorageConnectors"), judge: onceBy("ConnectorType", "storage connector"),
	},
	{
		ID: "as-connector-domains", Source: "API Reference, StorageConnector: Domains; Administration Guide, Google Drive and OneDrive for Business",
		Says: "Google Drive and OneDrive have domains, and home folders have none.",
		on:   on(stacks, "StorageConnectors[]"), judge: connectorDomains,
	},
	{
		ID: "as-setting-once", Source: "API Reference, CreateStack: UserSettings",
		Says: "A stack sets an action once.",
		on:   on(stacks, "UserSettings"), judge: onceBy("Action", "user setting"),
	},
	{
		ID: "as-setting-length", Source: "API Reference, UserSetting: MaximumLength is for the clipboard actions, 1 to 20971520",
		Says: "A maximum length is of an enabled clipboard action, and 1 to 20971520 characters.",
		on:   on(stacks, "UserSettings[].MaximumLength"), judge: settingLength,
	},
	{
		ID: "as-settings-group", Severity: Warning, Source: "API Reference, ApplicationSettings: SettingsGroup",
		Says: "Application settings that are on have a settings group, and others have none.",
		on:   on(stacks, "ApplicationSettings"), judge: settingsGroup,
	},
	{
		ID: "as-certificate-authority", Severity: Warning, Source: "API Reference, CertificateBasedAuthProperties: CertificateAuthorityArn",
		Says: "Certificate-based authentication that is enabled has a certificate authority.",
		on:   on([]string{"CreateDirectoryConfig"}, "CertificateBasedAuthProperties"), judge: certificateAuthority,
	},
	{
		ID: "as-app-block-scripts", Severity: Warning, Source: "API Reference, CreateAppBlock: SetupScriptDetails for CUSTOM, PostSetupScriptDetails for APPSTREAM2",
		Says: "A CUSTOM app block has a setup script, and an APPSTREAM2 one a post-setup script at most.",
		on:   on([]string{"CreateAppBlock"}, ""), judge: appBlockScripts,
	},
	{
		ID: "as-app-block-key", Severity: Warning, Source: "API Reference, S3Location: S3Key is required for a CUSTOM app block",
		Says: "The source of a CUSTOM app block is an object.",
		on:   on([]string{"CreateAppBlock"}, "SourceS3Location"), judge: appBlockKey,
	},
	{
		ID: "as-app-block-subnets", Severity: Warning, Source: "API Reference, CreateAppBlockBuilder: VpcConfig requires at least two subnets in different Availability Zones",
		Says: "An app block builder has at least two subnets.",
		on:   on([]string{"CreateAppBlockBuilder", "UpdateAppBlockBuilder"}, "VpcConfig.SubnetIds"), judge: builderSubnets,
	},
	{
		ID: "as-entitlement-attribute", Severity: Warning, Source: "API Reference, EntitlementAttribute: Name",
		Says: "An entitlement is by an attribute that AppStream reads.",
		on:   on([]string{"CreateEntitlement", "UpdateEntitlement"}, "Attributes[].Name"), judge: entitlementAttribute,
	},
}

var stacks = []string{"CreateStack", "UpdateStack"}

// onceBy wants a list's entries to differ in a member.
func onceBy(member, what string) func(*subject) {
	return func(s *subject) {
		seen := map[string]bool{}
		for i, e := range entries(s.value) {
			v := text(object(e)[member])
			if v != "" && seen[v] {
				s.refuse(index(i)+"."+member, "The "+what+" "+awsmodel.Printable(v)+" is already in the list", "Keep it once.")
			}
			seen[v] = true
		}
	}
}

func connectorDomains(s *subject) {
	in := object(s.value)
	typ := text(in["ConnectorType"])
	has := filled(in["Domains"])
	switch {
	case typ == "HOMEFOLDERS" && (has || filled(in["DomainsRequireAdminConsent"])):
		s.wrong(".Domains", "Home folders have no domains", "Remove it.")
	case (typ == "GOOGLE_DRIVE" || typ == "ONE_DRIVE") && !has:
		s.wrong(".Domains", "The connector "+typ+" needs the domains of its accounts", `Write domains = ["example.com"].`)
	}
}

func settingLength(s *subject) {
	o := object(s.owner)
	action, permission := text(o["Action"]), text(o["Permission"])
	n, ok := awsmodel.ToNumber(s.value)
	switch {
	case action != "" && !strings.HasPrefix(action, "CLIPBOARD_"):
		s.wrong("", "A maximum length is for the clipboard, not for "+awsmodel.Printable(action), "Remove it.")
	case permission == "DISABLED":
		s.wrong("", "A maximum length is for an action that is enabled", `Remove it, or write permission = "ENABLED".`)
	case ok && (n < 1 || n > 20971520):
		s.refuse("", "It is "+number(n), "Write 1 to 20971520.")
	}
}

func settingsGroup(s *subject) {
	in := object(s.value)
	switch {
	case in["Enabled"] == true && !filled(in["SettingsGroup"]):
		s.wrong(".SettingsGroup", "Application settings that are enabled need a settings group", "Write settings_group, such as the stack's name.")
	case in["Enabled"] == false && filled(in["SettingsGroup"]):
		s.wrong(".SettingsGroup", "Application settings are off, so that a settings group has no effect", "Write enabled = true, or remove it.")
	}
}

func certificateAuthority(s *subject) {
	in := object(s.value)
	if strings.HasPrefix(text(in["Status"]), "ENABLED") && !present(in["CertificateAuthorityArn"]) {
		s.wrong(".CertificateAuthorityArn", "Certificate-based authentication needs a certificate authority", "Write the ARN of one of AWS Private CA.")
	}
}

func appBlockScripts(s *subject) {
	in := object(s.value)
	if isUnknown(in["PackagingType"]) {
		return
	}
	switch built := text(in["PackagingType"]) == "APPSTREAM2"; {
	case built && present(in["SetupScriptDetails"]):
		s.wrong(".SetupScriptDetails", "An APPSTREAM2 app block has no setup script", "Remove it, or use PostSetupScriptDetails.")
	case !built && !present(in["SetupScriptDetails"]):
		s.wrong(".SetupScriptDetails", "A CUSTOM app block needs a setup script", "Give it, or make the packaging type APPSTREAM2.")
	case !built && present(in["PostSetupScriptDetails"]):
		s.wrong(".PostSetupScriptDetails", "A CUSTOM app block has no post-setup script", "Remove it.")
	}
}

func appBlockKey(s *subject) {
	typ := s.root["PackagingType"]
	if !isUnknown(typ) && text(typ) != "APPSTREAM2" && !present(object(s.value)["S3Key"]) {
		s.wrong(".S3Key", "The source of a CUSTOM app block is an object", "Give the key of the VHD.")
	}
}

func builderSubnets(s *subject) {
	if len(entries(s.value)) < 2 {
		s.wrong("", "An app block builder needs at least two subnets, in different Availability Zones", "Add another subnet.")
	}
}

var entitlementAttributes = []string{"roles", "department", "organization", "groups", "title", "costCenter", "userType"}

func entitlementAttribute(s *subject) {
	if v := text(s.value); v != "" && !slices.Contains(entitlementAttributes, v) {
		s.refuse("", awsmodel.Printable(v)+" is no attribute that AppStream reads ("+strconv.Itoa(len(entitlementAttributes))+" are)",
			nearest(v, entitlementAttributes, "Write one of "+strings.Join(entitlementAttributes, ", ")+"."))
	}
}
