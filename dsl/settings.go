package dsl

import (
	"strings"

	version "github.com/hashicorp/go-version"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// settingsSchema is that of the imagebuild block.
func settingsSchema() *Schema {
	return &Schema{
		Attrs: []Attr{
			{Name: "required_version", Type: cty.String, Doc: "The versions of imagebuild that may read the configuration."},
			{Name: "project", Type: cty.String, Doc: "The value of the tag imagebuild:project on everything that is made."},
			{Name: "region", Type: cty.String, Doc: "The region built in when neither a flag nor the environment names one."},
		},
		Blocks: []NestedType{{
			Type: "staging", Max: 1, Doc: "Where files go that are too large for a component.",
			Schema: &Schema{Attrs: []Attr{
				{Name: "bucket", Type: cty.String, Required: true, Doc: "The S3 bucket."},
				{Name: "prefix", Type: cty.String, Doc: "What its keys begin with."},
			}},
		}},
	}
}

// SettingsSchema describes the imagebuild block, for the documentation.
func SettingsSchema() *Schema { return settingsSchema() }

// checkVersions checks required_version, before anything that a newer version may understand differently.
// Packer's own versions are not ours: they are checked for their form alone.
func (l *loader) checkVersions(raw map[string]hcl.Blocks) bool {
	ok := true
	header := &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "required_version"}}}
	for _, b := range raw["imagebuild"] {
		content, _, diags := b.Body.PartialContent(header)
		l.report(diags...)
		if a, given := content.Attributes["required_version"]; given {
			constraints, parsed := l.constraints(a)
			ok = parsed && l.satisfied(a, constraints) && ok
		}
	}
	packer := &hcl.BodySchema{
		Attributes: header.Attributes,
		Blocks:     []hcl.BlockHeaderSchema{{Type: "required_plugins"}},
	}
	for _, b := range raw["packer"] {
		content, diags := b.Body.Content(packer)
		l.report(diags...)
		if a, given := content.Attributes["required_version"]; given {
			l.constraints(a)
		}
	}
	return ok
}

func (l *loader) constraints(a *hcl.Attribute) (version.Constraints, bool) {
	text, ok := constantKey(a.Expr)
	if !ok {
		l.report(mistake(a.Expr.Range(), "Invalid version constraint", "required_version is constant text like \">= 1.2.0, < 2.0.0\"."))
		return nil, false
	}
	constraints, err := version.NewConstraint(text)
	if err != nil {
		l.report(mistake(a.Expr.Range(), "Invalid version constraint", "%q is not a version constraint. Write one like \">= 1.2.0, < 2.0.0\".", text))
		return nil, false
	}
	for _, c := range constraints {
		if c.Prerelease() {
			l.report(mistake(a.Expr.Range(), "Invalid version constraint", "%q names a prerelease, which a constraint cannot. Leave out what follows the hyphen.", strings.TrimSpace(c.String())))
			return nil, false
		}
	}
	return constraints, true
}

// satisfied compares with the version of this program; one built from a working copy has none and passes.
func (l *loader) satisfied(a *hcl.Attribute, constraints version.Constraints) bool {
	own, err := version.NewVersion(l.opts.Version)
	if err != nil || constraints.Check(own.Core()) {
		return true
	}
	l.report(mistake(a.Expr.Range(), "Other version required", "The configuration asks for imagebuild %s and this is %s. Install a version that suits.", constraints, own))
	return false
}

// decodeSettings evaluates the imagebuild blocks.
func (l *loader) decodeSettings() {
	schema := l.compile(settingsSchema())
	seen := map[string]hcl.Range{}
	for _, b := range l.settings {
		content, diags := b.Body.Content(schema.body)
		body := l.decodeContent(content, diags, schema, setting{header: b.DefRange, scope: &scope{}})
		for _, a := range schema.Attrs {
			v, given := body.Attrs[a.Name]
			if !given {
				continue
			}
			if first, twice := seen[a.Name]; twice {
				l.report(mistake(v.Range, "Duplicate setting", "%q was already set at %s.", a.Name, place(first)))
			}
			seen[a.Name] = v.Range
		}
		l.applySettings(body)
	}
}

func (l *loader) applySettings(body *Body) {
	s := &l.cfg.Settings
	for name, into := range map[string]*string{"project": &s.Project, "region": &s.Region} {
		l.settingText(body, name, into)
	}
	for _, staging := range body.Of("staging") {
		if s.StagingBucket.V != nil {
			l.report(mistake(staging.Range, "Duplicate setting", "The staging bucket was already set at %s.", place(s.StagingBucket.Range)))
		}
		if v, ok := staging.Body.Attr("bucket"); ok {
			s.StagingBucket = v
		}
		l.settingText(staging.Body, "prefix", &s.StagingPrefix)
	}
}

// settingText stores a setting that has to be known from the start.
func (l *loader) settingText(body *Body, name string, into *string) {
	v, ok := body.Attr(name)
	if !ok {
		return
	}
	text, isText := v.V.(string)
	if !isText {
		l.report(mistake(v.Range, "Value not known yet", "The setting %q is needed before anything is made, so it cannot be a reference.", name))
		return
	}
	*into = text
}
