package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A lifecycleExecution is one change of an image's state, with that of the AMIs that belong to it. The sandbox runs no
// lifecycle policy, so that all of them come from StartResourceStateUpdate.
type lifecycleExecution struct {
	ID, Image, Region, Account string
	Input                      object
	At                         time.Time // when it is due
	Ended                      time.Time
	Status, Reason             string   // PENDING, SUCCESS, FAILED or CANCELLED
	Resources                  []object // what it did to the image and its AMIs
}

func (e *lifecycleExecution) show() object {
	o := object{
		"lifecycleExecutionId": e.ID, "state": object{"status": e.Status}, "startTime": isoTime(e.At),
		"resourcesImpactedSummary": object{"hasImpactedResources": slices.ContainsFunc(e.Resources, func(r object) bool { return text(r, "state", "status") == "SUCCESS" })},
	}
	if e.Reason != "" {
		o["state"] = object{"status": e.Status, "reason": e.Reason}
	}
	if !e.Ended.IsZero() {
		o["endTime"] = isoTime(e.Ended)
	}
	return o
}

// startStateUpdate changes the state of an image and, where the call includes them, of its AMIs: at once, or at a later
// time that it names.
func (ib *imageBuilder) startStateUpdate(c *call) (object, error) {
	arn := text(c.in, "resourceArn")
	r := ib.db.exact(arn)
	target := text(c.in, "state", "status")
	switch {
	case r == nil || r.ref.kind != "image":
		return nil, notFound(arn)
	case r.managed:
		return nil, fail("ForbiddenException", "You are not authorized to update the resource '%s'.", arn)
	case target == "":
		return nil, invalid("state.status", "It must be AVAILABLE, DEPRECATED, DISABLED or DELETED.")
	case !terminal(r):
		return nil, fail("ResourceInUseException", "The image '%s' is in state %s, and its state can be updated when its creation has ended.", arn, text(r.Body, "state", "status"))
	case target != "DELETED" && slices.Contains([]string{"FAILED", "CANCELLED"}, text(r.Body, "state", "status")):
		return nil, fail("InvalidRequestException", "The image '%s' is in state %s and can only be DELETED.", arn, text(r.Body, "state", "status"))
	case flag(false, c.in, "includeResources", "snapshots") && !flag(false, c.in, "includeResources", "amis"):
		return nil, invalid("includeResources", "Snapshots can be included together with AMIs only.")
	case flag(false, c.in, "includeResources", "containers"):
		return nil, unsupported(c.op, "updating the state of container images.")
	}
	e := &lifecycleExecution{
		ID: "lce-" + uuid.NewString(), Image: arn, Region: c.region, Account: c.account, Input: without(c.in, "clientToken"), At: c.now, Status: "PENDING",
	}
	if at, ok := timeOf(c.in["updateAt"]); ok && at.After(c.now) {
		e.At = at
	}
	ib.db.lifecycle.put(e.ID, e)
	ib.updateDue(c.now)
	return object{"lifecycleExecutionId": e.ID, "resourceArn": arn}, nil
}

// updateDue carries out what is due, in order of time.
func (ib *imageBuilder) updateDue(now time.Time) {
	var due []*lifecycleExecution
	for _, e := range ib.db.lifecycle.rows {
		if e.Status == "PENDING" && !e.At.After(now) {
			due = append(due, e)
		}
	}
	slices.SortFunc(due, func(a, b *lifecycleExecution) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	for _, e := range due {
		ib.update1(e)
		e.Ended = now
		ib.db.lifecycle.put(e.ID, e)
	}
}

// update1 carries out one execution.
func (ib *imageBuilder) update1(e *lifecycleExecution) {
	r := ib.db.exact(e.Image)
	target := text(e.Input, "state", "status")
	switch {
	case r == nil:
		e.Status, e.Reason = "FAILED", "The image '"+e.Image+"' does not exist."
		return
	case target == "DELETED" && ib.inUse(r):
		e.Status, e.Reason = "FAILED", "The image '"+e.Image+"' has other resources depended on it."
		return
	}
	e.Status = "SUCCESS"
	if flag(false, e.Input, "includeResources", "amis") {
		for _, out := range list(r.Body, "outputResources", "amis") {
			if a := ib.db.amis.get(text(out, "region") + "/" + text(out, "image")); a != nil {
				e.Resources = append(e.Resources, ib.updateAMI(e, a, target))
			}
		}
	}
	e.Resources = append(e.Resources, e.resource(e.Image, e.Region, e.Account, target, ""))
	if target == "DELETED" {
		ib.db.drop(r)
		return
	}
	body := with(r.Body, object{"state": object{"status": target}})
	delete(body, "deprecationTime")
	if target == "DEPRECATED" {
		body["deprecationTime"] = isoTime(e.At)
	}
	r.Body = body
	ib.db.save(r)
}

// resource is an entry of what was done; with a reason it was left alone.
func (e *lifecycleExecution) resource(id, region, account, target, skipped string) object {
	state := object{"status": "SUCCESS"}
	if skipped != "" {
		state = object{"status": "SKIPPED", "reason": skipped}
	}
	action := map[string]string{"AVAILABLE": "AVAILABLE", "DELETED": "DELETE", "DEPRECATED": "DEPRECATE", "DISABLED": "DISABLE"}[target]
	return object{
		"resourceId": id, "region": region, "accountId": account, "state": state, "action": object{"name": action}, "startTime": isoTime(e.At), "endTime": isoTime(e.At),
	}
}

// updateAMI brings an AMI into a state, unless the call's rules exclude it.
func (ib *imageBuilder) updateAMI(e *lifecycleExecution, a *ami, target string) object {
	if why := excluded(a, at(e.Input, "exclusionRules", "amis")); why != "" {
		return e.resource(a.ID, a.Region, a.Owner, target, why)
	}
	out := e.resource(a.ID, a.Region, a.Owner, target, "")
	key := a.Region + "/" + a.ID
	switch target {
	case "DELETED":
		ib.db.amis.remove(key)
		if snap := ib.db.snapshots.get(a.Region + "/" + a.Snapshot); snap != nil {
			snap.AMI = ""
			if flag(false, e.Input, "includeResources", "snapshots") {
				ib.db.snapshots.remove(a.Region + "/" + snap.ID)
				out["snapshots"] = []any{object{"snapshotId": snap.ID, "state": object{"status": "SUCCESS"}}}
			} else {
				ib.db.snapshots.put(a.Region+"/"+snap.ID, snap)
			}
		}
		return out
	case "DEPRECATED":
		a.Deprecated = &e.At
	case "DISABLED":
		a.Disabled = true
	case "AVAILABLE":
		a.Deprecated, a.Disabled = nil, false
	}
	ib.db.amis.put(key, a)
	return out
}

// excluded says by which rule an AMI is left alone; "" for none. No AMI here was ever launched.
func excluded(a *ami, rules any) string {
	if flag(false, rules, "isPublic") && a.Public {
		return "The AMI is public."
	}
	if slices.Contains(texts(rules, "regions"), a.Region) {
		return "The AMI is in the Region " + a.Region + "."
	}
	for _, account := range texts(rules, "sharedAccounts") {
		if slices.Contains(a.SharedWith, account) {
			return "The AMI is shared with the account " + account + "."
		}
	}
	tags, _ := at(rules, "tagMap").(object)
	for _, k := range sortedKeys(tags) {
		if v, ok := a.Tags[k]; ok && v == text(tags, k) {
			return "The AMI has the tag " + k + "."
		}
	}
	return ""
}

// timeOf reads a timestamp as JSON protocols send it: seconds since the epoch, or text.
func timeOf(v any) (time.Time, bool) {
	switch t := v.(type) {
	case string:
		at, err := time.Parse(time.RFC3339, t)
		return at, err == nil
	case interface{ Float64() (float64, error) }:
		f, err := t.Float64()
		return time.UnixMilli(int64(f * 1000)), err == nil
	}
	return time.Time{}, false
}

func (ib *imageBuilder) lifecycleExecution(c *call) (*lifecycleExecution, error) {
	id := text(c.in, "lifecycleExecutionId")
	e := ib.db.lifecycle.get(id)
	if e == nil || e.Region != c.region || e.Account != c.account {
		return nil, fail("InvalidRequestException", "The lifecycle execution '%s' does not exist.", id) // the models list no ResourceNotFoundException
	}
	return e, nil
}

func (ib *imageBuilder) getLifecycleExecution(c *call) (object, error) {
	e, err := ib.lifecycleExecution(c)
	if err != nil {
		return nil, err
	}
	return object{"lifecycleExecution": e.show()}, nil
}

func (ib *imageBuilder) cancelLifecycleExecution(c *call) (object, error) {
	e, err := ib.lifecycleExecution(c)
	if err != nil {
		return nil, err
	}
	if e.Status != "PENDING" {
		return nil, fail("InvalidRequestException", "The lifecycle execution '%s' is in state %s and cannot be cancelled.", e.ID, e.Status)
	}
	e.Status, e.Ended = "CANCELLED", c.now
	ib.db.lifecycle.put(e.ID, e)
	return object{"lifecycleExecutionId": e.ID}, nil
}

// listLifecycleExecutions lists those of an image, or of a policy, of which there are none; the latest first.
func (ib *imageBuilder) listLifecycleExecutions(c *call) (object, error) {
	arn := text(c.in, "resourceArn")
	var found []*lifecycleExecution
	for _, e := range ib.db.lifecycle.rows {
		if e.Image == arn && e.Region == c.region && e.Account == c.account {
			found = append(found, e)
		}
	}
	if len(found) == 0 && ib.db.exact(arn) == nil {
		return nil, fail("InvalidRequestException", "The resource ARN '%s' does not exist.", arn)
	}
	slices.SortFunc(found, func(a, b *lifecycleExecution) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.ID, b.ID)) })
	entries := []any{}
	for _, e := range found {
		entries = append(entries, e.show())
	}
	return page(c, "lifecycleExecutions", entries)
}

// listLifecycleResources lists what an execution did: the image, or with parentResourceId its AMIs.
func (ib *imageBuilder) listLifecycleResources(c *call) (object, error) {
	e, err := ib.lifecycleExecution(c)
	if err != nil {
		return nil, err
	}
	parent := text(c.in, "parentResourceId")
	entries := []any{}
	for _, r := range e.Resources {
		if own := text(r, "resourceId") == e.Image; own && parent == "" || !own && parent == e.Image {
			entries = append(entries, r)
		}
	}
	out, err := page(c, "resources", entries)
	if err != nil {
		return nil, err
	}
	return with(out, object{"lifecycleExecutionId": e.ID, "lifecycleExecutionState": e.show()["state"]}), nil
}
