package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

const scriptPreamble = `set -euo pipefail
: "${POLL_SECONDS:=30}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# checked VALUE WHAT: an answer must be there, and of characters that JSON takes as they are.
checked() {
  local LC_ALL=C
  case $1 in
    '' | None | *[!A-Za-z0-9\ :/._@+=,-]*)
      printf 'No usable %s: "%s".\n' "$2" "$1" >&2
      exit 1
      ;;
  esac
}

# wait_for_image REGION ARN: until the image is there. Image Builder bounds a build by itself.
wait_for_image() {
  local state
  while :; do
    state=$(aws imagebuilder get-image --region "$1" --image-build-version-arn "$2" --query image.state.status --output text)
    case $state in
      AVAILABLE) return 0 ;;
      FAILED | CANCELLED | DEPRECATED | DELETED | DISABLED)
        aws imagebuilder get-image --region "$1" --image-build-version-arn "$2" --query image.state.reason --output text >&2
        printf 'The image %s is %s.\n' "$2" "$state" >&2
        return 1
        ;;
    esac
    sleep "$POLL_SECONDS"
  done
}
`

//nolint:gosec // text about secrets, none
const scriptSecretGuard = `
# Values of this plan are sensitive and stand below as "(sensitive)". Put them in, then remove these two lines.
printf 'Sensitive values are missing from this script: see its beginning.\n' >&2
exit 2
`

// PlanAWSCLI writes a plan as a bash script of AWS CLI calls, in an order they can be made, ARNs
// handed from one to the next. Nothing of the configuration is ever text to the shell: inputs are
// JSON of printable ASCII between single quotes.
//
// A look-up the plan has no answer to is asked by the script where the CLI can; else, as with what
// else is not known, the script asks for a variable. Staged files up to 64 KiB are part of it; larger ones it
// expects in a directory, and checks. A plan with sensitive values gives a script that refuses to
// run until they are put in, as whoever writes it is to redact them.
func PlanAWSCLI(w io.Writer, p *planner.Plan) error {
	s := &script{
		view: newView(p), used: map[dsl.Addr]map[string]bool{}, vars: map[dsl.Ref]string{}, taken: map[string]bool{},
		waited: map[dsl.Addr]bool{},
	}
	s.b.WriteString("#!/usr/bin/env bash\n# The calls of the AWS CLI that carry out this plan, in their order.\n")
	s.b.WriteString(comment("Plan for " + orElse(s.region, "no region") + ": " + s.summary() + "."))
	s.b.WriteString(scriptPreamble)
	if err := s.body(); err != nil {
		return fmt.Errorf("write the plan as a script: %w", err)
	}
	return write(w, &s.b)
}

// A script is one rendering in the making.
type script struct {
	*view
	b      strings.Builder
	used   map[dsl.Addr]map[string]bool // the attributes something refers to
	vars   map[dsl.Ref]string           // the shell variables that hold them
	taken  map[string]bool
	waited map[dsl.Addr]bool
}

func (s *script) body() error {
	sensitive, err := s.sensitive()
	if err != nil {
		return err
	}
	if sensitive {
		s.b.WriteString(scriptSecretGuard)
	}
	for _, c := range s.plan.Changes {
		if !makesCall(c) {
			continue
		}
		c.Call().Refs(func(_ string, r dsl.Ref) {
			if s.used[r.Addr] == nil {
				s.used[r.Addr] = map[string]bool{}
			}
			s.used[r.Addr][r.Attr] = true
		})
	}
	for _, c := range s.plan.Changes {
		if err := s.change(c); err != nil {
			return fmt.Errorf("%s: %w", c.Addr, err)
		}
	}
	s.b.WriteString("\n# What nothing above waited for, and what came of it all.\n")
	for _, c := range s.plan.Changes {
		if isImage(c.Node) && (c.Verb == planner.Create || c.Verb == planner.Wait) {
			if err := s.wait(c); err != nil {
				return fmt.Errorf("%s: %w", c.Addr, err)
			}
			fmt.Fprintf(&s.b, "printf '%%s %%s\\n' %s \"$%s\"\n", quote(ascii(Neutral(c.Addr.String()))), s.variable(dsl.Ref{Addr: c.Addr, Attr: "arn"}))
		}
	}
	return nil
}

// change writes one call, and before it all that has to be there.
func (s *script) change(c *planner.Change) error {
	s.b.WriteString("\n" + comment(c.Addr.String()+": "+c.Reason))
	switch {
	case c.Verb == planner.None || c.Verb == planner.Later:
		return nil
	case c.Verb == planner.Wait && observed(c, "arn") == "":
		return errors.New("it is being built, and the plan does not know under which ARN")
	case c.Verb == planner.Wait:
		return s.assign(dsl.Ref{Addr: c.Addr, Attr: "arn"}, quote(observed(c, "arn")))
	case c.Op == "" && c.Retag != nil:
		return s.retag(c)
	case c.Op == "":
		return fmt.Errorf("the plan names no call to %s it with", c.Verb)
	}
	if err := s.retag(c); err != nil {
		return err
	}
	for _, a := range c.Needs {
		if n := s.changes[a]; n != nil && isImage(n.Node) {
			if err := s.wait(n); err != nil {
				return err
			}
		}
	}
	if err := s.askFor(c); err != nil {
		return err
	}
	service, operation, _ := strings.Cut(string(c.Op), ":")
	if service == "s3" {
		service = "s3api"
	}
	call := "aws " + kebab(service) + " " + kebab(operation) + s.regionFlag()
	if c.Content != nil {
		if err := s.content(c); err != nil {
			return err
		}
		call += ` --body "$work/body"`
	}
	input, err := shellJSON(map[string]any(c.Call()), "", s.word(c))
	if err != nil {
		return err
	}
	return s.call(c, call+" --cli-input-json "+input)
}

// makesCall reports whether the script makes a change's call. What is being built is waited for and
// no more: what is to follow it, the next plan says.
func makesCall(c *planner.Change) bool {
	return c.Op != "" && c.Verb != planner.None && c.Verb != planner.Later && c.Verb != planner.Wait
}

// retag writes the change of what is there already that keeps it: its tags.
func (s *script) retag(c *planner.Change) error {
	if c.Retag == nil {
		return nil
	}
	arn := observed(c, "arn")
	if arn == "" {
		return errors.New("its tags are to change, and the plan does not know its ARN")
	}
	if len(c.Retag.Add) > 0 {
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(c.Retag.Add)) {
			pairs = append(pairs, quote(ascii(k+"="+c.Retag.Add[k])))
		}
		fmt.Fprintf(&s.b, "aws imagebuilder tag-resource%s --resource-arn %s --tags %s >/dev/null\n", s.regionFlag(), quote(arn), strings.Join(pairs, ","))
	}
	if len(c.Retag.Remove) > 0 {
		var keys []string
		for _, k := range c.Retag.Remove {
			keys = append(keys, quote(ascii(k)))
		}
		fmt.Fprintf(&s.b, "aws imagebuilder untag-resource%s --resource-arn %s --tag-keys %s >/dev/null\n", s.regionFlag(), quote(arn), strings.Join(keys, " "))
	}
	return nil
}

// call writes the call and keeps what others need of its answer.
func (s *script) call(c *planner.Change, call string) error {
	var attrs, members []string
	for _, attr := range slices.Sorted(maps.Keys(c.Kind.Outputs)) {
		member := c.Kind.Outputs[attr]
		if _, known := c.Known[attr].(string); known || member == "" || !s.used[c.Addr][attr] && (attr != "arn" || !isImage(c.Node)) {
			continue
		}
		if strings.ContainsAny(member, ".[") {
			continue // not of the call's own answer: known only after waiting
		}
		attrs, members = append(attrs, attr), append(members, member)
	}
	if len(attrs) == 0 || c.Verb != planner.Create {
		s.b.WriteString(call + " >/dev/null\n")
		return nil
	}
	if len(attrs) == 1 {
		return s.assign(dsl.Ref{Addr: c.Addr, Attr: attrs[0]}, "$("+call+" --query "+members[0]+" --output text)")
	}
	s.b.WriteString("answer=$(" + call + " --query '[" + strings.Join(members, ",") + "]' --output text)\n")
	for i, attr := range attrs {
		if err := s.assign(dsl.Ref{Addr: c.Addr, Attr: attr}, fmt.Sprintf(`$(cut -f %d <<<"$answer")`, i+1)); err != nil {
			return err
		}
	}
	return nil
}

// assign gives a reference its variable.
func (s *script) assign(r dsl.Ref, value string) error {
	name := s.variable(r)
	fmt.Fprintf(&s.b, "%s=%s\nchecked \"$%s\" %s\n", name, value, name, quote(ascii(Neutral(r.String()))))
	return nil
}

// wait writes the wait for an image, once, and reads of it what others need.
func (s *script) wait(c *planner.Change) error {
	if s.waited[c.Addr] || c.Verb != planner.Create && c.Verb != planner.Wait {
		return nil
	}
	s.waited[c.Addr] = true
	arn := s.variable(dsl.Ref{Addr: c.Addr, Attr: "arn"})
	fmt.Fprintf(&s.b, "wait_for_image %s \"$%s\"\n", quote(s.region), arn)
	if !s.used[c.Addr]["ami"] {
		return nil
	}
	query := fmt.Sprintf("image.outputResources.amis[?region=='%s'].image | [0]", s.region)
	return s.assign(dsl.Ref{Addr: c.Addr, Attr: "ami"},
		fmt.Sprintf("$(aws imagebuilder get-image%s --image-build-version-arn \"$%s\" --query %s --output text)", s.regionFlag(), arn, quote(query)))
}

func (s *script) regionFlag() string {
	if s.region == "" {
		return ""
	}
	return " --region " + quote(s.region)
}

// variable is the shell variable of a reference; another name is never the same.
func (s *script) variable(r dsl.Ref) string {
	if v, ok := s.vars[r]; ok {
		return v
	}
	base := identifier(r.String())
	name := base
	for n := 2; s.taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	s.taken[name], s.vars[r] = true, name
	return name
}

// word is what stands for a reference inside a JSON string inside single quotes.
func (s *script) word(c *planner.Change) func(dsl.Ref) (string, error) {
	return func(r dsl.Ref) (string, error) {
		if v, ok := s.literal(r); ok {
			return asciiJSON(v), nil
		}
		if name, ok := s.vars[r]; ok {
			return `'"$` + name + `"'`, nil
		}
		return "", fmt.Errorf("a script cannot know %s, which %s takes", r, c.Op)
	}
}

// literal is a reference's value where the plan knows it.
func (s *script) literal(r dsl.Ref) (string, bool) {
	c := s.changes[r.Addr]
	if c == nil {
		return "", false
	}
	if v, ok := c.Known[r.Attr].(string); ok {
		return v, true
	}
	if c.Verb == planner.Create {
		return "", false
	}
	v := observed(c, r.Attr)
	return v, v != "" && c.Verb != planner.Wait
}

func observed(c *planner.Change, attr string) string {
	if c.Observed == nil {
		return ""
	}
	v, _ := c.Observed.Outputs[attr].(string)
	return v
}

// askFor makes variables of what a call takes and the plan does not know.
func (s *script) askFor(c *planner.Change) error {
	var open []dsl.Ref
	paths := map[dsl.Ref]string{}
	c.Call().Refs(func(path string, r dsl.Ref) {
		if _, known := s.literal(r); known || s.vars[r] != "" {
			return
		}
		if _, later := s.later(r); later || r.Addr == c.Addr {
			open, paths[r] = append(open, r), path
		}
	})
	slices.SortFunc(open, func(a, b dsl.Ref) int { return strings.Compare(a.String(), b.String()) })
	for _, r := range slices.Compact(open) {
		command := s.question(r)
		if command == "" {
			s.require(c, r, paths[r])
		} else if err := s.assign(r, "$("+command+")"); err != nil {
			return err
		}
	}
	return nil
}

// question is the command that answers a look-up; "" where the CLI has none.
func (s *script) question(r dsl.Ref) string {
	name, isSSM := strings.CutPrefix(r.Name, "ssm:")
	switch {
	case r.Type != planner.LookupType:
		return ""
	case isSSM:
		return "aws ssm get-parameter" + s.regionFlag() + " --query Parameter.Value --output text --name " + quote(name)
	case strings.Contains(r.Name, ":image/"):
		return "aws imagebuilder get-image" + s.regionFlag() + " --query image.arn --output text --image-build-version-arn " + quote(r.Name)
	case strings.Contains(r.Name, ":component/"):
		return "aws imagebuilder get-component" + s.regionFlag() + " --query component.arn --output text --component-build-version-arn " + quote(r.Name)
	}
	return ""
}

// require takes a value from the environment of the script: a data block's, or a name or version
// that follows from the answer to a look-up.
func (s *script) require(c *planner.Change, r dsl.Ref, path string) {
	name := s.variable(r)
	s.b.WriteString(comment(name + " is " + r.String() + ", which this plan does not know. Set it in the environment."))
	if d := fallback(c, r, path); d != "" {
		s.b.WriteString(comment("Without it: " + d))
		fmt.Fprintf(&s.b, "if [ -z \"${%s:-}\" ]; then %s=%s; fi\n", name, name, quote(d))
	}
	fmt.Fprintf(&s.b, "checked \"${%s:-}\" %s\n", name, name)
}

// fallback is what AWS takes in the place of a name or version that is made of the content: the
// name without a digest; the next free version, where the model lets the call ask for it.
func fallback(c *planner.Change, r dsl.Ref, path string) string {
	if r.Addr != c.Addr {
		return ""
	}
	if path == "name" {
		return c.Name
	}
	const nextFree = "1.0.x"
	service, operation, _ := strings.Cut(string(c.Op), ":")
	model, err := awsmodel.Get(service)
	if err != nil {
		return ""
	}
	op, ok := model.Operation(operation)
	if !ok || op.Input == nil {
		return ""
	}
	if m, ok := op.Input.Member(path); ok && path == "semanticVersion" && m.Shape.MatchPattern(nextFree) {
		return nextFree
	}
	return ""
}
