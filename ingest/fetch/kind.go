package fetch

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// PageOptions say how documents other than feeds are fetched.
type PageOptions struct {
	Accept   string        // media types, as the header says them
	Types    []string      // that are read; none: all
	Timeout  time.Duration // of one request, if it is less than the Client's own; 0: that
	MaxBytes int64         // of a document, decompressed; 0: the Client's own
	Empty    bool          // an empty document is one too
	// Allow is asked before each request, those of redirects included; its
	// error ends the fetch, and is the result's. nil: all are allowed.
	Allow func(ctx context.Context, u *url.URL) error
}

// Pages gives a client for documents of another kind. It has limits of its
// own, and with c it shares the connections, the guard, and what is known of hosts:
// turns, spacing, pauses.
func (c *Client) Pages(o PageOptions) *Client {
	d := &Client{
		options: c.options, idle: c.idle, guard: c.guard, dialer: c.dialer, transport: c.transport, hosts: c.hosts, decoders: c.decoders,
		userAgent: c.userAgent, accept: []string{o.Accept}, acceptEncoding: c.acceptEncoding, page: &o,
	}
	if o.Timeout > 0 {
		d.options.Timeout = min(c.options.Timeout, o.Timeout)
		d.idle = min(c.idle, d.options.Timeout)
	}
	if o.MaxBytes > 0 {
		d.options.MaxBytes, d.decoders = o.MaxBytes, newDecoders(o.MaxBytes)
	}
	return d
}

// UserAgent is what the client calls itself.
func (c *Client) UserAgent() string { return c.options.UserAgent }

// allowed asks whether a request may be made.
func (p *poll) allowed(ctx context.Context, u *url.URL) error {
	if p.c.page == nil || p.c.page.Allow == nil {
		return nil
	}
	p.r.Host = hostKey(u)
	return p.c.page.Allow(ctx, u)
}

// wanted tells whether a document of this type is read at all.
func (p *poll) wanted(h http.Header) error {
	if p.c.page == nil || len(p.c.page.Types) == 0 {
		return nil
	}
	said := h.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(said)
	if err != nil {
		kind, _, _ = strings.Cut(strings.ToLower(said), ";")
	}
	if slices.Contains(p.c.page.Types, strings.TrimSpace(kind)) {
		return nil
	}
	if kind == "" {
		kind = "of no type"
	}
	return feed.Errorf(feed.CodeInvalid, "what %s sends is %s, not a page", p.r.Host, printable(kind[:min(len(kind), 80)]))
}
