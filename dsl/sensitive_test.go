package dsl_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

const secretVariables = `
variable "token" {
  type      = string
  sensitive = true
  default   = "hunter2secret"
}
variable "pair" {
  type      = list(string)
  sensitive = true
  default   = ["first-password", "other-password"]
}
variable "map" {
  type      = map(string)
  sensitive = true
  default   = { user = "someone-else", pass = "map-password" }
}
variable "pin" {
  type      = number
  sensitive = true
  default   = 471147
}
variable "set" {
  type      = set(string)
  sensitive = true
  default   = ["set-member-one"]
}
variable "flag" {
  type      = bool
  sensitive = true
  default   = true
}
variable "public" {
  default = "public-value"
}
`

func hexOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// TestDerivedSecrets holds, for what may be computed from a sensitive value, which texts must be known to the
// redactor and which must not be.
func TestDerivedSecrets(t *testing.T) {
	for _, c := range []struct {
		expr  string
		want  []string // registered
		never []string // not registered
	}{
		{`"echo ${upper(var.token)} now"`, []string{"HUNTER2SECRET"}, []string{"echo HUNTER2SECRET now"}},
		{`upper("echo ${var.token}")`, []string{"HUNTER2SECRET", "ECHO HUNTER2SECRET"}, nil},
		{`"${substr(var.token, 0, 7)}-x"`, []string{"hunter2"}, nil},
		{`"${substr(var.token, 0, 3)}-x"`, nil, []string{"hun"}},
		{`"a ${replace(var.token, "hunter", "gather")}"`, []string{"gather2secret"}, nil},
		{`"a ${strrev(var.token)}"`, []string{"terces2retnuh"}, nil},
		{`join("+", [upper(var.token), var.public])`, []string{"HUNTER2SECRET"}, []string{"public-value"}},
		{`"${base64encode(var.token)}"`, []string{base64.StdEncoding.EncodeToString([]byte("hunter2secret"))}, nil},
		{`base64encode("user:${var.token}")`, []string{base64.StdEncoding.EncodeToString([]byte("user:hunter2secret"))}, nil},
		{`"x ${sha256(var.token)}"`, []string{hexOf("hunter2secret")}, nil},
		{`jsonencode({ name = var.public, key = strrev(var.token) })`, []string{"terces2retnuh"}, []string{"public-value"}},
		{`join(",", [for p in var.pair : "echo ${upper(p)}"])`, []string{"FIRST-PASSWORD", "OTHER-PASSWORD"}, []string{"echo FIRST-PASSWORD"}},
		{`join(",", [for p in var.set : "echo ${upper(p)}"])`, []string{"SET-MEMBER-ONE"}, nil},
		{`join(" ", [for k, v in var.map : "${k}=${strrev(v)}"])`, []string{"drowssap-pam"}, []string{"user", "pass"}},
		{`upper(join("", var.pair[*]))`, []string{"FIRST-PASSWORDOTHER-PASSWORD"}, nil},
		{`join(" ", [for o in [{ a = upper(var.token) }, { a = "b" }][*].a : "-${o}"])`, []string{"HUNTER2SECRET"}, nil},
		{`"mode ${var.flag ? "secretly" : "openly"}"`, []string{"secretly"}, []string{"openly", "mode secretly"}},
		{`var.token == "hunter2secret" ? "chosen-one" : "other-one"`, []string{"chosen-one"}, []string{"other-one"}},
		{`var.flag ? "component.c" : "Linux"`, nil, []string{"component.c"}},
		{`join(" ", concat(["echo ${upper(var.token)}"], ["x"]))`, []string{"HUNTER2SECRET"}, []string{"echo HUNTER2SECRET"}},
		{`"n = ${length(var.token)}"`, nil, []string{"13", "n = 13"}},
		{`"n = ${var.pin + 1}"`, []string{"471147", "471148"}, nil},
		{`"x ${split("2", var.token)[1]}"`, []string{"hunter"}, nil},
		{`"x ${element(reverse(var.pair), 0)}"`, []string{"other-password"}, nil},
		{`"x ${title(trimprefix(var.token, "hunter"))}"`, []string{"2secret", "2secret"}, nil},
		{`"x ${format("%s/%q", var.public, upper(var.token))}"`, []string{"HUNTER2SECRET"}, []string{"public-value"}},
		{`"x ${try(upper(var.token), "no")} ${can(var.token) ? 1 : 2}"`, []string{"HUNTER2SECRET"}, nil},
		{`"x ${lookup(merge({ a = var.public }, { b = strrev(var.token) }), "b", "")}"`, []string{"terces2retnuh"}, []string{"public-value"}},
		{`"x ${lookup(merge({ a = "merged-public" }, { b = var.token }), "a", "")}"`, nil, []string{"merged-public"}},
		{`"x ${keys(var.map)[0]} ${values(var.map)[0]}"`, []string{"map-password"}, []string{"pass"}},
		{`"x ${concat(["concat-public"], [upper(var.token)])[0]}"`, []string{"HUNTER2SECRET"}, []string{"concat-public"}},
		{`templatefile("t.tftpl", { t = var.token, names = var.pair, flag = var.flag })`, []string{"HUNTER2SECRET", "Other-Password", "yes-it-is"}, []string{"#!/bin/bash", "set -e"}},
		{`local.reversed`, []string{"terces2retnuh"}, nil},
		{`"x ${local.own}"`, []string{"a-local-secret"}, nil},
		{`"x ${upper(local.own)}"`, []string{"A-LOCAL-SECRET"}, nil},
		{`"x ${upper(data.null.d.output)}"`, []string{"HUNTER2SECRET"}, nil},
		{`"x ${regex("[a-z]+$", var.token)}"`, nil, []string{"x secret"}},
		{`"x ${yamlencode({ a = upper(var.token) })}"`, []string{"HUNTER2SECRET"}, nil},
		{`"x ${urlencode("${var.token}&a")}"`, []string{"hunter2secret%26a"}, nil},
		{`"x ${convert(var.pin, string)}"`, []string{"471147"}, nil},
		{"<<EOT\nfirst line of a script\n${lower(upper(strrev(var.token)))}\nlast line of a script\nEOT\n", []string{"terces2retnuh", "TERCES2RETNUH"}, []string{"first line of a script"}},
	} {
		files := map[string]string{
			"conf/a.ib.hcl": secretVariables + "locals {\n  reversed = strrev(var.token)\n}\nlocal \"own\" {\n  expression = \"a-local-secret\"\n  sensitive = true\n}\n" +
				"data \"null\" \"d\" {\n  input = var.token\n}\ncomponent \"c\" {\n  platform = " + c.expr + "\n}\n",
			"conf/t.tftpl": "#!/bin/bash\nset -e\necho ${upper(t)}\n%{ for n in names }\necho ${title(n)}\n%{ endfor }\n${flag ? \"yes-it-is\" : \"no-it-is-not\"}\n",
		}
		cfg, diags := dsl.Load(testHost(files, nil), dsl.Options{Types: testTypes(), Version: "1.4.0"})
		if diags.HasErrors() {
			t.Errorf("%s: %s", c.expr, printed(t, cfg, diags))
			continue
		}
		for _, w := range c.want {
			if !slices.Contains(cfg.Secrets, w) {
				t.Errorf("%s: %q is not registered: %q", c.expr, w, cfg.Secrets)
			}
		}
		for _, n := range c.never {
			if slices.Contains(cfg.Secrets, n) {
				t.Errorf("%s: %q is registered: %q", c.expr, n, cfg.Secrets)
			}
		}
		for _, b := range cfg.Blocks {
			if v, ok := b.Body.Attr("platform"); ok && b.Addr.Name == "c" && v.V == "" {
				t.Errorf("%s: the value itself is lost", c.expr)
			}
		}
	}
}

// Every function of the language takes sensitive arguments without a panic, and yields what it yields of others.
func TestFunctionsTakeSensitiveValues(t *testing.T) {
	for _, name := range dsl.Functions() {
		for _, args := range []string{`var.token`, `var.pair`, `var.map`, `var.pin`, `var.set`, `var.flag`, `var.token, var.token`, `var.pair, var.pair`, `var.map, var.map`, `var.pair, var.pin`, `"%s", var.token`, `var.pin, var.token`, `var.token, var.pin, var.pin`, `var.map, "user", "x"`, `", ", var.pair`, `var.pair, 0, 1`, `var.token, "u", "x"`} {
			call := name + "(" + args + ")"
			src := secretVariables + "component \"c\" {\n  platform = can(" + call + ") ? jsonencode(" + call + ") : \"\"\n}\n"
			cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": src}, nil), dsl.Options{Types: testTypes(), Version: "1.4.0"})
			for _, d := range diags {
				if strings.Contains(d.Detail, "panic") {
					t.Errorf("%s: %s", call, printed(t, cfg, diags))
				}
			}
			plain := strings.ReplaceAll(src, "sensitive = true", "sensitive = false")
			open, _ := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": plain}, nil), dsl.Options{Types: testTypes(), Version: "1.4.0"})
			if name == "uuidv4" || name == "bcrypt" {
				continue
			}
			if got, want := platformOf(cfg), platformOf(open); got != want {
				t.Errorf("%s is %v of sensitive values and %v of others", call, got, want)
			}
		}
	}
}

func platformOf(cfg *dsl.Config) any {
	for _, b := range cfg.Blocks {
		if v, ok := b.Body.Attr("platform"); ok {
			return v.V
		}
	}
	return nil
}

// Blocks can't be repeated by what is sensitive; a map whose values alone are may be.
func TestRepetitionBySecrets(t *testing.T) {
	for expr, refused := range map[string]bool{
		"for_each = var.map": true, "for_each = var.pair": true, "for_each = var.set": true, "for_each = [var.token]": true,
		"for_each = { for k, v in var.map : k => v }": true, "count = var.pin": true, "count = length(var.token)": true,
		"for_each = { a = var.token }": false, "for_each = toset([var.public])": false, "count = 2": false,
	} {
		if strings.Contains(expr, "toset") {
			expr = "for_each = [var.public]"
		}
		src := secretVariables + "component \"c\" {\n  " + expr + "\n  platform = \"Linux\"\n}\n"
		cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": src}, nil), dsl.Options{Types: testTypes(), Version: "1.4.0"})
		said := printed(t, cfg, diags)
		if refused != strings.Contains(said, "Error: Sensitive value in ") || refused != diags.HasErrors() {
			t.Errorf("%s: refused is %v:\n%s", expr, refused, said)
		}
	}
}

// The message of a rule that quotes the value isn't shown.
func TestRulesDoNotTell(t *testing.T) {
	src := "variable \"t\" {\n  type = string\n  sensitive = true\n  default = \"abc\"\n  validation {\n    condition = length(var.t) > 5\n    error_message = \"It is ${var.t}, which is short.\"\n  }\n}\n"
	cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": src}, nil), dsl.Options{Types: testTypes(), Version: "1.4.0"})
	if said := printed(t, cfg, diags); !diags.HasErrors() || strings.Contains(said, "It is abc") || !strings.Contains(said, "holds a sensitive value") {
		t.Error(said)
	}
}

// In JSON, what stands in a template is registered too; and an answer of a data block that is marked.
func TestDerivedSecretsElsewhere(t *testing.T) {
	files := map[string]string{
		"conf/a.ib.hcl.json": `{"component": {"c": {"platform": "mode ${var.flag ? \"secretly\" : \"openly\"} ${upper(var.token)}"}}}`,
		"conf/b.ib.hcl": secretVariables + "data \"amazon-ami\" \"d\" {\n  owners = [\"self\"]\n}\ncomponent \"e\" {\n  platform = \"x ${strrev(data.amazon-ami.d.id)}\"\n}\n" +
			"image_recipe \"f\" {\n  dynamic \"parameter\" {\n    for_each = var.map\n    labels = [\"p\"]\n    content {\n      value = \"literal-text ${upper(parameter.value)}\"\n    }\n  }\n}\n",
	}
	opts := dsl.Options{Types: testTypes(), Version: "1.4.0", Data: func(*dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
		return map[string]cty.Value{"id": cty.StringVal("data-secret").Mark(dsl.Sensitive)}, nil
	}}
	cfg, diags := dsl.Load(testHost(files, nil), opts)
	if diags.HasErrors() {
		t.Fatal(printed(t, cfg, diags))
	}
	for _, w := range []string{"secretly", "HUNTER2SECRET", "terces-atad", "MAP-PASSWORD", "SOMEONE-ELSE"} {
		if !slices.Contains(cfg.Secrets, w) {
			t.Errorf("%q is not registered: %q", w, cfg.Secrets)
		}
	}
	if slices.ContainsFunc(cfg.Secrets, func(s string) bool { return strings.Contains(s, "literal-text") || strings.Contains(s, "mode ") }) {
		t.Errorf("too much is registered: %q", cfg.Secrets)
	}
}
