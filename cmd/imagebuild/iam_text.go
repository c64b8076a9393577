package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
)

// shownReasons are as many reasons of one action as a person reads; JSON has all.
const shownReasons = 4

func writeIAMText(w io.Writer, doc *iamDocument) error {
	var b bytes.Buffer
	for i, r := range doc.Roles {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s role", r.Role)
		if r.Name != "" {
			fmt.Fprintf(&b, " %s", r.Name)
		}
		fmt.Fprintf(&b, "\n  %s\n", r.Purpose)
		for _, name := range r.Managed {
			fmt.Fprintf(&b, "\n  AWS's own policy %s\n", name)
		}
		for _, g := range r.Grants {
			grantText(&b, g)
		}
		for n, d := range r.Policies {
			fmt.Fprintf(&b, "\n  policy %d of %d, %d of %d characters:\n", n+1, len(r.Policies), r.Sizes[n], permissions.ManagedLimit)
			documentText(&b, d)
		}
		for _, t := range r.Trust {
			fmt.Fprintf(&b, "\n  trust policy for %s:\n", t.For)
			documentText(&b, t.Policy)
		}
	}
	if o := doc.Provider; o != nil {
		fmt.Fprintf(&b, "\nidentity provider %s\n  Create it once for each account, unless it exists:\n  aws iam create-open-id-connect-provider --url %s --client-id-list %s\n", o.ARN, o.URL, strings.Join(o.ClientIDs, " "))
	}
	for _, bucket := range doc.Buckets {
		fmt.Fprintf(&b, "\nbucket %s\n", bucket.Bucket)
		reasonsText(&b, bucket.Reasons)
		b.WriteString("\n  bucket policy:\n")
		documentText(&b, bucket.Policy)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func grantText(b *bytes.Buffer, g iamGrant) {
	fmt.Fprintf(b, "\n  %s\n", g.Action)
	for _, on := range g.Resources {
		fmt.Fprintf(b, "    on %s\n", on)
	}
	for _, op := range slices.Sorted(maps.Keys(g.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(g.Condition[op])) {
			fmt.Fprintf(b, "    if %s %s %s\n", key, op, strings.Join(g.Condition[op][key], ", "))
		}
	}
	reasonsText(b, g.Reasons)
}

func reasonsText(b *bytes.Buffer, reasons []string) {
	for i, reason := range reasons {
		if i == shownReasons {
			fmt.Fprintf(b, "    and for %d more reasons\n", len(reasons)-i)
			break
		}
		fmt.Fprintf(b, "    because %s\n", reason)
	}
}

func documentText(b *bytes.Buffer, d iampolicy.Document) {
	raw, err := json.MarshalIndent(d, "  ", "  ")
	if err != nil {
		return // documents are text alone
	}
	fmt.Fprintf(b, "  %s\n", raw)
}

// writeIAMTerraform writes roles and policies as resources of Terraform's aws provider. Documents stand in
// them as they are, so that both say the same.
func writeIAMTerraform(w io.Writer, doc *iamDocument) error {
	f := hclwrite.NewEmptyFile()
	if doc.Provider != nil {
		doc.Provider.terraform(f.Body())
	}
	for i, r := range doc.Roles {
		if i > 0 {
			f.Body().AppendNewline()
		}
		label := strings.ReplaceAll(r.Role, "-", "_")
		if r.Name != "" {
			label += "_" + strings.Map(identifierRune, r.Name)
		}
		role := f.Body().AppendNewBlock("resource", []string{"aws_iam_role", label}).Body()
		name := r.Name[strings.LastIndexByte(r.Name, '/')+1:]
		role.SetAttributeValue("name", cty.StringVal(cmp.Or(name, "imagebuild-"+r.Role)))
		role.SetAttributeValue("description", cty.StringVal(r.Purpose))
		if err := setDocument(role, "assume_role_policy", eitherTrust(r), doc.Provider); err != nil {
			return err
		}
		if r.Role == "instance" {
			profile := f.Body().AppendNewBlock("resource", []string{"aws_iam_instance_profile", label}).Body()
			profile.SetAttributeValue("name", cty.StringVal(name))
			profile.SetAttributeRaw("role", hclwrite.TokensForIdentifier("aws_iam_role."+label+".name"))
		}
		for n, d := range r.Policies {
			policy := f.Body().AppendNewBlock("resource", []string{"aws_iam_policy", fmt.Sprintf("%s_%d", label, n+1)}).Body()
			policy.SetAttributeValue("name", cty.StringVal(fmt.Sprintf("imagebuild-%s-%d", r.Role, n+1)))
			if err := setDocument(policy, "policy", d, nil); err != nil {
				return err
			}
			attach(f.Body(), label, fmt.Sprintf("%s_%d", label, n+1), fmt.Sprintf("aws_iam_policy.%s_%d.arn", label, n+1))
		}
		for n, managed := range r.Managed {
			data := fmt.Sprintf("%s_managed_%d", label, n+1)
			f.Body().AppendNewBlock("data", []string{"aws_iam_policy", data}).Body().SetAttributeValue("name", cty.StringVal(managed))
			attach(f.Body(), label, data, "data.aws_iam_policy."+data+".arn")
		}
	}
	for _, b := range doc.Buckets {
		f.Body().AppendNewline()
		policy := f.Body().AppendNewBlock("resource", []string{"aws_s3_bucket_policy", "bucket_" + strings.Map(identifierRune, b.Bucket)}).Body()
		policy.SetAttributeValue("bucket", cty.StringVal(b.Bucket))
		if err := setDocument(policy, "policy", b.Policy, nil); err != nil {
			return err
		}
	}
	_, err := f.WriteTo(w)
	return err
}

// eitherTrust is one trust policy for all forms of the subject.
func eitherTrust(r iamRole) iampolicy.Document {
	d := iampolicy.Document{Version: iampolicy.Version}
	for _, t := range r.Trust {
		d.Statement = append(d.Statement, t.Policy.Statement...)
	}
	return d
}

func attach(body *hclwrite.Body, role, label, policy string) {
	b := body.AppendNewBlock("resource", []string{"aws_iam_role_policy_attachment", label}).Body()
	b.SetAttributeRaw("role", hclwrite.TokensForIdentifier("aws_iam_role."+role+".name"))
	b.SetAttributeRaw("policy_arn", hclwrite.TokensForIdentifier(policy))
}

// setDocument writes a policy document as the text that IAM takes, with a reference to the provider where it is named.
func setDocument(b *hclwrite.Body, name string, d iampolicy.Document, provider *iamProvider) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	b.SetAttributeRaw(name, provider.refer(hclwrite.TokensForValue(cty.StringVal(string(raw)))))
	return nil
}

func identifierRune(r rune) rune {
	if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '_'
}
