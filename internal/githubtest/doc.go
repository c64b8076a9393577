// Package githubtest is GitHub on loopback, as far as a job of GitHub Actions touches it: comments, pull requests,
// check runs, artifacts, identity tokens and their issuer. It is used by Go tests and, as a program (serve), by
// workflows run on one machine.
//
// Every request is held to GitHub's own OpenAPI description before behaviour sees it, and so is every reply: what the
// product sends is what GitHub would accept, and what it hears is what GitHub would say. Beyond the description it
// knows what that omits: 65 536 characters of a body, who wrote what, permissions of tokens, rate limits, lists
// that are behind, requests that fail.
//
// It shares only the wire with the product and imports none of it. It proves nothing that only GitHub can prove.
package githubtest
