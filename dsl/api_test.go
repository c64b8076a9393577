package dsl_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// packerFunctions are the functions that Packer 1.16 has.
const packerFunctions = `abs abspath alltrue anytrue aws_secretsmanager aws_secretsmanager_raw base64decode base64encode
base64gzip basename bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist
compact concat consul_key contains convert csvdecode dirname distinct element endswith env file filebase64 fileexists
fileset flatten floor format formatdate formatlist indent index join jsondecode jsonencode keys legacy_isotime
legacy_strftime length log lookup lower max md5 merge min parseint pathexpand pow range regex regex_replace regexall
replace reverse rfc3339_parse rsadecrypt setintersection setproduct setunion sha1 sha256 sha512 signum slice sort split
startswith strcontains strrev substr sum templatefile textdecodebase64 textencodebase64 timeadd timestamp title trim
trimprefix trimspace trimsuffix try unix_timestamp_parse upper urlencode uuidv4 uuidv5 values vault yamldecode yamlencode
zipmap`

func TestFunctions(t *testing.T) {
	if got, want := dsl.Functions(), strings.Fields(packerFunctions); !slices.Equal(got, want) {
		t.Errorf("%s", diff.Diff("want", []byte(strings.Join(want, "\n")), "got", []byte(strings.Join(got, "\n"))))
	}
}

func TestFormat(t *testing.T) {
	const ugly, pretty = "component \"a\" {\nplatform=\"Linux\"\n  name   = \"x\"\n}\n", "component \"a\" {\n  platform = \"Linux\"\n  name     = \"x\"\n}\n"
	got, diags := dsl.FormatFile("a.ib.hcl", []byte(ugly))
	if diags.HasErrors() || string(got) != pretty {
		t.Errorf("got %q, %v", got, diags)
	}
	if again := dsl.Format(got); string(again) != pretty {
		t.Errorf("formatted twice: %q", again)
	}
	if d := string(dsl.FormatDiff("a.ib.hcl", []byte(ugly), got)); !strings.Contains(d, "-platform=\"Linux\"\n") || !strings.Contains(d, "+  platform = \"Linux\"\n") {
		t.Errorf("diff: %s", d)
	}
	if d := dsl.FormatDiff("a.ib.hcl", got, got); len(d) != 0 {
		t.Errorf("diff of equal files: %s", d)
	}
	if same, diags := dsl.FormatFile("a.ib.hcl", []byte("a = [")); !diags.HasErrors() || string(same) != "a = [" {
		t.Errorf("a broken file was formatted: %q, %v", same, diags)
	}
	for name, want := range map[string]bool{
		"a.ib.hcl": true, "a.pkr.hcl": true, "x.auto.pkrvars.hcl": true, "x.ibvars.hcl": true,
		"a.ib.hcl.json": false, "a.pkr.json": false, "a.hcl": false, "a.tf": false,
	} {
		if dsl.Formattable(name) != want {
			t.Errorf("Formattable(%q) = %t", name, !want)
		}
	}
}

const withData = `
data "amazon-ami" "first" {
  owners = ["amazon"]
}
data "amazon-ami" "second" {
  owners  = ["self"]
  filters = { parent = data.amazon-ami.first.id }
}
component "a" {
  platform = "${data.amazon-ami.second.id}/${data.amazon-ami.first.name}"
  document = data.amazon-ami.first
}
`

// TestData checks that data blocks are asked in the order of their references, and answers are ordinary values.
func TestData(t *testing.T) {
	var asked []string
	opts := dsl.Options{Types: testTypes(), Data: func(b *dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
		question := b.Addr.String()
		if v, ok := b.Body.Attr("filters"); ok {
			question += " " + literal(v.V)
		}
		asked = append(asked, question)
		return map[string]cty.Value{"id": cty.StringVal("ami-" + b.Addr.Name), "name": cty.StringVal("named")}, nil
	}}
	cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": withData}, nil), opts)
	if diags.HasErrors() {
		t.Fatal(printed(t, cfg, diags))
	}
	if want := []string{"data.amazon-ami.first", "data.amazon-ami.second {parent: \"ami-first\"}"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	body := cfg.Blocks[0].Body
	if v := body.Attrs["platform"].V; v != "ami-second/named" {
		t.Errorf("platform = %v", v)
	}
}

// TestDataSensitive checks that a secret among the answers is used like any value, and known as a secret.
func TestDataSensitive(t *testing.T) {
	opts := dsl.Options{Types: testTypes(), Data: func(b *dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
		return map[string]cty.Value{"id": cty.StringVal("ami-" + b.Addr.Name).Mark(dsl.Sensitive), "name": cty.StringVal("named")}, nil
	}}
	cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": withData}, nil), opts)
	if diags.HasErrors() {
		t.Fatal(printed(t, cfg, diags))
	}
	if v := cfg.Blocks[0].Body.Attrs["platform"].V; v != "ami-second/named" || !slices.Contains(cfg.Secrets, "ami-second") {
		t.Errorf("platform = %v, secrets %v", v, cfg.Secrets)
	}
}

// TestDataRefused checks that a look-up that fails is reported once, by whoever failed.
func TestDataRefused(t *testing.T) {
	opts := dsl.Options{Types: testTypes(), Data: func(b *dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No such image", Subject: b.Range.Ptr()}}
	}}
	_, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": withData}, nil), opts)
	if len(diags) != 1 || diags[0].Summary != "No such image" {
		t.Errorf("got %v", diags)
	}
}

// TestPieces checks that a large file means the same whether it is parsed piece by piece or, since
// a piece would end inside a heredoc, as a whole.
func TestPieces(t *testing.T) {
	var whole strings.Builder
	whole.WriteString(large(10)["conf/variables.ib.hcl"])
	for part := range 10 {
		whole.WriteString(large(100)["conf/part"+string(rune('0'+part))+".ib.hcl"])
	}
	// A line that is a brace alone, inside of a heredoc and of a comment.
	text := whole.String() + "/*\n}\n*/\ncomponent \"h\" {\n  platform = <<EOT\nf() {\n" + strings.Repeat("  echo long line\n}\n", 4000) + "EOT\n}\n"
	load := func(src string) (string, int) {
		cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": src}, nil), dsl.Options{Types: testTypes()})
		return dump(cfg), len(diags)
	}
	pieces, mistakes := load(whole.String())
	if mistakes > 0 {
		t.Fatal("the file has mistakes")
	}
	both, mistakes := load(text)
	if mistakes > 0 || !strings.Contains(both, "component.h") {
		t.Error("a heredoc across pieces was not read")
	}
	// The last block is the component; what stands before it is as it was.
	if before, _, _ := strings.Cut(both, "component.h"); before != pieces {
		t.Error("places differ between parsing in pieces and as a whole")
	}
}

// TestSecretsNotShown checks that the writer has no values to show once there are secrets.
func TestSecretsNotShown(t *testing.T) {
	src := "variable \"pw\" {\n  sensitive = true\n}\nlocals {\n  a = upper(var.pw, 1)\n  b = \"${var.pw}\" + 1\n}\n"
	cfg, diags := dsl.Load(testHost(map[string]string{"conf/a.ib.hcl": src}, nil), dsl.Options{Types: testTypes(), Vars: []string{"pw=hunter2"}})
	if len(diags) != 2 {
		t.Fatalf("got %d diagnostics", len(diags))
	}
	if text := printed(t, cfg, diags); strings.Contains(text, "hunter2") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	if !slices.Equal(cfg.Secrets, []string{"hunter2"}) {
		t.Errorf("secrets: %q", cfg.Secrets)
	}
}
