package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The states of an application that AWS installs.
const (
	statusStaged           = "STAGED_FOR_INSTALLATION"
	statusPendingInstall   = "PENDING_INSTALLATION"
	statusInstalled        = "INSTALLED"
	statusStagedRemoval    = "STAGED_FOR_UNINSTALLATION"
	statusPendingUninstall = "PENDING_UNINSTALLATION"
	statusFailedInstall    = "FAILED_TO_INSTALL"
)

// licensed says whether AWS offers an application under this name.
func licensed(name string) bool {
	bits := strings.HasSuffix(name, "_32Bit") || strings.HasSuffix(name, "_64Bit")
	rest := strings.TrimSuffix(strings.TrimSuffix(name, "_32Bit"), "_64Bit")
	for _, year := range []string{"2021", "2024"} {
		for _, p := range []string{
			"Office_" + year + "_LTSC_Professional_Plus", "Office_" + year + "_LTSC_Standard",
			"Visio_" + year + "_LTSC_Professional", "Visio_" + year + "_LTSC_Standard",
			"Project_" + year + "_Professional", "Project_" + year + "_Standard",
		} {
			if bits && rest == "Microsoft_"+p {
				return true
			}
		}
	}
	return false
}

// chooseSoftware is what a new builder on an image has: the image's, and what is to be installed at once.
func (a *appStream) chooseSoftware(img *streamResource, install, uninstall []string) (map[string]string, error) {
	software := maps.Clone(img.Software)
	if len(install)+len(uninstall) == 0 {
		return software, nil
	}
	if software == nil {
		software = map[string]string{}
	}
	for _, n := range uninstall {
		if _, has := software[n]; !has {
			return nil, fail("ResourceNotFoundException", "The software %s is not on the image %s.", n, img.Name)
		}
		software[n] = statusPendingUninstall
	}
	for _, n := range install {
		software[n] = statusPendingInstall
	}
	return software, suits(software, text(img.Body, "Platform"), text(img.Body, "AppstreamAgentVersion"))
}

// suits refuses names that AWS does not offer, several years or bitnesses at once, and systems that are too old.
func suits(software map[string]string, platform, agentVersion string) error {
	years, bits := map[string]bool{}, map[string]bool{}
	for _, n := range slices.Sorted(maps.Keys(software)) {
		if !licensed(n) {
			return fail("ResourceNotFoundException", "The software %s does not exist.", n)
		}
		if software[n] == statusPendingUninstall || software[n] == statusStagedRemoval {
			continue
		}
		year := "2021"
		if strings.Contains(n, "_2024_") {
			year = "2024"
		}
		years[year], bits[n[len(n)-5:]] = true, true
		if year == "2024" && platform == "WINDOWS_SERVER_2019" || !slices.Contains([]string{"WINDOWS_SERVER_2019", "WINDOWS_SERVER_2022", "WINDOWS_SERVER_2025"}, platform) {
			return fail("IncompatibleImageException", "The software %s is not available for %s.", n, platform)
		}
	}
	if len(years) > 1 || len(bits) > 1 {
		return fail("InvalidParameterCombinationException", "Applications of different years, or of 32 and 64 bits, cannot be on one image.")
	}
	if len(years) > 0 && agentDate(agentVersion).Before(time.Date(2025, 10, 2, 0, 0, 0, 0, time.UTC)) {
		return fail("IncompatibleImageException", "License-included applications need an agent of 10-02-2025 or later; the image has %s.", agentVersion)
	}
	return nil
}

func (a *appStream) softwareAnswers() map[string]answer {
	return map[string]answer{
		"AssociateSoftwareToImageBuilder":       a.stage,
		"DisassociateSoftwareFromImageBuilder":  a.unstage,
		"StartSoftwareDeploymentToImageBuilder": a.deploy,
		"DescribeSoftwareAssociations":          a.describeSoftware,
	}
}

// softwareBuilder is the builder that the call names, RUNNING or STOPPED. Which states AWS allows is documented nowhere.
func (a *appStream) softwareBuilder(c *call) (*streamResource, error) {
	name := text(c.in, "ImageBuilderName")
	r := a.get(c, kindBuilder, name)
	switch {
	case r == nil:
		return nil, missing(c, kindBuilder, name)
	case r.state() != "RUNNING" && r.state() != "STOPPED":
		return nil, a.notIn(r, "RUNNING or STOPPED")
	}
	return r, nil
}

// stage notes applications that the next deployment installs.
func (a *appStream) stage(c *call) (object, error) {
	r, err := a.softwareBuilder(c)
	if err != nil {
		return nil, err
	}
	next := maps.Clone(r.Software)
	if next == nil {
		next = map[string]string{}
	}
	for _, n := range texts(c.in, "SoftwareNames") {
		if next[n] != statusInstalled {
			next[n] = statusStaged
		}
	}
	if err := suits(next, text(r.Body, "Platform"), text(r.Body, "AppstreamAgentVersion")); err != nil {
		return nil, err
	}
	r.Software = next
	a.save(r)
	return object{}, nil
}

// unstage takes back what was noted, or notes what is installed for removal.
func (a *appStream) unstage(c *call) (object, error) {
	r, err := a.softwareBuilder(c)
	if err != nil {
		return nil, err
	}
	next := maps.Clone(r.Software)
	for _, n := range texts(c.in, "SoftwareNames") {
		switch next[n] {
		case "":
			return nil, fail("ResourceNotFoundException", "The software %s is not associated with the image builder %s.", n, r.Name)
		case statusInstalled:
			next[n] = statusStagedRemoval
		default:
			delete(next, n)
		}
	}
	r.Software = next
	a.save(r)
	return object{}, nil
}

// deploy installs and removes what is noted; a running builder cannot be reached meanwhile.
func (a *appStream) deploy(c *call) (object, error) {
	r, err := a.softwareBuilder(c)
	if err != nil {
		return nil, err
	}
	if r.state() != "RUNNING" {
		return nil, a.notIn(r, "RUNNING")
	}
	next := maps.Clone(r.Software)
	work := false
	for n, status := range next {
		switch {
		case status == statusStaged, status == statusFailedInstall && flag(false, c.in, "RetryFailedDeployments"):
			next[n], work = statusPendingInstall, true
		case status == statusStagedRemoval:
			next[n], work = statusPendingUninstall, true
		}
	}
	if !work {
		return nil, fail("OperationNotPermittedException", "Nothing is staged on the image builder %s.", r.Name)
	}
	r.Software = next
	a.halt(r)
	a.pass(c, r, "PENDING_SYNCING_APPS", "SYNCING_APPS", "RUNNING:"+thenInstalled)
	if f, ok := a.noted(c, r.Name, effectFail); ok {
		r.Ahead[len(r.Ahead)-1].Then = thenNotInstalled
		r.set(object{"deploymentError": object{"ErrorCode": f.Code, "ErrorMessage": f.Message}})
	}
	a.save(r)
	return object{}, nil
}

// notDeployed ends a deployment that a script lets fail.
func (a *appStream) notDeployed(r *streamResource) {
	for n, status := range r.Software {
		if status == statusPendingInstall {
			r.Software[n] = statusFailedInstall
		}
	}
	a.save(r)
	a.boot(r)
}

func (a *appStream) describeSoftware(c *call) (object, error) {
	arn := text(c.in, "AssociatedResource")
	r := a.byARN(arn)
	if r == nil || r.Account != c.account || r.Kind != kindBuilder && r.Kind != kindImage {
		return nil, fail("ResourceNotFoundException", "The resource %s does not exist.", arn)
	}
	entries := make([]any, 0, len(r.Software))
	for _, n := range sortedKeys(r.Software) {
		e := object{"SoftwareName": n, "Status": r.Software[n]}
		if r.Software[n] == statusFailedInstall {
			e["DeploymentError"] = []any{r.Body["deploymentError"]}
		}
		entries = append(entries, e)
	}
	out, err := a.page(c, "SoftwareAssociations", 50, entries)
	if err != nil {
		return nil, err
	}
	return with(out, object{"AssociatedResource": arn}), nil
}

// deployed ends a deployment of software, after which the builder runs.
func (a *appStream) deployed(r *streamResource) {
	next := map[string]string{}
	for name, status := range r.Software {
		switch status {
		case statusPendingInstall:
			next[name] = statusInstalled
		case statusPendingUninstall: // the row disappears
		default:
			next[name] = status
		}
	}
	r.Software = next
	a.save(r)
	a.boot(r)
}

func sortedValues(m map[string]string) []string { return slices.Sorted(maps.Values(m)) }
