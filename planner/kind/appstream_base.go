package kind

import (
	"encoding/json"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// BaseImageQuestion begins the look-up of an image to start a builder from; a BaseImage as JSON follows.
const BaseImageQuestion = "appstream-image:"

// A BaseImage is a question for an AppStream image, and what it must go with.
type BaseImage struct {
	Name   string `json:"name,omitempty"`
	ARN    string `json:"arn,omitempty"`
	Prefix string `json:"prefix,omitempty"` // of a name: the newest by date is meant
	Pin    string `json:"pin,omitempty"`    // the name that is taken instead
	// InstanceType, Software and DisableIMDSV1 are what the image must support.
	InstanceType  string `json:"instance_type,omitempty"`
	Software      []any  `json:"software,omitempty"`
	DisableIMDSV1 bool   `json:"disable_imdsv1,omitempty"`
	// Own means the account's own images alone; the answer is then a name, and otherwise an ARN.
	Own    bool   `json:"own,omitempty"`
	Except string `json:"except,omitempty"` // a name that is not meant
}

// ask puts a look-up in the place of a member.
func (l *Lowered) ask(member string, q BaseImage) {
	asked, err := json.Marshal(q)
	if err != nil {
		l.fail(l.Ranges[member], "Image not clear", err.Error())
		return
	}
	l.Input[member] = planner.Question(BaseImageQuestion + string(asked))
}

// baseImage turns base_image into the member ImageArn: a reference, or a look-up, since shared images are known by
// their ARN alone.
func (l *Lowered) baseImage(body *dsl.Body) {
	v, ok := body.Attr("base_image")
	pin, pinned := body.Attr("pin")
	if !ok {
		if pinned {
			l.fail(pin.Range, "Nothing to pin", "pin stands in for the newest image of base_image. Write base_image = \"AppStream-WinServer2022-\".")
		}
		return
	}
	for _, m := range []string{"ImageArn", "ImageName"} {
		if at, given := l.Ranges[m]; given {
			l.fail(at, "Argument given twice", "base_image says which image to start from too. Keep one of the two.")
			return
		}
	}
	l.mark("ImageArn", v)
	switch base := v.V.(type) {
	case dsl.Ref:
		if !strings.HasPrefix(base.Type, "data.") {
			base = base.Of("arn")
		}
		l.Input["ImageArn"] = base
	case string:
		q := BaseImage{}
		q.InstanceType, _ = l.Input["InstanceType"].(string)
		q.Software, _ = l.Input["SoftwaresToInstall"].([]any)
		q.DisableIMDSV1, _ = l.Input["DisableIMDSV1"].(bool)
		switch {
		case strings.HasPrefix(base, "arn:"):
			q.ARN = base
		case strings.HasSuffix(base, "*"), strings.HasSuffix(base, "-"):
			q.Prefix = strings.TrimSuffix(base, "*")
			q.Pin, _ = pin.V.(string)
		default:
			q.Name = base
		}
		if pinned && q.Prefix == "" {
			l.fail(pin.Range, "Nothing to pin", "base_image names one image already. Write the beginning of a name there, such as \"AppStream-WinServer2022-\", or remove pin.")
		}
		l.ask("ImageArn", q)
	}
}

// basePlatform is what the name of a base image tells, Windows where it tells nothing.
func basePlatform(body *dsl.Body) string {
	for _, name := range []string{"platform", "base_image", "image_name", "image_arn"} {
		v, _ := body.Attr(name)
		text, _ := v.V.(string)
		for _, system := range []string{"RHEL", "RockyLinux", "Ubuntu", "AmazonLinux", "Linux"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(system)) {
				return linux
			}
		}
	}
	return windows
}
