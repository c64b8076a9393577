package sandbox

import (
	"strconv"
	"strings"
)

// A ref is an Image Builder ARN taken apart.
type ref struct {
	partition, region, owner string

	kind    string // component, image-recipe, image, …
	name    string // normalised; a workflow's holds its type: "build/build-image"
	version string // may hold x; "" where the kind has none
	build   int    // 0 where the ARN names none
}

// parseRef takes an Image Builder ARN apart; false for anything else.
func parseRef(arn string) (ref, bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[2] != "imagebuilder" {
		return ref{}, false
	}
	r := ref{partition: p[1], region: p[3], owner: p[4]}
	parts := strings.Split(p[5], "/")
	r.kind, parts = parts[0], parts[1:]
	if r.kind == "workflow" && len(parts) > 1 {
		parts = append([]string{parts[0] + "/" + parts[1]}, parts[2:]...)
	}
	if len(parts) == 0 || parts[0] == "" || len(parts) > 3 {
		return ref{}, false
	}
	r.name = parts[0]
	if len(parts) > 1 {
		r.version = parts[1]
	}
	if len(parts) > 2 && parts[2] != "x" {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return ref{}, false
		}
		r.build = n
	}
	return r, true
}

// family is the ARN up to the name: what all versions of one thing share.
func (r ref) family() string {
	return "arn:" + r.partition + ":imagebuilder:" + r.region + ":" + r.owner + ":" + r.kind + "/" + r.name
}
