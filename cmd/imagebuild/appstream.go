package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
)

// appstreamCommand administers AppStream images that are there, whoever made them.
func (p *program) appstreamCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "appstream", Short: "Share, copy, update, export and delete AppStream images",
		Long: "appstream administers the images of AppStream (Amazon WorkSpaces Applications) in an account and region, also\n" +
			"those that imagebuild did not make. Everything that takes long is waited for, and taken up where it was by running\n" +
			"the same command again.",
	}
	c.AddCommand(
		p.streamListCommand(), p.streamShareCommand(), p.streamUnshareCommand(), p.streamCopyCommand(),
		p.streamUpdateCommand(), p.streamDeleteCommand(), p.streamExportCommand(), p.streamBootstrapCommand(),
	)
	return c
}

// A streaming is one run of a command on AppStream images.
type streaming struct {
	p      *program
	region string
	tgt    targetFlags
	json   bool
	// account is that of the ARNs that name images; "" where none does.
	account string
}

func (s *streaming) add(c *cobra.Command) {
	c.Flags().StringVar(&s.region, "region", "", "the `region` of the image (default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's)")
	c.Flags().BoolVar(&s.json, "json", false, "write the result as JSON to standard output")
	s.tgt.add(c)
}

// images connects, and hands the images' administration to do. What do returns is written with --json; as text
// it has been told by then.
func (s *streaming) images(ctx context.Context, do func(context.Context, *aws.StreamImages) (any, error)) (err error) {
	g := &planning{p: s.p, conf: configurationFlags{region: s.region}, tgt: s.tgt, must: true}
	g.cfg = &dsl.Config{}
	if err = g.settleRegion(ctx); err != nil {
		return err
	}
	if err = g.connect(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	if err = s.foreign(g.target.account); err != nil {
		return err
	}
	images := g.target.clients.StreamImages(aws.StreamOptions{Region: g.region, Tell: func(sentence string) {
		fmt.Fprintln(s.p.stderr, report.Neutral(sentence))
	}})
	out, err := do(ctx, images)
	if err != nil {
		return streamFailure(ctx, err)
	}
	if !s.json {
		return nil
	}
	e := json.NewEncoder(s.p.stdout)
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	return nil
}

// streamFailure is the end of a command that could not do it.
func streamFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exit{status: statusInterrupted, err: errors.New("interrupted"), hint: "what has begun goes on; run the same command again to wait for it"}
	}
	if known, ok := errors.AsType[*exit](err); ok {
		return known
	}
	hint := ""
	if known, ok := errors.AsType[*aws.StreamError](err); ok {
		hint = known.Hint
	}
	return &exit{status: statusFailed, err: err, hint: hint}
}

// tell writes a line of a command's result, unless the result is wanted as JSON.
func (s *streaming) tell(format string, args ...any) {
	if !s.json {
		fmt.Fprintln(s.p.stdout, report.Neutral(fmt.Sprintf(format, args...)))
	}
}

// warn says what the user should think twice about.
func (s *streaming) warn(format string, args ...any) {
	fmt.Fprintln(s.p.stderr, "warning: "+report.Neutral(fmt.Sprintf(format, args...)))
}

// accountOf checks an account id of the command line.
func accountOf(id string) (string, error) {
	if ok, err := regexp.MatchString(`^\d{12}$`, id); err != nil || !ok {
		return "", mistake("an account id is 12 digits: --account 210987654321", "%q is no account id", report.Neutral(id))
	}
	return id, nil
}

// tagsOf reads KEY=VALUE tags of the command line.
func tagsOf(given []string) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range given {
		key, value, ok := strings.Cut(t, "=")
		if !ok || key == "" {
			return nil, mistake("write a tag as --tag team=cad", "%q is no tag", report.Neutral(t))
		}
		tags[key] = value
	}
	return tags, nil
}
