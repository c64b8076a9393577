// Package rules holds what AWS decides and its models do not say: across the members of a call, across
// calls that refer to each other, by region, account and platform. A rule is a value ([Rule]) with an ID, a sentence,
// a severity, its source and a pure function.
//
// It refuses to know HCL, the planner, the network and the clock. Check judges one call; the planner
// calls it when a block is lowered and again when look-ups are answered, the sandbox when a request comes in.
// CheckBuild judges the calls that together make an image; the planner calls it when the graph is compiled.
//
// To add a rule:
//
//  1. Add a value to the table of its subject (device.go, region.go, platform.go, distribution.go, …). Its sites say
//     what it reads: operations and a path ("distributions[].region"), or build and a path that begins with the
//     call ("recipe.parentImage"). The function reports with subject.refuse (a value) or subject.wrong (a combination).
//     The severity is Error where AWS's answer is known, and Warning where it is inferred or depends on the account.
//  2. Add examples/ID.txtar with broken.ib.hcl and right.ib.hcl (or broken.json and right.json, {"operation",
//     "input"}, where the language says it first). planner/kind's TestRuleExamples compiles both.
//  3. Run go test ./planner/kind -run 'TestRule|TestPlans' -update, which writes docs/rules.md, and read the difference.
//
// A rule that has no sites is judged in planner/kind, where a block is lowered: it reports with
// planner.RuleDiagnostic, and has the same examples.
//
// Start reading at rule.go, then build.go.
package rules
