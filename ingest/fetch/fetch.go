// Package fetch turns a source's URL into a document.
//
// It speaks plain, polite HTTP: one connection at a time to a host, spaced
// starts, conditional requests with the validators exactly as they were
// received (RFC 9110, 13.1), pauses as long as a server asks for. It guards
// its user: only http and https, only public addresses unless told otherwise,
// checked where the connection is made, on every hop; limits on time,
// redirects and decompressed bytes.
//
// It decides nothing about what is due when: see package scheduler.
package fetch

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"tributary/feed"
)

// Options configure a Client. The zero value of each means its default.
type Options struct {
	UserAgent    string           // sent with every request, see UserAgent; default "Tributary"
	AllowPrivate bool             // also loopback and private networks
	Timeout      time.Duration    // of one request, its body included; default 30 s
	MaxBytes     int64            // of a document, decompressed; default 10 MB
	MaxRedirects int              // followed for one document; default 5
	HostSpacing  time.Duration    // between starts of requests to one host; default 1 s, negative: none
	Now          func() time.Time // default time.Now
	// Hosts is shared with other processes that fetch; nil: there is none.
	Hosts Hosts
	// Getenv gives the environment variables that the addresses and headers of
	// sources name, "" for one that is not set; nil: none is.
	Getenv func(name string) string
}

const (
	defaultTimeout      = 30 * time.Second
	defaultIdle         = 15 * time.Second // of silence in the middle of a body
	defaultMaxBytes     = 10 << 20
	defaultMaxRedirects = 5
	defaultHostSpacing  = time.Second

	// validatorsLast is how long validators are used without a fresh document:
	// a server that answers 304 wrongly would otherwise be believed for ever.
	validatorsLast = 8 * 24 * time.Hour
)

func (o Options) withDefaults() Options {
	if o.UserAgent == "" {
		o.UserAgent = product
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MaxRedirects <= 0 {
		o.MaxRedirects = defaultMaxRedirects
	}
	if o.HostSpacing == 0 {
		o.HostSpacing = defaultHostSpacing
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Client fetches documents. It is safe for concurrent use; a program needs
// one, since the rules about hosts hold within a Client.
type Client struct {
	options   Options
	idle      time.Duration
	guard     *guard
	dialer    *net.Dialer
	transport *http.Transport
	hosts     *hosts
	decoders  *decoders
	shown     certificates
	buffers   sync.Pool    // of *[]byte: bodies as received
	page      *PageOptions // nil: feeds are fetched

	// Values of the headers that every request carries, made once.
	userAgent, accept, acceptEncoding []string
}

// New makes a Client.
func New(o Options) *Client {
	o = o.withDefaults()
	c := &Client{
		options:        o,
		idle:           min(defaultIdle, o.Timeout),
		guard:          newGuard(o.AllowPrivate),
		hosts:          newHosts(max(o.HostSpacing, 0), o.Now),
		decoders:       newDecoders(o.MaxBytes),
		userAgent:      []string{o.UserAgent},
		accept:         []string{acceptTypes},
		acceptEncoding: []string{acceptCodings},
	}
	c.hosts.shared = o.Hosts
	c.dialer = &net.Dialer{Timeout: 10 * time.Second, Control: c.guard.control}
	c.transport = newTransport(c.hosts.dialHeld(c.guard.dial(c.dialer, c.hosts.setNear)))
	return c
}

// Close closes the connections that wait for another request. The Client can
// still be used.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// PauseHost keeps the client from a host (as HostOf names it) until a time.
// A pause is never shortened. This is how a program that starts tells its
// client of the pauses that servers asked for before.
func (c *Client) PauseHost(host string, until time.Time) { c.hosts.pause(host, until) }

// Get asks for src's document, conditionally when src.State has validators
// that are not too old. It waits for the host's turn for as long as ctx lets
// it, and asks nothing of a host that is paused: the result is then limited,
// with no request made.
//
// force asks again where the source is gone (410). It lifts no pause, and the
// request stays conditional.
func (c *Client) Get(ctx context.Context, src feed.Source, force bool) Result {
	if src.State.Status == feed.StatusGone && !force {
		return c.stopped(src)
	}
	p := c.poll(src)
	return p.run(ctx)
}

// Trace is Get with force that also tells each exchange, secrets left out:
// for people whose feed does not work.
func (c *Client) Trace(ctx context.Context, src feed.Source) (Result, []Step) {
	p := c.poll(src)
	p.steps = new([]Step)
	r := p.run(ctx)
	return r, *p.steps
}

// Page fetches the document at a URL, whatever its type: for a person who
// adds a source and gives the address of a site. The same rules hold.
func (c *Client) Page(ctx context.Context, address string) (feed.Document, error) {
	r := c.Get(ctx, feed.Source{Kind: feed.KindFeed, URL: address, Enabled: true}, false)
	return r.Document, r.Err
}

// stopped is the result for a source that is gone: nothing is asked.
func (c *Client) stopped(src feed.Source) Result {
	host := HostOf(address(src))
	return Result{
		Kind: Failed, Failure: feed.StatusGone, Host: host, At: c.options.Now(),
		Err: feed.Errorf(feed.CodeNotFound, "%s says that the feed is gone: edit its address, or force it to ask once more", host),
	}
}
