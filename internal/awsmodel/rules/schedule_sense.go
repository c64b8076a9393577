package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// scheduleFrequency warns of schedules that come round before a build can have ended.
func scheduleFrequency(s *subject) {
	expr := text(s.value)
	if checkSchedule(expr) != nil {
		return
	}
	kind, rest, _ := strings.Cut(strings.TrimSuffix(expr, ")"), "(")
	fields := strings.Fields(rest)
	often := false
	if kind == "rate" {
		n, err := strconv.Atoi(fields[0])
		often = err == nil && strings.HasPrefix(fields[1], "minute") && n < 60
	} else {
		often = strings.ContainsAny(fields[0], "*,-/")
	}
	if often {
		s.refuse("", "It comes round more than once an hour, and building an image takes a good part of one", "Write a rate of hours or days, or one minute in cron.")
	}
}

// longestMonth is the most days that each month has.
var longestMonth = []int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// scheduleNever warns of days that none of a schedule's months has.
func scheduleNever(s *subject) {
	expr := text(s.value)
	if checkSchedule(expr) != nil || !strings.HasPrefix(expr, "cron(") {
		return
	}
	fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(expr, "cron("), ")"))
	day, err := strconv.Atoi(fields[dayOfMonth])
	if err != nil {
		return
	}
	month := cronFields[3]
	for item := range strings.SplitSeq(fields[3], ",") {
		m, ok := month.number(item)
		if !ok || day <= longestMonth[m-1] {
			return
		}
	}
	s.refuse("", fmt.Sprintf("No month of %s has a day %d, so that it never runs", fields[3], day), "Write another day, or L for the last of the month.")
}

// nothingToWatch warns of pipelines that wait for newer dependencies of a recipe that names each by its version.
func nothingToWatch(s *subject) {
	condition := object(s.value)["pipelineExecutionStartCondition"]
	if present(condition) && text(condition) != "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE" || text(s.build.Image["status"]) == "DISABLED" || s.build.Recipe == nil {
		return
	}
	if watched(s.build.Recipe["parentImage"]) || slices.ContainsFunc(entries(s.build.Recipe["components"]), func(e any) bool {
		return watched(object(e)["componentArn"]) || isUnknown(e)
	}) {
		return
	}
	s.wrong(".pipelineExecutionStartCondition", "The pipeline builds when its recipe's parent image or a component has a newer version, and the recipe pins them all, so that it never builds",
		`Write pipeline_execution_start_condition = "EXPRESSION_MATCH_ONLY", or name the parent image as aws:…, with a version of x, or by an ssm: parameter.`)
}

// watched says whether AWS can find a newer version behind a name.
func watched(v any) bool {
	name := asked(v)
	if strings.HasPrefix(name, "ssm:") {
		return true
	}
	a, err := awsmodel.ParseARN(name)
	if err != nil {
		return false
	}
	r, err := a.ParseResource()
	return err == nil && strings.Contains(r.Version, "x")
}
