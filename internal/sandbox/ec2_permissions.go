package sandbox

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
)

// An ec2Grant is one of those whom a permission names; exactly one member is set.
type ec2Grant struct {
	UserID                string `xml:"userId,omitempty"`
	Group                 string `xml:"group,omitempty"`
	OrganizationArn       string `xml:"organizationArn,omitempty"`
	OrganizationalUnitArn string `xml:"organizationalUnitArn,omitempty"`
}

type (
	ec2Value struct {
		Value string `xml:"value"`
	}
	ec2ImageAttribute struct {
		XMLName     xml.Name   `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeImageAttributeResponse"`
		RequestID   string     `xml:"requestId"`
		ImageID     string     `xml:"imageId"`
		Launch      []ec2Grant `xml:"launchPermission>item,omitempty"`
		Description *ec2Value  `xml:"description,omitempty"`
		BootMode    *ec2Value  `xml:"bootMode,omitempty"`
		TPMSupport  *ec2Value  `xml:"tpmSupport,omitempty"`
	}
	ec2SnapshotAttribute struct {
		XMLName   xml.Name   `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeSnapshotAttributeResponse"`
		RequestID string     `xml:"requestId"`
		ID        string     `xml:"snapshotId"`
		Create    []ec2Grant `xml:"createVolumePermission>item,omitempty"`
	}
)

// grantsOf are the entries of a list of permissions in the query protocol: LaunchPermission.Add.1.UserId.
func grantsOf(form url.Values, list string) (out []ec2Grant) {
	for i := 1; ; i++ {
		at := list + "." + itoa(i)
		g := ec2Grant{form.Get(at + ".UserId"), form.Get(at + ".Group"), form.Get(at + ".OrganizationArn"), form.Get(at + ".OrganizationalUnitArn")}
		if g == (ec2Grant{}) {
			return out
		}
		out = append(out, g)
	}
}

// olderGrants are those of the older form of the calls: OperationType with UserId.1, UserGroup.1 and so on.
func olderGrants(form url.Values) (out []ec2Grant) {
	for _, v := range numbered(form, "UserId") {
		out = append(out, ec2Grant{UserID: v})
	}
	for _, v := range numbered(form, "UserGroup") {
		out = append(out, ec2Grant{Group: v})
	}
	for _, v := range numbered(form, "OrganizationArn") {
		out = append(out, ec2Grant{OrganizationArn: v})
	}
	for _, v := range numbered(form, "OrganizationalUnitArn") {
		out = append(out, ec2Grant{OrganizationalUnitArn: v})
	}
	return out
}

// permissionChanges are what a call adds to and takes from a permission. Organizations are named by images' alone.
func permissionChanges(form url.Values, member string, organizations bool) (add, remove []ec2Grant, err error) {
	add, remove = grantsOf(form, member+".Add"), grantsOf(form, member+".Remove")
	switch op := form.Get("OperationType"); op {
	case "":
	case "add":
		add = append(add, olderGrants(form)...)
	case "remove":
		remove = append(remove, olderGrants(form)...)
	default:
		return nil, nil, fail("InvalidParameterValue", "Value (%s) for parameter operationType is invalid.", op)
	}
	for _, g := range slices.Concat(add, remove) {
		switch {
		case g.UserID != "" && !isAccount(g.UserID):
			return nil, nil, fail("InvalidAMIAttributeItemValue", "Invalid attribute item value %q for userId item type.", g.UserID)
		case g.Group != "" && g.Group != "all":
			return nil, nil, fail("InvalidAMIAttributeItemValue", "Invalid attribute item value %q for userGroup item type.", g.Group)
		case g.OrganizationArn+g.OrganizationalUnitArn != "" && !organizations:
			return nil, nil, fail("InvalidParameterCombination", "The attribute %s takes accounts and groups only.", member)
		case g.OrganizationArn != "" && !strings.Contains(g.OrganizationArn, ":organization/"):
			return nil, nil, fail("InvalidAMIAttributeItemValue", "Invalid attribute item value %q for organizationArn item type.", g.OrganizationArn)
		case g.OrganizationalUnitArn != "" && !strings.Contains(g.OrganizationalUnitArn, ":ou/"):
			return nil, nil, fail("InvalidAMIAttributeItemValue", "Invalid attribute item value %q for organizationalUnitArn item type.", g.OrganizationalUnitArn)
		}
	}
	return add, remove, nil
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// changed is a list with some added and some taken away.
func changed(list, add, remove []string) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(remove, s) })
	for _, s := range add {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// picked are what some grants name in one of their members.
func picked(grants []ec2Grant, member func(ec2Grant) string) (out []string) {
	for _, g := range grants {
		if v := member(g); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func grantUser(g ec2Grant) string         { return g.UserID }
func grantGroup(g ec2Grant) string        { return g.Group }
func grantOrganization(g ec2Grant) string { return g.OrganizationArn + g.OrganizationalUnitArn }

// ownAMI is an AMI whose attributes the caller may see and change: its own.
func (s *Server) ownAMI(c *call, id string) (*ami, error) {
	if !amiID().MatchString(id) {
		return nil, fail("InvalidAMIID.Malformed", "Invalid id: %q (expecting \"ami-...\")", id)
	}
	a := s.db.amis.get(c.region + "/" + id)
	switch {
	case a == nil || !a.visible(c.account):
		return nil, fail("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	case a.Owner != c.account:
		return nil, fail("AuthFailure", "Not authorized for image:%s", id)
	}
	return a, nil
}

// modifyImageAttribute changes who may launch an AMI, or its description.
func (s *Server) modifyImageAttribute(c *call, form url.Values) (any, error) {
	a, err := s.ownAMI(c, form.Get("ImageId"))
	if err != nil {
		return nil, err
	}
	attribute := form.Get("Attribute")
	switch {
	case form.Has("Description.Value"):
		a.Description = form.Get("Description.Value")
	case attribute == "description":
		a.Description = form.Get("Value")
	case attribute != "" && attribute != "launchPermission":
		return nil, fail("UnsupportedOperation", "The sandbox does not do this: the attribute %s of images.", attribute)
	default:
		add, remove, err := permissionChanges(form, "LaunchPermission", true)
		if err != nil {
			return nil, err
		}
		if len(add)+len(remove) == 0 {
			return nil, fail("InvalidParameterCombination", "No attributes specified.")
		}
		a.SharedWith = changed(a.SharedWith, picked(add, grantUser), picked(remove, grantUser))
		a.OrganizationIDs = changed(a.OrganizationIDs, picked(add, grantOrganization), picked(remove, grantOrganization))
		a.Public = (a.Public || len(picked(add, grantGroup)) > 0) && len(picked(remove, grantGroup)) == 0
	}
	s.db.amis.put(c.region+"/"+a.ID, a)
	return done(c, "ModifyImageAttribute"), nil
}

// describeImageAttribute shows one attribute of an AMI to its owner.
func (s *Server) describeImageAttribute(c *call, form url.Values) (any, error) {
	a, err := s.ownAMI(c, form.Get("ImageId"))
	if err != nil {
		return nil, err
	}
	out := ec2ImageAttribute{RequestID: c.id, ImageID: a.ID}
	switch attribute := form.Get("Attribute"); attribute {
	case "launchPermission":
		out.Launch = a.grants()
	case "description":
		out.Description = &ec2Value{a.Description}
	case "bootMode":
		out.BootMode = &ec2Value{a.BootMode}
	case "tpmSupport":
		out.TPMSupport = &ec2Value{a.TPM}
	case "":
		return nil, fail("MissingParameter", "The request must contain the parameter attribute")
	default:
		return nil, fail("UnsupportedOperation", "The sandbox does not do this: the attribute %s of images.", attribute)
	}
	return out, nil
}

// grants are those whom an AMI's launch permission names.
func (a *ami) grants() (out []ec2Grant) {
	if a.Public {
		out = append(out, ec2Grant{Group: "all"})
	}
	for _, account := range a.SharedWith {
		out = append(out, ec2Grant{UserID: account})
	}
	for _, arn := range a.OrganizationIDs {
		if strings.Contains(arn, ":ou/") {
			out = append(out, ec2Grant{OrganizationalUnitArn: arn})
		} else {
			out = append(out, ec2Grant{OrganizationArn: arn})
		}
	}
	return out
}

// ownSnapshot is a snapshot whose attributes the caller may see and change.
func (s *Server) ownSnapshot(c *call, form url.Values) (*snapshot, error) {
	id := form.Get("SnapshotId")
	snap := s.db.snapshots.get(c.region + "/" + id)
	if snap == nil || snap.Owner != c.account {
		return nil, fail("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
	}
	if attribute := form.Get("Attribute"); attribute != "" && attribute != "createVolumePermission" {
		return nil, fail("UnsupportedOperation", "The sandbox does not do this: the attribute %s of snapshots.", attribute)
	}
	return snap, nil
}

// modifySnapshotAttribute changes who may make volumes of a snapshot.
func (s *Server) modifySnapshotAttribute(c *call, form url.Values) (any, error) {
	snap, err := s.ownSnapshot(c, form)
	if err != nil {
		return nil, err
	}
	add, remove, err := permissionChanges(form, "CreateVolumePermission", false)
	if err != nil {
		return nil, err
	}
	snap.SharedWith = changed(snap.SharedWith, picked(add, grantUser), picked(remove, grantUser))
	snap.Public = (snap.Public || len(picked(add, grantGroup)) > 0) && len(picked(remove, grantGroup)) == 0
	s.db.snapshots.put(c.region+"/"+snap.ID, snap)
	return done(c, "ModifySnapshotAttribute"), nil
}

// describeSnapshotAttribute shows who may make volumes of a snapshot.
func (s *Server) describeSnapshotAttribute(c *call, form url.Values) (any, error) {
	if form.Get("Attribute") == "" {
		return nil, fail("MissingParameter", "The request must contain the parameter attribute")
	}
	snap, err := s.ownSnapshot(c, form)
	if err != nil {
		return nil, err
	}
	out := ec2SnapshotAttribute{RequestID: c.id, ID: snap.ID}
	if snap.Public {
		out.Create = append(out.Create, ec2Grant{Group: "all"})
	}
	for _, account := range snap.SharedWith {
		out.Create = append(out.Create, ec2Grant{UserID: account})
	}
	return out, nil
}
