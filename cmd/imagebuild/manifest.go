package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// defaultManifest is the file that Packer's post-processor writes when none is named.
const defaultManifest = "packer-manifest.json"

// A manifest is the file of Packer's post-processor "manifest", which scripts after a build read.
type manifest struct {
	Builds      []manifestBuild `json:"builds"`
	LastRunUUID string          `json:"last_run_uuid"`
}

// A manifestBuild is one image in it, with the members that Packer writes.
type manifestBuild struct {
	Name        string            `json:"name"`
	BuilderType string            `json:"builder_type"`
	BuildTime   int64             `json:"build_time,omitempty"` // Unix seconds
	Files       []string          `json:"files"`                // always null: an image has no files here
	ArtifactID  string            `json:"artifact_id"`          // "region:ami,region:ami"
	RunUUID     string            `json:"packer_run_uuid"`
	CustomData  map[string]string `json:"custom_data"`
}

// writeManifests records the images that are there after a run, those reused included, where their
// builds have a post-processor "manifest". An earlier file is added to.
func (g *planning) writeManifests(plan *planner.Plan, rep *report.Report) error {
	run := uuid.NewString()
	var errs []error
	for _, c := range plan.Changes {
		it := rep.Item(c.Addr)
		if it == nil || it.Status != executor.Applied && it.Status != executor.Unchanged {
			continue
		}
		for _, n := range c.Manifests {
			errs = append(errs, g.addToManifest(n, manifestEntry(n, it, run)))
		}
	}
	return errors.Join(errs...)
}

func manifestEntry(n *dsl.Nested, it *report.Item, run string) manifestBuild {
	b := manifestBuild{Name: it.Addr.Name, BuilderType: "imagebuilder", RunUUID: run}
	if strip, _ := n.Body.Attrs["strip_time"].V.(bool); !strip {
		b.BuildTime = it.Ended.Unix()
	}
	var ids []string
	for _, a := range it.AMIs() {
		ids = append(ids, a.Region+":"+a.ID)
	}
	b.ArtifactID = strings.Join(ids, ",")
	data, _ := n.Body.Attrs["custom_data"].V.(map[string]any)
	for k, v := range data {
		if s, ok := v.(string); ok {
			if b.CustomData == nil {
				b.CustomData = map[string]string{}
			}
			b.CustomData[k] = s
		}
	}
	return b
}

// addToManifest writes the file again with one more image. It is inside the repository or it is refused,
// since configurations come with pull requests.
func (g *planning) addToManifest(n *dsl.Nested, b manifestBuild) error {
	name, _ := n.Body.Attrs["output"].V.(string)
	if name == "" {
		name = defaultManifest
	}
	dir := g.loc.host.Cwd
	if dir == "" {
		dir = g.loc.host.Dir
	}
	file := path.Join(dir, name)
	var m manifest
	old, err := readWithin(g.loc.host.FS, file, largestConfiguration)
	if err == nil {
		err = json.Unmarshal(old, &m)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the manifest %s: %w", name, err)
	}
	m.Builds, m.LastRunUUID = append(m.Builds, b), b.RunUUID
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the manifest %s: %w", name, err)
	}
	var out bytes.Buffer
	covered := report.RedactJSON(&out, g.cfg.Secrets)
	if _, err = fmt.Fprintf(covered, "%s\n", raw); err == nil {
		err = errors.Join(covered.Close(), g.loc.root.WriteFile(file, out.Bytes(), os.FileMode(0o644)))
	}
	if err != nil {
		return fmt.Errorf("writing the manifest %s: %w", name, err)
	}
	if g.p.reporter != nil { // a job's later steps run as another user
		return handOver(g.loc.root, []string{file})
	}
	return nil
}
