package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/planner"
)

// pullRequestFlags say which pull request a plan or a build is of.
type pullRequestFlags struct {
	number  string
	expires time.Duration
}

func (f *pullRequestFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.number, "pull-request", "", "do what pull request `N` (or OWNER/NAME#N) may: build what its merge would use, for a time, and move nothing others use")
	c.Flags().DurationVar(&f.expires, "expires", 14*24*time.Hour, "how long after its last build what a pull request made is kept")
}

// pullRequest is the pull request that is meant; nil for none.
func (g *planning) pullRequest() (*planner.PullRequest, error) {
	if g.pr.number == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	pr, err := planner.ParsePullRequest(g.pr.number, g.p.repositoryName(g.cfg.Settings.Project))
	if err != nil {
		return nil, mistake("a repository is also named by GITHUB_REPOSITORY, or imagebuild { project = \"…\" }", "--pull-request: %w", err)
	}
	if g.pr.expires < time.Hour {
		return nil, mistake("the default is 336h, two weeks", "--expires %s is less than an hour, which a build may take", g.pr.expires)
	}
	pr.Expires = g.pr.expires
	return pr, nil
}

// repositoryName is what the numbers of pull requests belong to where the command line does not say it:
// the repository of the workflow that runs, or the project.
func (p *program) repositoryName(project string) string {
	repository, _ := p.lookupEnv("GITHUB_REPOSITORY")
	return cmp.Or(repository, project)
}
