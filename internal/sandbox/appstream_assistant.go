package sandbox

import (
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// inside is a call that comes out of a builder, for the one who owns it.
func (a *appStream) inside(r *streamResource, name string) *call {
	return &call{
		op: &awsmodel.Operation{Name: name, Service: appStreamService}, name: name, in: object{}, region: r.Region, account: r.Account,
		caller: r.arn(), now: a.opts.Now(),
	}
}

// createImage carries out what Image Assistant was told in a builder.
func (a *appStream) createImage(builderARN string, o guestImage) error {
	defer a.settle()
	a.db.Lock()
	defer a.db.Unlock()
	now := a.opts.Now()
	a.advance(now)
	b := a.byARN(builderARN)
	if b == nil || b.Kind != kindBuilder || b.state() != "RUNNING" {
		return &guestRefusal{"The image builder is not running."}
	}
	c := a.inside(b, "CreateImage")
	if a.get(c, kindImage, o.Name) != nil {
		return &guestRefusal{"An image with the given name already exists"}
	}
	if err := a.newImageName(c, o.Name); err != nil {
		return &guestRefusal{asFailure(err).Message}
	}
	if o.DryRun {
		return nil
	}
	c.number = a.count(appStreamService + ":" + c.name) // what the service does, and a dry run has it do nothing
	r := a.snapshot(b, o)
	a.add(c, r)
	a.pass(c, r, "PENDING", "AVAILABLE")
	a.doom(c, r, "ImageErrors", "INTERNAL_ERROR")
	if f, ok := a.noted(c, r.Name, effectLate); ok {
		r.Hidden = f.Describes
		a.save(r)
	}
	if _, ok := a.noted(c, r.Name, effectCut); ok {
		a.halt(b)
	} else {
		a.retire(b)
	}
	a.pass(c, b, "SNAPSHOTTING", "STOPPED")
	return a.db.commit()
}

// snapshot is the image of a builder.
func (a *appStream) snapshot(b *streamResource, o guestImage) *streamResource {
	r := &streamResource{Kind: kindImage, Name: o.Name, Layers: o.Layers, Tags: o.Tags, Software: b.Software, VolumeGB: max(200, number(0, b.Body, "RootVolumeConfig", "VolumeSizeInGb"))}
	apps := make([]any, len(o.Applications))
	for i, app := range o.Applications {
		apps[i] = app
	}
	onOff := map[bool]string{true: "ENABLED", false: "DISABLED"}
	yesNo := map[bool]string{true: "TRUE", false: "FALSE"}
	r.Body = object{
		"Platform": b.Body["Platform"], "ImageBuilderName": b.Name, "BaseImageArn": b.Body["ImageArn"], "ImageBuilderSupported": true,
		"Applications": apps, "AppstreamAgentVersion": b.Body["AppstreamAgentVersion"], "LatestAppstreamAgentVersion": yesNo[o.LatestAgent],
		"DynamicAppProvidersEnabled": onOff[o.DynamicCatalog], "ManagedSoftwareIncluded": len(b.Software) > 0, "ImageType": "NATIVE",
	}
	if o.Description != "" {
		r.set(object{"Description": o.Description})
	}
	if o.DisplayName != "" {
		r.set(object{"DisplayName": o.DisplayName})
	}
	if base := a.byARN(text(b.Body, "ImageArn")); base != nil {
		r.set(object{
			"ImageType": base.Body["ImageType"], "SupportedInstanceFamilies": base.Body["SupportedInstanceFamilies"],
			"PublicBaseImageReleasedDate": base.Body["PublicBaseImageReleasedDate"],
		})
		if base.Account != "" && base.Body["BaseImageArn"] != nil {
			r.set(object{"BaseImageArn": base.Body["BaseImageArn"]})
		}
	}
	return r
}

// reboot takes a running builder through REBOOTING; its machine is booted again.
func (a *appStream) reboot(builderARN string) error {
	defer a.settle()
	a.db.Lock()
	defer a.db.Unlock()
	a.advance(a.opts.Now())
	b := a.byARN(builderARN)
	if b == nil || b.Kind != kindBuilder || b.state() != "RUNNING" {
		return &guestRefusal{"The image builder is not running."}
	}
	a.halt(b)
	a.pass(a.inside(b, "Reboot"), b, "REBOOTING", "RUNNING:"+thenBoot)
	return a.db.commit()
}

func (a *appStream) clock() time.Time { return a.opts.Now() }
