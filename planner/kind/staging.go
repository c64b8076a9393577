package kind

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// A staging collects the files that one build's components download.
type staging struct {
	build  string
	blocks map[string]*dsl.Block // by key
	order  []*dsl.Block
	names  map[string]bool
}

// noBucket is what is behind every file that has nowhere to go.
const noBucket = planner.Cause("no staging bucket")

func newStaging(build string) *staging {
	return &staging{build: build, blocks: map[string]*dsl.Block{}, names: map[string]bool{}}
}

// put stages content under a file name for the task and returns the S3 URI it will have. Bucket and
// key are known while planning, because the key holds the content's sha256.
func (t *task) put(name string, content dsl.Content, at hcl.Range) (uri string, ok bool) {
	settings := t.scope.Config.Settings
	if settings.StagingBucket.V == nil {
		t.fail(at, "No staging bucket",
			"%q has files that travel to the machine through S3, and the configuration does not say where. "+
				"Write imagebuild { staging { bucket = \"...\" } }, with a bucket that the instance profile may read.", t.block.Labels[0])
		t.diags[len(t.diags)-1].Extra = noBucket
		return "", false
	}
	bucket, isString := settings.StagingBucket.V.(string)
	if !isString {
		t.fail(at, "Staging bucket not known yet", "The name of the staging bucket must be known when the plan is made. Write it, or take it from a variable.")
		return "", false
	}
	sum, err := dsl.ContentDigest(content)
	if err != nil {
		t.fail(at, "File not readable", "The files cannot be read: %s.", reason(err))
		return "", false
	}
	name = keyName(name)
	key := settings.StagingPrefix + sum + "/" + name
	b, ok := t.stage.blocks[key]
	if !ok {
		b = t.stage.add(key, name)
		b.Content, b.Range = content, t.block.Range
		b.Body = &dsl.Body{Range: t.block.Range, Attrs: map[string]dsl.Value{
			"bucket": settings.StagingBucket,
			"key":    {V: key, Range: at},
			"sha256": {V: sum, Range: at},
		}}
	}
	t.needs = append(t.needs, b.Addr)
	return "s3://" + bucket + "/" + key, true
}

// add makes the block for a key, with an address that says what it is rather than its digest.
func (s *staging) add(key, name string) *dsl.Block {
	stem := s.build + "-" + strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".tar"), ".zip")
	unique := stem
	for n := 2; s.names[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", stem, n)
	}
	s.names[unique] = true
	b := &dsl.Block{Addr: dsl.Addr{Type: "staged_file", Name: unique}, Group: s.build}
	s.blocks[key] = b
	s.order = append(s.order, b)
	return b
}

// keyName makes a file's name fit for an S3 key and a URI.
func keyName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, path.Base(name))
	return cmp.Or(strings.Trim(name[:min(len(name), 100)], "."), "file")
}
