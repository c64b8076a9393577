package rules

import "github.com/org/imagebuild-action/internal/awsmodel"

// volumes is where the EBS volumes of a recipe's devices are.
var volumes = []site{{imageRecipe, "blockDeviceMappings[].ebs"}, {containerRecipe, "instanceConfiguration.blockDeviceMappings[].ebs"}}

// deviceRules hold for block devices (EC2 User Guide, "Block device mappings"; EBS User Guide, "Amazon EBS volume types").
var deviceRules = []Rule{
	{
		ID: "ib-ebs-key-unencrypted", Source: "EC2 API Reference, EbsBlockDevice: KmsKeyId",
		Says: "A volume with a key is encrypted.",
		on:   volumes, judge: keyOfUnencrypted,
	},
	{
		ID: "ib-ebs-throughput", Source: "EC2 API Reference, EbsBlockDevice: Throughput is valid for gp3 alone",
		Says: "Only gp3 volumes have a throughput.",
		on:   volumes, judge: throughputOfType,
	},
	{
		ID: "ib-ebs-iops", Source: "EC2 API Reference, EbsBlockDevice: Iops is valid for io1, io2 and gp3",
		Says: "Only io1, io2 and gp3 volumes have iops, and io1 and io2 need them.",
		on:   volumes, judge: iopsOfType,
	},
	{
		ID: "ib-ebs-size", Source: "EC2 API Reference, EbsBlockDevice: VolumeSize",
		Says: "A volume's size is within the bounds of its type.",
		on:   volumes, judge: sizeOfType,
	},
}

func keyOfUnencrypted(s *subject) {
	if ebs := object(s.value); ebs["encrypted"] == false && present(ebs["kmsKeyId"]) {
		s.wrong(".kmsKeyId", "A volume that is not encrypted has no key", "Set encrypted to true, or remove kmsKeyId.")
	}
}

func throughputOfType(s *subject) {
	ebs := object(s.value)
	if typ := text(ebs["volumeType"]); typ != "" && typ != "gp3" && present(ebs["throughput"]) {
		s.wrong(".throughput", "Only volumes of the type gp3 have a throughput", `Set volumeType to "gp3", or remove throughput.`)
	}
}

func iopsOfType(s *subject) {
	ebs := object(s.value)
	typ := text(ebs["volumeType"])
	provisioned := typ == "io1" || typ == "io2"
	switch {
	case typ == "": // the base image decides
	case provisioned && !present(ebs["iops"]):
		s.wrong(".iops", "Volumes of the type "+typ+" need iops", "Set iops, or use another volume type.")
	case !provisioned && typ != "gp3" && present(ebs["iops"]):
		s.wrong(".iops", "Only volumes of the types io1, io2 and gp3 have iops", `Set volumeType to "gp3", or remove iops.`)
	}
}

// volumeSizes are the sizes in GiB that EC2 allows, by type of volume.
var volumeSizes = map[string]struct{ least, most float64 }{
	"standard": {1, 1024},
	"io1":      {4, 16384},
	"io2":      {4, 65536},
	"sc1":      {125, 16384},
	"st1":      {125, 16384},
}

func sizeOfType(s *subject) {
	ebs := object(s.value)
	typ := text(ebs["volumeType"])
	size, ok := awsmodel.ToNumber(ebs["volumeSize"])
	if r, limited := volumeSizes[typ]; ok && limited && (size < r.least || size > r.most) {
		s.refuse(".volumeSize", "Volumes of the type "+typ+" have "+number(r.least)+" to "+number(r.most)+" GiB",
			"Change volumeSize, or use another volume type.")
	}
}
