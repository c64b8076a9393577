package kind

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// An ebsDevice is a block device mapping: Packer's of the instance, of the AMI, or both.
type ebsDevice struct {
	at    hcl.Range
	attrs map[string]dsl.Value
}

func (d *ebsDevice) text(name string) string {
	s, _ := d.attrs[name].V.(string)
	return s
}

func (d *ebsDevice) number(name string) (float64, bool) {
	switch n := d.attrs[name].V.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// removed and ephemeral devices have no volume.
func (d *ebsDevice) removed() bool { return d.attrs["no_device"].V == true }

func (d *ebsDevice) ephemeral() bool {
	return d.attrs["virtual_name"].V != nil && d.text("virtual_name") != ""
}

// volumeArguments are what a mapping says of its volume.
var volumeArguments = []string{"volume_size", "volume_type", "iops", "throughput", "encrypted", "kms_key_id", "snapshot_id", "delete_on_termination"}

// devices turns the volumes of the machine and of the AMI into the recipe's. Image Builder has one list for both.
func (t *ebs) devices() {
	var all []*ebsDevice
	for _, n := range t.body.Of("launch_block_device_mappings") {
		if d := t.device(n); d != nil {
			all = append(all, d)
		}
	}
	launched := len(all)
	for _, n := range t.body.Of("ami_block_device_mappings") {
		d := t.device(n)
		if d == nil {
			continue
		}
		i := slices.IndexFunc(all[:launched], func(l *ebsDevice) bool { return l.attrs["device_name"].V == d.attrs["device_name"].V })
		if i < 0 {
			all = append(all, d)
			continue
		}
		all[i] = t.merge(all[i], d)
	}
	encrypt, root := t.truth("encrypt_boot"), false
	for _, d := range all {
		name := strings.TrimPrefix(d.text("device_name"), "/dev/")
		volume := !d.removed() && !d.ephemeral()
		root = root || volume && slices.Contains([]string{"sda1", "xvda", "sda"}, name)
		if encrypt && volume {
			t.encrypt(d)
		}
		t.block(t.mappingOf(d))
	}
	if encrypt && !root {
		t.rule("pk-encrypt-boot-device", t.body.At("encrypt_boot"), "encrypt_boot encrypts the root volume, and Image Builder encrypts mapped devices alone. "+
			"Add launch_block_device_mappings { device_name = \"/dev/xvda\" }, or \"/dev/sda1\" where that is the root device.")
	}
}

// encrypt encrypts a volume with the key of the region that is built in.
func (t *ebs) encrypt(d *ebsDevice) {
	d.attrs["encrypted"] = dsl.Value{V: true, Range: t.body.At("encrypt_boot")}
	key, given := t.body.Attr("kms_key_id")
	if !given || key.V == "" {
		k := t.mapping("region_kms_key_ids")[t.built()]
		key = dsl.Value{Range: k.at}
		if k.s != "" {
			key.V = k.s
		}
	}
	own, named := d.attrs["kms_key_id"]
	if key.V == nil {
		return
	}
	if named && own.V != nil && own.V != "" && own.V != key.V {
		t.rule("pk-device-unused", own.Range, "The key of encrypt_boot encrypts all volumes of the AMI, so kms_key_id of %s is not used.", d.text("device_name"))
	}
	d.attrs["kms_key_id"] = key
}

// merge is what the instance's and the AMI's mapping of one device come to. Where they differ, the AMI's holds.
func (t *ebs) merge(launch, ami *ebsDevice) *ebsDevice {
	out := &ebsDevice{at: ami.at, attrs: maps.Clone(launch.attrs)}
	if launch.removed() || ami.removed() || launch.ephemeral() || ami.ephemeral() {
		out.attrs = map[string]dsl.Value{}
	} else if typ := ami.attrs["volume_type"].V; typ != nil && typ != launch.attrs["volume_type"].V {
		delete(out.attrs, "iops") // they are of the other type
		delete(out.attrs, "throughput")
	}
	for name, v := range ami.attrs {
		if v.V != nil {
			out.attrs[name] = v
		}
	}
	var differ []string
	for _, name := range sortedKeys(launch.attrs) {
		if was, is := launch.attrs[name].V, out.attrs[name].V; was != nil && was != is {
			said := fmt.Sprintf("%s = %v is not used", name, was)
			if is != nil {
				said = fmt.Sprintf("%s is %v, not %v", name, is, was)
			}
			differ = append(differ, said)
		}
	}
	if len(differ) > 0 {
		t.rule("pk-device-merged", ami.at, "Image Builder has one mapping of %s for the build instance and the AMI. ami_block_device_mappings is used, over launch_block_device_mappings: %s.",
			out.text("device_name"), strings.Join(differ, ", "))
	}
	return out
}

// mappingOf is the recipe's mapping of a device, with what Packer sends of it.
func (t *ebs) mappingOf(d *ebsDevice) *dsl.Nested {
	m := nestedBlock("block_device_mapping", d.at, map[string]dsl.Value{"device_name": d.attrs["device_name"]})
	volume := map[string]dsl.Value{}
	var unused []string
	for _, name := range volumeArguments {
		switch v := d.attrs[name]; {
		case v.V == nil || v.V == "":
		case d.removed() || d.ephemeral():
			unused = append(unused, name)
		case name == "iops" && t.noIOPS(d):
			unused = append(unused, name)
		default:
			volume[name] = v
		}
	}
	switch {
	case d.removed():
		m.Body.Attrs["no_device"] = dsl.Value{V: "", Range: d.attrs["no_device"].Range} // the only value AWS takes
		if d.ephemeral() {
			unused = append(unused, "virtual_name")
		}
	case d.ephemeral():
		m.Body.Attrs["virtual_name"] = d.attrs["virtual_name"]
	}
	if len(unused) > 0 {
		t.rule("pk-device-unused", d.at, "Packer doesn't send these arguments for a device like %s, and neither does imagebuild: %s. Remove them.", d.text("device_name"), strings.Join(unused, ", "))
	}
	if b := nestedBlock("ebs", d.at, volume); b != nil {
		m.Body.Blocks = append(m.Body.Blocks, b)
	}
	return m
}

// noIOPS says that a device's type takes no iops.
func (t *ebs) noIOPS(d *ebsDevice) bool {
	typ := d.attrs["volume_type"].V
	if _, late := typ.(dsl.Ref); late {
		return false
	}
	return !slices.Contains([]any{"io1", "io2", "gp3"}, typ)
}

// device reads a mapping and checks it as Packer does; nil for one that has no device.
func (t *ebs) device(n *dsl.Nested) *ebsDevice {
	d := &ebsDevice{at: n.Range, attrs: n.Body.Attrs}
	if v := d.attrs["device_name"].V; v == nil || v == "" {
		t.rule("pk-device-name", n.Range, "%s needs device_name: \"/dev/xvda\" or \"/dev/sda1\" for the root volume.", n.Type)
		return nil
	}
	d.attrs = maps.Clone(d.attrs)
	t.checkDevice(d)
	return d
}

func (t *ebs) checkDevice(d *ebsDevice) {
	name, typ := d.text("device_name"), d.text("volume_type")
	if v := d.attrs["kms_key_id"]; v.V != nil && v.V != "" && d.attrs["encrypted"].V == false {
		t.rule("pk-device-key", v.Range, "%s has a kms_key_id and encrypted = false. Write encrypted = true, or remove the key.", name)
	}
	size, _ := d.number("volume_size")
	iops, given := d.number("iops")
	at := d.attrs["iops"].Range
	ratio := map[string]float64{"io1": 50, "io2": 500}[typ]
	switch {
	case !given:
	case ratio > 0 && size > 0 && float64(int64(iops)/int64(max(size, 1))) > ratio:
		t.rule("pk-device-iops", at, "%s: %s has at most %v IOPS for each GiB, so at most %v for %v GiB.", name, typ, ratio, ratio*size, size)
	case ratio > 0 && size > 0 && (iops < 100 || iops > 64000):
		t.rule("pk-device-iops", at, "%s: iops must be 100 to 64000.", name)
	case typ == "gp3" && (iops < 3000 || iops > 16000):
		t.rule("pk-device-iops", at, "%s: iops of a gp3 volume must be 3000 to 16000.", name)
	}
	_, late := d.attrs["volume_type"].V.(dsl.Ref)
	if speed, given := d.number("throughput"); given && !late {
		at := d.attrs["throughput"].Range
		if typ != "gp3" {
			t.rule("pk-device-throughput", at, "%s: throughput is for gp3 volumes alone. Write volume_type = \"gp3\", or remove it.", name)
		} else if speed < 125 || speed > 1000 {
			t.rule("pk-device-throughput", at, "%s: throughput must be 125 to 1000.", name)
		}
	}
}
