package sandbox

// applicationAnswers are app blocks, their builders and applications, beyond what plain kinds do.
func (a *appStream) applicationAnswers() map[string]answer {
	return map[string]answer{
		"StartAppBlockBuilder":              func(c *call) (object, error) { return a.turn(c, "STOPPED", "STARTING", "RUNNING") },
		"StopAppBlockBuilder":               func(c *call) (object, error) { return a.turn(c, "RUNNING", "STOPPING", "STOPPED") },
		"CreateAppBlockBuilderStreamingURL": a.appBlockBuilderURL,

		"AssociateAppBlockBuilderAppBlock":    a.associateAppBlock,
		"DisassociateAppBlockBuilderAppBlock": a.disassociateAppBlock,
		"DescribeAppBlockBuilderAppBlockAssociations": func(c *call) (object, error) {
			return a.ends(c, kindBuilderAppBlock, "AppBlockBuilderAppBlockAssociations", "AppBlockBuilderName", "AppBlockArn")
		},
		"AssociateApplicationFleet":    a.associateApplication,
		"DisassociateApplicationFleet": a.disassociateApplication,
		"DescribeApplicationFleetAssociations": func(c *call) (object, error) {
			return a.ends(c, kindApplicationFleet, "ApplicationFleetAssociations", "FleetName", "ApplicationArn")
		},
	}
}

// blockExists refuses an application whose app block is not there.
func (a *appStream) blockExists(c *call) error {
	arn := text(c.in, "AppBlockArn")
	if arn == "" {
		return nil
	}
	if r := a.byARN(arn); r == nil || r.Kind != kindAppBlock || r.Account != c.account {
		return missing(c, kindAppBlock, arn)
	}
	return nil
}

// blockUser is the application that an app block belongs to.
func (a *appStream) blockUser(c *call, b *streamResource) string {
	for _, r := range a.all(c.region, c.account, kindApplication) {
		if text(r.Body, "AppBlockArn") == b.arn() {
			return "the application " + r.Name
		}
	}
	return ""
}

func (a *appStream) appBlockBuilder(c *call, member string) (*streamResource, error) {
	name := text(c.in, member)
	if r := a.get(c, kindAppBlockBuilder, name); r != nil {
		return r, nil
	}
	return nil, missing(c, kindAppBlockBuilder, name)
}

// turn takes an app block builder from one state through another to a third.
func (a *appStream) turn(c *call, from, through, to string) (object, error) {
	r, err := a.appBlockBuilder(c, "Name")
	if err != nil {
		return nil, err
	}
	if r.state() != from {
		return nil, a.notIn(r, from)
	}
	a.pass(c, r, through, to)
	return object{"AppBlockBuilder": r.Body}, nil
}

func (a *appStream) appBlockBuilderURL(c *call) (object, error) {
	r, err := a.appBlockBuilder(c, "AppBlockBuilderName")
	if err != nil {
		return nil, err
	}
	if r.state() != "RUNNING" {
		return nil, a.notIn(r, "RUNNING")
	}
	return streamingURL(c)
}

func (a *appStream) associateAppBlock(c *call) (object, error) {
	if _, err := a.appBlockBuilder(c, "AppBlockBuilderName"); err != nil {
		return nil, err
	}
	if err := a.blockExists(c); err != nil {
		return nil, err
	}
	r := a.link(c, kindBuilderAppBlock, "AppBlockBuilderName", "AppBlockArn")
	return object{"AppBlockBuilderAppBlockAssociation": r.Body}, nil
}

func (a *appStream) disassociateAppBlock(c *call) (object, error) {
	if !a.unlink(c, kindBuilderAppBlock, "AppBlockBuilderName", "AppBlockArn") {
		return nil, fail("ResourceNotFoundException", "The app block is not associated with the app block builder %s.", text(c.in, "AppBlockBuilderName"))
	}
	return object{}, nil
}

// associateApplication is for ELASTIC fleets, which stream applications without an image.
func (a *appStream) associateApplication(c *call) (object, error) {
	f := a.get(c, kindFleet, text(c.in, "FleetName"))
	if f == nil {
		return nil, missing(c, kindFleet, text(c.in, "FleetName"))
	}
	if text(f.Body, "FleetType") != "ELASTIC" {
		return nil, fail("OperationNotPermittedException", "The fleet %s is not ELASTIC.", f.Name)
	}
	if r := a.byARN(text(c.in, "ApplicationArn")); r == nil || r.Kind != kindApplication || r.Account != c.account {
		return nil, missing(c, kindApplication, text(c.in, "ApplicationArn"))
	}
	r := a.link(c, kindApplicationFleet, "FleetName", "ApplicationArn")
	return object{"ApplicationFleetAssociation": r.Body}, nil
}

// disassociateApplication has no error of its model for an association that is not there but this one.
func (a *appStream) disassociateApplication(c *call) (object, error) {
	if !a.unlink(c, kindApplicationFleet, "FleetName", "ApplicationArn") {
		return nil, fail("OperationNotPermittedException", "The application is not associated with the fleet %s.", text(c.in, "FleetName"))
	}
	return object{}, nil
}

// ends lists associations by either end.
func (a *appStream) ends(c *call, kind, member, one, other string) (object, error) {
	var entries []any
	for _, r := range a.links(c, kind, one, text(c.in, one)) {
		if value := text(c.in, other); value == "" || r.Needs[other] == value {
			entries = append(entries, r.Body)
		}
	}
	return a.page(c, member, 25, entries)
}
