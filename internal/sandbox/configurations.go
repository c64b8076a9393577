package sandbox

import "github.com/org/imagebuild-action/internal/awsmodel"

// named places a resource whose ARN ends in its name.
func named(c *call, kind string, body object) *resource {
	return &resource{
		ARN:  arnPrefix(c.region, c.account) + kind + "/" + awsmodel.NormalizeName(text(c.in, "name")),
		Body: body,
	}
}

func (ib *imageBuilder) createInfrastructure(c *call) (object, error) {
	body := with(without(c.in, "clientToken", "dryRun"), object{"dateCreated": isoTime(c.now)})
	if _, has := body["terminateInstanceOnFailure"]; !has {
		body["terminateInstanceOnFailure"] = true
	}
	return ib.create(c, named(c, "infrastructure-configuration", body))
}

func (ib *imageBuilder) createDistribution(c *call) (object, error) {
	body := with(without(c.in, "clientToken", "dryRun"), distributionFacts(c))
	body["dateCreated"] = isoTime(c.now)
	return ib.create(c, named(c, "distribution-configuration", body))
}

// distributionFacts are what Get and List show beside the configuration itself. The timeout cannot
// be set; 720 minutes is the most that the model allows.
func distributionFacts(c *call) object {
	var regions []any
	for _, d := range list(c.in, "distributions") {
		regions = append(regions, text(d, "region"))
	}
	return object{"timeoutMinutes": 720, "regions": regions}
}

// createLifecyclePolicy keeps the policy; the sandbox never runs one.
func (ib *imageBuilder) createLifecyclePolicy(c *call) (object, error) {
	body := with(without(c.in, "clientToken", "dryRun"), object{"dateCreated": isoTime(c.now)})
	if text(body, "status") == "" {
		body["status"] = "ENABLED"
	}
	return ib.create(c, named(c, "lifecycle-policy", body))
}

func (ib *imageBuilder) updateInfrastructure(c *call) (object, error) {
	members := object{}
	if _, has := c.in["terminateInstanceOnFailure"]; !has {
		members["terminateInstanceOnFailure"] = true
	}
	return ib.update(c, "infrastructure-configuration", members)
}

func (ib *imageBuilder) updateDistribution(c *call) (object, error) {
	return ib.update(c, "distribution-configuration", distributionFacts(c))
}

func (ib *imageBuilder) updateLifecyclePolicy(c *call) (object, error) {
	members := object{}
	if text(c.in, "status") == "" {
		members["status"] = "ENABLED"
	}
	return ib.update(c, "lifecycle-policy", members)
}

// update replaces a resource whole: what the call leaves out is gone, but for what no update can
// say (its name, tags and dates).
func (ib *imageBuilder) update(c *call, kind string, members object) (object, error) {
	k := kindNamed(kind)
	arn := text(c.in, k.argument)
	r := ib.db.exact(arn)
	if r == nil || r.ref.kind != kind {
		return nil, notFound(arn)
	}
	body := with(without(c.in, "clientToken", k.argument), members)
	for _, kept := range []string{"arn", "name", "tags", "dateCreated", "platform", "dateLastRun", "lastRunStatus", "consecutiveFailures"} {
		if _, has := body[kept]; !has && r.Body[kept] != nil {
			body[kept] = r.Body[kept]
		}
	}
	body["dateUpdated"] = isoTime(c.now)
	r.Body = body
	ib.db.save(r)
	return object{k.argument: arn}, nil
}
