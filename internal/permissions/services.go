package permissions

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// services are the roles that AWS's services and the machines they start work under, as the configuration names them.
func (s *scope) services() []Role {
	var out []Role
	for _, h := range handed {
		out = append(out, s.handed(h)...)
	}
	return out
}

// A handing is a member of an input that names a role, and what AWS documents that such a role needs.
type handing struct {
	name, service, purpose string
	ops                    []planner.Op
	path                   []string
	managed                []string // names of AWS's own policies
	grants                 func(*scope, *collector, *planner.Node)
}

// MachineRole is the name of the role that AppStream's machines work under.
const MachineRole = "appstream-machine"

// handed are the roles that are handed to services: Image Builder User Guide ("Prerequisites", "Export and
// import"), VM Import/Export User Guide ("Required service role"), AppStream Administration Guide.
var handed = []handing{ //nolint:gochecknoglobals // a table, never written
	{
		name: "instance", service: ec2Service, purpose: "The instances that Image Builder starts work under it, through an instance profile.",
		ops: []planner.Op{"imagebuilder:CreateInfrastructureConfiguration"}, path: []string{"instanceProfileName"},
		managed: []string{"EC2InstanceProfileForImageBuilder", "AmazonSSMManagedInstanceCore"}, grants: (*scope).instance,
	},
	{
		name: "execution", service: imagebuilderService, purpose: "Image Builder runs workflows and distributes images under it.",
		ops: []planner.Op{"imagebuilder:CreateImage", "imagebuilder:CreateImagePipeline"}, path: []string{"executionRole"},
		managed: []string{"EC2ImageBuilderExecutionPolicy"},
	},
	{
		name: "lifecycle", service: imagebuilderService, purpose: "Image Builder takes old images away under it.",
		ops: []planner.Op{"imagebuilder:CreateLifecyclePolicy"}, path: []string{"executionRole"},
		managed: []string{"EC2ImageBuilderLifecycleExecutionPolicy"},
	},
	{
		name: "export", service: vmieService, purpose: "EC2 exports disk images to S3 under it.",
		ops: []planner.Op{"imagebuilder:CreateDistributionConfiguration"}, path: []string{"distributions", "s3ExportConfiguration", "roleName"}, grants: (*scope).export,
	},
	{
		name: "appstream-import", service: appstreamService, purpose: "AppStream imports AMIs under it.",
		ops: []planner.Op{"appstream:CreateImportedImage"}, path: []string{"IamRoleArn"}, grants: func(_ *scope, c *collector, n *planner.Node) {
			for _, name := range []string{"ec2:ModifyImageAttribute", "ec2:DescribeImages"} {
				c.allow(name, n.Addr.String()+" imports an AMI", []string{"*"}, nil)
			}
		},
	},
	{
		name: "appstream-export", service: appstreamService, purpose: "AppStream exports images to AMIs under it.",
		ops: []planner.Op{"appstream:CreateExportImageTask"}, path: []string{"IamRoleArn"}, grants: func(_ *scope, c *collector, n *planner.Node) {
			for _, name := range []string{"ec2:CopyImage", "ec2:DescribeImages", "ec2:CreateTags"} {
				c.allow(name, n.Addr.String()+" is exported to an AMI", []string{"*"}, nil)
			}
		},
	},
	{
		name: MachineRole, service: appstreamService, purpose: "What runs in an AppStream builder or fleet finds it as the profile appstream_machine_role.",
		ops: []planner.Op{"appstream:CreateImageBuilder", "appstream:CreateFleet"}, path: []string{"IamRoleArn"}, grants: (*scope).machine,
	},
}

// handed are the roles of one handing, by what the configuration calls them.
func (s *scope) handed(h handing) []Role {
	byName := map[string]*collector{}
	for _, n := range s.graph.Nodes {
		if !slices.Contains(h.ops, n.Kind.Create) {
			continue
		}
		for _, v := range at(n.Input, h.path...) {
			name, ok := v.(string)
			if !ok || name == "" {
				continue
			}
			if byName[name] == nil {
				byName[name] = newCollector(s.place)
			}
			if h.grants != nil {
				h.grants(s, byName[name], n)
			}
		}
	}
	var out []Role
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		r := Role{Name: h.name, Purpose: h.purpose, Called: name, Service: h.service, Managed: slices.Clone(h.managed), Grants: byName[name].sorted()}
		if h.name == "instance" && slices.ContainsFunc(s.graph.Nodes, func(n *planner.Node) bool { return n.Kind.Create == "imagebuilder:CreateContainerRecipe" }) {
			r.Managed = append(r.Managed, "EC2InstanceProfileForImageBuilderECRContainerBuilds")
		}
		out = append(out, r)
	}
	return out
}

// instance is what builds on one infrastructure need besides AWS's own policies: their files, where their
// logs go, and keys.
func (s *scope) instance(c *collector, n *planner.Node) {
	for _, v := range at(n.Input, "logging", "s3Logs", "s3BucketName") {
		bucket, _ := v.(string)
		prefix := ""
		for _, p := range at(n.Input, "logging", "s3Logs", "s3KeyPrefix") {
			prefix, _ = p.(string)
		}
		key := "*"
		if prefix = strings.Trim(prefix, "/"); prefix != "" {
			key = prefix + "/*"
		}
		c.allow("s3:PutObject", n.Addr.String()+" keeps logs there", []string{"arn:" + s.place.partition() + ":s3:::" + cmp.Or(bucket, "*") + "/" + key}, nil)
	}
	for _, other := range s.graph.Nodes {
		switch other.Kind.Create {
		case "s3:PutObject":
			c.allow("s3:GetObject", other.Addr.String()+" is fetched by builds", []string{s.pattern(other)}, nil)
		case "imagebuilder:CreateComponent":
			c.allow("kms:Decrypt", other.Addr.String()+" is encrypted with it", where("kmsKeyId")(s, other.Input), nil)
		}
	}
}

// export is what VM Import/Export documents of its role.
func (s *scope) export(c *collector, n *planner.Node) {
	reason := n.Addr.String() + " exports disk images"
	for _, v := range at(n.Input, "distributions", "s3ExportConfiguration", "s3Bucket") {
		bucket, ok := v.(string)
		if !ok {
			continue
		}
		arn := "arn:" + s.place.partition() + ":s3:::" + bucket
		for _, name := range []string{"s3:GetBucketLocation", "s3:GetBucketAcl", "s3:ListBucket"} {
			c.allow(name, reason, []string{arn}, nil)
		}
		for _, name := range []string{"s3:GetObject", "s3:PutObject"} {
			c.allow(name, reason, []string{arn + "/*"}, nil)
		}
	}
	for _, name := range []string{"ec2:ModifySnapshotAttribute", "ec2:CopySnapshot", "ec2:RegisterImage", "ec2:DescribeImages", "ec2:DescribeSnapshots"} {
		c.allow(name, reason, []string{"*"}, nil)
	}
}

// machine is what a builder needs to be worked in without a network path to it: its jobs are pulled from S3,
// results are put there.
func (s *scope) machine(c *collector, n *planner.Node) {
	if x, ok := s.exchange(n); ok {
		x.machine(c, n.Addr.String())
	}
}
