// Package report tells people and programs what a plan means and how a run went.
//
// A plan is rendered as it is: text, Markdown, Mermaid, DOT, SVG, a shell script of AWS CLI calls.
// A run is folded, event by event, into one Report, from which every summary is rendered; what is
// shown while it goes on (Live) and the record of it (JSONLines) take the same events.
//
// It refuses to know how a plan came about or how it is carried out: it calls no service, reads no
// environment, has no clock but the one it is given, and never decides on the text of a message.
// Names, log lines and messages are taken for hostile everywhere: see Neutral.
package report
