package fetch

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"tributary/feed"
)

// poll is one fetch under way: a request, and those that redirects add.
type poll struct {
	c   *Client
	src feed.Source

	etag, lastModified string // sent
	secrets            *secrets
	left               time.Duration // of the time that requests may take

	r         Result
	visited   []string // URLs asked so far
	permanent bool     // nothing but permanent redirects so far, none of them to less security
	buf       []byte   // the pooled buffer that holds the last body as received
	steps     *[]Step  // of a Trace
}

func (c *Client) poll(src feed.Source) *poll {
	p := &poll{c: c, src: src, left: c.options.Timeout, permanent: true}
	p.etag, p.lastModified = validators(src.State, c.options.Now())
	return p
}

// run asks, follows redirects, and tells what came of it.
func (p *poll) run(ctx context.Context) Result {
	defer p.recycle()
	u, err := p.start()
	for err == nil && u != nil {
		u, err = p.hop(ctx, u)
	}
	p.r.At = p.c.options.Now()
	if err != nil {
		p.fail(ctx, err)
	}
	return p.r
}

// start is the URL to ask first. The secrets are the declared address's, also
// where a permanent redirect has replaced that.
func (p *poll) start() (*url.URL, error) {
	declared, err := parseURL(p.src.URL)
	if err != nil {
		return nil, err
	}
	p.r.Host = hostKey(declared)
	if p.secrets, err = secretsOf(p.src, declared, p.c.options.Getenv); err != nil {
		return nil, err
	}
	u := declared
	if p.src.State.FetchURL != "" {
		if u, err = parseURL(p.src.State.FetchURL); err != nil {
			return nil, err
		}
	}
	u.User = nil
	p.r.Host = hostKey(u)
	return u, nil
}

// hop makes one request and deals with its answer. It returns where a redirect
// leads, or nil when the poll is over.
func (p *poll) hop(ctx context.Context, u *url.URL) (*url.URL, error) {
	if err := p.allowed(ctx, u); err != nil {
		return nil, err
	}
	p.visited = append(p.visited, u.String())
	a, err := p.exchange(ctx, u)
	if err != nil {
		return nil, err
	}
	p.r.Status = a.status
	p.r.ETag, p.r.LastModified = a.header.Get("ETag"), a.header.Get("Last-Modified")
	p.r.FreshFor = freshFor(a.header)
	p.r.Links = a.header["Link"]
	switch {
	case isRedirect(a.status):
		return p.follow(u, a)
	case a.status == http.StatusNotModified:
		return nil, p.notModified(u)
	case a.status == http.StatusOK, a.status == http.StatusNonAuthoritativeInfo:
		return nil, p.document(u, a)
	}
	return nil, p.refusal(a)
}

// exchange takes the host's turn, and holds it until the answer is in. What
// comes after, decoding, is nobody else's wait.
func (p *poll) exchange(ctx context.Context, u *url.URL) (answer, error) {
	p.r.Host = hostKey(u)
	h, err := p.c.hosts.enter(ctx, p.r.Host)
	if err != nil {
		return answer{}, err
	}
	defer p.c.hosts.leave(h)

	begun := time.Now()
	w := watch(ctx, p.left)
	defer w.stop()
	defer func() { p.left = max(p.left-time.Since(begun), time.Millisecond) }()

	p.r.Requests++
	req := p.request(w.ctx, u)
	resp, err := p.c.transport.RoundTrip(req)
	if err != nil {
		p.trace(req, nil, 0, err)
		return answer{}, p.unanswered(ctx, w, err)
	}
	p.noteLimit(h, resp)
	p.c.shown.note(p.r.Host, resp.TLS)
	a, err := p.receive(w, resp)
	p.trace(req, resp, len(a.body), err)
	return a, p.c.hosts.blame(p.r.Host, err)
}

// unanswered is the error for a request without an answer.
func (p *poll) unanswered(ctx context.Context, w *watchdog, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var lost *errNotOurs
	if err := p.c.hosts.blame(p.r.Host, err); errors.As(err, &lost) {
		return lost
	}
	if refused, ok := refusedAddress(err); ok {
		p.r.Requests-- // we did not ask
		return refusedError(p.r.Host, refused)
	}
	p.r.Network = p.r.Status == 0 // no hop before it was answered either
	return connectError(p.r.Host, w.why(err), p.c.options.Timeout)
}

// noteLimit pauses the host on a 429 while we still have its turn, so that
// nobody who waits for it asks again, and reads Retry-After of any error.
func (p *poll) noteLimit(h *host, resp *http.Response) {
	if resp.StatusCode != http.StatusTooManyRequests {
		p.c.hosts.welcome(h)
		if resp.StatusCode >= 400 {
			p.r.RetryAfter = retryAfter(resp.Header, p.c.options.Now())
		}
		return
	}
	before := 0
	if p.src.State.Status == feed.StatusLimited {
		before = p.src.State.Failures
	}
	said := retryAfter(resp.Header, p.c.options.Now())
	p.r.RetryAfter = p.c.hosts.limit(h, said, before)
}

// notModified deals with a 304 (RFC 9110, 15.4.5).
func (p *poll) notModified(u *url.URL) error {
	if p.etag == "" && p.lastModified == "" {
		return feed.Errorf(feed.CodeUnavailable,
			"%s answered 304 Not Modified though it was asked for the whole document", p.r.Host)
	}
	p.r.Kind = NotModified
	p.moved(u)
	return nil
}

// document deals with a 200: decodes the body, and takes it unless it is a
// challenge page in a feed's place.
func (p *poll) document(u *url.URL, a answer) error {
	body, err := p.decode(a)
	if err != nil {
		return err
	}
	if isChallenge(a.header, body) {
		p.r.Failure = feed.StatusBlocked
		return challengeError(p.r.Host)
	}
	if len(bytes.TrimSpace(body)) == 0 && (p.c.page == nil || !p.c.page.Empty) {
		return feed.Errorf(feed.CodeUnavailable, "%s answered with an empty document", p.r.Host)
	}
	p.r.Kind = Fetched
	p.r.BodyHash = BodyHash(body)
	p.r.Document = feed.Document{URL: u.String(), MediaType: a.header.Get("Content-Type"), Body: body}
	p.r.Document.ModTime, _ = http.ParseTime(p.r.LastModified)
	p.moved(u)
	return nil
}

// moved notes where permanent redirects have led.
func (p *poll) moved(u *url.URL) {
	if p.permanent && len(p.visited) > 1 {
		p.r.MovedTo = u.String()
	}
}

// refusal is the error for an answer that is neither a document, 304 nor a
// redirect, and notes its condition.
func (p *poll) refusal(a answer) error {
	body, err := p.decode(a)
	if err != nil {
		body = nil // an error page that cannot be read says nothing
	}
	switch a.status {
	case http.StatusTooManyRequests:
		p.r.Failure = feed.StatusLimited
		return limitedError(p.r.Host, a.status, p.r.RetryAfter)
	case http.StatusGone:
		p.r.Failure = feed.StatusGone
		return statusError(p.r.Host, a.status)
	}
	if isChallenge(a.header, body) {
		p.r.Failure = feed.StatusBlocked
		return challengeError(p.r.Host)
	}
	switch a.status {
	case http.StatusServiceUnavailable:
		if !p.r.RetryAfter.IsZero() {
			p.r.Failure = feed.StatusLimited
			return limitedError(p.r.Host, a.status, p.r.RetryAfter)
		}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusPaymentRequired, http.StatusUnavailableForLegalReasons:
		p.r.Failure = feed.StatusBlocked
	}
	return statusError(p.r.Host, a.status)
}

// fail completes a failed result.
func (p *poll) fail(ctx context.Context, err error) {
	p.r.Kind = Failed
	var paused *errPaused
	var away *errNotOurs
	switch {
	case ctx.Err() != nil:
		p.r.Failure, p.r.Network = "", false
		p.r.Err = &feed.Error{Code: feed.CodeUnavailable, Message: "stopped before " + p.r.Host + " had answered", Err: ctx.Err()}
		return
	case errors.As(err, &away):
		p.r.Failure, p.r.Network = "", false
		p.r.Err = putOff(away)
		return
	case errors.As(err, &paused):
		p.r.Failure, p.r.RetryAfter = feed.StatusLimited, paused.until
		p.r.Err = &feed.Error{Code: feed.CodeUnavailable, Message: paused.Error(), Err: err}
		return
	case p.r.Failure == "":
		p.r.Failure = feed.StatusFailing
	}
	p.r.Err = err
}
