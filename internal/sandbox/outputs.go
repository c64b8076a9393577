package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// createAMI records the AMI of the build stage in the build region and account. It stays, tags and
// all, when a later stage fails.
func (m *making) createAMI(context.Context) (object, error) {
	m.change(func() {
		m.w.Layers = m.w.Base
		if m.w.NotRun == "" {
			m.w.Layers = append([]string{m.layer()}, m.w.Base...)
		}
	})
	now := m.b.opts.Now()
	a := m.ami(m.r.ref.region, m.w.Account)
	a.Name = text(m.fixed, "name") + " " + buildDate(now)
	a.Description = text(m.fixed, "imageRecipe", "description")
	m.tag(a, at(m.fixed, "imageRecipe", "amiTags"), now)
	m.change(func() {
		m.w.AMI = a.ID
		m.b.db.addAMI(a)
	})
	return object{"imageId": a.ID}, nil
}

// ami begins an AMI of this image. The id follows from the image, so that a build that is done
// again yields the same one.
func (m *making) ami(region, account string) *ami {
	sum := sha256.Sum256([]byte(m.r.ARN + " " + region + " " + account + " " + itoa(m.w.Round)))
	return &ami{
		ID: "ami-" + hex.EncodeToString(sum[:])[:17], Region: region, Owner: account,
		Platform: text(m.fixed, "platform"), OS: text(m.fixed, "osVersion"), Architecture: m.w.Architecture, hardware: m.w.Hardware,
		Created: m.b.opts.Now(), Tags: map[string]string{}, Layers: m.w.Layers, Image: m.r.ARN,
	}
}

// buildDate is the token's value: the form of AWS's example 2022-10-26T22-30-05.912619Z.
func buildDate(t time.Time) string { return t.UTC().Format("2006-01-02T15-04-05.000000Z") }

// expand fills Image Builder's tokens in.
func (m *making) expand(s string, now time.Time) string {
	return regexp.MustCompile(`{{\s*imagebuilder:(\w+)\s*}}`).ReplaceAllStringFunc(s, func(tok string) string {
		switch strings.TrimSpace(strings.Trim(tok, "{}")) {
		case "imagebuilder:buildDate":
			return buildDate(now)
		case "imagebuilder:buildVersion":
			return m.r.Version.String() + "/" + itoa(m.r.Build)
		}
		return tok
	})
}

func (m *making) tag(a *ami, tags any, now time.Time) {
	if given, ok := tags.(object); ok {
		for k, v := range given {
			if s, ok := v.(string); ok {
				a.Tags[k] = m.expand(s, now)
			}
		}
	}
	a.Tags["CreatedBy"] = "EC2 Image Builder"
	a.Tags["Ec2ImageBuilderArn"] = m.r.ARN
}

// distribute makes the AMIs of every region and account, then what is done with them.
func (m *making) distribute(ctx context.Context) error {
	dists := list(m.fixed, "distributionConfiguration", "distributions")
	if len(dists) == 0 && m.w.Source == "" {
		m.change(func() { m.output(m.source()) })
		return nil
	}
	if err := m.enter(ctx, "DISTRIBUTING"); err != nil {
		return err
	}
	var made []*ami
	for _, d := range dists {
		made = append(made, m.copies(d)...)
	}
	m.change(func() {
		if m.w.Source == "" && !anyIn(made, m.r.ref.region) {
			m.output(m.source())
		}
		for _, p := range made {
			m.b.db.addAMI(p)
			m.output(p)
		}
	})
	if err := m.enter(ctx, "INTEGRATING"); err != nil {
		return err
	}
	for _, d := range dists {
		m.integrate(d, made)
	}
	return nil
}

func anyIn(made []*ami, region string) bool {
	for _, p := range made {
		if p.Region == region {
			return true
		}
	}
	return false
}

// source is the AMI of the build stage. The caller holds the database's lock.
func (m *making) source() *ami { return m.b.db.amis.get(m.r.ref.region + "/" + m.w.AMI) }

// output shows an AMI in the image's output.
func (m *making) output(a *ami) {
	out := list(m.r.Body, "outputResources", "amis")
	out = append(slices.Clip(out), object{
		"region": a.Region, "image": a.ID, "name": a.Name, "description": nonEmpty(a.Description), "accountId": a.Owner,
		"state": object{"status": "AVAILABLE"},
	})
	m.r.Body = with(m.r.Body, object{"outputResources": object{"amis": out}})
}

// copies makes one distribution's AMIs: the account's own, and one for each target account.
func (m *making) copies(d any) []*ami {
	now := m.b.opts.Now()
	conf, _ := at(d, "amiDistributionConfiguration").(object)
	region := text(d, "region")
	var out []*ami
	for _, account := range append([]string{m.w.Account}, texts(conf, "targetAccountIds")...) {
		a := m.ami(region, account)
		a.Name = m.expand(text(conf, "name"), now)
		if a.Name == "" {
			a.Name = text(m.fixed, "name") + " " + buildDate(now)
		}
		a.Description = text(conf, "description")
		if a.Description == "" && region == m.r.ref.region {
			a.Description = text(m.fixed, "imageRecipe", "description")
		}
		if region == m.r.ref.region && account == m.w.Account {
			m.tag(a, at(m.fixed, "imageRecipe", "amiTags"), now)
		}
		m.tag(a, conf["amiTags"], now)
		if text(conf, "kmsKeyId") != "" {
			a.encrypt()
		}
		a.SharedWith = texts(conf, "launchPermission", "userIds")
		a.OrganizationIDs = append(texts(conf, "launchPermission", "organizationArns"), texts(conf, "launchPermission", "organizationalUnitArns")...)
		a.Public = len(texts(conf, "launchPermission", "userGroups")) > 0
		out = append(out, a)
		m.say("Distributed %s to %s, account %s, as %q", a.ID, region, account, a.Name)
	}
	return out
}

// tellUndone says what of the image's configuration the sandbox leaves out.
func (m *making) tellUndone() {
	if text(m.fixed, "infrastructureConfiguration", "snsTopicArn") != "" {
		m.say("NOT DONE: the sandbox does not notify the SNS topic")
	}
	if flag(false, m.fixed, "imageScanningConfiguration", "imageScanningEnabled") {
		m.say("NOT DONE: the sandbox does not scan the image")
	}
}

// copyLog puts what a step has logged since from into the bucket of the infrastructure configuration, as
// the console.log that AWSTOE leaves.
func (m *making) copyLog(from int) {
	conf := at(m.fixed, "infrastructureConfiguration", "logging", "s3Logs")
	bucket := text(conf, "s3BucketName")
	if bucket == "" {
		return
	}
	body, err := m.b.logs.console(m.log, from)
	if err == nil {
		key := path.Join(strings.Trim(text(conf, "s3KeyPrefix"), "/"), text(m.fixed, "name"), m.r.Version.String(), itoa(m.r.Build), m.wf.ID, m.step.Name, "console.log")
		err = m.b.objects.write(bucket, key, body)
	}
	if err != nil {
		m.say("The log could not be written to the bucket %s: %s", bucket, err)
	}
}

// integrate writes SSM parameters, and says what else was asked for that the sandbox has not.
func (m *making) integrate(d any, made []*ami) {
	region := text(d, "region")
	for _, p := range list(d, "ssmParameterConfigurations") {
		account := cmp.Or(text(p, "amiAccountId"), m.w.Account)
		for _, out := range made {
			if out.Region == region && out.Owner == account {
				m.parameter(account, region, p, out.ID)
			}
		}
	}
	for _, member := range []string{"launchTemplateConfigurations", "licenseConfigurationArns", "fastLaunchConfigurations", "s3ExportConfiguration"} {
		if at(d, member) != nil {
			m.say("NOT DONE: the sandbox does not apply %s in %s", member, region)
		}
	}
}

func (m *making) parameter(account, region string, conf any, id string) {
	name := text(conf, "parameterName")
	var err error
	m.change(func() {
		err = m.b.db.putParameter(&parameter{
			Name: name, Region: region, Account: m.b.db.foreign(account), Type: "String", Value: id,
			DataType: cmp.Or(text(conf, "dataType"), "text"), Modified: m.b.opts.Now(),
		})
	})
	if err != nil {
		m.say("Parameter %s in %s was not written: %s", name, region, err)
		return
	}
	m.say("Parameter %s in %s is %s", name, region, id)
}
