package kind

import (
	"regexp"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// buildDate is what Image Builder replaces by the date of the build. The name of an AMI must hold it.
const buildDate = "{{ imagebuilder:buildDate }}"

// ebsMoment stands for the time of the build while a name is rendered: its digits pass every function unchanged.
const ebsMoment = "70253617904283615"

var (
	ebsPacker = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^][a-zA-Z0-9() ./'@_-]`) })
	ebsChars  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^-_A-Za-z0-9 .:]`) })
)

// amiName checks ami_name as Packer does, and makes of it one that Image Builder takes.
func (t *ebs) amiName() {
	v, given := t.body.Attr("ami_name")
	if !given || v.V == "" {
		t.rule("pk-ami-name", t.body.At("ami_name"), `A source needs ami_name. Write one, such as ami_name = "web-{{timestamp}}".`)
		return
	}
	name, ok := t.str("ami_name")
	if !ok {
		return
	}
	packers, ok := renderPacker(name.s, t.functions("1136239445"))
	if !ok {
		t.rule("pk-ami-name-template", name.at, "ami_name is rendered before the build starts, so it takes functions such as {{timestamp}} and "+
			"{{isotime \"2006-01-02\"}}, and no value of the build. Use variables and locals instead.")
		return
	}
	if n := len(packers); n < 3 || n > 128 {
		t.rule("pk-ami-name", name.at, "ami_name must have 3 to 128 characters, and this one has %d.", n)
		return
	}
	if c := ebsPacker().FindString(packers); c != "" {
		t.rule("pk-ami-name", name.at, "ami_name can't hold %q: only letters, digits, spaces and ()[]./-'@_. Write clean_resource_name in the template to replace other characters.", c)
		return
	}
	marked, _ := renderPacker(name.s, t.functions(ebsMoment))
	out := ebsName(marked)
	if plain := strings.Replace(marked, ebsMoment, buildDate, 1); plain != out {
		t.rule("pk-ami-name-changed", name.at, "Image Builder names the AMI %q instead of %q: its names hold the build date, have at most 127 characters, and of punctuation only -_.: and spaces. "+
			"Look the AMI up by a tag instead of its name.", out, strings.ReplaceAll(marked, ebsMoment, "{{timestamp}}"))
	}
	t.ami.Attrs["name"] = dsl.Value{V: out, Range: name.at}
}

// ebsName makes a rendered name one that Image Builder takes: the build's date stands where Packer put a time, or
// at the end.
func ebsName(name string) string {
	parts := strings.SplitN(name, ebsMoment, 2)
	for i := range parts {
		parts[i] = ebsChars().ReplaceAllString(strings.ReplaceAll(parts[i], ebsMoment, ""), "-")
	}
	if len(parts) == 1 {
		return parts[0][:min(len(parts[0]), 98)] + " " + buildDate
	}
	room := 99
	parts[0] = parts[0][:min(len(parts[0]), room)]
	parts[1] = parts[1][:min(len(parts[1]), room-len(parts[0]))]
	return parts[0] + buildDate + parts[1]
}

// render fills in the templates of a description or a tag with what is known before the build; false where
// something is not.
func (t *ebs) render(text string) (string, bool) {
	if !strings.Contains(text, "{{") {
		return text, true
	}
	if region := t.built(); region != "" {
		text = strings.NewReplacer("{{ .BuildRegion }}", region, "{{.BuildRegion}}", region).Replace(text)
	}
	out, ok := renderPacker(text, t.functions(ebsMoment))
	return out, ok && !strings.Contains(out, ebsMoment)
}

// reservedKeys are the tags that Image Builder sets on its instances itself.
var reservedKeys = []string{"CreatedBy", "Ec2ImageBuilderArn", "Name", "Tags"}

// tags go to the AMI and to what AWS keeps about it; run_tags to the build instance, and as Packer does, to the
// AMI too, where tags win.
func (t *ebs) tags() {
	tags, run := t.tagsOf("tags", "tag"), t.tagsOf("run_tags", "run_tag")
	t.set("tags", tags)
	instance := dsl.Value{V: map[string]any{}, Range: run.Range, Elems: run.Elems}
	ami := dsl.Value{V: map[string]any{}, Range: tags.Range, Elems: map[string]hcl.Range{}}
	t.addTags(ami, tags)
	t.addTags(instance, run)
	if !t.truth("skip_ami_run_tags") {
		t.addTags(ami, run)
		if ami.Range == (hcl.Range{}) {
			ami.Range = run.Range
		}
	}
	all, _ := instance.V.(map[string]any)
	for _, key := range reservedKeys {
		if _, given := all[key]; !given {
			continue
		}
		delete(all, key)
		where := "on the AMI alone"
		if t.truth("skip_ami_run_tags") {
			where = "nowhere, as skip_ami_run_tags is set"
		}
		t.rule("pk-reserved-tags", run.At(key), "Image Builder sets the tag %s of the build instance itself, so this one of run_tags is put %s.", key, where)
	}
	t.set("resource_tags", instance)
	t.set("ami_tags", ami)
	if m, _ := ami.V.(map[string]any); len(m) > 0 {
		t.ami.Attrs["ami_tags"] = ami
	}
}

// addTags adds the tags that are not there yet.
func (t *ebs) addTags(into, from dsl.Value) {
	have, _ := into.V.(map[string]any)
	more, _ := from.V.(map[string]any)
	for key, value := range more {
		if _, given := have[key]; !given {
			have[key] = value
			if at, ok := from.Elems[key]; ok && into.Elems != nil {
				into.Elems[key] = at
			}
		}
	}
}

// tagsOf joins a map and blocks of tags. Values that Packer would only render during the build are
// left out: nobody renders them here.
func (t *ebs) tagsOf(attr, block string) dsl.Value {
	v, _ := t.body.Attr(attr)
	out := dsl.Value{V: map[string]any{}, Range: v.Range, Elems: v.Elems}
	all, _ := out.V.(map[string]any)
	given, _ := v.V.(map[string]any)
	var late []string
	var first hcl.Range
	add := func(key string, value any, at hcl.Range) {
		if out.Range == (hcl.Range{}) {
			out.Range = at
		}
		if s, isText := value.(string); isText {
			text, ok := t.render(s)
			if name, named := t.render(key); ok && named {
				all[name] = text
				return
			}
			if len(late) == 0 {
				first = at
			}
			late = append(late, key)
			return
		}
		all[key] = value
	}
	for _, key := range sortedKeys(given) {
		add(key, given[key], v.At(key))
	}
	for _, n := range t.body.Of(block) {
		if key, ok := n.Body.Attrs["key"].V.(string); ok {
			add(key, n.Body.Attrs["value"].V, n.Range)
		}
	}
	if len(late) > 0 {
		t.rule("pk-template-late", first, "These entries of %s hold templates that only Packer fills in during a build, so they are left out: %s. Use variables and locals instead.",
			attr, strings.Join(late, ", "))
	}
	return out
}
