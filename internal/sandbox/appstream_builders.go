package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

// builderQuota is AWS's default number of image builders.
const builderQuota = 10

func (a *appStream) builderAnswers() map[string]answer {
	return map[string]answer{
		"CreateImageBuilder":             a.createBuilder,
		"DescribeImageBuilders":          a.describeBuilders,
		"StartImageBuilder":              a.startBuilder,
		"StopImageBuilder":               a.stopBuilder,
		"DeleteImageBuilder":             a.deleteBuilder,
		"CreateImageBuilderStreamingURL": a.builderURL,
	}
}

func (a *appStream) createBuilder(c *call) (object, error) {
	name := text(c.in, "Name")
	if err := a.newName(c, kindBuilder, name, builderQuota); err != nil {
		return nil, err
	}
	img, err := a.baseImage(c, "ImageBuilder")
	if err != nil {
		return nil, err
	}
	if err = a.fits(c, img); err != nil {
		return nil, err
	}
	typ := text(c.in, "InstanceType")
	if err = a.within(a.running(c, typ), "instance:"+typ, instanceQuota(typ)); err != nil {
		return nil, err
	}
	if len(list(c.in, "VpcConfig", "SubnetIds")) > 1 {
		return nil, fail("InvalidParameterCombinationException", "An image builder takes exactly one subnet.")
	}
	if err = a.joins(c); err != nil {
		return nil, err
	}
	if err = ownRole(c, text(c.in, "IamRoleArn")); err != nil {
		return nil, err
	}
	software, err := a.chooseSoftware(img, texts(c.in, "SoftwaresToInstall"), texts(c.in, "SoftwaresToUninstall"))
	if err != nil {
		return nil, err
	}
	agent := a.agentOf(img, text(c.in, "AppstreamAgentVersion"))
	r := &streamResource{
		Kind: kindBuilder, Name: name, Software: software, Layers: img.Layers,
		Body: with(without(c.in, "Tags", "ImageName", "AppstreamAgentVersion", "SoftwaresToInstall", "SoftwaresToUninstall"), object{
			"ImageArn": img.arn(), "Platform": img.Body["Platform"], "State": "PENDING", "AppstreamAgentVersion": agent.version,
			"LatestAppstreamAgentVersion": agent.latest, "EnableDefaultInternetAccess": flag(false, c.in, "EnableDefaultInternetAccess"),
		}),
	}
	a.add(c, r)
	a.rise(c, r, agent.updates)
	a.doom(c, r, "ImageBuilderErrors", "INTERNAL_ERROR")
	return object{"ImageBuilder": r.Body}, nil
}

// rise lets a builder boot.
func (a *appStream) rise(c *call, r *streamResource, updates bool) {
	states := []string{"PENDING"}
	if updates {
		states = append(states, "UPDATING_AGENT")
	}
	if slices.Contains(sortedValues(r.Software), statusPendingInstall) {
		states = append(states, "PENDING_SYNCING_APPS", "SYNCING_APPS", "RUNNING:"+thenInstalled)
	} else {
		states = append(states, "RUNNING:"+thenBoot)
	}
	r.Hidden = 0
	if f, ok := a.noted(c, r.Name, effectNoAddress); ok {
		r.Hidden = f.Describes
	}
	if _, ok := a.noted(c, r.Name, effectNewAddress); ok || r.Body["NetworkAccessConfiguration"] == nil {
		if at(r.Body, "VpcConfig") != nil {
			r.set(object{"NetworkAccessConfiguration": network()})
		}
	}
	a.pass(c, r, states...)
}

// describeBuilders shows the builders, the named ones or all.
func (a *appStream) describeBuilders(c *call) (object, error) {
	found, err := a.named(c, kindBuilder, texts(c.in, "Names"))
	if err != nil {
		return nil, err
	}
	entries := make([]any, 0, len(found))
	for _, r := range found {
		entries = append(entries, a.showBuilder(r))
	}
	return a.page(c, "ImageBuilders", 50, entries)
}

// showBuilder leaves the address out while the network interface is not there yet.
func (a *appStream) showBuilder(r *streamResource) object {
	if r.state() != "RUNNING" {
		return without(r.Body, "NetworkAccessConfiguration")
	}
	if r.Hidden == 0 {
		return r.Body
	}
	r.Hidden--
	a.save(r)
	return with(r.Body, object{"NetworkAccessConfiguration": object{"EniId": at(r.Body, "NetworkAccessConfiguration", "EniId")}})
}

func (a *appStream) builder(c *call) (*streamResource, error) {
	name := text(c.in, "Name")
	if r := a.get(c, kindBuilder, name); r != nil {
		return r, nil
	}
	return nil, missing(c, kindBuilder, name)
}

// startBuilder takes STOPPED builders only. Its model has no OperationNotPermittedException.
func (a *appStream) startBuilder(c *call) (object, error) {
	r, err := a.builder(c)
	if err != nil {
		return nil, err
	}
	if r.state() != "STOPPED" {
		return nil, fail("ResourceNotAvailableException", "The image builder %s is %s. The image builder must be in a STOPPED state for this action to succeed.", r.Name, r.state())
	}
	updates := false
	if v := text(c.in, "AppstreamAgentVersion"); v != "" {
		agent := newAgent(text(r.Body, "AppstreamAgentVersion"), v)
		updates = agent.updates
		r.set(object{"AppstreamAgentVersion": agent.version, "LatestAppstreamAgentVersion": agent.latest})
	}
	a.rise(c, r, updates)
	a.doom(c, r, "ImageBuilderErrors", "INTERNAL_ERROR")
	return object{"ImageBuilder": r.Body}, nil
}

func (a *appStream) stopBuilder(c *call) (object, error) {
	r, err := a.builder(c)
	if err != nil {
		return nil, err
	}
	if r.state() != "RUNNING" {
		return nil, a.notIn(r, "RUNNING")
	}
	a.halt(r)
	a.pass(c, r, "STOPPING", "STOPPED")
	a.doom(c, r, "ImageBuilderErrors", "INTERNAL_ERROR")
	return object{"ImageBuilder": r.Body}, nil
}

func (a *appStream) deleteBuilder(c *call) (object, error) {
	r, err := a.builder(c)
	if err != nil {
		return nil, err
	}
	legal := []string{"STOPPED", "FAILED"}
	if !a.opts.AppStream.StrictDelete {
		legal = append(legal, "RUNNING")
	}
	if !slices.Contains(legal, r.state()) {
		return nil, a.notIn(r, strings.Join(legal, " or "))
	}
	a.halt(r)
	a.pass(c, r, "DELETING", "DELETING:"+thenGone)
	return object{"ImageBuilder": r.Body}, nil
}

// notIn refuses what a state does not allow. AWS publishes neither the code nor the words.
func (a *appStream) notIn(r *streamResource, state string) error {
	return fail("OperationNotPermittedException", "The %s %s is %s. The %s must be in a %s state for this action to succeed.",
		spoken(r.Kind), r.Name, r.state(), spoken(r.Kind), state)
}

func (a *appStream) builderURL(c *call) (object, error) {
	r, err := a.builder(c)
	if err != nil {
		return nil, err
	}
	if r.state() != "RUNNING" {
		return nil, a.notIn(r, "RUNNING")
	}
	return streamingURL(c)
}

// boot starts the machine of a builder that is RUNNING.
func (a *appStream) boot(r *streamResource) {
	if r.Account == "" || text(r.Body, "NetworkAccessConfiguration", "EniPrivateIpAddress") == "" {
		return // nothing of it can be reached
	}
	m := guestMachine{
		ARN: r.arn(), Name: r.Name, Region: r.Region, Account: r.Account,
		Address:  text(r.Body, "NetworkAccessConfiguration", "EniPrivateIpAddress"),
		Platform: text(r.Body, "Platform"), InstanceType: text(r.Body, "InstanceType"), ImageARN: text(r.Body, "ImageArn"),
		RoleARN: text(r.Body, "IamRoleArn"), Domain: text(r.Body, "DomainJoinInfo", "DirectoryName"),
		AgentVersion: text(r.Body, "AppstreamAgentVersion"), Layers: slices.Clone(r.Layers),
	}
	if img := a.byARN(m.ImageARN); img != nil {
		for _, app := range list(img.Body, "Applications") {
			if o, ok := deepCopy(app).(object); ok {
				m.Applications = append(m.Applications, o)
			}
		}
	}
	a.after = append(a.after, func() {
		if err := a.guest.start(m); err != nil {
			a.opts.Log("image builder " + m.Name + ": " + err.Error())
		}
	})
}

func (a *appStream) halt(r *streamResource) {
	arn := r.arn()
	a.after = append(a.after, func() { a.guest.stop(arn) })
}

// retire stops a builder's machine once whoever gave it its last command has heard the answer.
func (a *appStream) retire(r *streamResource) {
	arn := r.arn()
	a.after = append(a.after, func() { a.guest.retire(arn) })
}

// bury forgets a resource and, of a builder, its disk.
func (a *appStream) bury(r *streamResource) {
	a.remove(r)
	if arn := r.arn(); r.Kind == kindBuilder {
		a.after = append(a.after, func() { a.guest.discard(arn) })
	}
}

// joins refuses a directory that is not configured, or a unit that its configuration does not list.
func (a *appStream) joins(c *call) error {
	domain := text(c.in, "DomainJoinInfo", "DirectoryName")
	if domain == "" {
		return nil
	}
	d := a.get(c, kindDirectory, domain)
	if d == nil {
		return fail("ResourceNotFoundException", "The directory config %s for account %s does not exist.", domain, c.account)
	}
	unit := text(c.in, "DomainJoinInfo", "OrganizationalUnitDistinguishedName")
	if unit != "" && !slices.Contains(texts(d.Body, "OrganizationalUnitDistinguishedNames"), unit) {
		return fail("InvalidParameterCombinationException", "The organizational unit %s is not in the directory config %s.", unit, domain)
	}
	return nil
}

// ownRole refuses a role of another account in the words that clients know.
func ownRole(c *call, arn string) error {
	if arn == "" {
		return nil
	}
	p := strings.SplitN(arn, ":", 6)
	if len(p) == 6 && p[2] == "iam" && p[4] == c.account && strings.HasPrefix(p[5], "role/") && !strings.HasPrefix(p[5], "role/service-role/") {
		return nil
	}
	return fail("InvalidRoleException", "AppStream 2.0 encountered an error because your IAM role '%s' is invalid", arn)
}

// newName refuses names that are too long or taken, and what is too many.
func (a *appStream) newName(c *call, kind, name string, quota int) error {
	if len(name) > 100 {
		return fail("ValidationException", "1 validation error detected: Value at 'Name' failed to satisfy constraint: It has %d characters and must have at most 100", len(name))
	}
	if a.get(c, kind, name) != nil {
		return taken(kind, name)
	}
	used := len(a.all(c.region, c.account, kind))
	if kind == kindImage && a.opts.AppStream.FailedFree {
		for _, r := range a.all(c.region, c.account, kind) {
			if r.state() == "FAILED" {
				used--
			}
		}
	}
	return a.within(used, kind, quota)
}

// named are the resources of those names, all of the caller's without names. One that is missing is an error.
func (a *appStream) named(c *call, kind string, names []string) ([]*streamResource, error) {
	if len(names) == 0 {
		return a.all(c.region, c.account, kind), nil
	}
	out := make([]*streamResource, 0, len(names))
	for _, name := range names {
		r := a.get(c, kind, name)
		if r == nil {
			return nil, missing(c, kind, name)
		}
		out = append(out, r)
	}
	return out, nil
}

// An agent is what a builder's or image's agent version becomes.
type agent struct {
	version, latest string
	updates         bool
}

// The newest release of the agent, and one that a managed update replaces.
const (
	agentNow = "09-15-2026"
	agentOld = "09-16-2025"
)

// agentOf is the agent of a builder on an image, by what the call asked for.
func (a *appStream) agentOf(img *streamResource, wanted string) agent {
	out := newAgent(text(img.Body, "AppstreamAgentVersion"), cmp.Or(wanted, text(img.Body, "AppstreamAgentVersion")))
	if wanted == "" {
		out.latest = cmp.Or(text(img.Body, "LatestAppstreamAgentVersion"), "FALSE")
	}
	return out
}

func newAgent(has, wanted string) agent {
	if wanted == "LATEST" {
		return agent{agentNow, "TRUE", has != agentNow}
	}
	return agent{wanted, "FALSE", has != wanted}
}
