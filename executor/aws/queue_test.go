package aws_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
)

// bounded has a fake refuse builds beyond a quota. Its caller holds the fake's lock.
func (f *fake) bounded(quota int) {
	f.always = func(op string, _ object) (object, *refusal) {
		switch op {
		case "CreateImage":
			going := 0
			for arn, thing := range f.things {
				if strings.Contains(arn, ":image/") && view(thing)["state"].(object)["status"] != "AVAILABLE" {
					going++
				}
			}
			if going >= quota {
				return nil, &refusal{402, "ServiceQuotaExceededException", "You have exceeded the number of images that can be built at once."}
			}
		case "ListServiceQuotas":
			return object{"Quotas": []any{object{"QuotaName": "Concurrent builds", "QuotaCode": "L-12345678", "ServiceCode": "imagebuilder"}}}, nil
		}
		return nil, nil
	}
}

// More images than the quota lets build at once wait for each other, in this run and within --parallel, and are shown as waiting.
func TestMoreImagesThanTheQuota(t *testing.T) {
	for _, parallel := range []int{0, 30} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			c := f.clients(t)
			const images, quota = 60, 20
			p := plan(t, c, level2(images))
			f.bounded(quota)
			r := carryOut(t.Context(), p, c.Driver(aws.Options{Run: "1", Images: parallel}))
			if r.err != nil {
				t.Fatal(r.err)
			}
			waited := map[string]bool{}
			for _, e := range r.events {
				if e, ok := e.(executor.Progressed); ok && e.State == "WAITING" {
					waited[e.Addr.String()] = true
				}
			}
			if parallel == 0 && len(waited) != images-quota || len(waited) == 0 {
				t.Errorf("%d were shown as waiting, want %d", len(waited), images-quota)
			}
			// Three rounds of builds of 25 minutes; each refusal is of the first in the queue.
			if r.took > 80*time.Minute {
				t.Errorf("it took %v", r.took)
			}
			if n := f.count("CreateImage"); n > 4*images {
				t.Errorf("%d calls for %d images", n, images)
			}
		})
	}
}

// A quota that builds of other runs use up is waited for too; one that nothing frees is a failure that names it, and a run that is
// interrupted while it waits begins nothing.
func TestAQuotaThatOthersUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		other := sealed(t, level2(3))
		f.everything(t, other, true)
		c := f.clients(t)
		files := level2(4)
		files["main.ib.hcl"] = strings.ReplaceAll(files["main.ib.hcl"], "My Recipe", "Another Recipe")
		p := plan(t, c, files)
		f.bounded(3)
		r := carryOut(t.Context(), p, c.Driver(aws.Options{Run: "1"}))
		if r.err != nil || r.took < 20*time.Minute {
			t.Errorf("after %v: %v", r.took, r.err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		p := plan(t, c, level2(1))
		f.bounded(0)
		r := carryOut(t.Context(), p, c.Driver(aws.Options{Run: "1"}))
		for _, says := range []string{"Concurrent builds", "L-12345678", "aws service-quotas request-service-quota-increase --region eu-west-1 --service-code imagebuilder --quota-code L-12345678"} {
			if r.err == nil || !strings.Contains(r.err.Error(), says) {
				t.Errorf("err = %v, want %q in it", r.err, says)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		p := plan(t, c, level2(3))
		f.bounded(1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		r := carryOut(ctx, p, c.Driver(aws.Options{Run: "1", OnCancel: executor.CancelBuilds}))
		canceled := 0
		for _, e := range r.finished {
			if e.Status == executor.Canceled {
				canceled++
			}
		}
		if canceled != 3 || r.took > 5*time.Minute+7*time.Second || f.count("CancelImageCreation") != 1 {
			t.Errorf("%d canceled after %v, with %d calls", canceled, r.took, f.count("CancelImageCreation"))
		}
	})
}
