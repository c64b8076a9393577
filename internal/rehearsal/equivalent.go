package rehearsal

import (
	"regexp"
	"strings"

	"github.com/org/imagebuild-action/dsl"
)

// An equivalent is a family of parent images and the container image its publisher makes of the same
// system. The replacement may use groups of the pattern.
type equivalent struct{ pattern, image string }

// equivalents are matched against what a recipe says of its parent: a short name's ARN
// (amazon-linux-2023-x86, ubuntu-server-22-lts-x86), a public SSM parameter, or the name filter of a look-up.
func equivalents() []equivalent {
	return []equivalent{
		{`amazon-linux-2023|\bal2023\b|al2023-ami`, "public.ecr.aws/amazonlinux/amazonlinux:2023"},
		{`amazon-linux-2\b|\bamzn2`, "public.ecr.aws/amazonlinux/amazonlinux:2"},
		{`ubuntu\D*(\d\d)(?:\.04|-lts|$)`, "public.ecr.aws/ubuntu/ubuntu:$1.04"},
		{`debian\D*(1[1-9])\b`, "public.ecr.aws/docker/library/debian:$1"},
		{`(?:red-hat-enterprise-linux|rhel)-?(8|9|10)\b`, "registry.access.redhat.com/ubi$1/ubi:latest"},
		{`centos-stream-(9|10)\b`, "quay.io/centos/centos:stream$1"},
	}
}

// Equivalent is the container image that stands in for the parent image of a build, "" where none is known.
func (b *Build) Equivalent() string {
	if b.Container && b.Parent != "" && !strings.HasPrefix(b.Parent, "arn:") && !strings.HasPrefix(b.Parent, "data.") {
		return b.Parent
	}
	return Equivalent(b.Parent)
}

// Equivalent is the container image of the system that a parent image, or a name of a system such as
// "Amazon-Linux-2023", stands for; "" where none is known.
func Equivalent(parent string) string {
	parent = strings.ToLower(parent)
	for _, e := range equivalents() {
		p := regexp.MustCompile(e.pattern)
		if m := p.FindStringSubmatchIndex(parent); m != nil {
			return string(p.ExpandString(nil, e.image, parent, m))
		}
	}
	return ""
}

// sought is what a data block looks for: the texts of its filters, in no order that matters.
func sought(data []*dsl.Block, a dsl.Addr) string {
	for _, d := range data {
		if d.Addr == a {
			return strings.Join(texts(d.Body), " ")
		}
	}
	return a.String()
}

func texts(b *dsl.Body) []string {
	var out []string
	var collect func(v any)
	collect = func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case []any:
			for _, e := range v {
				collect(e)
			}
		case map[string]any:
			for _, e := range v {
				collect(e)
			}
		}
	}
	for _, name := range []string{"filters", "name", "values", "name_regex"} {
		if v, ok := b.Attr(name); ok {
			collect(v.V)
		}
	}
	for _, n := range b.Blocks {
		out = append(out, texts(n.Body)...)
	}
	return out
}
