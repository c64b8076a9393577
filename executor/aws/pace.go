package aws

import (
	"context"
	"sync"

	"golang.org/x/time/rate"
)

// rates are calls per second and bursts by service. None of the services publishes its request
// rates; these stay under what their users report, and throttling is met by waiting longer.
var rates = map[string]struct { //nolint:gochecknoglobals // a table, never written
	perSecond rate.Limit
	burst     int
}{
	"imagebuilder":   {10, 25},
	"logs":           {8, 10},
	"ssm":            {10, 20},
	"ec2":            {10, 50},
	"s3":             {100, 100},
	"sts":            {10, 10},
	"tagging":        {5, 10},
	"appstream":      {4, 10},
	"secretsmanager": {10, 20},
}

// A pacer keeps one token bucket for each service in each region.
type pacer struct {
	perSecond float64 // for all services; 0 takes the table
	free      bool    // no bound unless perSecond says one

	mu      sync.Mutex
	buckets map[[2]string]*rate.Limiter
}

// wait holds until the service may be called, or ctx ends.
func (p *pacer) wait(ctx context.Context, service, region string) error {
	if p.free && p.perSecond == 0 {
		return ctx.Err()
	}
	return p.bucket(service, region).Wait(ctx)
}

func (p *pacer) bucket(service, region string) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{service, region}
	if b, ok := p.buckets[key]; ok {
		return b
	}
	r := rates[service]
	b := rate.NewLimiter(r.perSecond, r.burst)
	if p.perSecond > 0 {
		b = rate.NewLimiter(rate.Limit(p.perSecond), max(1, int(p.perSecond)))
	}
	if p.buckets == nil {
		p.buckets = map[[2]string]*rate.Limiter{}
	}
	p.buckets[key] = b
	return b
}
