package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// streamImageRules are what AppStream decides about a call and the image that it names. They have no sites: CheckStreamImage
// judges them, once the image was looked up.
var streamImageRules = []Rule{
	{
		ID: "as-image-family", Source: "Administration Guide: imported images use GeneralPurpose, MemoryOptimized, ComputeOptimized and Accelerated; API Reference, Image: SupportedInstanceFamilies",
		Says: "An image runs on instance types of its own family.",
		Answer: "The combination of instance type stream.graphics-design.xlarge and image instance family null is not supported. " +
			"Select an image that belongs to image instance family supported by this instance type.",
	},
	{
		ID: "as-image-state", Source: "answers of the service, in public issues",
		Says:   "Only an AVAILABLE image can be used.",
		Answer: "The image AppStream-WinServer2012R2-07-19-2021 is DEPRECATED. The image must be in an AVAILABLE state for this action to succeed.",
	},
	{
		ID: "as-image-own", Source: "Administration Guide: only an account's own images are shared, copied, updated and exported",
		Says: "An image that is shared, copied, updated or exported belongs to the account.",
	},
	{
		ID: "as-image-shared", Source: "Administration Guide: sharing images; API Reference, DescribeImages",
		Says: "Another account's image is named by its ARN, and used for what that account allows.",
	},
	{
		ID: "as-image-builder", Source: "API Reference, Image: ImageBuilderSupported",
		Says: "Only an image that supports image builders can be the base of one.",
	},
	{
		ID: "as-image-platform", Source: "Administration Guide: export of Windows Server 2022 and 2025, managed updates, licence-included applications",
		Says: "An image's operating system is one that the operation is for.",
	},
	{
		ID: "as-image-agent", Source: "API Reference, CreateImageBuilder and CreateFleet: DisableIMDSV1 needs an image with an agent of January 16, 2024 or later",
		Says: "An image's agent is one that the settings work with.",
	},
}

// A streamUse is a call and the image that it names.
type streamUse struct {
	op    string
	in    map[string]any
	image map[string]any // as DescribeImages tells of it
	found []Finding
}

// imageMembers are the members that name an image, by operation.
var imageMembers = map[string][]string{
	"CreateImageBuilder": {"ImageName", "ImageArn"}, "CreateFleet": {"ImageName", "ImageArn"}, "UpdateFleet": {"ImageName", "ImageArn"},
	"CopyImage": {"SourceImageName"}, "CreateUpdatedImage": {"existingImageName"}, "CreateExportImageTask": {"ImageName"}, "UpdateImagePermissions": {"Name"},
}

// StreamImageMembers are the members of an operation's input that name an AppStream image: names first, ARNs behind them.
func StreamImageMembers(op string) []string { return imageMembers[op] }

// CheckStreamImage returns what AppStream refuses of a call because of the image that it names. Check has judged the call
// itself.
func CheckStreamImage(op string, in, image map[string]any) []Finding {
	u := &streamUse{op: op, in: in, image: image}
	for _, judge := range []func(*streamUse){(*streamUse).state, (*streamUse).own, (*streamUse).shared, (*streamUse).builder, (*streamUse).family, (*streamUse).platform, (*streamUse).agent} {
		if judge(u); len(u.found) > 0 {
			break // the first says what to change before anything else matters
		}
	}
	return u.found
}

// wrong reports a finding at the first of the members that the input has.
func (u *streamUse) wrong(id, code, detail, advice string, members ...string) {
	path := ""
	for _, m := range members {
		if present(u.in[m]) && path == "" {
			path = m
		}
	}
	rule, _ := Get(id)
	u.found = append(u.found, Finding{Finding: awsmodel.Finding{Path: path, Code: code, Message: detail, Advice: advice}, Rule: &rule})
}

func (u *streamUse) name() string { return awsmodel.Printable(text(u.image["Name"])) }

func (u *streamUse) named() []string { return imageMembers[u.op] }

func (u *streamUse) state() {
	if s := text(u.image["State"]); s != "" && s != "AVAILABLE" {
		u.wrong("as-image-state", "ResourceNotAvailableException", "Image "+u.name()+" is "+awsmodel.Printable(s)+", and only one that is AVAILABLE can be used",
			"Wait until it is, or name another one.", u.named()...)
	}
}

// own: what is done to an image, and not with it, its owner alone can do.
func (u *streamUse) own() {
	if slices.Contains(u.named(), "ImageArn") {
		return
	}
	if v := text(u.image["Visibility"]); v == "PUBLIC" || v == "SHARED" {
		whose := "one of AWS's own"
		if v == "SHARED" {
			whose = "another account's"
		}
		u.wrong("as-image-own", codeCombination, "Image "+u.name()+" is "+whose+", and only an account's own images can be shared, copied, updated and exported",
			"Name an image of this account.", u.named()...)
	}
}

func (u *streamUse) shared() {
	if text(u.image["Visibility"]) != "SHARED" {
		return
	}
	if present(u.in["ImageName"]) {
		u.wrong("as-image-shared", "ResourceNotFoundException", "Image "+u.name()+" is another account's, and AppStream finds such images by their ARN alone",
			`Write image_arn = "`+awsmodel.Printable(text(u.image["Arn"]))+`" instead.`, "ImageName")
		return
	}
	what, member := "fleets", "allowFleet"
	if u.op == "CreateImageBuilder" {
		what, member = "image builders", "allowImageBuilder"
	}
	if allowed := object(u.image["ImagePermissions"]); allowed != nil && allowed[member] != true {
		u.wrong("as-image-shared", "ResourceNotFoundException", "Image "+u.name()+" is shared with this account, but not for "+what,
			"Have its owner allow it: imagebuild appstream share.", "ImageArn")
	}
}

func (u *streamUse) builder() {
	if u.op == "CreateImageBuilder" && u.image["ImageBuilderSupported"] == false {
		u.wrong("as-image-builder", "IncompatibleImageException", "Image "+u.name()+" does not support image builders", "Start from another one.", u.named()...)
	}
}

// The types that an image's ImageType has.
const (
	NativeImage = "NATIVE" // of one of AppStream's own
	CustomImage = "CUSTOM" // imported from an AMI
)

func (u *streamUse) family() {
	typ := text(u.in["InstanceType"])
	detail, advice := FamilyMistake(u.name(), text(u.image["ImageType"]), typ)
	if detail == "" && !supports(u.image, typ) {
		detail = "Image " + u.name() + " does not run on " + awsmodel.Printable(typ)
		advice = "It supports " + strings.Join(families(u.image), ", ") + "."
	}
	if detail != "" {
		u.wrong("as-image-family", codeCombination, detail, advice, "InstanceType")
	}
}

// FamilyMistake is why an image of a type does not run on an instance type, and what to write instead; "" where it does, or
// where nothing is known. name is "" for an image that has none yet.
func FamilyMistake(name, imageType, instanceType string) (detail, advice string) {
	who := "The image"
	if name != "" {
		who = "Image " + name
	}
	family, _, _ := strings.Cut(instanceType, ".")
	switch {
	case instanceType == "":
	case imageType == CustomImage && family == "stream":
		return who + " is imported from an AMI, and such images don't run on " + awsmodel.Printable(instanceType),
			"Write a type of " + strings.Join(customFamilies[:3], ", ") + " or " + customFamilies[3] + ", such as GeneralPurpose.t3.large."
	case imageType == NativeImage && family != "stream":
		return who + " comes from one of AppStream's own, which run on stream.* machines, not on " + awsmodel.Printable(instanceType),
			"Write a type such as stream.standard.large."
	}
	return "", ""
}

func families(image map[string]any) []string {
	var out []string
	for _, f := range entries(image["SupportedInstanceFamilies"]) {
		out = append(out, awsmodel.Printable(text(f)))
	}
	return out
}

// supports says whether an image runs on a type of machine; AWS does not tell of every image.
func supports(image map[string]any, instanceType string) bool {
	all := families(image)
	if len(all) == 0 || instanceType == "" {
		return true
	}
	plain := func(s string) string {
		return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(strings.TrimPrefix(s, "stream.")))
	}
	kind := plain(instanceType)
	return slices.ContainsFunc(all, func(f string) bool {
		f = strings.TrimSuffix(plain(f), "_")
		return kind == f || strings.HasPrefix(kind, f+"_")
	})
}

// updatable begin the operating systems that managed updates are for, exported those that can be exported to an AMI, newest
// those that licence-included software of 2024 runs on.
var (
	updatable = []string{"WINDOWS", "RHEL", "ROCKY_LINUX"}
	exported  = []string{"WINDOWS_SERVER_2022", "WINDOWS_SERVER_2025"}
	newest    = []string{"WINDOWS_SERVER_2022", "WINDOWS_SERVER_2025"}
)

func (u *streamUse) platform() {
	platform := text(u.image["Platform"])
	of := func(list []string) bool {
		return platform == "" || slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(platform, p) })
	}
	runs := "Image " + u.name() + " is of " + awsmodel.Printable(platform)
	switch {
	case u.op == "CreateUpdatedImage" && !of(updatable):
		u.wrong("as-image-platform", "IncompatibleImageException", runs+", and managed updates are for Windows, RHEL and Rocky Linux", "Make a new image instead.", u.named()...)
	case u.op == "CreateExportImageTask" && !of(exported):
		u.wrong("as-image-platform", "OperationNotPermittedException", runs+", and only Windows Server 2022 and 2025 can be exported", "Name another image.", u.named()...)
	case u.op == "CreateImageBuilder" && !of(newest):
		for _, s := range entries(u.in["SoftwaresToInstall"]) {
			if strings.Contains(text(s), "2024") {
				u.wrong("as-image-platform", "IncompatibleImageException", awsmodel.Printable(text(s))+" needs Windows Server 2022 or 2025, and "+strings.ToLower(runs[:1])+runs[1:], "Start from another image.", "SoftwaresToInstall")
				return
			}
		}
	}
}

func (u *streamUse) agent() {
	const member = "DisableIMDSV1"
	have, err := time.Parse(agentDate, text(u.image["AppstreamAgentVersion"]))
	if err != nil || u.in[member] != true { // AWS doesn't tell the agent of every image
		return
	}
	if first := firstAgents[member]; have.Before(first) {
		u.wrong("as-image-agent", "IncompatibleImageException", "Image "+u.name()+" has an agent of "+have.Format(agentDate)+", and IMDSv1 can be disabled only with one of "+first.Format(agentDate)+" or later",
			"Update the image, name a newer one, or remove disable_imdsv1.", member)
	}
}
