package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// fits refuses instance types that the image cannot be run on, or that the account's quota does not allow.
func (a *appStream) fits(c *call, img *streamResource) error {
	typ := text(c.in, "InstanceType")
	family, graphics := instanceFamily(typ)
	custom := text(img.Body, "ImageType") == "CUSTOM"
	if custom == strings.HasPrefix(typ, "stream.") {
		return notTogether(typ, text(img.Body, "ImageType"))
	}
	supported := texts(img.Body, "SupportedInstanceFamilies")
	switch {
	case len(supported) > 0 && !slices.Contains(supported, family):
		return notTogether(typ, strings.Join(supported, ","))
	case graphics && len(supported) == 0 && !custom, retired(family):
		return notTogether(typ, "null")
	}
	if size := number(0, c.in, "RootVolumeConfig", "VolumeSizeInGb"); size != 0 && (size < 200 || size > 500 || size < img.VolumeGB) {
		return fail("InvalidParameterCombinationException", "The root volume must have 200 to 500 GB and not less than the image's %d GB.", max(200, img.VolumeGB))
	}
	if flag(false, c.in, "DisableIMDSV1") && agentDate(text(img.Body, "AppstreamAgentVersion")).Before(time.Date(2024, 1, 16, 0, 0, 0, 0, time.UTC)) {
		return fail("IncompatibleImageException", "DisableIMDSV1 needs an image with an agent of 01-16-2024 or later.")
	}
	return nil
}

// instanceQuota is AWS's default number of builders of an instance type that are not stopped.
func instanceQuota(typ string) int {
	family, graphics := instanceFamily(typ)
	size := typ[strings.LastIndex(typ, ".")+1:]
	general := family == "STANDARD" || strings.HasPrefix(typ, "GeneralPurpose.")
	switch {
	case graphics:
		return 0
	case general && slices.Contains([]string{"small", "medium", "large"}, size):
		return 5
	case general && slices.Contains([]string{"xlarge", "2xlarge"}, size), slices.Contains([]string{"large", "xlarge"}, size):
		return 3
	}
	return 0
}

func notTogether(typ, family string) error {
	return fail("InvalidParameterCombinationException",
		"The combination of instance type %s and image instance family %s is not supported. Select an image that belongs to image instance family supported by this instance type.", typ, family)
}

// running counts the builders of an instance type that are not stopped.
func (a *appStream) running(c *call, typ string) int {
	n := 0
	for _, r := range a.all(c.region, c.account, kindBuilder) {
		if text(r.Body, "InstanceType") == typ && r.state() != "STOPPED" {
			n++
		}
	}
	return n
}

// instanceFamily is the family as images list it, and whether it has a graphics processor:
// stream.graphics.g4dn.xlarge is GRAPHICS_G4DN.
func instanceFamily(typ string) (family string, graphics bool) {
	p := strings.Split(typ, ".")
	if len(p) < 3 {
		return typ, false
	}
	middle := strings.Join(p[1:len(p)-1], "_")
	graphics = strings.HasPrefix(middle, "graphics") || p[0] == "Accelerated"
	return strings.ToUpper(strings.ReplaceAll(middle, "-", "_")), graphics
}

// retired are the families that the service gave up.
func retired(family string) bool {
	return family == "GRAPHICS_PRO" || family == "GRAPHICS_DESIGN"
}

// agentDate reads an agent's release, MM-DD-YYYY; the zero time for what is none.
func agentDate(version string) time.Time {
	t, err := time.Parse("01-02-2006", version)
	if err != nil {
		return time.Time{}
	}
	return t
}

// network is a network interface with an address of its own on loopback. Several sandboxes may run on one
// machine, so it is drawn, not counted.
func network() object {
	b := make([]byte, 11)
	_, _ = rand.Read(b) // never fails, as its documentation says
	return object{
		"EniId":               "eni-" + hex.EncodeToString(b[3:])[:16] + "0",
		"EniPrivateIpAddress": fmt.Sprintf("127.%d.%d.%d", 64+int(b[0])%160, b[1], 1+int(b[2])%254),
	}
}

// streamingURL is a link as the service gives it; behind it is nothing.
func streamingURL(c *call) (object, error) {
	validity := number(3600, c.in, "Validity")
	if validity < 1 || validity > 604800 {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'Validity' failed to satisfy constraint: It must be from 1 to 604800")
	}
	return object{
		"StreamingURL": "https://appstream2." + c.region + ".aws.amazon.com/authenticate?parameters=" + c.id,
		"Expires":      streamTime(c.now.Add(time.Duration(validity) * time.Second)),
	}, nil
}
