package rules

import "time"

var pipelines = []string{"CreateImagePipeline", "UpdateImagePipeline"}

var pipelineRules = []Rule{
	{
		ID: "ib-schedule", Source: "User Guide, cron expressions in Image Builder",
		Says: "A schedule is a valid cron or rate expression.",
		on:   on(pipelines, "schedule.scheduleExpression"), judge: scheduleExpression,
	},
	{
		ID: "ib-timezone", Source: "API Reference, Schedule: timezone is an IANA name",
		Says: "A time zone has an IANA name.",
		on:   on(pipelines, "schedule.timezone"), judge: knownTimezone,
	},
	{
		ID: "ib-schedule-expression", Source: "API Reference, Schedule: what the other members belong to",
		Says: "A schedule needs an expression.",
		on:   on(pipelines, "schedule"), judge: scheduleNeedsExpression,
	},
	{
		ID: "ib-schedule-frequency", Severity: Warning, Source: "User Guide, Use cron expressions in Image Builder: a schedule can name the minute; builds take longer",
		Says: "A schedule comes round once an hour at most.",
		on:   on(pipelines, "schedule.scheduleExpression"), judge: scheduleFrequency,
	},
	{
		ID: "ib-schedule-never", Severity: Warning, Source: "User Guide, Use cron expressions in Image Builder: day of month and month are both met",
		Says: "A schedule's month has its day.",
		on:   on(pipelines, "schedule.scheduleExpression"), judge: scheduleNever,
	},
	{
		ID: "ib-schedule-pinned", Severity: Warning, Source: "API Reference, Schedule: pipelineExecutionStartCondition looks for new versions that match the versions with x of the image and components",
		Says: "A pipeline that waits for updates has a recipe that something can be newer of.",
		on:   on(build, "image.schedule"), judge: nothingToWatch,
	},
}

func scheduleExpression(s *subject) {
	if problem := checkSchedule(text(s.value)); problem != nil {
		s.refuse("", problem.detail, problem.advice)
	}
}

// knownTimezone asks the zone database, which the program carries within itself.
func knownTimezone(s *subject) {
	name := text(s.value)
	if _, err := time.LoadLocation(name); name == "Local" || name != "" && err != nil {
		s.refuse("", "There is no time zone of this name", "Write an IANA name, such as Europe/Zurich or Etc/UTC.")
	}
}

func scheduleNeedsExpression(s *subject) {
	if !present(object(s.value)["scheduleExpression"]) {
		s.refuse(".scheduleExpression", "A schedule needs scheduleExpression", `Give it, as in "cron(0 2 ? * sun *)", or leave the schedule out.`)
	}
}
