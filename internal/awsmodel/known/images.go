package known

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed images.json
var imagesJSON []byte

// An Image is a managed image of Image Builder: a base image that AWS keeps current (aws-cdk, imagebuilder-alpha,
// amazon-managed-image.ts; User Guide, "Supported operating systems").
type Image struct {
	Name         string `json:"name"`         // as it stands in ARNs: "amazon-linux-2023-x86"
	Platform     string `json:"platform"`     // Linux, Windows or macOS
	OS           string `json:"os"`           // as Image Builder names it: "Amazon Linux 2023"
	Architecture string `json:"architecture"` // as EC2 names it: x86_64, arm64, x86_64_mac, arm64_mac
	Type         string `json:"type"`         // DOCKER for a container image; "" for an AMI
	// RootDevice is the device name of the root volume, "" for a container image.
	RootDevice string `json:"rootDevice"`
}

var images = sync.OnceValue(func() []Image {
	var list []Image
	decode("images.json", imagesJSON, &list)
	return list
})

// Images returns the managed images known on [Date], sorted by name. The list is shared and must not be changed.
func Images() []Image { return images() }

// ImageNamed returns the managed image of this name; false for one that isn't in the list.
func ImageNamed(name string) (Image, bool) {
	list := Images()
	i, ok := slices.BinarySearchFunc(list, name, func(c Image, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return Image{}, false
	}
	return list[i], true
}
