package sandbox

// entitlementQuota is AWS's default number of entitlements of a stack.
const entitlementQuota = 50

// entitlementAnswers are entitlements, which belong to stacks, and the stacks' themes.
func (a *appStream) entitlementAnswers() map[string]answer {
	return map[string]answer{
		"CreateEntitlement":    a.createEntitlement,
		"UpdateEntitlement":    a.updateEntitlement,
		"DeleteEntitlement":    a.deleteEntitlement,
		"DescribeEntitlements": a.describeEntitlements,

		"AssociateApplicationToEntitlement":      a.entitle,
		"DisassociateApplicationFromEntitlement": a.unentitle,
		"ListEntitledApplications":               a.entitled,

		"CreateThemeForStack":   a.createTheme,
		"UpdateThemeForStack":   a.updateTheme,
		"DeleteThemeForStack":   a.deleteTheme,
		"DescribeThemeForStack": a.describeTheme,
	}
}

// stack is the stack that the call names.
func (a *appStream) stack(c *call) (*streamResource, error) {
	name := text(c.in, "StackName")
	if r := a.get(c, kindStack, name); r != nil {
		return r, nil
	}
	return nil, missing(c, kindStack, name)
}

func (a *appStream) createEntitlement(c *call) (object, error) {
	s, err := a.stack(c)
	if err != nil {
		return nil, err
	}
	name := s.Name + "/" + text(c.in, "Name")
	if a.get(c, kindEntitlement, name) != nil {
		return nil, fail("EntitlementAlreadyExistsException", "The entitlement %s of the stack %s already exists.", text(c.in, "Name"), s.Name)
	}
	if err := a.within(len(a.links(c, kindEntitlement, "StackName", s.Name)), kindEntitlement, entitlementQuota); err != nil {
		return nil, err
	}
	r := &streamResource{Kind: kindEntitlement, Name: name, Body: c.in, Needs: map[string]string{"StackName": s.Name}}
	a.add(c, r)
	r.set(object{"Name": c.in["Name"], "LastModifiedTime": streamTime(c.now)})
	a.save(r)
	return object{"Entitlement": r.Body}, nil
}

// entitlement is the one that the call names by a member, in a stack that exists.
func (a *appStream) entitlement(c *call, member string) (*streamResource, error) {
	s, err := a.stack(c)
	if err != nil {
		return nil, err
	}
	if r := a.get(c, kindEntitlement, s.Name+"/"+text(c.in, member)); r != nil {
		return r, nil
	}
	return nil, fail("EntitlementNotFoundException", "The entitlement %s of the stack %s does not exist.", text(c.in, member), s.Name)
}

func (a *appStream) updateEntitlement(c *call) (object, error) {
	r, err := a.entitlement(c, "Name")
	if err != nil {
		return nil, err
	}
	r.set(with(c.in, object{"LastModifiedTime": streamTime(c.now)}))
	a.save(r)
	return object{"Entitlement": r.Body}, nil
}

func (a *appStream) deleteEntitlement(c *call) (object, error) {
	r, err := a.entitlement(c, "Name")
	if err != nil {
		return nil, err
	}
	a.remove(r)
	return object{}, nil
}

func (a *appStream) describeEntitlements(c *call) (object, error) {
	if text(c.in, "Name") != "" {
		r, err := a.entitlement(c, "Name")
		if err != nil {
			return nil, err
		}
		return object{"Entitlements": []any{r.Body}}, nil
	}
	s, err := a.stack(c)
	if err != nil {
		return nil, err
	}
	return a.page(c, "Entitlements", 50, bodies(a.links(c, kindEntitlement, "StackName", s.Name)))
}

func (a *appStream) entitle(c *call) (object, error) {
	if _, err := a.entitlement(c, "EntitlementName"); err != nil {
		return nil, err
	}
	a.link(c, kindEntitled, "StackName", "EntitlementName", "ApplicationIdentifier")
	return object{}, nil
}

func (a *appStream) unentitle(c *call) (object, error) {
	if _, err := a.entitlement(c, "EntitlementName"); err != nil {
		return nil, err
	}
	if !a.unlink(c, kindEntitled, "StackName", "EntitlementName", "ApplicationIdentifier") {
		return nil, fail("ResourceNotFoundException", "The application %s is not associated with the entitlement.", text(c.in, "ApplicationIdentifier"))
	}
	return object{}, nil
}

func (a *appStream) entitled(c *call) (object, error) {
	e, err := a.entitlement(c, "EntitlementName")
	if err != nil {
		return nil, err
	}
	var entries []any
	for _, l := range a.links(c, kindEntitled, "StackName", e.Needs["StackName"]) {
		if l.Needs["EntitlementName"] == text(c.in, "EntitlementName") {
			entries = append(entries, l.Body)
		}
	}
	return a.page(c, "EntitledApplications", 50, entries)
}

func (a *appStream) createTheme(c *call) (object, error) {
	s, err := a.stack(c)
	if err != nil {
		return nil, err
	}
	if a.get(c, kindTheme, s.Name) != nil {
		return nil, taken("theme of the stack", s.Name)
	}
	r := &streamResource{Kind: kindTheme, Name: s.Name, Body: object{"State": "ENABLED"}}
	a.add(c, r)
	return a.paint(c, r)
}

// paint gives a theme what the call says; images stay where they are.
func (a *appStream) paint(c *call, r *streamResource) (object, error) {
	for member, shown := range map[string]string{
		"StackName": "StackName", "State": "State", "TitleText": "ThemeTitleText", "ThemeStyling": "ThemeStyling", "FooterLinks": "ThemeFooterLinks",
	} {
		if v := c.in[member]; v != nil {
			r.set(object{shown: v})
		}
	}
	for member, shown := range map[string]string{"OrganizationLogoS3Location": "ThemeOrganizationLogoURL", "FaviconS3Location": "ThemeFaviconURL"} {
		if l := c.in[member]; l != nil {
			r.set(object{shown: "https://" + text(l, "S3Bucket") + ".s3." + c.region + ".amazonaws.com/" + text(l, "S3Key")})
		}
	}
	if len(texts(c.in, "AttributesToDelete")) > 0 { // FOOTER_LINKS is the only one
		r.Body = without(r.Body, "ThemeFooterLinks")
	}
	a.save(r)
	return object{"Theme": r.Body}, nil
}

func (a *appStream) theme(c *call) (*streamResource, error) {
	name := text(c.in, "StackName")
	if r := a.get(c, kindTheme, name); r != nil {
		return r, nil
	}
	return nil, missing(c, kindTheme, name)
}

func (a *appStream) updateTheme(c *call) (object, error) {
	r, err := a.theme(c)
	if err != nil {
		return nil, err
	}
	return a.paint(c, r)
}

func (a *appStream) deleteTheme(c *call) (object, error) {
	r, err := a.theme(c)
	if err != nil {
		return nil, err
	}
	a.remove(r)
	return object{}, nil
}

func (a *appStream) describeTheme(c *call) (object, error) {
	r, err := a.theme(c)
	if err != nil {
		return nil, err
	}
	return object{"Theme": r.Body}, nil
}
