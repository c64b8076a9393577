package sandbox

import (
	"cmp"
	"strings"
	"time"
)

func (ib *imageBuilder) createPipeline(c *call) (object, error) {
	recipe, err := ib.makings(c)
	if err != nil {
		return nil, err
	}
	body := with(without(c.in, "clientToken", "dryRun"), pipelineDefaults(c.in))
	body["platform"] = recipe.Body["platform"]
	body["dateCreated"] = isoTime(c.now)
	body["consecutiveFailures"] = 0
	return ib.create(c, named(c, "image-pipeline", body))
}

func (ib *imageBuilder) updatePipeline(c *call) (object, error) {
	recipe, err := ib.makings(c)
	if err != nil {
		return nil, err
	}
	members := pipelineDefaults(c.in)
	members["platform"] = recipe.Body["platform"]
	return ib.update(c, "image-pipeline", members)
}

// pipelineDefaults are the values the service fills in and shows.
func pipelineDefaults(in object) object {
	out := object{"imageTestsConfiguration": testsDefaults(in)}
	if in["enhancedImageMetadataEnabled"] == nil {
		out["enhancedImageMetadataEnabled"] = true
	}
	if in["status"] == nil {
		out["status"] = "ENABLED"
	}
	if s, ok := in["schedule"].(object); ok {
		s = with(s, nil)
		if s["pipelineExecutionStartCondition"] == nil {
			s["pipelineExecutionStartCondition"] = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
		}
		if s["timezone"] == nil {
			s["timezone"] = "UTC"
		}
		out["schedule"] = s
	}
	return out
}

// shownAt is what Get and List show of a resource: its body and, of a pipeline that runs by a schedule, the next time.
// The sandbox itself starts no pipeline.
func shownAt(r *resource, now time.Time) object {
	expression := text(r.Body, "schedule", "scheduleExpression")
	if r.ref.kind != "image-pipeline" || expression == "" || text(r.Body, "status") != "ENABLED" {
		return r.Body
	}
	zone, err := time.LoadLocation(cmp.Or(text(r.Body, "schedule", "timezone"), "UTC"))
	if err != nil {
		return r.Body // a machine without this zone cannot say
	}
	next := nextRun(expression, zone, r.Created, now)
	if next.IsZero() {
		return r.Body
	}
	return with(r.Body, object{"dateNextRun": isoTime(next)})
}

func testsDefaults(in object) object {
	given, _ := in["imageTestsConfiguration"].(object)
	t := with(given, nil)
	if t["imageTestsEnabled"] == nil {
		t["imageTestsEnabled"] = true
	}
	if t["timeoutMinutes"] == nil {
		t["timeoutMinutes"] = 720
	}
	return t
}

// makings checks that what a pipeline or image is to be made of exists, and returns the recipe.
func (ib *imageBuilder) makings(c *call) (*resource, error) {
	for _, m := range []struct{ member, kind string }{
		{"infrastructureConfigurationArn", "infrastructure-configuration"},
		{"distributionConfigurationArn", "distribution-configuration"},
	} {
		arn := text(c.in, m.member)
		if arn == "" {
			continue
		}
		if ib.db.resolve(arn, m.kind) == nil {
			return nil, invalid(m.member, "The resource ARN '%s' does not exist.", arn)
		}
	}
	for _, w := range list(c.in, "workflows") {
		if arn := text(w, "workflowArn"); ib.db.resolve(arn, "workflow") == nil {
			return nil, invalid("workflows", "The resource ARN '%s' does not exist.", arn)
		}
	}
	member, kind := "imageRecipeArn", "image-recipe"
	if text(c.in, member) == "" {
		member, kind = "containerRecipeArn", "container-recipe"
	}
	recipe := ib.db.resolve(text(c.in, member), kind)
	if recipe == nil {
		return nil, invalid(member, "The resource ARN '%s' does not exist.", text(c.in, member))
	}
	return recipe, ib.judge(c, recipe)
}

// startPipeline makes an image from a pipeline, whatever the pipeline's status.
func (ib *imageBuilder) startPipeline(c *call) (object, error) {
	arn := text(c.in, "imagePipelineArn")
	p := ib.db.exact(arn)
	if p == nil || p.ref.kind != "image-pipeline" {
		return nil, notFound(arn)
	}
	in := with(without(p.Body, "tags", "imageTags", "loggingConfiguration"), object{"tags": c.in["tags"]})
	if group := text(p.Body, "loggingConfiguration", "imageLogGroupName"); group != "" {
		in["loggingConfiguration"] = object{"logGroupName": group}
	}
	sub := *c
	sub.in = in
	out, err := ib.startImage(&sub, p)
	if err != nil {
		return nil, err
	}
	p.Body = with(p.Body, object{"dateLastRun": isoTime(c.now), "lastRunStatus": "PENDING"})
	ib.db.save(p)
	return without(out, "latestVersionReferences"), nil
}

// createWorkflow keeps a workflow. Its document is not read further than that it has steps: the
// sandbox runs AWS's own workflows only.
func (ib *imageBuilder) createWorkflow(c *call) (object, error) {
	data, from, err := ib.source(c, "data", "uri")
	if err != nil {
		return nil, err
	}
	if !strings.Contains(data, "steps") || !strings.Contains(data, "schemaVersion") {
		return nil, invalid(from, "A workflow document needs schemaVersion and steps.")
	}
	body := without(c.in, "clientToken", "dryRun", "uri", "semanticVersion")
	body["data"] = data
	r, err := ib.nextBuild(c, "workflow", text(c.in, "name"), body)
	if err != nil {
		return nil, err
	}
	r.Body = with(body, object{
		"state":       object{"status": "ACTIVE"},
		"owner":       c.account,
		"version":     r.Version.String(),
		"dateCreated": isoTime(c.now),
	})
	return ib.create(c, r)
}
