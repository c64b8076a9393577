package sandbox

import "time"

// A publicImage is one of the images that AWS offers, and the dates of its releases.
type publicImage struct {
	prefix   string // the name up to the date, which is written MM-DD-YYYY
	platform string
	families []string
	dates    []string // YYYY-MM-DD
}

// publicImages are a choice of what AWS offers. The order of their names is not that of their dates: 12-18-2025
// comes after 02-12-2026. They are more than DescribeImages shows on a page.
func publicImages() []publicImage {
	standard := []string{"STANDARD", "STANDARD_", "COMPUTE", "MEMORY", "MEMORY_Z1D"}
	windows := []string{"2025-06-11", "2025-11-10", "2025-12-18", "2026-02-12", "2026-05-28"}
	linux := []string{"2025-09-24", "2026-02-18"}
	return []publicImage{
		{"AppStream-WinServer2025-", "WINDOWS_SERVER_2025", standard, []string{"2025-12-18", "2026-02-12", "2026-05-28"}},
		{"AppStream-WinServer2022-", "WINDOWS_SERVER_2022", standard, windows},
		{"AppStream-WinServer2019-", "WINDOWS_SERVER_2019", standard, windows},
		{"AppStream-WinServer2016-", "WINDOWS_SERVER_2016", standard, []string{"2025-06-11", "2025-11-10"}},
		{"AppStream-RHEL8-", "RHEL8", standard, linux},
		{"AppStream-RockyLinux8-", "ROCKY_LINUX8", standard, linux},
		{"AppStream-Graphics-G4dn-WinServer2022-", "WINDOWS_SERVER_2022", []string{"GRAPHICS_G4DN"}, windows},
		{"AppStream-Graphics-G5-WinServer2022-", "WINDOWS_SERVER_2022", []string{"GRAPHICS_G5"}, windows},
		{"AppStream-Graphics-G6-WinServer2022-", "WINDOWS_SERVER_2022", []string{"GRAPHICS_G6"}, []string{"2026-02-12"}},
		{"Amazon-AppStream2-Sample-Image-", "WINDOWS_SERVER_2019", standard, []string{"2024-06-17"}},
	}
}

// seedRegion shows AWS's images in a region. The caller holds the database's lock.
func (a *appStream) seedRegion(region string) {
	if a.seeded[region] {
		return
	}
	a.seeded[region] = true
	for _, p := range publicImages() {
		for _, d := range p.dates {
			date, err := time.Parse(time.DateOnly, d)
			if err != nil {
				continue // a test reads them all
			}
			a.seedImage(region, p, date, "AVAILABLE")
		}
	}
	a.seedImage(region, publicImage{prefix: "AppStream-WinServer2012R2-", platform: "WINDOWS"}, time.Date(2021, 7, 19, 0, 0, 0, 0, time.UTC), "DEPRECATED")
}

func (a *appStream) seedImage(region string, p publicImage, date time.Time, state string) {
	name := p.prefix + date.Format("01-02-2006")
	r := &streamResource{Kind: kindImage, Region: region, Name: name, Created: date, VolumeGB: 200}
	r.Body = object{
		"Name": name, "Arn": r.arn(), "DisplayName": name, "Description": "A base image of the sandbox's.", "State": state,
		"Platform": p.platform, "ImageBuilderSupported": true, "CreatedTime": streamTime(date.Add(30 * time.Hour)),
		"PublicBaseImageReleasedDate": streamTime(date), "AppstreamAgentVersion": date.Format("01-02-2006"),
		"LatestAppstreamAgentVersion": "FALSE", "DynamicAppProvidersEnabled": "DISABLED", "ImageType": "NATIVE",
		"SupportedInstanceFamilies": anys(p.families),
	}
	a.db.stream.show(r.key(), r)
}
