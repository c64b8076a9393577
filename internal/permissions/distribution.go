package permissions

import (
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/planner"
)

// anyAMI and anySnapshot are those of all regions: images are distributed, and which ids they get nobody knows before.
func (s *scope) anyAMI() []string { return []string{"arn:" + s.place.partition() + ":ec2:*::image/*"} }

func (s *scope) anySnapshot() []string {
	return []string{"arn:" + s.place.partition() + ":ec2:*::snapshot/*"}
}

// byService is the condition that Image Builder made something: it tags all it makes.
func byService() iampolicy.Conditions {
	return iampolicy.Conditions{"StringEquals": {"aws:ResourceTag/CreatedBy": {"EC2 Image Builder"}}}
}

// distributed allows what a plan reads of an image whose distribution changed: how it was distributed, which its
// configuration of today does not name, and who may launch its AMIs.
func (s *scope) distributed(c *collector, n *planner.Node) {
	why := n.Addr.String() + " is compared with its distribution"
	c.allow("imagebuilder:GetDistributionConfiguration", why, []string{s.place.arn("imagebuilder", "distribution-configuration/*")}, nil)
	c.allow("ec2:DescribeImages", why, []string{"*"}, nil)
	c.allow("ec2:DescribeImageAttribute", why, s.anyAMI(), nil)
	c.allow("ec2:DescribeSnapshotAttribute", why, s.anySnapshot(), nil)
}

// sharing allows to change who may launch an image's AMIs. A distribution that is no longer in the configuration is
// taken back too.
func (s *scope) sharing(c *collector, n *planner.Node) {
	why := n.Addr.String() + " is shared as its distribution says"
	c.allow("ec2:ModifyImageAttribute", why, s.anyAMI(), byService())
	c.allow("ec2:ModifySnapshotAttribute", why, s.anySnapshot(), byService())
}
