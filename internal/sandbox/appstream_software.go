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
