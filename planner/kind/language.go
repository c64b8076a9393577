package kind

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// languageText is what no table says. A line <!-- name --> stands for a generated section.
//
//go:embed language.txt
var languageText string

// Language is the reference of the language as Markdown: every block, argument and function there is,
// from the tables by which configurations are read. It is the text of docs/language.md.
func Language() string {
	l := newReference()
	sections := map[string]func() string{
		"overview": l.overview, "settings": l.settings, "source": l.source, "data": l.data, "build": l.build,
		"provisioners": l.provisioners, "kinds": l.kinds, "nested": l.nestedBlocks, "functions": functionGroups,
		"example build": func() string { return fence(byName()["build"].Example) },
	}
	var out strings.Builder
	for line := range strings.Lines(languageText) {
		name, isMark := strings.CutPrefix(strings.TrimSpace(line), "<!-- ")
		write, known := sections[strings.TrimSuffix(name, " -->")]
		if !isMark || !known {
			out.WriteString(line)
			continue
		}
		out.WriteString(strings.TrimSpace(write()) + "\n")
	}
	page := regexp.MustCompile(`\n{3,}`).ReplaceAllString(out.String(), "\n\n")
	return strings.Replace(page, "<!-- contents -->", contents(page), 1)
}

// contents lists the headings of the second and third level.
func contents(page string) string {
	var chapters []string
	fenced := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		title, second := strings.CutPrefix(line, "## ")
		below, third := strings.CutPrefix(line, "### ")
		switch {
		case fenced || title == "Contents":
		case second:
			chapters = append(chapters, "- "+link(title))
		case third:
			last := &chapters[len(chapters)-1]
			separator := " · "
			if !strings.Contains(*last, ": ") {
				separator = ": "
			}
			*last += separator + link(below)
		}
	}
	return strings.Join(chapters, "\n")
}

// link is a link to a heading of the page, as GitHub names them.
func link(heading string) string {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', r >= '0' && r <= '9', r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, strings.ToLower(heading))
	return "[" + heading + "](#" + anchor + ")"
}

// overview lists the blocks that may stand at the top of a file.
func (l *reference) overview() string {
	var b strings.Builder
	row := func(heading, doc string) { fmt.Fprintf(&b, "| %s | %s |\n", link(heading), cell(doc)) }
	row("`imagebuild`", "Settings of the whole configuration.")
	row("`variable`", "A value that comes from outside.")
	row("`locals`", "Names for expressions.")
	row("`data`", DataBlockType().Doc)
	for _, k := range table() {
		row("`"+k.Name+"`", k.Block.Doc)
	}
	return b.String()
}

func (l *reference) settings() string {
	s := dsl.SettingsSchema()
	var b strings.Builder
	b.WriteString(attributes(s.Attrs))
	for _, n := range s.Blocks {
		fmt.Fprintf(&b, "\n#### Block `%s`\n\n%s\n\n%s", n.Type, n.Doc, attributes(n.Schema.Attrs))
	}
	return b.String()
}

// withoutEffect is the doc of arguments that are accepted for Packer's sake alone.
const withoutEffect = "Accepted as Packer has it; without effect."

// A row is an argument or a nested block in a table.
type row struct{ name, typ, doc, member string }

// attributes is a table of arguments.
func attributes(attrs []dsl.Attr) string {
	rows, idle := attrRows(attrs)
	return tableOf(rows, idle)
}

// body is a table of all that a block may hold.
func (l *reference) body(s *dsl.Schema) string {
	rows, idle := attrRows(s.Attrs)
	for _, n := range s.Blocks {
		rows = append(rows, row{l.linked(n), "block, " + howMany(n), cell(n.Doc), n.Member})
	}
	return tableOf(rows, idle)
}

// attrRows are the rows of arguments, those that must be written first, and the names of those
// without effect.
func attrRows(attrs []dsl.Attr) (rows []row, idle []string) {
	for _, required := range []bool{true, false} {
		for _, a := range attrs {
			switch {
			case a.Required != required:
			case a.Doc == withoutEffect:
				idle = append(idle, a.Name)
			default:
				rows = append(rows, row{"`" + a.Name + "`", typeCell(a), cell(a.Doc), a.Member})
			}
		}
	}
	return rows, idle
}

func tableOf(rows []row, idle []string) string {
	var b strings.Builder
	members := slices.ContainsFunc(rows, func(r row) bool { return r.member != "" })
	switch {
	case len(rows) > 0 && members:
		b.WriteString("| Argument | Type | Meaning | API member |\n|---|---|---|---|\n")
	case len(rows) > 0:
		b.WriteString("| Argument | Type | Meaning |\n|---|---|---|\n")
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |", r.name, r.typ, r.doc)
		switch {
		case r.member != "":
			fmt.Fprintf(&b, " `%s` |", r.member)
		case members:
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	if len(idle) > 0 {
		fmt.Fprintf(&b, "\nAccepted, and without effect: %s.\n", codes(idle))
	}
	return b.String()
}

func typeCell(a dsl.Attr) string {
	if a.Required {
		return typeWords(a.Type) + ", **required**"
	}
	return typeWords(a.Type)
}

// typeWords is a type as a reader says it.
func typeWords(t cty.Type) string {
	switch {
	case t == cty.String:
		return "string"
	case t == cty.Number:
		return "number"
	case t == cty.Bool:
		return "true or false"
	case t == cty.DynamicPseudoType:
		return "any"
	case t.IsListType():
		return "list of " + typeWords(t.ElementType()) + "s"
	case t.IsMapType():
		return "map of " + typeWords(t.ElementType()) + "s"
	}
	return t.FriendlyName()
}

// notProse finds, in a sentence, names of arguments and placeholders, and what Markdown would take
// for its own.
var notProse = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{\{[^}]*\}\}\}?|\{ [^}]*\{[^}]*\} \}|\b[a-zA-Z]+(_[a-zA-Z0-9]+)+\b|[<>|*_\[\]]`)
})

// cell is a sentence as Markdown: names as code, the rest as it is.
func cell(s string) string {
	return notProse().ReplaceAllStringFunc(s, func(m string) string {
		if len(m) > 1 {
			return "`" + m + "`"
		}
		return "\\" + m
	})
}

// fence is a configuration as a block of code.
func fence(src string) string { return "```hcl\n" + strings.TrimSpace(src) + "\n```\n" }

// exportsOf says what a reference to a block may ask for.
func exportsOf(address string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = "`" + address + "." + n + "`"
	}
	return "Exports: " + strings.Join(parts, ", ") + ".\n"
}

// kinds describes the blocks that stand for one resource each.
func (l *reference) kinds() string {
	var b strings.Builder
	b.WriteString("One block is one create call. All of them repeat with [for_each or count](#repetition).\n")
	for _, k := range table() {
		if k.Lower == nil {
			continue
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", k.Name, cell(k.Block.Doc))
		fmt.Fprintf(&b, "Call: `%s`. %s\n\n", k.Create, namingWords(k))
		b.WriteString(exportsOf(k.Name+".NAME", k.Block.Exports))
		b.WriteString("\n" + l.body(k.Block.Schema))
		b.WriteString("\n" + fence(ownExample(k)))
	}
	return b.String()
}

// namingWords say what becomes of a changed block.
func namingWords(k *planner.Kind) string {
	switch k.Naming {
	case planner.ContentVersion:
		return "Another content is another version, and the earlier ones stay."
	case planner.HashedName:
		return "The name in AWS ends with a digest of the content: another content is another resource."
	case planner.StableName:
		return "It keeps its name, and a difference is an update."
	case planner.OfRecipe:
		return "The recipe says which image it is: one that is there for the recipe's version is reused."
	case planner.NamedAfter:
		return "It goes by the name of what it belongs to."
	case planner.ContentKey:
		return "The key holds the sha256 of the content: another content is another object."
	}
	return ""
}
