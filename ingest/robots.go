package ingest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/ingest/fulltext"
)

const (
	robotsLast  = 24 * time.Hour // RFC 9309, 2.4
	robotsAgain = time.Hour      // after one that could not be had
	robotsKept  = 1024           // hosts; then all are forgotten
	// delayMost is the longest Crawl-delay that is waited for.
	delayMost = 20 * time.Second
)

// robots is what hosts say in their robots.txt, each asked at most once a day.
type robots struct {
	client  *fetch.Client
	product string
	now     func() time.Time

	mu     sync.Mutex
	byHost map[string]*robotsOf
}

// robotsOf is the robots.txt of one host. Its fields belong to who has the turn.
type robotsOf struct {
	turn  chan struct{} // full while somebody reads or asks for it
	said  fulltext.Robots
	why   string    // it could not be had, so that nothing may be asked for; "": it could
	until time.Time // it holds
	next  time.Time // by its Crawl-delay, on the clock of the wall
}

func newRobots(client *fetch.Client, product string, now func() time.Time) *robots {
	return &robots{product: product, now: now, byHost: map[string]*robotsOf{},
		client: client.Pages(fetch.PageOptions{Accept: "text/plain, */*;q=0.8", Timeout: robotsTimeout, MaxBytes: robotsBytes, Empty: true})}
}

// allow says whether a URL may be asked for, and waits if its host asks for
// more time between requests than we leave it.
func (r *robots) allow(ctx context.Context, u *url.URL) error {
	h := r.of(u.Scheme + "://" + u.Host)
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.turn }()
	if !h.until.After(r.now()) {
		if err := r.ask(ctx, h, u); err != nil {
			return err
		}
	}
	switch {
	case h.why != "":
		return &NoArticle{Reason: h.why, Failed: true, Host: fetch.HostOf(u.String())}
	case !h.said.Allow(u):
		return forbidden(u)
	}
	return h.wait(ctx, u)
}

// wait keeps to the Crawl-delay.
func (h *robotsOf) wait(ctx context.Context, u *url.URL) error {
	if h.said.Delay == 0 {
		return nil
	}
	left := time.Until(h.next)
	if left > delayMost {
		return &NoArticle{Reason: fmt.Sprintf("robots.txt of %s asks for %s between requests", u.Host, h.said.Delay), Host: fetch.HostOf(u.String())}
	}
	select {
	case <-time.After(left):
	case <-ctx.Done():
		return ctx.Err()
	}
	h.next = time.Now().Add(h.said.Delay)
	return nil
}

// of is what is known of a host; it is made if need be.
func (r *robots) of(origin string) *robotsOf {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, ok := r.byHost[origin]
	if ok {
		return h
	}
	if len(r.byHost) >= robotsKept {
		r.byHost = map[string]*robotsOf{} // who is at work with one keeps it
	}
	h = &robotsOf{turn: make(chan struct{}, 1)}
	r.byHost[origin] = h
	return h
}

// ask fetches a robots.txt (RFC 9309, 2.3.1). One that is not there forbids
// nothing; one that cannot be had for now forbids everything for now.
func (r *robots) ask(ctx context.Context, h *robotsOf, u *url.URL) error {
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}
	res := r.client.Get(ctx, feed.Source{Kind: feed.KindFeed, URL: at.String()}, false)
	if res.Cancelled() {
		return &NoArticle{Reason: "robots.txt could not be had: " + res.Err.Error(), Failed: true}
	}
	now := r.now()
	h.said, h.why, h.until = fulltext.Robots{}, "", now.Add(robotsLast)
	switch {
	case res.Kind == fetch.Fetched:
		h.said = fulltext.ParseRobots(res.Document.Body, r.product)
	case res.Failure == feed.StatusLimited || res.Status < 400 || res.Status >= http.StatusInternalServerError:
		h.why, h.until = "robots.txt could not be had: "+res.Err.Error(), now.Add(robotsAgain)
	}
	if res.Failure == feed.StatusLimited {
		r.client.PauseHost(res.Host, res.RetryAfter)
	}
	return nil
}
