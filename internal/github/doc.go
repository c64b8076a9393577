// Package github is all that imagebuild says to GitHub and hears from it: the runner's environment and event,
// workflow commands, file commands, identity tokens, comments, check runs, artifacts.
//
// It refuses to know AWS, plans and reports: it is given Markdown, numbers and names, and makes sure that they
// arrive once, at the right place, within GitHub's limits, and do nothing there but be read. Payloads, log
// lines, branch names and other people's comments are taken for hostile.
//
// What GitHub or the runner does not offer to this job is an UnavailableError, which is a notice and never a failure.
package github
