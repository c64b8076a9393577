package rules

import (
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// maxImport is how large the root volume of an AMI may be that AppStream imports, in GiB.
const maxImport = 500

// CheckSourceImage returns what keeps AppStream from importing an AMI, as far as EC2's DescribeImages tells of it. account
// is the caller's (AppStream 2.0 Administration Guide, "Import your own image": requirements of the AMI).
func CheckSourceImage(image map[string]any, account string) []awsmodel.Finding {
	c := sourceChecker{image: image}
	if owner := text(image["OwnerId"]); owner != account && account != "" {
		c.refuse("OwnerId", "it belongs to account "+owner, "Copy it to account "+account+" first: an image that is shared or public is not imported.")
	}
	c.must("State", "available", "Wait until it is.")
	c.must("Architecture", "x86_64", "AppStream runs 64-bit x86 alone.")
	c.must("VirtualizationType", "hvm", "Start from an image of that type.")
	c.must("ImageType", "machine", "Name a machine image.")
	c.must("Platform", "windows", "Linux is not imported; make the image on an image builder.")
	c.must("PlatformDetails", "Windows", "Images with SQL Server are not imported: start from a plain Windows Server.")
	c.must("BootMode", "uefi", "Start from one of AWS's images whose name begins with TPM-Windows_Server-2022 or -2025.")
	c.must("TpmSupport", "v2.0", "Start from one of AWS's images whose name begins with TPM-Windows_Server-2022 or -2025.")
	c.must("RootDeviceName", "/dev/sda1", "Start from one of AWS's images of Windows Server.")
	if image["EnaSupport"] != true {
		c.refuse("EnaSupport", "it has no enhanced networking (ENA)", "Install the ENA driver 2.9.0 or newer before the image is made.")
	}
	c.volumes()
	return c.found
}

type sourceChecker struct {
	image map[string]any
	found []awsmodel.Finding
}

func (c *sourceChecker) refuse(path, detail, advice string) {
	c.found = append(c.found, awsmodel.Finding{
		Path: path, Code: "IncompatibleImageException", Message: detail, Advice: advice,
	})
}

func (c *sourceChecker) must(member, want, advice string) {
	have := text(c.image[member])
	if strings.EqualFold(have, want) && (member != "PlatformDetails" || have == want) {
		return
	}
	if have == "" {
		have = "not set"
	}
	c.refuse(member, member+" is "+have+" and must be "+want, advice)
}

// volumes: one, unencrypted, of a general purpose type, and not too large.
func (c *sourceChecker) volumes() {
	n := 0
	for i, e := range entries(c.image["BlockDeviceMappings"]) {
		ebs, ok := object(e)["Ebs"].(map[string]any)
		if !ok {
			continue
		}
		n++
		at := "BlockDeviceMappings" + index(i) + ".Ebs"
		if ebs["Encrypted"] == true {
			c.refuse(at+".Encrypted", "its volume is encrypted", "Nothing takes the encryption away from an image: build it without, in an account and region where EBS encryption by default is off, and without a kmsKeyId in its distribution.")
		}
		if typ := text(ebs["VolumeType"]); typ != "gp2" && typ != "gp3" {
			c.refuse(at+".VolumeType", "its volume is of type "+typ, "Build it with gp3.")
		}
		if size, given := awsmodel.ToNumber(ebs["VolumeSize"]); given && size > maxImport {
			c.refuse(at+".VolumeSize", "its volume has "+strconv.Itoa(int(size))+" GiB and may have 500", "Build it with a smaller one.")
		}
	}
	if n != 1 {
		c.refuse("BlockDeviceMappings", "it has "+strconv.Itoa(n)+" EBS volumes", "An image that is imported has exactly one.")
	}
}
