package sandbox

import "slices"

// A plainKind is a kind of resource that is made, changed, described and deleted, and does nothing else.
type plainKind struct {
	kind   string // as ARNs spell it
	typ    string // as operations do: CreateStack
	plural string // DescribeStacks
	key    string // the member that names one: "Name"
	choose string // the member of Describe that chooses some, by name or by ARN
	quota  int    // how many an account may have
	status object // what a new one has besides what the call says
	drops  map[string]string
	// allow refuses what a create or update asks for; nil allows all.
	allow func(c *call) error
	// used says by what a resource is used, "" by nothing.
	used func(c *call, r *streamResource) string
}

// plainKinds are those kinds.
func (a *appStream) plainKinds() []plainKind {
	return []plainKind{
		{
			kind: kindStack, typ: "Stack", plural: "Stacks", key: "Name", choose: "Names", quota: 10, drops: stackAttributes(),
			used: func(c *call, r *streamResource) string {
				for _, l := range a.links(c, kindFleetStack, "StackName", r.Name) {
					return "the fleet " + l.Needs["FleetName"]
				}
				return ""
			},
		},
		{
			kind: kindDirectory, typ: "DirectoryConfig", plural: "DirectoryConfigs", key: "DirectoryName", choose: "DirectoryNames", quota: 50,
			used: a.joined,
		},
		{
			kind: kindAppBlock, typ: "AppBlock", plural: "AppBlocks", key: "Name", choose: "Arns", quota: 50,
			status: object{"State": "ACTIVE", "PackagingType": "CUSTOM"}, used: a.blockUser,
		},
		{
			kind: kindApplication, typ: "Application", plural: "Applications", key: "Name", choose: "Arns", quota: 50,
			status: object{"Enabled": true}, allow: a.blockExists,
			drops: map[string]string{"LAUNCH_PARAMETERS": "LaunchParameters", "WORKING_DIRECTORY": "WorkingDirectory"},
			used: func(c *call, r *streamResource) string {
				for _, l := range a.links(c, kindApplicationFleet, "ApplicationArn", r.arn()) {
					return "the fleet " + l.Needs["FleetName"]
				}
				return ""
			},
		},
		{
			kind: kindAppBlockBuilder, typ: "AppBlockBuilder", plural: "AppBlockBuilders", key: "Name", choose: "Names", quota: 10,
			status: object{"State": "STOPPED"}, allow: func(c *call) error { return ownRole(c, text(c.in, "IamRoleArn")) },
			drops: map[string]string{"IAM_ROLE_ARN": "IamRoleArn", "ACCESS_ENDPOINTS": "AccessEndpoints"},
			used: func(c *call, r *streamResource) string {
				for _, l := range a.links(c, kindBuilderAppBlock, "AppBlockBuilderName", r.Name) {
					return "the app block " + l.Needs["AppBlockArn"]
				}
				return ""
			},
		},
	}
}

func stackAttributes() map[string]string {
	return map[string]string{
		"STORAGE_CONNECTORS": "StorageConnectors", "REDIRECT_URL": "RedirectURL", "FEEDBACK_URL": "FeedbackURL", "USER_SETTINGS": "UserSettings",
		"EMBED_HOST_DOMAINS": "EmbedHostDomains", "ACCESS_ENDPOINTS": "AccessEndpoints",
		"STREAMING_EXPERIENCE_SETTINGS": "StreamingExperienceSettings", "CONTENT_REDIRECTION": "ContentRedirection", "AGENT_ACCESS_CONFIG": "AgentAccessConfig",
	}
}

// plainAnswers are the operations of the plain kinds. Those that AWS does not have are never asked for.
func (a *appStream) plainAnswers() map[string]answer {
	out := map[string]answer{}
	for _, k := range a.plainKinds() {
		out["Create"+k.typ] = func(c *call) (object, error) { return a.createPlain(c, k) }
		out["Update"+k.typ] = func(c *call) (object, error) { return a.updatePlain(c, k) }
		out["Delete"+k.typ] = func(c *call) (object, error) { return a.deletePlain(c, k) }
		out["Describe"+k.plural] = func(c *call) (object, error) { return a.describePlain(c, k) }
	}
	return out
}

func (a *appStream) createPlain(c *call, k plainKind) (object, error) {
	name := text(c.in, k.key)
	if err := a.newName(c, k.kind, name, k.quota); err != nil {
		return nil, err
	}
	if k.allow != nil {
		if err := k.allow(c); err != nil {
			return nil, err
		}
	}
	r := &streamResource{Kind: k.kind, Name: name, Body: with(k.status, without(withoutPassword(c.in), "Tags"))}
	a.add(c, r)
	return object{k.typ: r.Body}, nil
}

// withoutPassword is an input without the password of a directory's account, which is kept nowhere.
func withoutPassword(in object) object {
	credentials, ok := in["ServiceAccountCredentials"].(object)
	if !ok {
		return in
	}
	return with(in, object{"ServiceAccountCredentials": without(credentials, "AccountPassword")})
}

func (a *appStream) plain(c *call, k plainKind) (*streamResource, error) {
	name := text(c.in, k.key)
	if r := a.get(c, k.kind, name); r != nil {
		return r, nil
	}
	return nil, missing(c, k.kind, name)
}

func (a *appStream) updatePlain(c *call, k plainKind) (object, error) {
	r, err := a.plain(c, k)
	if err != nil {
		return nil, err
	}
	if k.allow != nil {
		if err := k.allow(c); err != nil {
			return nil, err
		}
	}
	if state := r.state(); k.kind == kindAppBlockBuilder && state != "STOPPED" {
		return nil, a.notIn(r, "STOPPED")
	}
	r.set(without(withoutPassword(c.in), "AttributesToDelete", "DeleteStorageConnectors"))
	for _, attribute := range texts(c.in, "AttributesToDelete") {
		r.Body = without(r.Body, k.drops[attribute])
	}
	if flag(false, c.in, "DeleteStorageConnectors") {
		r.Body = without(r.Body, "StorageConnectors")
	}
	a.save(r)
	return object{k.typ: r.Body}, nil
}

func (a *appStream) deletePlain(c *call, k plainKind) (object, error) {
	r, err := a.plain(c, k)
	if err != nil {
		return nil, err
	}
	if by := k.used(c, r); by != "" {
		return nil, fail("ResourceInUseException", "The %s %s is in use by %s.", spoken(k.kind), r.Name, by)
	}
	if state := r.state(); k.kind == kindAppBlockBuilder && state != "STOPPED" {
		return nil, a.notIn(r, "STOPPED")
	}
	a.remove(r)
	return object{}, nil
}

func (a *appStream) describePlain(c *call, k plainKind) (object, error) {
	if k.choose != "Arns" {
		found, err := a.named(c, k.kind, texts(c.in, k.choose))
		if err != nil {
			return nil, err
		}
		return a.page(c, k.plural, 50, bodies(found))
	}
	all := a.all(c.region, c.account, k.kind)
	var found []*streamResource
	for _, arn := range texts(c.in, "Arns") {
		i := slices.IndexFunc(all, func(r *streamResource) bool { return r.arn() == arn })
		if i < 0 {
			return nil, missing(c, k.kind, arn)
		}
		found = append(found, all[i])
	}
	if len(texts(c.in, "Arns")) == 0 {
		found = all
	}
	return a.page(c, k.plural, 50, bodies(found))
}

// joined is what has joined a directory.
func (a *appStream) joined(c *call, d *streamResource) string {
	for _, kind := range []string{kindBuilder, kindFleet} {
		for _, r := range a.all(c.region, c.account, kind) {
			if text(r.Body, "DomainJoinInfo", "DirectoryName") == d.Name {
				return "the " + spoken(kind) + " " + r.Name
			}
		}
	}
	return ""
}
