package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// devices is where a recipe's block devices are, and volumes where their EBS volumes are.
var (
	devices = []site{{imageRecipe, "blockDeviceMappings[]"}, {containerRecipe, "instanceConfiguration.blockDeviceMappings[]"}}
	volumes = []site{{imageRecipe, "blockDeviceMappings[].ebs"}, {containerRecipe, "instanceConfiguration.blockDeviceMappings[].ebs"}}
)

// deviceRules hold for block devices (EC2 User Guide, "Block device mappings"; EBS User Guide, "Amazon EBS volume types").
var deviceRules = []Rule{
	{
		ID: "ib-device-name", Source: "EC2 API Reference, BlockDeviceMapping; hashicorp/packer#6138, aws-samples/cdk-image-pipeline#66",
		Answer: "InvalidBlockDeviceMapping: Missing device name",
		Says:   "A block device has a name.",
		on:     devices, judge: deviceNamed,
	},
	{
		ID: "ib-device-form", Source: "EC2 User Guide, device names for volumes: HVM; aws/aws-cli#1071, boto/boto#3821, test-kitchen/kitchen-ec2#279 (/dev/sda), spotinst/terraform-provider-spotinst#223 (/dev/xvda1)",
		Answer: "InvalidBlockDeviceMapping: Invalid device name /dev/sde1",
		Says:   "A device name is one that EC2 maps: /dev/sda1, /dev/sd[b-z], /dev/xvd[a-z] or /dev/xvd[a-d][a-z], without a partition's number.",
		on:     devices, judge: deviceForm,
	},
	{
		ID: "ib-device-once", Source: "EC2 API Reference, RunInstances: BlockDeviceMapping; hashicorp/terraform#7233",
		Answer: "InvalidBlockDeviceMapping: The device 'xvdb' is used in more than one block-device mapping",
		Says:   "A device name is mapped once.",
		on:     []site{{imageRecipe, "blockDeviceMappings"}, {containerRecipe, "instanceConfiguration.blockDeviceMappings"}}, judge: devicesOnce,
	},
	{
		ID: "ib-device-content", Severity: Warning, Source: "EC2 API Reference, BlockDeviceMapping: Ebs, NoDevice, VirtualName",
		Says: "A block device is one of an EBS volume, an instance store volume and none.",
		on:   devices, judge: deviceContent,
	},
	{
		ID: "ib-device-ephemeral", Source: "EC2 API Reference, BlockDeviceMapping: VirtualName",
		Says: "An instance store volume is called ephemeral0 to ephemeral23.",
		on:   []site{{imageRecipe, "blockDeviceMappings[].virtualName"}, {containerRecipe, "instanceConfiguration.blockDeviceMappings[].virtualName"}}, judge: ephemeralName,
	},
	{
		ID: "ib-ebs-key-unencrypted", Source: "EC2 API Reference, EbsBlockDevice: KmsKeyId; keithvassallomt/parsec-aws-automation#12 (RunInstances)",
		Answer: "InvalidParameterDependency: The parameter KmsKeyId requires the parameter Encrypted to be set.",
		Says:   "A volume with a key is encrypted.",
		on:     volumes, judge: keyOfUnencrypted,
	},
	{
		ID: "ib-ebs-throughput", Source: "EC2 API Reference, EbsBlockDevice: Throughput is valid for gp3 alone",
		Says: "Only gp3 volumes have a throughput.",
		on:   volumes, judge: throughputOfType,
	},
	{
		ID: "ib-ebs-throughput-ratio", Source: "EBS User Guide, General Purpose SSD volumes; hashicorp/terraform-provider-aws#25786, runs-on/runs-on#260",
		Answer: "Throughput (MiBps) to iops ratio of 0.333333 is too high; maximum is 0.250000 MiBps per iops",
		Says:   "A gp3 volume has at most 0.25 MiB/s of throughput for each of its iops.",
		on:     volumes, judge: throughputRatio,
	},
	{
		ID: "ib-ebs-iops", Source: "EC2 API Reference, EbsBlockDevice: Iops is valid for io1, io2 and gp3",
		Says: "Only io1, io2 and gp3 volumes have iops, and io1 and io2 need them.",
		on:   volumes, judge: iopsOfType,
	},
	{
		ID: "ib-ebs-iops-range", Source: "EC2 API Reference, EbsBlockDevice: Iops; kubernetes-sigs/aws-ebs-csi-driver#809 (CreateVolume)",
		Answer: "Volume iops of 50 is too low; minimum is 100.",
		Says:   "Iops are from 3,000 to 80,000 for gp3, from 100 to 64,000 for io1 and from 100 to 256,000 for io2.",
		on:     volumes, judge: iopsRange,
	},
	{
		ID: "ib-ebs-iops-ratio", Source: "EBS User Guide, volume types: iops for each GiB; rocicorp/mono#4410",
		Answer: "Iops to volume size ratio of 750.000000 is too high; maximum is 500",
		Says:   "A volume has at most 500 (gp3), 50 (io1) or 1,000 (io2) iops for each GiB.",
		on:     volumes, judge: iopsRatio,
	},
	{
		ID: "ib-ebs-size", Source: "EC2 API Reference, EbsBlockDevice: VolumeSize",
		Says: "A volume's size is within the bounds of its type.",
		on:   volumes, judge: sizeOfType,
	},
	{
		ID: "ib-ebs-snapshot-form", Source: "EC2 API Reference, EbsBlockDevice: SnapshotId; error codes: InvalidSnapshotID.Malformed",
		Says: "A snapshot is given by its ID.",
		on:   []site{{imageRecipe, "blockDeviceMappings[].ebs.snapshotId"}, {containerRecipe, "instanceConfiguration.blockDeviceMappings[].ebs.snapshotId"}}, judge: snapshotForm,
	},
	{
		ID: "ib-ebs-unencrypted-snapshot", Severity: Warning, Source: "EC2 API Reference, EbsBlockDevice: Encrypted can't be false where the snapshot is encrypted",
		Says: "A volume made from a snapshot leaves its encryption to the snapshot.",
		on:   volumes, judge: unencryptedSnapshot,
	},
	{
		ID: "ib-root-device", Severity: Warning, Source: "EC2 User Guide, root device volume: the name is the AMI's own; CloudSnorkel/cdk-github-runners#963",
		Says: "A root volume is mapped under the parent image's own root device name.",
		on:   on(build, "recipe.blockDeviceMappings[].deviceName"), judge: rootName,
	},
	{
		ID: "ib-root-type", Source: "EBS User Guide, HDD volumes: st1 and sc1 can't be boot volumes",
		Says: "The root volume is not of the type st1 or sc1.",
		on:   on(build, "recipe.blockDeviceMappings[]"), judge: rootType,
	},
	{
		ID: "ib-root-ebs", Source: "EC2 User Guide, root device volume: Image Builder starts from AMIs with an EBS root volume",
		Says: "The root device is an EBS volume.",
		on:   on(build, "recipe.blockDeviceMappings[]"), judge: rootEBS,
	},
	{
		ID: "ib-root-size", Severity: Warning, Source: "EC2 API Reference, EbsBlockDevice: VolumeSize is at least the snapshot's; openshift/origin-ci-tool#153",
		Answer: "InvalidBlockDeviceMapping: Volume of size 35GB is smaller than  snapshot 'snap-0764200248800a04f', expect size >= 50GB",
		Says:   "The root volume is at least as large as the parent image's.",
		on:     on(build, "recipe.blockDeviceMappings[]"), judge: rootSize,
	},
	{
		ID: "ib-data-size", Source: "EC2 API Reference, EbsBlockDevice: a snapshot ID or a volume size must be given; hashicorp/packer#7802",
		Answer: "MissingParameter: The request must contain the parameter size or snapshotId",
		Says:   "A volume beside the root volume has a size or a snapshot.",
		on:     on(build, "recipe.blockDeviceMappings[]"), judge: dataSize,
	},
}

func deviceNamed(s *subject) {
	if name := object(s.value)["deviceName"]; !filled(name) {
		s.refuse(".deviceName", "Missing device name", `Write device_name, such as "/dev/xvda" for the root volume of Amazon Linux or "/dev/sda1" for that of others.`)
	}
}

// deviceNameForm are the names that EC2 maps for the HVM AMIs of today (EC2 User Guide, "Device names for volumes"), with and without /dev/.
// The page also lists /dev/sda, which RunInstances refuses (test-kitchen/kitchen-ec2#279, deis/deis#1788); numbers and hd… are of paravirtual AMIs.
var deviceNameForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:/dev/)?(?:sda1|sd[b-z]|xvd[a-d]?[a-z])$`)
})

func deviceForm(s *subject) {
	if name := text(object(s.value)["deviceName"]); name != "" && !deviceNameForm().MatchString(name) {
		s.refuse(".deviceName", awsmodel.Printable(name)+" is not a valid EBS device name",
			"Write /dev/sda1 or /dev/xvda for the root volume, and /dev/sd[f-p] or xvd[f-z] for others; the system may show them as /dev/nvme….")
	}
}

// sameDevice is a device name as EC2 compares it: with and without /dev/.
func sameDevice(name string) string { return strings.TrimPrefix(name, "/dev/") }

func devicesOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		name := text(object(e)["deviceName"])
		if name == "" {
			continue
		}
		if j, dup := first[sameDevice(name)]; dup {
			s.refuse(index(i)+".deviceName", "The device '"+awsmodel.Printable(name)+"' is used in more than one block-device mapping, first in "+index(j),
				"Keep one mapping for each device name.")
			continue
		}
		first[sameDevice(name)] = i
	}
}

func deviceContent(s *subject) {
	m := object(s.value)
	var given []string
	for _, k := range []string{"ebs", "virtualName", "noDevice"} {
		if present(m[k]) {
			given = append(given, k)
		}
	}
	switch len(given) {
	case 0:
		s.wrong("", "The mapping has neither ebs nor virtualName nor noDevice", `Write an ebs block, virtual_name = "ephemeral0", or no_device = "".`)
	case 1:
	default:
		s.wrong("."+given[len(given)-1], "The mapping has "+strings.Join(given, " and "), "Keep one of them.")
	}
}

var ephemeralForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ephemeral(?:[0-9]|1[0-9]|2[0-3])$`) })

func ephemeralName(s *subject) {
	if v := text(s.value); v != "" && !ephemeralForm().MatchString(v) {
		s.refuse("", awsmodel.Printable(v)+" is not an instance store volume", "Write ephemeral0 to ephemeral23.")
	}
}

func keyOfUnencrypted(s *subject) {
	ebs := object(s.value)
	if present(ebs["kmsKeyId"]) && ebs["encrypted"] != true && !isUnknown(ebs["encrypted"]) {
		s.wrong(".kmsKeyId", "The parameter kmsKeyId requires the parameter encrypted to be set", "Set encrypted to true, or remove kmsKeyId.")
	}
}

func throughputOfType(s *subject) {
	ebs := object(s.value)
	if typ := text(ebs["volumeType"]); typ != "" && typ != "gp3" && present(ebs["throughput"]) {
		s.wrong(".throughput", "Only volumes of the type gp3 have a throughput", `Set volumeType to "gp3", or remove throughput.`)
	}
}

// baseline are the iops of a gp3 volume that names none.
const baseline = 3000

func throughputRatio(s *subject) {
	ebs := object(s.value)
	throughput, given := awsmodel.ToNumber(ebs["throughput"])
	if typ := text(ebs["volumeType"]); !given || typ != "gp3" {
		return
	}
	iops, given := awsmodel.ToNumber(ebs["iops"])
	if !given {
		if present(ebs["iops"]) {
			return
		}
		iops = baseline
	}
	if iops > 0 && throughput > iops/4 {
		s.wrong(".throughput", "Throughput (MiBps) to iops ratio of "+strconv.FormatFloat(throughput/iops, 'f', 6, 64)+" is too high; maximum is 0.250000 MiBps per iops",
			"Set iops to at least "+number(throughput*4)+", or throughput to at most "+number(float64(int(iops/4)))+".")
	}
}

func iopsOfType(s *subject) {
	ebs := object(s.value)
	typ := text(ebs["volumeType"])
	provisioned := typ == "io1" || typ == "io2"
	switch {
	case typ == "": // the base image decides
	case provisioned && !present(ebs["iops"]):
		s.wrong(".iops", "The parameter iops must be specified for "+typ+" volumes", "Set iops, or use another volume type.")
	case !provisioned && typ != "gp3" && present(ebs["iops"]):
		s.wrong(".iops", "Only volumes of the types io1, io2 and gp3 have iops", `Set volumeType to "gp3", or remove iops.`)
	}
}

// A volumeType is what EC2 allows of a type: sizes in GiB, iops, and iops for each GiB; 0 for no such bound.
type volumeType struct {
	leastSize, mostSize float64
	leastIOPS, mostIOPS float64
	perGiB              float64
}

// volumeTypes are the bounds of the EBS User Guide, "Amazon EBS volume types".
var volumeTypes = map[string]volumeType{
	"standard": {leastSize: 1, mostSize: 1024},
	"gp2":      {leastSize: 1, mostSize: 16384},
	"gp3":      {1, 65536, baseline, 80000, 500},
	"io1":      {4, 16384, 100, 64000, 50},
	"io2":      {4, 65536, 100, 256000, 1000},
	"sc1":      {leastSize: 125, mostSize: 16384},
	"st1":      {leastSize: 125, mostSize: 16384},
}

func iopsRange(s *subject) {
	ebs := object(s.value)
	iops, given := awsmodel.ToNumber(ebs["iops"])
	t := volumeTypes[text(ebs["volumeType"])]
	switch {
	case !given || t.mostIOPS == 0:
	case iops < t.leastIOPS:
		s.refuse(".iops", "Volume iops of "+number(iops)+" is too low; minimum is "+number(t.leastIOPS), "Write at least "+number(t.leastIOPS)+".")
	case iops > t.mostIOPS:
		s.refuse(".iops", "Volume iops of "+number(iops)+" is too high; maximum is "+number(t.mostIOPS), "Write at most "+number(t.mostIOPS)+".")
	}
}

func iopsRatio(s *subject) {
	ebs := object(s.value)
	iops, given := awsmodel.ToNumber(ebs["iops"])
	size, sized := awsmodel.ToNumber(ebs["volumeSize"])
	t := volumeTypes[text(ebs["volumeType"])]
	// A gp3 volume has its baseline whatever its size.
	if !given || !sized || size <= 0 || t.perGiB == 0 || iops <= t.perGiB*size || iops <= t.leastIOPS {
		return
	}
	s.wrong(".iops", "Iops to volume size ratio of "+strconv.FormatFloat(iops/size, 'f', 6, 64)+" is too high; maximum is "+number(t.perGiB),
		"Set iops to at most "+number(t.perGiB*size)+", or make the volume larger.")
}

func sizeOfType(s *subject) {
	ebs := object(s.value)
	typ := text(ebs["volumeType"])
	size, given := awsmodel.ToNumber(ebs["volumeSize"])
	t, known := volumeTypes[typ]
	if given && known && (size < t.leastSize || size > t.mostSize) {
		s.refuse(".volumeSize", "Volumes of the type "+typ+" have "+number(t.leastSize)+" to "+number(t.mostSize)+" GiB",
			"Change volumeSize, or use another volume type.")
	}
}

var snapshotID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^snap-[0-9a-f]{8}(?:[0-9a-f]{9})?$`) })

func snapshotForm(s *subject) {
	if v := text(s.value); v != "" && !snapshotID().MatchString(v) {
		s.refuse("", awsmodel.Printable(v)+" is not a snapshot ID", "Write snap- and 17 hex digits.")
	}
}

func unencryptedSnapshot(s *subject) {
	if ebs := object(s.value); filled(ebs["snapshotId"]) && ebs["encrypted"] == false {
		s.wrong(".encrypted", "encrypted is false, which EC2 refuses where the snapshot is encrypted", "Remove encrypted: the snapshot decides.")
	}
}

// rootNames are the names that root devices have.
var rootNames = []string{"sda1", "xvda"}

// isRoot says whether a mapping is the root device's, as far as the parent image is known.
func isRoot(s *subject) bool {
	name := text(object(s.value)["deviceName"])
	return name != "" && sameDevice(name) == sameDevice(s.build.Parent.RootDevice)
}

func rootName(s *subject) {
	name, root := text(s.value), s.build.Parent.RootDevice
	if root == "" || sameDevice(name) == sameDevice(root) || !slices.Contains(rootNames, sameDevice(name)) {
		return
	}
	s.refuse("", "The root device of "+s.build.Parent.Title+" is "+root+", so "+awsmodel.Printable(name)+" is a second volume beside it",
		`Write device_name = "`+root+`" to change the root volume.`)
}

func rootType(s *subject) {
	typ := text(object(object(s.value)["ebs"])["volumeType"])
	if isRoot(s) && (typ == "st1" || typ == "sc1") {
		s.wrong(".ebs.volumeType", "A root volume can't be of the type "+typ, `Write "gp3".`)
	}
}

func rootEBS(s *subject) {
	m := object(s.value)
	for _, k := range []string{"virtualName", "noDevice"} {
		if isRoot(s) && present(m[k]) {
			s.wrong("."+k, "The root device must be an EBS volume", "Write an ebs block instead, or remove the mapping.")
		}
	}
}

func rootSize(s *subject) {
	size, given := awsmodel.ToNumber(object(object(s.value)["ebs"])["volumeSize"])
	if least := s.build.Parent.RootSize; given && isRoot(s) && size < least {
		s.refuse(".ebs.volumeSize", "Volume of size "+number(size)+"GB is smaller than the snapshot of "+s.build.Parent.Title+", expect size >= "+number(least)+"GB",
			"Write at least "+number(least)+", or remove volume_size.")
	}
}

func dataSize(s *subject) {
	ebs, ok := object(s.value)["ebs"].(map[string]any)
	if !ok || !s.build.Parent.OneDevice || isRoot(s) || !filled(object(s.value)["deviceName"]) || present(ebs["volumeSize"]) || present(ebs["snapshotId"]) {
		return
	}
	s.wrong(".ebs.volumeSize", "The request must contain the parameter size or snapshotId", "Write volume_size or snapshot_id.")
}
