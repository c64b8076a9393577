package sandbox

import (
	"slices"
	"time"
)

// fleetQuota is AWS's default number of fleets.
const fleetQuota = 10

func (a *appStream) fleetAnswers() map[string]answer {
	return map[string]answer{
		"CreateFleet": a.createFleet,
		"UpdateFleet": a.updateFleet,
		"DeleteFleet": a.deleteFleet,
		"DescribeFleets": func(c *call) (object, error) {
			found, err := a.named(c, kindFleet, texts(c.in, "Names"))
			if err != nil {
				return nil, err
			}
			return a.page(c, "Fleets", 50, bodies(found))
		},
		"StartFleet": a.startFleet,
		"StopFleet":  a.stopFleet,

		"AssociateFleet":       a.associateFleet,
		"DisassociateFleet":    a.disassociateFleet,
		"ListAssociatedFleets": func(c *call) (object, error) { return a.associated(c, "StackName", "FleetName") },
		"ListAssociatedStacks": func(c *call) (object, error) { return a.associated(c, "FleetName", "StackName") },
	}
}

func bodies(found []*streamResource) []any {
	out := make([]any, len(found))
	for i, r := range found {
		out[i] = r.Body
	}
	return out
}

func (a *appStream) createFleet(c *call) (object, error) {
	name := text(c.in, "Name")
	if err := a.newName(c, kindFleet, name, fleetQuota); err != nil {
		return nil, err
	}
	body := with(object{
		"FleetType": "ALWAYS_ON", "MaxUserDurationInSeconds": 57600, "DisconnectTimeoutInSeconds": 900,
		"IdleDisconnectTimeoutInSeconds": 0, "StreamView": "APP", "EnableDefaultInternetAccess": false,
	}, without(c.in, "Tags", "ComputeCapacity"))
	if err := a.fleetImage(c, body); err != nil {
		return nil, err
	}
	if err := a.joins(c); err != nil {
		return nil, err
	}
	if err := ownRole(c, text(c.in, "IamRoleArn")); err != nil {
		return nil, err
	}
	if (at(c.in, "ComputeCapacity") == nil) != (body["FleetType"] == "ELASTIC") {
		return nil, fail("InvalidParameterCombinationException", "ComputeCapacity belongs to all fleets that are not ELASTIC.")
	}
	r := &streamResource{Kind: kindFleet, Name: name, Body: with(body, object{"State": "STOPPED"})}
	a.add(c, r)
	a.setCapacity(r, desired(c.in))
	return object{"Fleet": r.Body}, nil
}

// fleetImage resolves the image that the call names, if any, into a fleet's body.
func (a *appStream) fleetImage(c *call, body object) error {
	if body["FleetType"] == "ELASTIC" {
		if text(c.in, "ImageName")+text(c.in, "ImageArn") != "" {
			return fail("InvalidParameterCombinationException", "ELASTIC fleets have no image.")
		}
		return nil
	}
	img, err := a.baseImage(c, "Fleet")
	if err != nil {
		return err
	}
	asked := *c
	asked.in = with(body, nil)
	if err := a.fits(&asked, img); err != nil {
		return err
	}
	delete(body, "ImageName")
	if img.Account == "" || img.Account == c.account {
		body["ImageName"] = img.Name
	}
	body["ImageArn"], body["Platform"] = img.arn(), img.Body["Platform"]
	return nil
}

// desired is the number of instances that a call asks for.
func desired(in object) int64 {
	return number(number(0, in, "ComputeCapacity", "DesiredInstances"), in, "ComputeCapacity", "DesiredSessions")
}

// setCapacity is how many instances a fleet should have; a running one has them at once.
func (a *appStream) setCapacity(r *streamResource, n int64) {
	capacity := object{"Desired": n}
	if r.state() == "RUNNING" {
		capacity["Running"], capacity["Available"], capacity["InUse"] = n, n, 0
	}
	r.set(object{"ComputeCapacityStatus": capacity})
	a.save(r)
}

func (a *appStream) fleet(c *call) (*streamResource, error) {
	name := text(c.in, "Name")
	if r := a.get(c, kindFleet, name); r != nil {
		return r, nil
	}
	return nil, missing(c, kindFleet, name)
}

// updateFleet lets a RUNNING fleet have another image, capacity, display name and timeouts; all else needs STOPPED.
func (a *appStream) updateFleet(c *call) (object, error) {
	r, err := a.fleet(c)
	if err != nil {
		return nil, err
	}
	while := []string{"Name", "DisplayName", "ComputeCapacity", "ImageName", "ImageArn", "IdleDisconnectTimeoutInSeconds", "DisconnectTimeoutInSeconds"}
	for _, member := range sortedKeys(c.in) {
		if r.state() == "RUNNING" && !slices.Contains(while, member) {
			return nil, fail("OperationNotPermittedException", "%s of a RUNNING fleet cannot be updated. Stop the fleet %s first.", member, r.Name)
		}
	}
	if r.state() != "RUNNING" && r.state() != "STOPPED" {
		return nil, a.notIn(r, "RUNNING or STOPPED")
	}
	next := with(r.Body, without(c.in, "ComputeCapacity", "AttributesToDelete", "DeleteVpcConfig", "ImageName", "ImageArn"))
	if text(c.in, "ImageName")+text(c.in, "ImageArn") != "" {
		if err := a.fleetImage(c, next); err != nil {
			return nil, err
		}
		if r.state() == "RUNNING" && next["Platform"] != r.Body["Platform"] {
			return nil, fail("OperationNotPermittedException", "The operating system of a RUNNING fleet cannot be changed. Stop the fleet %s first.", r.Name)
		}
	}
	if err := a.joins(c); err != nil {
		return nil, err
	}
	if err := ownRole(c, text(c.in, "IamRoleArn")); err != nil {
		return nil, err
	}
	r.Body = dropAttributes(next, texts(c.in, "AttributesToDelete"), flag(false, c.in, "DeleteVpcConfig"))
	a.save(r)
	if at(c.in, "ComputeCapacity") != nil {
		a.setCapacity(r, desired(c.in))
	}
	return object{"Fleet": r.Body}, nil
}

// dropAttributes takes away what a fleet's update names.
func dropAttributes(body object, attributes []string, vpc bool) object {
	members := map[string]string{
		"VPC_CONFIGURATION": "VpcConfig", "DOMAIN_JOIN_INFO": "DomainJoinInfo", "IAM_ROLE_ARN": "IamRoleArn",
		"USB_DEVICE_FILTER_STRINGS": "UsbDeviceFilterStrings", "SESSION_SCRIPT_S3_LOCATION": "SessionScriptS3Location",
		"MAX_SESSIONS_PER_INSTANCE": "MaxSessionsPerInstance", "VOLUME_CONFIGURATION": "RootVolumeConfig",
	}
	if vpc {
		body = without(body, "VpcConfig")
	}
	for _, name := range attributes {
		if name == "VPC_CONFIGURATION_SECURITY_GROUP_IDS" {
			config, _ := body["VpcConfig"].(object)
			body = with(body, object{"VpcConfig": without(config, "SecurityGroupIds")})
		}
		body = without(body, members[name])
	}
	return body
}

func (a *appStream) deleteFleet(c *call) (object, error) {
	r, err := a.fleet(c)
	if err != nil {
		return nil, err
	}
	if r.state() != "STOPPED" {
		return nil, fail("ResourceInUseException", "The fleet %s is %s. Stop it first.", r.Name, r.state())
	}
	if len(a.links(c, kindFleetStack, "FleetName", r.Name)) > 0 {
		return nil, fail("ResourceInUseException", "The fleet %s is associated with a stack.", r.Name)
	}
	a.remove(r)
	return object{}, nil
}

func (a *appStream) startFleet(c *call) (object, error) {
	r, err := a.fleet(c)
	if err != nil {
		return nil, err
	}
	if r.state() != "STOPPED" {
		return nil, a.notIn(r, "STOPPED")
	}
	if arn := text(r.Body, "ImageArn"); arn != "" {
		img := a.imageByARN(c, arn)
		switch {
		case img == nil:
			return nil, missing(c, kindImage, arn)
		case img.state() != "AVAILABLE":
			return nil, unavailable(img.Name, img.state())
		}
	}
	r.set(object{"FleetErrors": nil})
	a.pass(c, r, "STARTING", "RUNNING:"+thenCapacity)
	a.doom(c, r, "FleetErrors", "")
	return object{}, nil
}

// staffed gives a fleet that runs its instances.
func (a *appStream) staffed(r *streamResource, _ time.Time) {
	a.setCapacity(r, number(0, r.Body, "ComputeCapacityStatus", "Desired"))
}

// stopFleet leaves a stopped fleet alone.
func (a *appStream) stopFleet(c *call) (object, error) {
	r, err := a.fleet(c)
	if err != nil {
		return nil, err
	}
	switch r.state() {
	case "STARTING", "RUNNING":
		a.pass(c, r, "STOPPING", "STOPPED:"+thenCapacity)
	case "STOPPING":
		return nil, fail("ConcurrentModificationException", "The fleet %s is STOPPING.", r.Name)
	}
	return object{}, nil
}

func (a *appStream) associateFleet(c *call) (object, error) {
	for _, end := range []struct{ kind, member string }{{kindFleet, "FleetName"}, {kindStack, "StackName"}} {
		if a.get(c, end.kind, text(c.in, end.member)) == nil {
			return nil, missing(c, end.kind, text(c.in, end.member))
		}
	}
	a.link(c, kindFleetStack, "FleetName", "StackName")
	return object{}, nil
}

func (a *appStream) disassociateFleet(c *call) (object, error) {
	if !a.unlink(c, kindFleetStack, "FleetName", "StackName") {
		return nil, fail("ResourceNotFoundException", "The fleet %s is not associated with the stack %s.", text(c.in, "FleetName"), text(c.in, "StackName"))
	}
	return object{}, nil
}

// associated lists the ends of one name's associations of fleets with stacks.
func (a *appStream) associated(c *call, by, end string) (object, error) {
	var names []any
	for _, r := range a.links(c, kindFleetStack, by, text(c.in, by)) {
		names = append(names, r.Needs[end])
	}
	return a.page(c, "Names", 50, names)
}
