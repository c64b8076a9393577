package aws

import (
	"context"
	"regexp"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// stagedURI is how a component's document names a staged file: a key that holds a sha256.
var stagedURI = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/((?:[^\s"'\\]*/)?[0-9a-f]{64}/[^\s"'\\]+)`)
})

// files finds the staged files of the components that are selected. Files have no tags here: the documents of
// components are what tells which there are, and that another one still needs one.
func (k *stocktaker) files(ctx context.Context, selected []*planner.Held, kind *planner.Kind) error {
	named := map[string]*planner.Held{} // by the ARN of the file
	some, err := k.documents(ctx, func(h *planner.Held) bool { return slices.Contains(selected, h) })
	if err != nil {
		return err
	}
	for _, h := range selected {
		for _, file := range some[h.ARN] {
			// One that several pull requests keep does not take its files along.
			if named[file] == nil && len(planner.PullRequestTags(h.Tags)) < 2 {
				named[file] = &planner.Held{Kind: kind, ARN: file, Tags: h.Tags, Created: h.Created}
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	if _, err = k.documents(ctx, func(h *planner.Held) bool { return !slices.Contains(selected, h) }); err != nil {
		return err
	}
	for _, f := range named {
		k.stock.Held = append(k.stock.Held, f)
	}
	return nil
}

// documents reads the documents of components and returns the staged files that each names, which it
// notes as used by them, too.
func (k *stocktaker) documents(ctx context.Context, which func(*planner.Held) bool) (map[string][]string, error) {
	out := map[string][]string{}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(abreast)
	for _, h := range k.stock.Held {
		if h.Kind.Read != getComponent || !which(h) {
			continue
		}
		work.Go(func() error {
			component, err := k.clients.get(ctx, getComponent, k.region, h.ARN)
			if err != nil {
				return err
			}
			for _, m := range stagedURI().FindAllStringSubmatch(text(component, "data"), -1) {
				file := awsmodel.ARN{Partition: awsmodel.PartitionOf(k.region), Service: "s3", Resource: m[1] + "/" + m[2]}.String()
				h.Uses = append(h.Uses, file)
				k.mu.Lock()
				out[h.ARN] = append(out[h.ARN], file)
				k.mu.Unlock()
			}
			return nil
		})
	}
	return out, work.Wait()
}

const getComponent planner.Op = "imagebuilder:GetComponent"
