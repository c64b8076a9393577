package sandbox

import (
	"cmp"
	"slices"
	"time"
)

// An execution is one run of a workflow for an image.
type execution struct {
	ID, Image, Workflow, Type string
	Status, Message           string
	Total                     int
	Started, Ended            time.Time
	Retried                   bool `json:",omitempty"`
	Steps                     []*stepExecution
}

// A stepExecution is one step of it.
type stepExecution struct {
	ID, Name, Action string
	Status, Message  string
	Outputs          string `json:",omitempty"` // a JSON object
	Started, Ended   time.Time
}

func (e *execution) count(status string) int {
	n := 0
	for _, s := range e.Steps {
		if s.Status == status {
			n++
		}
	}
	return n
}

func (e *execution) show() object {
	return period(object{
		"workflowBuildVersionArn": e.Workflow,
		"workflowExecutionId":     e.ID,
		"imageBuildVersionArn":    e.Image,
		"type":                    e.Type,
		"status":                  e.Status,
		"message":                 nonEmpty(e.Message),
		"totalStepCount":          e.Total,
		"totalStepsSucceeded":     e.count("COMPLETED"),
		"totalStepsFailed":        e.count("FAILED"),
		"totalStepsSkipped":       e.count("SKIPPED"),
		"retried":                 e.Retried,
	}, e.Started, e.Ended)
}

func (s *stepExecution) show(e *execution) object {
	return period(object{
		"stepExecutionId":         s.ID,
		"workflowBuildVersionArn": e.Workflow,
		"workflowExecutionId":     e.ID,
		"imageBuildVersionArn":    e.Image,
		"name":                    s.Name,
		"action":                  s.Action,
		"status":                  s.Status,
		"message":                 nonEmpty(s.Message),
		"outputs":                 nonEmpty(s.Outputs),
		"onFailure":               "Abort",
	}, s.Started, s.Ended)
}

func period(o object, start, end time.Time) object {
	o["startTime"] = isoTime(start)
	if !end.IsZero() {
		o["endTime"] = isoTime(end)
	}
	return o
}

// nonEmpty is nil for an empty string, which no member of a response may be.
func nonEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// executionsOf are an image's executions, the latest first, as AWS lists them.
func (ib *imageBuilder) executionsOf(arn string) []*execution {
	var out []*execution
	for _, e := range ib.db.executions.rows {
		if e.Image == arn {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *execution) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID)) })
	return out
}

func (ib *imageBuilder) getWorkflowExecution(c *call) (object, error) {
	e := ib.db.executions.get(text(c.in, "workflowExecutionId"))
	if e == nil {
		return nil, notFound(text(c.in, "workflowExecutionId"))
	}
	return e.show(), nil
}

func (ib *imageBuilder) getWorkflowStep(c *call) (object, error) {
	id := text(c.in, "stepExecutionId")
	for _, e := range ib.db.executions.rows {
		for _, s := range e.Steps {
			if s.ID == id {
				return s.show(e), nil
			}
		}
	}
	return nil, notFound(id)
}

func (ib *imageBuilder) listWorkflowExecutions(c *call) (object, error) {
	r, err := ib.image(c)
	if err != nil {
		return nil, err
	}
	entries := []any{}
	for _, e := range ib.executionsOf(r.ARN) {
		entries = append(entries, e.show())
	}
	out, err := page(c, "workflowExecutions", entries)
	if err != nil {
		return nil, err
	}
	return with(out, object{"imageBuildVersionArn": r.ARN, "message": nonEmpty(text(r.Body, "state", "reason"))}), nil
}

func (ib *imageBuilder) listWorkflowSteps(c *call) (object, error) {
	e := ib.db.executions.get(text(c.in, "workflowExecutionId"))
	if e == nil {
		return nil, notFound(text(c.in, "workflowExecutionId"))
	}
	entries := []any{}
	for _, s := range e.Steps {
		entries = append(entries, s.show(e))
	}
	out, err := page(c, "steps", entries)
	if err != nil {
		return nil, err
	}
	return with(out, object{
		"workflowBuildVersionArn": e.Workflow, "workflowExecutionId": e.ID, "imageBuildVersionArn": e.Image, "message": nonEmpty(e.Message),
	}), nil
}

// listWaitingSteps is truthfully empty: AWS's own workflows never wait for an action, and no others run here.
func (ib *imageBuilder) listWaitingSteps(c *call) (object, error) { return page(c, "steps", []any{}) }
