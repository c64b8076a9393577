package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
)

func (p *program) streamShareCommand() *cobra.Command {
	s := &streaming{p: p}
	var accounts []string
	var exclusive, dryRun bool
	c := &cobra.Command{
		Use: "share IMAGE --account ID[:fleet,builder]", Short: "Let other accounts use an image", Args: cobra.ExactArgs(1),
		Long: "share gives accounts the permission to use an image for fleets, for image builders, or for both, in the region it is\n" +
			"in. What is said of an account replaces what it had. The other account finds the image by its ARN only.",
		RunE: func(c *cobra.Command, args []string) error {
			want, err := sharesOf(accounts)
			if err != nil {
				return err
			}
			name, err := s.name(args[0])
			if err != nil {
				return err
			}
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) {
				changes, err := images.PlanShares(ctx, name, want, exclusive)
				if err != nil {
					return nil, err
				}
				return s.reshare(ctx, images, name, changes, dryRun)
			})
		},
	}
	c.Flags().StringArrayVar(&accounts, "account", nil, "an account `ID` and what it may use the image for, fleet if nothing is said: 210987654321:fleet,builder; may be repeated")
	c.Flags().BoolVar(&exclusive, "exclusive", false, "take the permissions of all other accounts away")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	s.add(c)
	return c
}

func (p *program) streamUnshareCommand() *cobra.Command {
	s := &streaming{p: p}
	var accounts []string
	var all, dryRun bool
	c := &cobra.Command{
		Use: "unshare IMAGE --account ID", Short: "Take other accounts' permissions for an image away", Args: cobra.ExactArgs(1),
		Long: "unshare takes accounts' permissions for an image away. Their fleets on it drop to zero instances; sessions go on,\n" +
			"and copies they made stay.",
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(accounts) > 0) {
				return mistake("name accounts with --account, or say --all", "it is not clear whose permissions to take away")
			}
			for i, a := range accounts {
				if _, err := accountOf(a); err != nil {
					return err
				}
				if slices.Contains(accounts[:i], a) {
					return mistake("name each account once", "the account %s is named twice", a)
				}
			}
			name, err := s.name(args[0])
			if err != nil {
				return err
			}
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) {
				changes, err := images.PlanUnshares(ctx, name, accounts)
				if err != nil {
					return nil, err
				}
				return s.reshare(ctx, images, name, changes, dryRun)
			})
		},
	}
	c.Flags().StringArrayVar(&accounts, "account", nil, "an account `ID`; may be repeated")
	c.Flags().BoolVar(&all, "all", false, "all accounts")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	s.add(c)
	return c
}

// reshare shows changes, warns of those that take fleets' instances, and carries them out.
func (s *streaming) reshare(ctx context.Context, images *aws.StreamImages, name string, changes []aws.ShareChange, dryRun bool) (any, error) {
	for _, c := range changes {
		if c.Starves() {
			s.warn("the fleets of account %s on %s drop to zero instances: it may no longer use the image for fleets. Open sessions go on.", c.Account, name)
		}
	}
	if !dryRun {
		if err := images.Reshare(ctx, name, changes); err != nil {
			return nil, err
		}
	}
	would := ""
	if dryRun {
		would = "would be "
	}
	for _, c := range changes {
		switch c.Verb {
		case "share":
			s.tell("%s: %sshared for %s", c.Account, would, allowed(*c.To))
		case "change":
			s.tell("%s: %schanged from %s to %s", c.Account, would, allowed(*c.From), allowed(*c.To))
		case "unshare":
			s.tell("%s: %sunshared", c.Account, would)
		default:
			s.tell("%s: nothing to do", c.Account)
		}
	}
	return changes, nil
}

// sharesOf reads accounts with their permissions, as --account gives them.
func sharesOf(given []string) ([]aws.StreamShare, error) {
	if len(given) == 0 {
		return nil, mistake("say --account 210987654321:fleet,builder; to share with nobody: imagebuild appstream unshare --all", "no account to share with is named")
	}
	var out []aws.StreamShare
	for _, g := range given {
		id, uses, ok := strings.Cut(g, ":")
		if !ok {
			uses = "fleet"
		}
		account, err := accountOf(id)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(s aws.StreamShare) bool { return s.Account == account }) {
			return nil, mistake("name each account once, with all it may do: "+account+":fleet,builder", "the account %s is named twice", account)
		}
		share := aws.StreamShare{Account: account}
		for what := range strings.SplitSeq(uses, ",") {
			switch strings.TrimSpace(what) {
			case "fleet":
				share.Fleet = true
			case "builder":
				share.Builder = true
			default:
				return nil, mistake("an image is shared for fleet, for builder, or for both: "+account+":fleet,builder", "there is no permission %q", report.Neutral(what))
			}
		}
		out = append(out, share)
	}
	return out, nil
}
