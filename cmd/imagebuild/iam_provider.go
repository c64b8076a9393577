package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/internal/permissions"
)

// An iamProvider is the OpenID Connect provider of an account. IAM has one for each URL.
type iamProvider struct {
	URL       string   `json:"url"`
	ClientIDs []string `json:"client_ids"`
	ARN       string   `json:"arn"`
}

func newIAMProvider(place permissions.Place, r permissions.Repository) *iamProvider {
	return &iamProvider{
		URL: cmp.Or(r.Issuer, permissions.GitHubIssuer), ClientIDs: []string{cmp.Or(r.Audience, permissions.DefaultAudience)}, ARN: r.Provider(place),
	}
}

// iamPlaceholders are what stands in trust policies for what is not known, in the order in which it is said, and how to
// say it.
var iamPlaceholders = []struct{ text, advice string }{
	{":ACCOUNT:", "--account 123456789012"},
	{"OWNER/REPOSITORY:", "--repository OWNER/NAME"},
	{"@OWNER_ID/", "GITHUB_REPOSITORY_OWNER_ID and GITHUB_REPOSITORY_ID (gh api repos/OWNER/NAME --jq '.owner.id, .id'), for repositories made or renamed since 15 July 2026"},
}

// warnOfPlaceholders says what in a document for other programs must be replaced before it is used. A person sees it in
// the text.
func (p *program) warnOfPlaceholders(doc *iamDocument, format string) {
	if format == "text" {
		return
	}
	raw, err := json.Marshal(doc.Roles)
	if err != nil {
		return // documents are text alone
	}
	for _, h := range iamPlaceholders {
		if h.text == ":ACCOUNT:" && format == "terraform" {
			continue // the provider's own ARN stands there
		}
		if strings.Contains(string(raw), h.text) {
			fmt.Fprintf(p.stderr, "warning: the trust policies hold the placeholder %s. Set %s.\n", strings.Trim(h.text, ":/@"), h.advice)
		}
	}
	if doc.Account == nil && slices.ContainsFunc(doc.Roles, func(r iamRole) bool { return len(r.Policies) > 0 }) {
		fmt.Fprintln(p.stderr, "warning: no account is named, so the policies allow any account (*) in ARNs. Set --account 123456789012.")
	}
}

// providerLabel is what Terraform calls the provider.
const providerLabel = "aws_iam_openid_connect_provider.github"

// terraform writes the provider as a resource, and the way to take up the one that exists.
func (o *iamProvider) terraform(body *hclwrite.Body) {
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# An account has one provider of this URL. If yours exists, import it first:\n" +
		"#   terraform import " + providerLabel + " " + o.ARN + "\n")}})
	b := body.AppendNewBlock("resource", strings.Split(providerLabel, ".")).Body()
	b.SetAttributeValue("url", cty.StringVal(o.URL))
	ids := make([]cty.Value, len(o.ClientIDs))
	for i, id := range o.ClientIDs {
		ids[i] = cty.StringVal(id)
	}
	b.SetAttributeValue("client_id_list", cty.ListVal(ids))
	body.AppendNewline()
}

// refer puts a reference to the provider where a document has its ARN.
func (o *iamProvider) refer(tokens hclwrite.Tokens) hclwrite.Tokens {
	if o == nil {
		return tokens
	}
	for _, t := range tokens {
		t.Bytes = []byte(strings.ReplaceAll(string(t.Bytes), o.ARN, "${"+providerLabel+".arn}"))
	}
	return tokens
}
