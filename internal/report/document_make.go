package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// About is what a Document says of a command that neither plan nor run knows.
type About struct {
	Command string // plan, build, test, validate, doctor
	Leg     string
	Path    string // of the configuration, from the repository's root
	Version string
	Region  string // where no plan says it
	Sandbox bool
	Source  Source
	// Secrets are the texts that no document may hold.
	Secrets []string
	// Files are the configuration's sources, which findings quote.
	Files map[string]*hcl.File
}

func (a About) document(o Outcome) *Document {
	return &Document{
		FormatVersion: DocumentFormat, Command: a.Command, Outcome: o, Leg: a.Leg, Path: a.Path, Version: a.Version,
		Region: a.Region, Sandbox: a.Sandbox, Source: a.Source,
	}
}

// PlanDocument is a plan, and the warnings found on the way to it. The plan's own are taken from it.
func PlanDocument(p *planner.Plan, warnings hcl.Diagnostics, a About) *Document {
	d := a.document(Succeeded)
	v := newView(p)
	d.fromPlan(v, a.Secrets)
	for _, c := range p.Changes {
		d.Resources = append(d.Resources, v.resource(c))
	}
	s := newSources(a.Files)
	d.Findings = append(findings(s, warnings), findings(s, missing(p.Diags, warnings))...)
	d.cover(a.Secrets)
	return d
}

// missing are the diagnostics of some that others do not hold already.
func missing(some, others hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	known := make(map[*hcl.Diagnostic]bool, len(others))
	for _, d := range others {
		known[d] = true
	}
	for _, d := range some {
		if !known[d] {
			out = append(out, d)
		}
	}
	return out
}

// fromPlan fills in what a plan says as a whole.
func (d *Document) fromPlan(v *view, secrets []string) {
	d.Region, d.Account, d.Offline = cmp.Or(v.region, d.Region), v.plan.Account, v.plan.Offline
	sum := sha256.Sum256(coveredJSON(v.plan.JSON(), secrets))
	d.PlanDigest = "sha256:" + hex.EncodeToString(sum[:])
	d.Estimate = v.documentEstimate()
	if pr := v.plan.PullRequest; pr != nil {
		d.PullRequest = &PullRequest{Repository: pr.Repository, Number: pr.Number, KeptSeconds: pr.Expires.Seconds()}
	}
}

// resource is a change as plain data.
func (v *view) resource(c *planner.Change) Resource {
	r := Resource{
		Address: c.Addr.String(), Kind: c.Kind.Name, Build: c.Group, Title: c.Addr.String(), Image: anyImage(c.Node), Label: v.label(c.Node),
		Version: v.version(c.Node), Digest: c.Digest, Verb: c.Verb, Reason: v.reason(c), Origin: place(c.Origin), EstimateSeconds: c.Estimate.Seconds(),
	}
	if v.region != "" {
		r.Regions = []string{v.region}
	}
	if r.Image {
		r.Regions = v.goesTo(c)
	}
	if isImage(c.Node) {
		r.Title = shortAddr(c.Addr)
	}
	for _, a := range c.Needs {
		if v.changes[a] != nil {
			r.Needs = append(r.Needs, a.String())
		}
	}
	if c.Observed != nil {
		r.ARN, _ = c.Observed.Outputs["arn"].(string)
		r.IDs = ids((&Item{Outputs: c.Observed.Outputs, Regions: r.Regions}).AMIs())
		if len(r.IDs) == 0 && c.Observed.Exists {
			r.IDs = v.named(c, r.Regions)
		}
	}
	return r
}

// goesTo are the regions an image goes to by this plan: a pull request distributes nothing.
func (v *view) goesTo(c *planner.Change) []string {
	if there, ok := c.Input["DestinationRegion"].(string); ok {
		return []string{there}
	}
	regions := v.regions(c.Node)
	if c.Left != "" {
		regions = regions[:min(1, len(regions))]
	}
	return regions
}

// named is an AppStream image, which is called by its name.
func (v *view) named(c *planner.Change, regions []string) []ID {
	name := v.name(c.Node)
	if !anyImage(c.Node) || isImage(c.Node) || name == "" || len(regions) == 0 {
		return nil
	}
	return []ID{{Region: regions[0], ID: name}}
}

func ids(amis []AMI) []ID {
	var out []ID
	for _, a := range amis {
		out = append(out, ID(a))
	}
	return out
}

// RunDocument is a run: over, or as far as it has come at now, which is the zero time for one that is over.
func RunDocument(r *Report, now time.Time, a About) *Document {
	a.Version, a.Sandbox = cmp.Or(a.Version, r.Meta.Version), a.Sandbox || r.Meta.Sandbox
	if a.Files == nil {
		a.Files = r.Meta.Files
	}
	d := a.document(r.outcome(now))
	v, s := newView(r.Plan), newSources(a.Files)
	d.fromPlan(v, a.Secrets)
	d.Started, d.Ended = r.Started, r.Ended
	if d.Outcome == Running {
		d.Ended = now
	}
	for _, c := range r.Plan.Changes {
		res := v.resource(c)
		it := r.Item(c.Addr)
		it.fill(&res, s)
		if len(res.IDs) == 0 && it.Status == executor.Applied && it.Verb != planner.Delete {
			res.IDs = v.named(c, res.Regions)
		}
		d.Resources = append(d.Resources, res)
	}
	d.Findings = findings(s, r.Plan.Diags)
	d.boundLogs()
	d.cover(a.Secrets)
	return d
}

func (r *Report) outcome(now time.Time) Outcome {
	switch unfinished := r.Count(""); {
	case unfinished > 0 && !now.IsZero():
		return Running
	case r.Count(executor.Failed) > 0:
		return Failed
	case r.Count(executor.Canceled)+unfinished > 0:
		return Interrupted
	}
	return Succeeded
}

// fill adds what became of a resource.
func (it *Item) fill(r *Resource, s *sources) {
	r.Verb, r.Status, r.State, r.Step = it.Verb, it.Status, it.State, it.Step
	r.Started, r.Ended, r.Retried = it.Started, it.Ended, it.Retried
	if it.Status != "" {
		r.Outcome, r.Why = it.Outcome(), it.why()
	}
	r.ARN, _ = it.Outputs["arn"].(string)
	r.Remark, _ = it.Outputs["remark"].(string)
	r.Version = cmp.Or(r.Version, it.Ver)
	if found := ids(it.AMIs()); len(found) > 0 {
		r.IDs = found
	}
	if it.Log.Total() > 0 {
		r.Log = &Log{Lines: it.Log.Last(maxLogLines), Total: it.Log.Total()}
	}
	if it.Status == executor.Failed {
		r.Failure = it.failure(s)
	}
}

func (it *Item) failure(s *sources) *Failure {
	d := it.Diagnostic()
	out := &Failure{Summary: d.Summary, Message: errorText(it.Err)}
	out.Place, out.Quote = quoted(s, d)
	if f := it.Failure; f != nil {
		out.Message, out.Code, out.RequestID, out.Operation = f.Message, f.Code, f.RequestID, string(f.Operation)
		out.Component, out.Phase, out.Step, out.Action = f.Component, f.Phase, f.Step, f.Action
		out.ExitStatus, out.Stderr, out.FullLog = f.ExitStatus, stderrTail(f), fullLog(f)
	}
	return out
}

// MistakesDocument is what a command found wrong before it could begin.
func MistakesDocument(diags hcl.Diagnostics, a About) *Document {
	d := a.document(Succeeded)
	if diags.HasErrors() {
		d.Outcome = Mistaken
	}
	d.Findings = findings(newSources(a.Files), diags)
	d.cover(a.Secrets)
	return d
}

// ChecksDocument is what doctor found.
func ChecksDocument(checks []Check, a About) *Document {
	d := a.document(Succeeded)
	for _, c := range checks {
		if c.Outcome == CheckFailed {
			d.Outcome = Failed
		}
	}
	d.Checks = slices.Clone(checks)
	d.cover(a.Secrets)
	return d
}

func findings(s *sources, diags hcl.Diagnostics) []Finding {
	var out []Finding
	for _, d := range diags {
		f := Finding{Severity: severityOf(d), Summary: d.Summary, Detail: d.Detail}
		f.Place, f.Quote = quoted(s, d)
		_, f.Block = s.block(d.Subject)
		out = append(out, f)
	}
	return out
}

// quoted is where a diagnostic points, and the lines there.
func quoted(s *sources, d *hcl.Diagnostic) (*Place, []string) {
	if d.Subject == nil {
		return nil, nil
	}
	p, src := place(*d.Subject), s.of(d.Subject.Filename)
	if p == nil || src == nil {
		return p, nil
	}
	from, to := p.Line-1, min(max(p.EndLine, p.Line), p.Line-1+maxQuoted)
	if p.EndColumn <= 1 && to == p.EndLine && to > p.Line {
		to-- // it ends with the line feed before
	}
	return p, src.lines(from, to-from)
}

func place(r hcl.Range) *Place {
	if r.Filename == "" {
		return nil
	}
	return &Place{r.Filename, r.Start.Line, r.Start.Column, r.End.Line, r.End.Column}
}

// Logs of one document, and of each resource, in bytes. A program may write megabytes; the end is
// what tells why it failed.
const (
	maxLogBytes  = 4 << 20
	maxLogsBytes = 32 << 20
)

// boundLogs keeps the ends of logs that are too long together.
func (d *Document) boundLogs() {
	share := maxLogBytes
	if n := len(d.Resources); n > 0 {
		share = min(share, maxLogsBytes/n)
	}
	for i := range d.Resources {
		if l := d.Resources[i].Log; l != nil {
			l.bound(share)
		}
	}
}

func (l *Log) bound(size int) {
	for i, line := range slices.Backward(l.Lines) {
		if size -= len(line) + 1; size < 0 {
			l.Lines = l.Lines[i+1:]
			return
		}
	}
}
