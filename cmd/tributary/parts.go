package main

import (
	"context"
	"maps"
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

// Pushed is the present policy's.
func (p *policy) Pushed(src feed.Source, brought bool, now time.Time) feed.SourceState {
	return p.present.Load().Pushed(src, brought, now)
}

// OurNetwork is the present policy's.
func (p *policy) OurNetwork(results []fetch.Result) bool { return p.present.Load().OurNetwork(results) }

// fetcher is the present fetch.Client. What it got while a source was looked at
// it hands over, once, so that neither adding the source nor its first run asks
// again: a source that is added is asked once.
type fetcher struct {
	mu       sync.Mutex
	client   *fetch.Client
	articles *ingest.Articles
	kept     map[string]fetch.Result // by URL
}

// What was looked at and not added is forgotten after a while, or for others.
const (
	keptFor  = 15 * time.Minute
	keptMost = 8
)

// use makes a client the present one; requests under way keep theirs.
func (f *fetcher) use(c *fetch.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.client, f.articles = c, ingest.NewArticles(c, time.Now)
}

// Article reads a page with the present client.
func (f *fetcher) Article(ctx context.Context, address string) (string, error) {
	f.mu.Lock()
	articles := f.articles
	f.mu.Unlock()
	return articles.Article(ctx, address)
}

// Get is the client's Get, or what validate kept.
func (f *fetcher) Get(ctx context.Context, src feed.Source, force bool) fetch.Result {
	f.mu.Lock()
	kept, ok := f.kept[src.URL]
	delete(f.kept, src.URL)
	client := f.client
	f.mu.Unlock()
	if ok && time.Since(kept.At) < keptFor {
		return kept
	}
	return client.Get(ctx, src, force)
}

// keep keeps a result for the next to ask for its URL.
func (f *fetcher) keep(url string, res fetch.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.kept, func(_ string, r fetch.Result) bool { return time.Since(r.At) >= keptFor })
	for other := range f.kept {
		if len(f.kept) < keptMost {
			break
		}
		delete(f.kept, other)
	}
	if f.kept == nil {
		f.kept = map[string]fetch.Result{}
	}
	f.kept[url] = res
}

// forget drops what validate kept, if no run will take it.
func (f *fetcher) forget(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, url)
}

// validate fetches a URL and reads it as a feed. Its document is kept for who
// asks next. The result comes back with an error too, for the feeds that a page
// names: then the error is parse.ErrHTML. What a server answers is no fault of
// who asks us: its 403, 404 and the like are feed.CodeUnavailable.
func (f *fetcher) validate(ctx context.Context, url string) (fetch.Result, feed.Channel, error) {
	res := f.Get(ctx, feed.Source{URL: url, Kind: feed.KindFeed, Enabled: true}, true)
	if res.Kind == fetch.Failed {
		err := advised(res)
		if res.Status >= 200 && feed.CodeOf(err) != feed.CodeUnavailable {
			err = feed.Errorf(feed.CodeUnavailable, "%w", err)
		}
		return res, feed.Channel{}, err
	}
	doc, err := parse.Parse(res.Document, parse.Limits{})
	if err != nil {
		return res, feed.Channel{}, err
	}
	f.keep(url, res)
	return res, doc.Channel, nil
}
