package sandbox

import (
	"cmp"
	"slices"
)

// Hardware is what of an image's hardware AppStream asks about.
type hardware struct {
	BootMode, TPM string   `json:",omitempty"` // as EC2 says it: uefi, v2.0
	Volumes       []volume `json:",omitempty"` // the root first; none is one of the platform's usual kind
}

// A volume is one disk of a machine image.
type volume struct {
	Device, Type string
	GB           int64
	Encrypted    bool
}

// volumes are an image's disks, the root first.
func (a *ami) volumes() []volume {
	if len(a.Volumes) > 0 {
		return a.Volumes
	}
	if a.Platform == "Windows" {
		return []volume{{Device: "/dev/sda1", Type: "gp3", GB: 30}}
	}
	return []volume{{Device: "/dev/xvda", Type: "gp3", GB: 8}}
}

// root is an image's root disk.
func (a *ami) root() volume { return a.volumes()[0] }

// mapped are the disks of an image that a recipe makes of another's: the base's, changed and added to by the
// recipe's block device mappings.
func mapped(base *ami, mappings []any) []volume {
	out := append([]volume(nil), base.volumes()...)
	for _, m := range mappings {
		if at(m, "ebs") == nil {
			continue // an instance store, or a disk of the base's that is left out
		}
		device := text(m, "deviceName")
		i := slices.IndexFunc(out, func(v volume) bool { return v.Device == device })
		if i < 0 {
			i = len(out)
			out = append(out, volume{Device: device, Type: "gp3", GB: out[0].GB})
		}
		v := &out[i]
		v.Type = cmp.Or(text(m, "ebs", "volumeType"), v.Type)
		v.GB = number(v.GB, m, "ebs", "volumeSize")
		v.Encrypted = flag(v.Encrypted, m, "ebs", "encrypted")
	}
	return out
}

// encrypt has all disks of an image encrypted.
func (a *ami) encrypt() {
	a.Volumes = append([]volume(nil), a.volumes()...)
	for i := range a.Volumes {
		a.Volumes[i].Encrypted = true
	}
}
