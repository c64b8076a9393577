package permissions

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/planner"
)

// An Exchange is a bucket, or what lies under a prefix in it, through which machines are worked in: one side writes jobs
// and the other results (docs/communicators.md). Whoever can write jobs and knows their key owns the machines.
type Exchange struct {
	Place Place // of the machines
	// Bucket and Prefix are those of the communicator's settings.
	Bucket, Prefix string
	// Key is where the machines read the key of the jobs: "ssm:/path", "secretsmanager:NAME" or
	// "secretsmanager:NAME#member"; "" where that is not known.
	Key string
	// Machines are the ARNs of the machines' roles, Runner that of the role which runs imagebuild; none and "" for
	// roles that are named later.
	Machines []string
	Runner   string
}

func (x Exchange) bucket() string { return "arn:" + x.Place.partition() + ":s3:::" + x.Bucket }

// objects are all below some of the exchange's parts.
func (x Exchange) objects(parts ...string) (out []string) {
	prefix := strings.Trim(x.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	for _, part := range parts {
		out = append(out, x.bucket()+"/"+prefix+part+"/*")
	}
	return out
}

// machine allows what the machines do. They fetch files by URLs that are signed for them, and may not even list.
func (x Exchange) machine(c *collector, who string) {
	c.allow("s3:GetObject", who+" pulls its work from there", x.objects("jobs"), nil)
	c.allow("s3:PutObject", who+" puts results there", x.objects("results"), nil)
	x.readKey(c, who+" checks jobs with their key; where jobs are signed with Ed25519, name the parameter of the public key")
}

// runner allows what the role that runs imagebuild does: the reverse. It may list, so that an object that is not there
// yet is told from one that may not be read; S3 decides that without a prefix, so that none can be asked for.
func (x Exchange) runner(c *collector, who string) {
	c.allow("s3:PutObject", who+" is given work there", x.objects("jobs", "files"), nil)
	c.allow("s3:GetObject", who+" puts results there, and fetches files by signed URLs", x.objects("results", "files"), nil)
	c.allow("s3:ListBucket", who+" is waited for there", []string{x.bucket()}, nil)
	x.readKey(c, who+" is given work that is signed with it")
}

func (x Exchange) readKey(c *collector, reason string) {
	(&scope{place: x.Place}).secret(c, x.Key, reason)
}

// MachinePolicy is for the role of the machines.
func (x Exchange) MachinePolicy() iampolicy.Document { return x.policy(Exchange.machine, "machine") }

// RunnerPolicy is for the role that runs imagebuild.
func (x Exchange) RunnerPolicy() iampolicy.Document { return x.policy(Exchange.runner, "runner") }

func (x Exchange) policy(side func(Exchange, *collector, string), name string) iampolicy.Document {
	c := newCollector(x.Place)
	side(x, c, "a machine")
	return iampolicy.Document{Version: iampolicy.Version, Statement: Role{Name: name, Grants: c.sorted()}.statements()}
}

// BucketPolicy is the policy of the bucket that exchanges lie in. It keeps everybody but their roles away from what these
// say to each other, and each of them from the other's half.
func BucketPolicy(of ...Exchange) iampolicy.Document {
	out := iampolicy.Document{Version: iampolicy.Version}
	for i, x := range of {
		if i == 0 {
			out.Statement = append(out.Statement, iampolicy.Statement{
				Sid: "EncryptedOnly", Effect: "Deny", Principal: everybody(), Action: iampolicy.Strings{"s3:*"}, Resource: iampolicy.Strings{x.bucket(), x.bucket() + "/*"},
				Condition: iampolicy.Conditions{"Bool": {"aws:SecureTransport": {"false"}}},
			})
		}
		out.Statement = append(out.Statement, x.denials(strings.TrimPrefix(strconv.Itoa(i+1), "1"))...)
	}
	return out
}

func everybody() iampolicy.Principal { return iampolicy.Principal{"*": {"*"}} }

// denials are an exchange's part of its bucket's policy.
func (x Exchange) denials(suffix string) []iampolicy.Statement {
	runner := []string{cmp.Or(x.Runner, "RUNNER-ROLE-ARN")}
	machines := x.Machines
	if len(machines) == 0 {
		machines = []string{"MACHINE-ROLE-ARN"}
	}
	only := func(sid string, who, resources []string, actions ...string) iampolicy.Statement {
		return iampolicy.Statement{
			Sid: sid + suffix, Effect: "Deny", Principal: everybody(), Action: actions, Resource: resources,
			// A role's sessions carry its own ARN in aws:PrincipalArn.
			Condition: iampolicy.Conditions{"ArnNotEquals": {"aws:PrincipalArn": who}},
		}
	}
	return []iampolicy.Statement{
		only("JobsAreTheRunners", runner, x.objects("jobs", "files"), "s3:PutObject", "s3:DeleteObject"),
		only("ResultsAreTheMachines", machines, x.objects("results"), "s3:PutObject", "s3:DeleteObject"),
		only("JobsAreReadByMachines", machines, x.objects("jobs"), "s3:GetObject"),
		only("FilesAndResultsAreReadByTheRunner", runner, x.objects("files", "results"), "s3:GetObject"), // and by who holds a URL that it signed
	}
}

// exchange is what a machine is worked in through; false where it is another communicator.
func (s *scope) exchange(n *planner.Node) (Exchange, bool) {
	if n.Work == nil || n.Work.Communicator.Type != "s3" {
		return Exchange{}, false
	}
	x := Exchange{Place: s.place, Bucket: text(n.Work.Communicator.Settings, "bucket"), Prefix: text(n.Work.Communicator.Settings, "prefix")}
	if kept := n.Work.Communicator.Secrets["key"]; planner.StoredSecret(kept) {
		x.Key = kept
	}
	x.Machines = s.role(n.Input["IamRoleArn"])
	x.Runner = s.place.iam("role/imagebuild-build") // as the roles printed are called
	return x, x.Bucket != ""
}

// A Bucket is a bucket that machines are worked in through, and the policy that it needs.
type Bucket struct {
	Name    string
	Policy  iampolicy.Document
	Reasons []string // sorted sentences: which machines use it
}

// Buckets are the buckets that a configuration's machines are worked in through, in the order of the graph.
func Buckets(g *planner.Graph, p Place) []Bucket {
	s := newScope(g, p)
	var out []Bucket
	exchanges := map[string][]Exchange{}
	for _, n := range g.Nodes {
		x, ok := s.exchange(n)
		if !ok {
			continue
		}
		all := exchanges[x.Bucket]
		if i := slices.IndexFunc(all, func(o Exchange) bool { return slices.Equal(o.objects("jobs"), x.objects("jobs")) }); i >= 0 {
			all[i].Machines = distinct(append(all[i].Machines, x.Machines...))
		} else {
			all = append(all, x)
		}
		exchanges[x.Bucket] = all
		i := slices.IndexFunc(out, func(b Bucket) bool { return b.Name == x.Bucket })
		if i < 0 {
			i = len(out)
			out = append(out, Bucket{Name: x.Bucket})
		}
		out[i].Policy = BucketPolicy(all...)
		out[i].Reasons = append(out[i].Reasons, n.Addr.String()+" is worked in through it")
	}
	for i := range out {
		slices.Sort(out[i].Reasons)
	}
	return out
}
