package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/imagebuild-action/internal/component"
)

// standOn lets a root lie on the system that stands in for the image's parent: the one that the layers
// below were made on, else one like the parent's.
func (m *making) standOn(ctx context.Context, spec *component.RootSpec, layers []string) (StandIn, error) {
	o := m.b.opts
	if o.System == nil || o.Root != component.RootAuto || o.Base != "" || spec.Kind == component.RootNone {
		return StandIn{}, nil
	}
	ref, known, err := m.b.recall(layers)
	if err != nil || known && ref == "" {
		return StandIn{Why: "what it builds on was built so"}, err
	}
	stand, err := o.System(ctx, text(m.fixed, "osVersion"), ref)
	if err != nil {
		return StandIn{}, err
	}
	spec.Base, spec.BaseName = stand.Dir, stand.Name
	return stand, nil
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " Why this machine: " + why + "."
}

// systemFile holds the name of the system that a layer was made on.
func (b *builder) systemFile(layer string) string {
	return filepath.Join(b.dir, "layers", layer+".system")
}

// remember notes the system that a layer is made on; "" is this machine's.
func (b *builder) remember(layer, system string) error {
	return os.WriteFile(b.systemFile(layer), []byte(system), 0o600)
}

// recall is the system that the nearest of the layers was made on; known is false for layers of before it was noted, and for none.
func (b *builder) recall(layers []string) (system string, known bool, err error) {
	for _, l := range layers {
		raw, err := os.ReadFile(b.systemFile(l))
		if err == nil {
			return string(raw), true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", false, err
		}
	}
	return "", len(layers) > 0, nil
}

// Made reports whether a parent image, an AMI's id or an image's ARN, was built here: what is built on it stays on its system.
func (s *Server) Made(parent string) bool {
	s.db.Lock()
	defer s.db.Unlock()
	if strings.HasPrefix(parent, "arn:") {
		img := s.db.resolve(parent, "image")
		return img != nil && img.Work != nil
	}
	for _, a := range s.db.amis.rows {
		if a.ID == parent && len(a.Layers) > 0 {
			return true
		}
	}
	return false
}
