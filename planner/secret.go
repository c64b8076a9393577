package planner

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// StoredSecret says whether a credential names where it is kept instead of being the secret itself.
func StoredSecret(s string) bool {
	return strings.HasPrefix(s, "ssm:/") || strings.HasPrefix(s, "secretsmanager:")
}

// A KeptSecret is a credential that the configuration names by where it is kept.
type KeptSecret struct {
	Node *Node
	// Is is the argument that names it: "password", "private_key".
	Is string
	// Kept is where: "ssm:/path", "secretsmanager:NAME" or "secretsmanager:NAME#key".
	Kept string
	At   hcl.Range
}

// Name is what holds the secret, without the service and without the key inside of it.
func (k KeptSecret) Name() string {
	_, name, _ := strings.Cut(k.Kept, ":")
	name, _, _ = strings.Cut(name, "#")
	return name
}

// Parameter says whether it is kept as a parameter of Systems Manager; Secrets Manager has it otherwise.
func (k KeptSecret) Parameter() bool { return strings.HasPrefix(k.Kept, "ssm:") }

// Member is the key inside of a secret that is a JSON object; "" for a secret that is taken whole.
func (k KeptSecret) Member() string {
	if k.Parameter() {
		return ""
	}
	_, member, _ := strings.Cut(k.Kept, "#")
	return member
}

// KeptSecrets are the secrets that carrying the graph out has to read, in the graph's order.
func (g *Graph) KeptSecrets() []KeptSecret {
	const join = "ServiceAccountCredentials"
	var out []KeptSecret
	for _, n := range g.Nodes {
		credentials, _ := n.Input[join].(map[string]any)
		if kept, ok := credentials["AccountPassword"].(string); ok && StoredSecret(kept) {
			out = append(out, KeptSecret{Node: n, Is: "account_password", Kept: kept, At: n.at(join + ".AccountPassword")})
		}
		if n.Work == nil {
			continue
		}
		c := n.Work.Communicator
		for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
			if !StoredSecret(c.Secrets[name]) {
				continue
			}
			at, ok := c.At[name]
			if !ok {
				at = c.Range
			}
			out = append(out, KeptSecret{Node: n, Is: name, Kept: c.Secrets[name], At: at})
		}
	}
	return out
}

// SecretsInNames are the secrets that stand in names as ARNs write them, where that is another text: in lower case, with
// hyphens.
func SecretsInNames(cfg *dsl.Config) []string {
	var out []string
	for _, b := range cfg.Blocks {
		if b.Body == nil {
			continue
		}
		for argument, v := range b.Body.Attrs {
			name, _ := v.V.(string)
			if !v.Sensitive || argument != "name" && !strings.HasSuffix(argument, "_name") {
				continue
			}
			for _, s := range cfg.Secrets {
				if n := awsmodel.NormalizeName(s); n != s && strings.Contains(name, s) {
					out = append(out, n)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
