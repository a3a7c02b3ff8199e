package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/ingest/parse"
	"tributary/scheduler"
)

// policy is the present scheduler.Policy and filter; reading the configuration
// again changes them while the program runs.
type policy struct {
	present atomic.Pointer[scheduler.Policy]
	filter  atomic.Pointer[ingest.Filter]
}

// Filter is what is on topic at present.
func (p *policy) Filter() ingest.Filter { return *p.filter.Load() }

func (p *policy) use(c Config) {
	filter := c.filter()
	p.filter.Store(&filter)
	p.present.Store(&scheduler.Policy{Default: c.schedule(), Location: c.TimeZone, Jitter: scheduler.DefaultJitter})
}

// Due is the present policy's.
func (p *policy) Due(src feed.Source, force bool, now time.Time) (ok bool, why string) {
	return p.present.Load().Due(src, force, now)
}

// After is the present policy's.
func (p *policy) After(src feed.Source, r fetch.Result, about feed.Channel, changed bool, now time.Time) feed.SourceState {
	return p.present.Load().After(src, r, about, changed, now)
}

// OurNetwork is the present policy's.
func (p *policy) OurNetwork(results []fetch.Result) bool { return p.present.Load().OurNetwork(results) }

// fetcher is the present fetch.Client. What it got while a source was
// validated it hands over, once, so that the source's first run does not ask
// again: a source that is added is asked once.
type fetcher struct {
	mu     sync.Mutex
	client *fetch.Client
	kept   map[string]fetch.Result // by URL
}

// use makes a client the present one; requests under way keep theirs.
func (f *fetcher) use(c *fetch.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.client = c
}

// Get is the client's Get, or what validate kept.
func (f *fetcher) Get(ctx context.Context, src feed.Source, force bool) fetch.Result {
	f.mu.Lock()
	kept, ok := f.kept[src.URL]
	delete(f.kept, src.URL)
	client := f.client
	f.mu.Unlock()
	if ok {
		return kept
	}
	return client.Get(ctx, src, force)
}

// forget drops what validate kept, if no run will take it.
func (f *fetcher) forget(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, url)
}

// validate fetches a URL and reads it as a feed. The document comes back too,
// for the feeds that a page names: then the error is parse.ErrHTML. What a
// server answers is no fault of who asks us: its 403, 404 and the like are
// feed.CodeUnavailable.
func (f *fetcher) validate(ctx context.Context, url string) (feed.Document, feed.Channel, error) {
	f.mu.Lock()
	client := f.client
	f.mu.Unlock()
	res := client.Get(ctx, feed.Source{URL: url, Kind: feed.KindFeed, Enabled: true}, true)
	if res.Kind == fetch.Failed {
		err := res.Err
		if res.Status >= 200 && feed.CodeOf(err) != feed.CodeUnavailable {
			err = feed.Errorf(feed.CodeUnavailable, "%w", err)
		}
		return res.Document, feed.Channel{}, err
	}
	doc, err := parse.Parse(res.Document, parse.Limits{})
	if err != nil {
		return res.Document, feed.Channel{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = map[string]fetch.Result{}
	}
	f.kept[url] = res
	return res.Document, doc.Channel, nil
}
