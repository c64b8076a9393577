package permissions

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/planner"
)

// plan is the role that reads: plans, and what pull requests do that build nothing.
func (s *scope) plan() Role {
	c := newCollector(s.place)
	s.reads(c)
	return Role{Name: "plan", Purpose: "imagebuild plan reads what is there with it, also for pull requests. It changes nothing.", Grants: c.sorted()}
}

// reads are the look-ups and the observation of a plan.
func (s *scope) reads(c *collector) {
	for _, l := range s.graph.Lookups {
		if l.Addr.Type == planner.LookupType {
			s.lookup(c, l.Addr)
		}
	}
	if s.graph.Config != nil {
		for _, b := range s.graph.Config.Data {
			s.data(c, b)
		}
	}
	s.keptSecrets(c)
	for _, n := range s.graph.Nodes {
		for _, op := range []planner.Op{n.Kind.Read, n.Kind.List} {
			s.call(c, op, n, "is looked for")
		}
		for _, op := range observed[n.Kind.Create] {
			s.call(c, op, n, "is looked for")
		}
		if n.FromAMI() {
			c.allow("ec2:DescribeImages", n.Addr.String()+"'s parent image is checked", []string{"*"}, nil)
		}
		if n.Kind.Create == "appstream:CopyImage" { // its source tells of a copy that an earlier run began
			c.allow("appstream:ListTagsForResource", n.Addr.String()+" is looked for", ownImage("SourceImageName")(s, n.Input), nil)
		}
		if n.Kind.Read == "imagebuilder:GetImage" { // in which regions the newest build is, and how long it took
			s.call(c, "imagebuilder:ListWorkflowExecutions", n, "is looked for")
			s.distributed(c, n)
		}
	}
}

// streamed are what a plan reads of an AppStream image: its tags, whom it is shared with, and which fleets use it.
var streamed = []planner.Op{"appstream:ListTagsForResource", "appstream:DescribeImagePermissions", "appstream:DescribeFleets"} //nolint:gochecknoglobals // a table, never written

// observed are what a plan reads of a node besides its own: machines that an earlier run left, base images, tags.
var observed = map[planner.Op][]planner.Op{ //nolint:gochecknoglobals // a table, never written
	"appstream:CreateImageBuilder":    append([]planner.Op{"appstream:DescribeImageBuilders"}, streamed...),
	"appstream:CreateUpdatedImage":    streamed,
	"appstream:CreateImportedImage":   append([]planner.Op{"ec2:DescribeImages"}, streamed...),
	"appstream:CopyImage":             streamed,
	"appstream:CreateExportImageTask": {"ec2:DescribeImages", "appstream:DescribeImages"},
	// Images that exist already are held against what is to be done with them.
	"appstream:UpdateImagePermissions": {"appstream:DescribeImages"},
	"appstream:CreateFleet":            {"appstream:DescribeImages", "appstream:ListTagsForResource"},
}

// lookup is one question that the plan asks before its digests are known.
func (s *scope) lookup(c *collector, a dsl.Addr) {
	reason := a.Name + " is looked up"
	switch sort, rest, _ := strings.Cut(a.Name, ":"); sort {
	case "ssm":
		c.allow("ssm:GetParameters", reason, s.parameter(rest), nil)
	case "ami":
		c.allow("ec2:DescribeImages", "a source_ami_filter is looked up", []string{"*"}, nil)
	default:
		arn, err := awsmodel.ParseARN(a.Name)
		if err != nil {
			return
		}
		kind, _, _ := strings.Cut(arn.Resource, "/")
		if op := map[string]string{"image": "imagebuilder:GetImage", "component": "imagebuilder:GetComponent", "workflow": "imagebuilder:GetWorkflow"}[kind]; op != "" {
			c.allow(op, reason, []string{versions(arn)}, nil)
		}
	}
}

// data is what a data block asks.
func (s *scope) data(c *collector, b *dsl.Block) {
	reason := b.Addr.String() + " is looked up"
	switch b.Addr.Type {
	case "data.amazon-ami":
		c.allow("ec2:DescribeImages", reason, []string{"*"}, nil)
	case "data.amazon-parameterstore":
		name, _ := b.Body.Attr("name")
		if parameter, ok := name.V.(string); ok {
			c.allow("ssm:GetParameter", reason, s.parameter(parameter), nil)
		} else {
			c.allow("ssm:GetParameter", reason, []string{s.place.arn("ssm", "parameter/*")}, nil)
		}
	}
}

// call allows one call about a node, on the node.
func (s *scope) call(c *collector, op planner.Op, n *planner.Node, why string) {
	for _, name := range Actions(op) {
		ref, _ := action(name)
		var on []string
		for _, in := range s.regions(name, n) {
			on = append(on, in.resources(name, ref, n)...)
		}
		c.allow(name, n.Addr.String()+" "+why, distinct(on), conditionOf(name, ref))
	}
}

// regions are the scope in the regions of a call about a node: its own, and of a copy the one it is made from too.
func (s *scope) regions(name string, n *planner.Node) []*scope {
	if n.Region == "" || n.Region == s.place.Region {
		return []*scope{s}
	}
	there := *s
	there.place.Region = n.Region
	if name == "appstream:CopyImage" {
		return []*scope{s, &there}
	}
	return []*scope{&there}
}

// conditionOf is the condition on tags that an action is allowed with, where AWS can ask for it.
func conditionOf(name string, ref actionReference) iampolicy.Conditions {
	_, verb, _ := strings.Cut(name, ":")
	service, _, _ := strings.Cut(name, ":")
	switch {
	case service != "imagebuilder" && service != "appstream":
		return nil
	case strings.HasPrefix(verb, "Create") && ref.RequestTags && len(ref.Resources) > 0:
		return asked()
	case slices.ContainsFunc([]string{"Delete", "Update", "Cancel", "Stop", "Start"}, func(p string) bool { return strings.HasPrefix(verb, p) }) && taggable(name) && service == "imagebuilder":
		return ours()
	}
	return nil
}

// resources are the ARNs that an action about a node works on.
func (s *scope) resources(name string, ref actionReference, n *planner.Node) []string {
	if len(ref.Resources) == 0 || strings.HasPrefix(name, "imagebuilder:List") && strings.HasSuffix(name, "BuildVersions") { // which are asked of all at once
		return []string{"*"}
	}
	service, _, _ := strings.Cut(name, ":")
	var out []string
	for _, t := range ref.Resources {
		switch {
		case service == "s3" && t == "object":
			out = append(out, s.pattern(n))
		case service == "s3" && t == "bucket":
			bucket, _, _ := strings.Cut(s.pattern(n), "/")
			out = append(out, bucket)
		case service == "logs":
			for _, group := range s.logGroups(n) {
				out = append(out, s.place.arn("logs", "log-group:"+group+":*"))
			}
		case t == "workflowExecution":
			out = append(out, s.place.arn("imagebuilder", "workflow-execution/*"))
		case service == "appstream":
			out = append(out, s.appstream(t, n)...)
		case service == "imagebuilder":
			out = append(out, s.pattern(n))
		}
	}
	return distinct(out)
}

// appstream are the resources of one type that a call about a node works on: itself, or those it takes.
func (s *scope) appstream(resource string, n *planner.Node) []string {
	if n.Kind.Resource == resource {
		return []string{s.pattern(n)}
	}
	place := s.of(n)
	if resource == "image" { // images of AWS and of others belong to no account of ours
		return []string{strings.Replace(place.arn("appstream", "image/"+cmp.Or(text(n.Input, "ImageName"), "*")), ":"+place.account()+":", ":*:", 1)}
	}
	if name := text(n.Input, "Name"); name != "" {
		return []string{place.arn("appstream", resource+"/"+name+"*")}
	}
	return []string{place.arn("appstream", resource+"/*")}
}

// logGroups are where an image's log goes.
func (s *scope) logGroups(n *planner.Node) []string {
	for _, path := range [][]string{{"loggingConfiguration", "logGroupName"}, {"loggingConfiguration", "imageLogGroupName"}} {
		if v := at(n.Input, path...); len(v) > 0 {
			if group, ok := v[0].(string); ok {
				return []string{group}
			}
		}
	}
	return []string{"/aws/imagebuilder/" + s.name(n)}
}

// build is the role that makes what is not there.
func (s *scope) build() Role {
	c := newCollector(s.place)
	s.reads(c)
	for _, n := range s.graph.Nodes {
		for _, op := range []planner.Op{n.Kind.Create, n.Kind.Update} {
			s.call(c, op, n, "is made")
			s.dependents(c, op, n)
		}
		for _, op := range during[n.Kind.Create] {
			if op == "imagebuilder:DistributeImage" && n.Input["executionRole"] == nil {
				continue // it works under an execution role alone
			}
			s.call(c, op, n, "is seen through to its end")
			s.dependents(c, op, n)
		}
		s.tagging(c, n)
		s.work(c, n)
		if n.Kind.Read == "imagebuilder:GetImage" {
			s.sharing(c, n)
		}
	}
	return Role{Name: "build", Purpose: "imagebuild build uses it to create what doesn't exist yet.", Grants: c.sorted()}
}

// keptSecrets allows to ask whether secrets exist, and not what they hold.
func (s *scope) keptSecrets(c *collector) {
	for _, k := range s.graph.KeptSecrets() {
		reason := k.Node.Addr.String() + " needs it (" + k.Is + ")"
		if k.Parameter() {
			c.allow("ssm:DescribeParameters", reason, []string{"*"}, nil)
			continue
		}
		c.allow("secretsmanager:DescribeSecret", reason, []string{s.secretARN(k.Name())}, nil)
	}
}

// secretARN is the pattern of a secret's ARN: AWS appends six characters to its name.
func (s *scope) secretARN(name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return s.place.arn("secretsmanager", "secret:"+name+"-??????")
}

// secret allows to read a secret where it is kept: "ssm:/path", "secretsmanager:NAME#key".
func (s *scope) secret(c *collector, kept, reason string) {
	sort, name, _ := strings.Cut(kept, ":")
	switch sort {
	case "ssm":
		c.allow("ssm:GetParameter", reason, s.parameter(name), nil)
	case "secretsmanager":
		name, _, _ = strings.Cut(name, "#")
		c.allow("secretsmanager:GetSecretValue", reason, []string{s.secretARN(name)}, nil)
	}
}

// work is what working inside a machine asks of AWS: credentials, and the bucket that jobs go through.
func (s *scope) work(c *collector, n *planner.Node) {
	for _, v := range at(n.Input, "ServiceAccountCredentials", "AccountPassword") {
		if kept, ok := v.(string); ok && planner.StoredSecret(kept) {
			s.secret(c, kept, n.Addr.String()+" joins machines with it")
		}
	}
	if n.Work == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(n.Work.Communicator.Secrets)) {
		if kept := n.Work.Communicator.Secrets[name]; planner.StoredSecret(kept) {
			s.secret(c, kept, n.Addr.String()+" is reached with it ("+name+")")
		}
	}
	if x, ok := s.exchange(n); ok {
		x.runner(c, n.Addr.String())
	}
}

// dependents are the actions that a call is decided by besides its own.
func (s *scope) dependents(c *collector, op planner.Op, n *planner.Node) {
	for _, d := range needs[op] {
		var condition iampolicy.Conditions
		if d.passed != "" {
			condition = passedTo(d.passed)
		}
		for _, name := range d.actions {
			c.allow(name, n.Addr.String()+" "+d.why, d.on(s, n.Input), condition)
		}
	}
}

// tagging lets the tags of a create be set, and those of what is there be corrected. The first create of
// an account makes the service's own role.
func (s *scope) tagging(c *collector, n *planner.Node) {
	service, _, _ := strings.Cut(string(n.Kind.Create), ":")
	if service != "imagebuilder" && service != "appstream" {
		return
	}
	for _, op := range []planner.Op{planner.Op(service + ":TagResource"), planner.Op(service + ":UntagResource")} {
		c.allow(string(op), n.Addr.String()+" is tagged", []string{s.pattern(n)}, nil)
	}
	if service != "imagebuilder" {
		return
	}
	linked := s.place.iam("role/aws-service-role/" + imagebuilderService + "/AWSServiceRoleForImageBuilder")
	const reason = "the first resource in an account makes Image Builder's own role"
	c.allow("iam:CreateServiceLinkedRole", reason, []string{linked}, iampolicy.Conditions{"StringEquals": {"iam:AWSServiceName": {imagebuilderService}}})
	c.allow("iam:GetRole", reason, []string{linked}, nil)
}
