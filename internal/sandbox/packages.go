package sandbox

import (
	"context"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/component"
)

// An imagePackage is one package that an image has.
type imagePackage struct{ Name, Version string }

// inventory is a document that prints the packages of the system it runs in, one a line, by the package manager
// whose database that system has.
const inventory = `schemaVersion: "1.0"
phases:
  - name: build
    steps:
      - name: Inventory
        action: ExecuteBash
        inputs:
          commands:
            - |
              if command -v dpkg-query >/dev/null; then dpkg-query -W -f='package ${Package} ${Version} ${db:Status-Status}\n'
              elif command -v rpm >/dev/null; then rpm -qa --qf 'package %{NAME} %{VERSION}-%{RELEASE} installed\n'
              elif command -v apk >/dev/null; then apk info -v | sed -E 's/^(.*)-([^-]+-r[0-9]+)$/package \1 \2 installed/'
              elif command -v pacman >/dev/null; then pacman -Q | sed -E 's/^(.*)$/package \1 installed/'
              else echo no package manager; fi
`

// collect asks the finished root for its packages, as AWS asks the build instance by SSM Inventory.
func (m *making) collect(ctx context.Context) (object, error) {
	spec := m.b.spec(m.rootKind())
	spec.Lowers = append([]string{m.b.layers([]string{m.layer()})[0]}, m.b.layers(m.w.Base)...)
	root, err := component.OpenRoot(ctx, spec, m.b.opts.Self)
	if err != nil {
		return nil, err
	}
	job := component.Job{Phases: []string{"build"}, Documents: []component.JobDocument{{Name: "inventory", Source: inventory}}}
	var found []imagePackage
	res, err := root.Run(ctx, job, func(e component.Event) {
		_, line, _ := strings.Cut(e.Line, "Stdout: ")
		if f := strings.Fields(line); e.Kind == component.LogLine && len(f) == 4 && f[0] == "package" && f[3] == "installed" {
			found = append(found, imagePackage{f[1], f[2]})
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil || res.Status != component.Success || len(found) == 0 {
		m.say("NOT DONE: the packages of the image could not be listed, since its system has no package manager that answers") // AWS, too, builds the image then
		return nil, nil                                                                                                        //nolint:nilnil // a step without outputs
	}
	slices.SortFunc(found, func(a, b imagePackage) int { return strings.Compare(a.Name+" "+a.Version, b.Name+" "+b.Version) })
	m.change(func() { m.w.Packages = slices.Compact(found) })
	return nil, nil //nolint:nilnil // as above
}

// collects is whether an image's packages are listed: it asks for it, and its components ran.
func (m *making) collects() bool {
	return m.w.NotRun == "" && m.rootKind() != component.RootNone && flag(true, m.fixed, "enhancedImageMetadataEnabled")
}

// listImagePackages lists what was found when the image was built. Of an image that nothing ran for there is no list,
// and an empty one would be a statement about the image.
func (ib *imageBuilder) listImagePackages(c *call) (object, error) {
	r, err := ib.image(c)
	if err != nil {
		return nil, err
	}
	if r.Work == nil || len(r.Work.Packages) == 0 {
		return nil, unsupported(c.op, "collecting the packages of an image that it did not build in a root with a package manager.")
	}
	entries := make([]any, len(r.Work.Packages))
	for i, p := range r.Work.Packages {
		entries[i] = object{"packageName": p.Name, "packageVersion": p.Version}
	}
	return page(c, "imagePackageList", entries)
}

// scanned is an error where an image of the account asked for a scan: the sandbox knows no vulnerabilities, and no
// findings would be a statement about the image.
func (ib *imageBuilder) scanned(c *call) error {
	for _, r := range ib.db.all(c.region, c.account, "image") {
		if flag(false, r.Body, "imageScanningConfiguration", "imageScanningEnabled") {
			return unsupported(c.op, "scanning images. It has no list of vulnerabilities, and the image %s asked for a scan.", r.ARN)
		}
	}
	return nil
}

// listScanFindings is truthfully empty in an account that scanned nothing.
func (ib *imageBuilder) listScanFindings(c *call) (object, error) {
	if err := ib.scanned(c); err != nil {
		return nil, err
	}
	known := []string{"imageBuildVersionArn", "imagePipelineArn", "vulnerabilityId", "severity"}
	for i, f := range list(c.in, "filters") {
		if !slices.Contains(known, text(f, "name")) {
			return nil, invalid("filters["+itoa(i)+"].name", "The filter '%s' is not known here. Valid filters: %s.", text(f, "name"), strings.Join(known, ", "))
		}
	}
	return page(c, "findings", []any{})
}

func (ib *imageBuilder) listScanAggregations(c *call) (object, error) {
	if err := ib.scanned(c); err != nil {
		return nil, err
	}
	kinds := map[string]string{"": "ACCOUNT", "accountId": "ACCOUNT", "imageBuildVersionArn": "IMAGE", "imagePipelineArn": "IMAGE_PIPELINE", "vulnerabilityId": "VULNERABILITY_ID"}
	kind, ok := kinds[text(c.in, "filter", "name")]
	if !ok {
		return nil, invalid("filter.name", "The filter '%s' is not known here.", text(c.in, "filter", "name"))
	}
	out, err := page(c, "responses", []any{})
	if err != nil {
		return nil, err
	}
	return with(out, object{"aggregationType": kind}), nil
}
