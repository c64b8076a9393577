package doctor

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/report"
)

// secrets asks whether what the build reads from Systems Manager and Secrets Manager exists. What it holds is not read.
func secrets(ctx context.Context, e *exam) []report.Check {
	const name = "secrets"
	kept := e.Graph.KeptSecrets()
	if e.AWS == nil || e.Secrets == nil || len(kept) == 0 {
		return nil
	}
	var out []report.Check
	for _, d := range e.Secrets(ctx) {
		hint := ""
		if d.Subject != nil {
			hint = fmt.Sprintf("See %s, line %d.", d.Subject.Filename, d.Subject.Start.Line)
		}
		if d.Severity == hcl.DiagWarning {
			out = append(out, unknown(name, hint, "%s", d.Detail))
			continue
		}
		out = append(out, problem(name, hint, "%s", d.Detail))
	}
	if len(out) == 0 {
		out = append(out, passed(name, "%d of %d exist.", len(kept), len(kept)))
	}
	return out
}
