package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// parametersAtOnce is the most that ssm:GetParameters answers.
const parametersAtOnce = 10

// newest are the operations that tell what a version with wildcards stands for, by the kind of
// resource its ARN names.
var newest = map[string]planner.Op{ //nolint:gochecknoglobals // a table, never written
	"image":     "imagebuilder:GetImage",
	"component": "imagebuilder:GetComponent",
	"workflow":  "imagebuilder:GetWorkflow",
}

// Facts answers the graph's look-ups: parameters that hold an image, and versions with wildcards.
// Data blocks are answered by Data, while the configuration is read.
func (c *Clients) Facts(ctx context.Context, g *planner.Graph) (planner.Facts, hcl.Diagnostics) {
	f := &finder{clients: c, region: g.Region, facts: planner.Facts{}}
	if f.region == "" {
		f.region = c.Region()
	}
	var parameters []planner.Lookup
	var work errgroup.Group
	work.SetLimit(abreast)
	for _, l := range g.Lookups {
		if l.Addr.Type != planner.LookupType {
			continue
		}
		switch kind, _, _ := strings.Cut(l.Addr.Name, ":"); kind {
		case "ssm":
			parameters = append(parameters, l)
		case "appstream-image":
			work.Go(func() error { f.baseImage(ctx, l); return nil })
		case "ami":
			work.Go(func() error { f.image(ctx, l); return nil })
		default:
			work.Go(func() error { f.version(ctx, l); return nil })
		}
	}
	for some := range slices.Chunk(parameters, parametersAtOnce) {
		work.Go(func() error { f.parameters(ctx, some); return nil })
	}
	_ = work.Wait() // every failure is among the diagnostics
	slices.SortFunc(f.diags, func(a, b *hcl.Diagnostic) int { return strings.Compare(a.Detail, b.Detail) })
	return f.facts, f.diags
}

// A finder carries one Facts.
type finder struct {
	clients *Clients
	region  string

	mu    sync.Mutex
	facts planner.Facts
	diags hcl.Diagnostics
}

func (f *finder) answer(a dsl.Addr, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.facts[a] = map[string]string{"value": value}
}

func (f *finder) fail(d *hcl.Diagnostic) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.diags = append(f.diags, d)
}

func (f *finder) parameters(ctx context.Context, some []planner.Lookup) {
	names := make([]any, len(some))
	for i, l := range some {
		names[i] = strings.TrimPrefix(l.Addr.Name, "ssm:")
	}
	out, err := f.clients.answer(ctx, "ssm:GetParameters", f.region, object{"Names": names})
	if err != nil {
		f.fail(unanswered(some[0].Origin, fmt.Sprintf("what %s holds", some[0].Addr.Name), err))
		return
	}
	values := map[string]string{}
	for _, p := range list(out, "Parameters") {
		// A parameter may be asked for by its ARN, its name, and either with a version or label.
		for _, key := range []string{text(p, "Name"), text(p, "ARN"), text(p, "Name") + text(p, "Selector"), text(p, "ARN") + text(p, "Selector")} {
			values[key] = text(p, "Value")
		}
	}
	for i, l := range some {
		if v, ok := values[fmt.Sprint(names[i])]; ok {
			f.answer(l.Addr, v)
			continue
		}
		f.fail(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Parameter not found", Subject: l.Origin.Ptr(),
			Detail: fmt.Sprintf("The Systems Manager parameter %q does not exist in %s. Check its name and the region; public parameters begin with /aws/service/.", names[i], f.region),
		})
	}
}

// image answers what a source_ami_filter asks.
func (f *finder) image(ctx context.Context, l planner.Lookup) {
	q := imageQuery{Region: f.region}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(l.Addr.Name, "ami:")), &q); err != nil {
		f.fail(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Unsupported look-up", Subject: l.Origin.Ptr(),
			Detail: fmt.Sprintf("%q is no question for an image: %v.", l.Addr.Name, err),
		})
		return
	}
	found, diag := q.ask(ctx, f.clients, l.Origin)
	if diag != nil {
		f.fail(diag)
		return
	}
	f.answer(l.Addr, text(found, "ImageId"))
}

func (f *finder) version(ctx context.Context, l planner.Lookup) {
	asked := l.Addr.Name
	arn, err := awsmodel.ParseARN(asked)
	var r awsmodel.Resource
	if err == nil {
		r, err = arn.ParseResource()
	}
	op, ok := newest[r.Kind]
	if err != nil || !ok {
		f.fail(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Unsupported look-up", Subject: l.Origin.Ptr(),
			Detail: fmt.Sprintf("%q can be looked up neither as a parameter nor as an image, component or workflow. Write \"ssm:/name\" or an Image Builder ARN.", asked),
		})
		return
	}
	thing, err := f.clients.get(ctx, op, arn.Region, asked)
	switch found := text(thing, "arn"); {
	case err != nil:
		f.fail(unanswered(l.Origin, "which version "+asked+" stands for", err))
	case found == "":
		f.fail(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No such version", Subject: l.Origin.Ptr(),
			Detail: fmt.Sprintf("No %s in %s matches %q. Check the name, and that the owner shares it with this account.", r.Kind, arn.Region, asked),
		})
	default:
		f.answer(l.Addr, found)
	}
}
