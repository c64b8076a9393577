package rules

import (
	"slices"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/known"
)

// streamSizes are the sizes of AppStream's own instance families (API Reference, CreateImageBuilder and CreateFleet:
// InstanceType; Administration Guide, instance families; 2026-05).
var streamSizes = map[string]string{
	"stream.standard":      "small medium large xlarge 2xlarge",
	"stream.compute":       "large xlarge 2xlarge 4xlarge 8xlarge",
	"stream.memory":        "large xlarge 2xlarge 4xlarge 8xlarge",
	"stream.memory.z1d":    "large xlarge 2xlarge 3xlarge 6xlarge 12xlarge",
	"stream.graphics.g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
	"stream.graphics.g5":   "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
	"stream.graphics.g6":   "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
	"stream.graphics.gr6":  "4xlarge 8xlarge",
	"stream.graphics.g6f":  "large xlarge 2xlarge 4xlarge",
	"stream.graphics.gr6f": "4xlarge",
}

// streamTypes are all of them.
var streamTypes = sync.OnceValue(func() []string {
	var out []string
	for family, sizes := range streamSizes {
		for size := range strings.FieldsSeq(sizes) {
			out = append(out, family+"."+size)
		}
	}
	slices.Sort(out)
	return out
})

// streamInstance knows AppStream's own types by name, and those of imported images by EC2's: GeneralPurpose.m7i.large.
func streamInstance(s *subject) {
	v := text(s.value)
	family, rest, _ := strings.Cut(v, ".")
	for prefix := range retired {
		if strings.HasPrefix(v, prefix) {
			return // another rule says so
		}
	}
	switch {
	case family == "stream" && !slices.Contains(streamTypes(), v):
		s.wrong("", "AppStream is not known to have the instance type "+awsmodel.Printable(v), awsmodel.Suggest(v, streamTypes()))
	case slices.Contains(customFamilies, family) && !known.IsInstanceType(rest):
		s.wrong("", "EC2 is not known to have the instance type "+awsmodel.Printable(rest), awsmodel.Suggest(rest, known.InstanceTypes()))
	}
}
