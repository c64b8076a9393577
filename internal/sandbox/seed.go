package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// A managedImage is one of the base images AWS offers, in Image Builder, EC2 and SSM alike.
type managedImage struct {
	image    string // the name in Image Builder; "" where it has none
	platform string
	os       string // Image Builder's osVersion
	ami      string // the AMI's name; a date follows
	owner    string
	alias    string
	arch     string
	ssm      []string // public parameters that hold the AMI's id
}

// hardwareOf is how an AMI of this name boots.
func hardwareOf(name string) hardware {
	if strings.HasPrefix(name, "TPM-") {
		return hardware{BootMode: "uefi", TPM: "v2.0"}
	}
	return hardware{}
}

// managedImages are a choice of what AWS offers; owners are the publishers' real account ids.
func managedImages() []managedImage {
	const (
		al     = "/aws/service/ami-amazon-linux-latest/"
		ubuntu = "/aws/service/canonical/ubuntu/server/"
		win    = "/aws/service/ami-windows-latest/"
		amazon = "137112412989"
		canon  = "099720109477"
		msft   = "801119661308"
		mac    = "628277914472"
		debian = "136693071363"
	)
	return []managedImage{
		{
			"amazon-linux-2023-x86", "Linux", "Amazon Linux 2023", "al2023-ami-2023.9.%s.0-kernel-6.1-x86_64", amazon, "amazon", "x86_64",
			[]string{al + "al2023-ami-kernel-default-x86_64", al + "al2023-ami-kernel-6.1-x86_64"},
		},
		{
			"amazon-linux-2023-arm64", "Linux", "Amazon Linux 2023", "al2023-ami-2023.9.%s.0-kernel-6.1-arm64", amazon, "amazon", "arm64",
			[]string{al + "al2023-ami-kernel-default-arm64", al + "al2023-ami-kernel-6.1-arm64"},
		},
		{
			"", "Linux", "Amazon Linux 2023", "al2023-ami-minimal-2023.9.%s.0-kernel-6.1-x86_64", amazon, "amazon", "x86_64",
			[]string{al + "al2023-ami-minimal-kernel-default-x86_64"},
		},
		{
			"amazon-linux-2-x86", "Linux", "Amazon Linux 2", "amzn2-ami-hvm-2.0.%s.0-x86_64-gp2", amazon, "amazon", "x86_64",
			[]string{al + "amzn2-ami-hvm-x86_64-gp2"},
		},
		{
			"amazon-linux-2-arm64", "Linux", "Amazon Linux 2", "amzn2-ami-hvm-2.0.%s.0-arm64-gp2", amazon, "amazon", "arm64",
			[]string{al + "amzn2-ami-hvm-arm64-gp2"},
		},
		{
			"ubuntu-server-22-lts-x86", "Linux", "Ubuntu 22", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-%s", canon, "", "x86_64",
			[]string{ubuntu + "22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"},
		},
		{
			"ubuntu-server-22-lts-arm64", "Linux", "Ubuntu 22", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-%s", canon, "", "arm64",
			[]string{ubuntu + "22.04/stable/current/arm64/hvm/ebs-gp2/ami-id"},
		},
		{
			"ubuntu-server-24-lts-x86", "Linux", "Ubuntu 24", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-%s", canon, "", "x86_64",
			[]string{ubuntu + "24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"},
		},
		{
			"ubuntu-server-24-lts-arm64", "Linux", "Ubuntu 24", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-%s", canon, "", "arm64",
			[]string{ubuntu + "24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"},
		},
		{"", "Linux", "Debian 12", "debian-12-amd64-%s-2100", debian, "", "x86_64", []string{"/aws/service/debian/release/12/latest/amd64"}},
		{
			"windows-server-2019-english-full-base-x86", "Windows", "Microsoft Windows Server 2019", "Windows_Server-2019-English-Full-Base-%s", msft, "amazon", "x86_64",
			[]string{win + "Windows_Server-2019-English-Full-Base"},
		},
		{
			"windows-server-2022-english-full-base-x86", "Windows", "Microsoft Windows Server 2022", "Windows_Server-2022-English-Full-Base-%s", msft, "amazon", "x86_64",
			[]string{win + "Windows_Server-2022-English-Full-Base"},
		},
		{
			"windows-server-2022-english-core-base-x86", "Windows", "Microsoft Windows Server 2022", "Windows_Server-2022-English-Core-Base-%s", msft, "amazon", "x86_64",
			[]string{win + "Windows_Server-2022-English-Core-Base"},
		},
		{
			"windows-server-2025-english-full-base-x86", "Windows", "Microsoft Windows Server 2025", "Windows_Server-2025-English-Full-Base-%s", msft, "amazon", "x86_64",
			[]string{win + "Windows_Server-2025-English-Full-Base"},
		},
		{
			"", "Windows", "Microsoft Windows Server 2022", "TPM-Windows_Server-2022-English-Full-Base-%s", msft, "amazon", "x86_64",
			[]string{win + "TPM-Windows_Server-2022-English-Full-Base"},
		},
		{
			"", "Windows", "Microsoft Windows Server 2025", "TPM-Windows_Server-2025-English-Full-Base-%s", msft, "amazon", "x86_64",
			[]string{win + "TPM-Windows_Server-2025-English-Full-Base"},
		},
		{
			"macos-sequoia-arm64", "macOS", "macOS 15", "amzn-ec2-macos-15.6-%s-arm64", mac, "amazon", "arm64_mac",
			[]string{"/aws/service/ec2-macos/sequoia/arm64_mac/latest/image_id"},
		},
	}
}

// releases are the dates of the seeded images' two versions, oldest first, so that "the most
// recent" means something.
func releases() []time.Time {
	return []time.Time{time.Date(2026, 7, 8, 0, 0, 0, 0, time.UTC), time.Date(2026, 9, 9, 0, 0, 0, 0, time.UTC)}
}

// seedRegion shows AWS's managed things in a region. The caller holds the database's lock.
func (ib *imageBuilder) seedRegion(region string) {
	if ib.db.seeded[region] {
		return
	}
	ib.db.seeded[region] = true
	for _, m := range managedImages() {
		for i, date := range releases() {
			ib.seedImage(region, m, date, i == len(releases())-1)
		}
	}
	ib.seedComponents(region)
	ib.seedJobKey(region)
	for _, w := range []struct{ typ, name string }{
		{"build", "build-image"},
		{"build", "express-build-image"},
		{"build", "build-container"},
		{"build", "express-build-container"},
		{"test", "test-image"},
		{"test", "express-test-image"},
		{"test", "test-container"},
		{"distribution", "distribute-container"},
	} {
		ib.seedVersion(region, "workflow/"+w.typ+"/"+w.name, version{1, 0, 0}, object{
			"name": w.name, "type": strings.ToUpper(w.typ), "state": object{"status": "ACTIVE"},
		})
	}
}

func (ib *imageBuilder) seedImage(region string, m managedImage, date time.Time, newest bool) {
	name := strings.ReplaceAll(m.ami, "%s", date.Format("20060102"))
	sum := sha256.Sum256([]byte(region + name))
	a := &ami{
		ID: "ami-" + hex.EncodeToString(sum[:])[:17], Region: region, Owner: m.owner, Alias: m.alias, Name: name,
		Description: m.os, Platform: m.platform, OS: m.os, Architecture: m.arch, Created: date, Public: true,
		hardware: hardwareOf(name),
	}
	ib.db.amis.show(region+"/"+a.ID, a)
	if newest {
		for _, p := range m.ssm {
			ib.db.parameters.show(region+"/"+p, &parameter{
				Name: p, Region: region, Type: "String", Value: a.ID, DataType: "aws:ec2:image", Version: 2, Modified: date,
			})
		}
	}
	if m.image == "" {
		return
	}
	v := version{int64(date.Year()), int64(date.Month()), int64(date.Day())}
	ib.seedVersion(region, "image/"+m.image, v, object{
		"name": m.image, "platform": m.platform, "osVersion": m.os, "type": "AMI", "imageSource": "AMAZON_MANAGED",
		"version": v.String() + "/1", "dateCreated": isoTime(date), "state": object{"status": "AVAILABLE"},
		"outputResources": object{"amis": []any{object{"region": region, "image": a.ID, "name": a.Name, "accountId": a.Owner}}},
	})
}

// seedVersion shows build 1 of a managed version.
func (ib *imageBuilder) seedVersion(region, resourcePart string, v version, body object) {
	r := &resource{
		ARN:     arnPrefix(region, "aws") + resourcePart + "/" + v.String() + "/1",
		Version: v, Build: 1, Created: releases()[0], Body: body,
	}
	defaults := object{"arn": r.ARN, "owner": "Amazon", "version": v.String(), "dateCreated": isoTime(r.Created)}
	r.Body = with(defaults, body)
	ib.db.seed(r)
}
