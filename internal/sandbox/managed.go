package sandbox

import (
	"embed"
	"path"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel/known"
	"github.com/org/imagebuild-action/internal/component"
)

// managedDocuments are documents under the names of AWS's managed components. They are our own, short,
// and do what the name says where the sandbox can.
//
//go:embed managed/*.yml
var managedDocuments embed.FS

// The reasons why documents of managed components can't run in the sandbox.
const (
	needsInstance  = "this component tests what EC2 attaches to an instance, and the sandbox's machine is no EC2 instance"
	needsInspector = "this component runs an assessment of Amazon Inspector Classic, which the sandbox doesn't have"
	needsSCC       = "this component runs the SCAP Compliance Checker, which AWS alone delivers"
	needsMetadata  = "this component compares authorized_keys with the key in the instance's metadata, and the sandbox has no metadata service"
	needsSnap      = "this component installs a snap, and snapd doesn't run in the sandbox's root"
)

// unsupportedHere says why a managed component can't run in the sandbox; "" where it can, and for everyone's own.
// Components for Windows need no reason: none of their steps runs.
func unsupportedHere(c *resource) string {
	if text(c.Body, "owner") != "Amazon" {
		return ""
	}
	return map[string]string{
		"ebs-volume-usage-test-linux":               needsInstance,
		"eni-attachment-test-linux":                 needsInstance,
		"inspector-test-linux":                      needsInspector,
		"powershell-snap":                           needsSnap,
		"scap-compliance-checker-linux":             needsSCC,
		"validate-single-ssh-public-key-test-linux": needsMetadata,
		"validate-ssh-public-key-linux":             needsMetadata,
	}[text(c.Body, "name")]
}

func (ib *imageBuilder) seedComponents(region string) {
	files, err := managedDocuments.ReadDir("managed")
	if err != nil {
		return // the directory is part of the program
	}
	for _, f := range files {
		data, err := managedDocuments.ReadFile(path.Join("managed", f.Name()))
		if err != nil {
			continue
		}
		doc, _ := component.Parse(data, f.Name()) // a test keeps them free of errors
		name := strings.TrimSuffix(f.Name(), ".yml")
		listed, _ := known.ComponentNamed(name) // the test of the documents holds both lists to each other
		body := object{"name": name, "platform": listed.Platform, "data": string(data), "state": object{"status": "ACTIVE"}, "publisher": "Amazon"}
		if doc != nil {
			body["description"], body["type"], body["parameters"] = doc.Description, documentType(doc), documentParameters(doc)
		}
		ib.seedVersion(region, "component/"+name, version{1, 0, 2}, body)
	}
}
