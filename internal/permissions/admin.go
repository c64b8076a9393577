package permissions

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// AdminRole is the name of the role for imagebuild appstream. It administers images of the whole account, whoever made them.
const AdminRole = "appstream-admin"

// administered are the calls of each verb of imagebuild appstream.
var administered = []struct {
	verb, resource string
	actions        []string
	// elsewhere says that the calls are made in other regions, too.
	elsewhere bool
}{ //nolint:gochecknoglobals // a table, never written
	{"list", "image", []string{"appstream:DescribeImages", "appstream:DescribeImagePermissions"}, true},
	{"share", "image", []string{"appstream:UpdateImagePermissions", "appstream:DeleteImagePermissions"}, true},
	{"unshare", "image", []string{"appstream:DeleteImagePermissions"}, true},
	{"copy", "image", []string{"appstream:CopyImage", "appstream:ListTagsForResource", "appstream:TagResource", "appstream:UntagResource", "appstream:UpdateImagePermissions", "appstream:DeleteImage"}, true}, // a copy that failed is made anew,
	{"update", "image", []string{"appstream:CreateUpdatedImage", "appstream:ListTagsForResource", "appstream:TagResource"}, false},
	{"update --builder", "image-builder", []string{"appstream:DescribeImageBuilders", "appstream:StartImageBuilder", "appstream:StopImageBuilder", "appstream:ListTagsForResource", "appstream:TagResource", "appstream:UntagResource"}, false},
	{"delete", "image", []string{"appstream:DeleteImage", "appstream:DescribeFleets", "appstream:DeleteImagePermissions"}, false},
	{"export", "image", []string{"appstream:CreateExportImageTask", "appstream:GetExportImageTask", "appstream:ListExportImageTasks"}, false},
}

// Admin is the role that imagebuild appstream works under. Of the roles that export hands to AppStream it may pass those
// that the configuration names, or where it names none, any of the account.
func Admin(g *planner.Graph, p Place) Role {
	s := newScope(g, p)
	c := newCollector(p)
	for _, v := range administered {
		on := []string{p.arn("appstream", v.resource+"/*")}
		if v.elsewhere {
			on = []string{strings.Replace(on[0], ":"+p.Region+":", ":*:", 1)}
		}
		for _, name := range v.actions {
			resources := on
			if ref, _ := action(name); len(ref.Resources) == 0 {
				resources = []string{"*"}
			}
			c.allow(name, "imagebuild appstream "+v.verb, resources, nil)
		}
	}
	var exporters []string
	for _, n := range g.Nodes {
		if n.Kind.Create == "appstream:CreateExportImageTask" {
			exporters = append(exporters, s.role(n.Input["IamRoleArn"])...)
		}
	}
	why := "imagebuild appstream export hands its role to AppStream"
	if len(exporters) == 0 {
		exporters, why = []string{p.iam("role/*")}, why+"; write the name of that role"
	}
	c.allow("iam:PassRole", why, slices.Clone(exporters), passedTo(appstreamService))
	return Role{Name: AdminRole, Purpose: "imagebuild appstream shares, copies, updates, exports and deletes with it what images the account has.", Grants: c.sorted()}
}
