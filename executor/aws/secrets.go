package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// Secret is what is kept under "ssm:/path", "secretsmanager:NAME" or "secretsmanager:NAME#key", of a secret that is a JSON
// object. region "" is the default one.
func (c *Clients) Secret(ctx context.Context, region, name string) (string, error) {
	if parameter, ok := strings.CutPrefix(name, "ssm:"); ok {
		out, err := c.answer(ctx, "ssm:GetParameter", region, object{"Name": parameter, "WithDecryption": true})
		if err != nil {
			return "", fmt.Errorf("reading the secret %s: %w", name, c.unkept(err, name, region))
		}
		return text(sub(out, "Parameter"), "Value"), nil
	}
	id, key, keyed := strings.Cut(strings.TrimPrefix(name, "secretsmanager:"), "#")
	out, err := c.answer(ctx, "secretsmanager:GetSecretValue", region, object{"SecretId": id})
	if err != nil {
		return "", fmt.Errorf("reading the secret %s: %w", name, c.unkept(err, name, region))
	}
	value := text(out, "SecretString")
	if !keyed {
		return value, nil
	}
	var members map[string]any
	if err = json.Unmarshal([]byte(value), &members); err != nil {
		return "", fmt.Errorf("reading the secret %s: it is no JSON object, so that it has no %q", name, key)
	}
	found, ok := members[key].(string)
	if !ok {
		return "", fmt.Errorf("reading the secret %s: it has no text %q", name, key)
	}
	return found, nil
}

// unkept names the secret that a call found missing: AWS's own words name none.
func (c *Clients) unkept(err error, kept, region string) error {
	e, ok := errors.AsType[*CallError](err)
	if !ok || e.Code != parameterMissing && e.Code != appstreamGone {
		return err
	}
	named := *e
	named.Message = missingSecret(planner.KeptSecret{Kept: kept}, cmp.Or(region, c.Region()))
	return &named
}

// parameterMissing is Systems Manager's code for a parameter that does not exist; Secrets Manager's is AppStream's.
const parameterMissing = "ParameterNotFound"

// missingSecret says of a secret that it does not exist, and how to create it. The command reads the value from a file, so
// that no shell keeps it.
func missingSecret(k planner.KeptSecret, region string) string {
	if k.Parameter() {
		return fmt.Sprintf("There is no parameter %s in %s. Create it: aws ssm put-parameter --region %s --name %s --type SecureString --value file://secret.txt", k.Name(), region, region, k.Name())
	}
	holds := ""
	if k.Member() != "" {
		holds = fmt.Sprintf(" as a JSON object with %q", k.Member())
	}
	return fmt.Sprintf("There is no secret %s in %s. Create it%s: aws secretsmanager create-secret --region %s --name %s --secret-string file://secret.txt", k.Name(), region, holds, region, k.Name())
}

// MissingSecrets reports the secrets that carrying the graph out would read and that do not exist. Only their names are
// asked for, never what they hold. seen is what exists of the graph: what nobody is going to create needs no secret now, so
// that there a missing one is a warning. A nil seen takes all to be created.
func (c *Clients) MissingSecrets(ctx context.Context, g *planner.Graph, seen map[dsl.Addr]*planner.Observed) hcl.Diagnostics {
	var diags hcl.Diagnostics
	type place struct{ region, kept string }
	asked := map[place]*hcl.Diagnostic{}
	for _, k := range g.KeptSecrets() {
		region := cmp.Or(k.Node.Region, g.Region, c.Region())
		at := place{region, strings.TrimSuffix(k.Kept, "#"+k.Member())}
		d, known := asked[at]
		if !known {
			d = c.missing(ctx, k, region)
			asked[at] = d
		}
		if d == nil || known && d.Extra != nil {
			continue // it exists, or why it could not be asked for was said already
		}
		one := *d
		one.Subject = k.At.Ptr()
		if one.Extra == nil {
			one.Detail = missingSecret(k, region)
		}
		if have := seen[k.Node.Addr]; have != nil && have.Exists && have.State != "FAILED" {
			one.Severity = hcl.DiagWarning
		}
		diags = append(diags, &one)
	}
	return diags
}

// missing asks whether one secret exists; nil where it does.
func (c *Clients) missing(ctx context.Context, k planner.KeptSecret, region string) *hcl.Diagnostic {
	var err error
	found := false
	if k.Parameter() {
		var out object
		name, _, _ := strings.Cut(k.Name(), ":") // a version or a label may follow
		out, err = c.answer(ctx, "ssm:DescribeParameters", region, object{
			"ParameterFilters": []any{object{"Key": "Name", "Option": "Equals", "Values": []any{name}}},
		})
		found = len(list(out, "Parameters")) > 0
	} else {
		_, err = c.answer(ctx, "secretsmanager:DescribeSecret", region, object{"SecretId": k.Name()})
		found = err == nil
	}
	switch {
	case found:
		return nil
	case err == nil || Code(err) == appstreamGone:
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Secret not found"}
	case ctx.Err() != nil:
		return unanswered(k.At, "whether "+k.Kept+" exists", err)
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: "Secret not checked", Extra: err,
		Detail: fmt.Sprintf("Whether %s exists could not be asked: %v. The build reads it, and fails where it is missing.", k.Kept, err),
	}
}
