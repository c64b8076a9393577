package aws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// files finds which staged files are there. Their keys hold their content's hash, so being there is
// all there is to know.
func (o *observer) files(ctx context.Context, nodes []*planner.Node) error {
	byBucket := map[string][]*planner.Node{}
	for _, n := range nodes {
		bucket := member(n.Input, "Bucket")
		byBucket[bucket] = append(byBucket[bucket], n)
	}
	for bucket, group := range byBucket {
		var err error
		if len(group) <= few {
			err = forEach(ctx, group, o.file)
		} else {
			err = o.listFiles(ctx, bucket, group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *observer) file(ctx context.Context, n *planner.Node) error {
	there, _, err := o.clients.stored(ctx, o.region, n.Input)
	if err != nil {
		return err
	}
	o.record(n, o.staged(n, there))
	return nil
}

// stored reports whether an object is there, and in which region its bucket is, which need not be
// the one built in. A caller who may not list a bucket is answered 403 for what is not there, so
// that counts as missing, as a bucket does that is not there itself.
func (c *Clients) stored(ctx context.Context, region string, in planner.Object) (there bool, where string, err error) {
	head := object{"Bucket": member(in, "Bucket"), "Key": member(in, "Key")}
	_, err = c.answer(ctx, "s3:HeadObject", region, head)
	if moved, ok := errors.AsType[*CallError](err); ok && moved.Bucket != "" && moved.Bucket != region {
		region = moved.Bucket
		_, err = c.answer(ctx, "s3:HeadObject", region, head)
	}
	if _, _, status, _ := parts(err); status == http.StatusNotFound || status == http.StatusForbidden {
		return false, region, nil
	}
	return err == nil, region, err
}

func (o *observer) listFiles(ctx context.Context, bucket string, nodes []*planner.Node) error {
	prefix := member(nodes[0].Input, "Key")
	for _, n := range nodes {
		key := member(n.Input, "Key")
		for !strings.HasPrefix(key, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	there := map[string]bool{}
	in := object{"Bucket": bucket, "Prefix": prefix}
	for range len(nodes) {
		out, err := o.clients.answer(ctx, "s3:ListObjectsV2", o.region, in)
		if _, _, status, _ := parts(err); slices.Contains([]int{http.StatusNotFound, http.StatusForbidden, http.StatusMovedPermanently}, status) {
			return forEach(ctx, nodes, o.file)
		}
		if err != nil {
			return err
		}
		for _, item := range list(out, "Contents") {
			there[text(item, "Key")] = true
		}
		if in["ContinuationToken"] = text(out, "NextContinuationToken"); in["ContinuationToken"] == "" {
			break
		}
	}
	for _, n := range nodes {
		o.record(n, o.staged(n, there[member(n.Input, "Key")]))
	}
	return nil
}

func (o *observer) staged(n *planner.Node, there bool) *planner.Observed {
	seen := &planner.Observed{Exists: there}
	if there {
		seen.Outputs = object{"arn": o.arn(n)}
	}
	return seen
}

// member reads a string member of an input, whatever the case of its first letter.
func member(in planner.Object, name string) string {
	for k, v := range in {
		if strings.EqualFold(k, name) {
			s, _ := v.(string)
			return s
		}
	}
	return ""
}
