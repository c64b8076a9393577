// Package component knows EC2 Image Builder's component documents: it reads and checks them, writes
// them, and runs them on Linux as AWS's own AWSTOE does.
//
// Reading ([Parse], [Document.Check]) and writing ([Render]) are pure. Running happens in another
// process, the agent, which is this same program started again ([AgentMain]) inside an isolated root
// ([OpenRoot]): whatever a document does to files, it does to that root.
//
// The package refuses to know AWS's API, HCL configurations, and who asked: a document is text, a
// run is a stream of events and a result. Where AWS has not said how AWSTOE behaves, the decision
// taken is listed in docs/component-documents.md.
package component
