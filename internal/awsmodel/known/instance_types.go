package known

import (
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var instanceTypes = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, name := range InstanceTypes() {
		m[name] = true
	}
	return m
})

var instanceTypeList = sync.OnceValue(func() []string {
	model, err := awsmodel.Get("ec2")
	if err != nil {
		panic(err) // the model is part of the program
	}
	shape, ok := model.Shape("InstanceType")
	if !ok {
		panic("ec2.json has no InstanceType")
	}
	return shape.Enum
})

// InstanceTypes returns EC2's instance types in the order of EC2's own model (member InstanceType). The list is
// shared and must not be changed.
func InstanceTypes() []string { return instanceTypeList() }

// IsInstanceType says whether EC2's model lists the instance type.
func IsInstanceType(name string) bool { return instanceTypes()[name] }

// InstanceArchitecture is the processor architecture of an instance type as EC2 names it: arm64, x86_64, arm64_mac,
// x86_64_mac. It follows from the family's name: a "g" among the letters behind the generation stands for Graviton
// (EC2 User Guide, "Instance type naming conventions"). "" where the name has no family that says it.
func InstanceArchitecture(name string) string {
	family, size, ok := strings.Cut(name, ".")
	if !ok || size == "" {
		return ""
	}
	if mac, ok := strings.CutPrefix(family, "mac"); ok {
		if mac == "1" {
			return "x86_64_mac"
		}
		return "arm64_mac"
	}
	// The generation is the first digit behind the series' letters; u-6tb1 and the like have digits before.
	if strings.HasPrefix(family, "u-") {
		return "x86_64"
	}
	i := strings.IndexAny(family, "0123456789")
	if i < 1 {
		return ""
	}
	attributes, part, _ := strings.Cut(strings.TrimLeft(family[i:], "0123456789"), "-")
	if family == "a1" || strings.Contains(attributes, "g") || strings.HasPrefix(part, "gb") { // GB200 has Grace processors
		return "arm64"
	}
	return "x86_64"
}
