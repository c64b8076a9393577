package sandbox

import "github.com/org/imagebuild-action/internal/awsmodel/rules"

// judge refuses calls that AWS accepts one by one and not together: an image or pipeline with its recipe,
// infrastructure and distribution. AWS finds some of that only while it builds; here it is said at once.
func (ib *imageBuilder) judge(c *call, recipe *resource) error {
	body := func(member string) object {
		if r := ib.db.exact(text(c.in, member)); r != nil {
			return r.Body
		}
		return nil
	}
	b := &rules.Build{
		Place: rules.Place{Region: c.region, Account: c.account}, Image: c.in, Recipe: recipe.Body,
		Infrastructure: body("infrastructureConfigurationArn"), Distribution: body("distributionConfigurationArn"),
		Parent: rules.ParentOf(recipe.Body["parentImage"]),
	}
	for _, f := range rules.CheckBuild(b) {
		if f.Refused() {
			return refused(c.op, f.Finding)
		}
	}
	return nil
}
