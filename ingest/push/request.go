package push

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tributary/feed"
)

const (
	redirects   = 5
	answerBytes = 4 << 10
	saidMost    = 200            // bytes of what a hub says that are kept
	waitMost    = 24 * time.Hour // that a hub is granted
)

// request asks a hub (WebSub, 5.1). wait is how long it asks us to leave it alone.
//
// Hubs redirect by 307 and 308, some by 301 and 302: the request is made again
// as it is, but not where it would lose its encryption. Where a hub moved for good is not
// remembered: the source will name its new address.
func (s *Subscriber) request(ctx context.Context, p feed.Push) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	body := s.form(p).Encode()
	address, err := url.Parse(p.Hub.URL)
	if err != nil {
		return 0, err
	}
	for range redirects + 1 {
		res, err := s.post(ctx, address, body)
		if err != nil {
			return 0, fmt.Errorf("%s does not answer: %w", address.Host, err)
		}
		said, _ := io.ReadAll(io.LimitReader(res.Body, answerBytes))
		res.Body.Close()
		next, moved, err := redirected(address, res)
		switch {
		case err != nil:
			return 0, err
		case moved:
			address = next
			continue
		case res.StatusCode >= 200 && res.StatusCode <= 299:
			return 0, nil
		}
		return s.retryAfter(res.Header), fmt.Errorf("%s answered %d %s%s", address.Host, res.StatusCode, http.StatusText(res.StatusCode), saying(string(said)))
	}
	return 0, fmt.Errorf("%s redirects more than %d times", hostOf(p.Hub.URL), redirects)
}

// form is what we ask for. The secret is sent over plain http too: who can read
// that reads the callback's address as well.
func (s *Subscriber) form(p feed.Push) url.Values {
	form := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {p.Hub.Topic}, "hub.callback": {p.Callback()}}
	if p.State == feed.PushLeaving {
		form.Set("hub.mode", "unsubscribe")
		return form
	}
	form.Set("hub.lease_seconds", strconv.FormatInt(int64(s.o.Lease/time.Second), 10))
	form.Set("hub.secret", p.Secret)
	return form
}

func (s *Subscriber) post(ctx context.Context, address *url.URL, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", s.o.UserAgent)
	return s.o.Transport.RoundTrip(r)
}

// redirected is where an answer leads, if it is a redirect.
func redirected(from *url.URL, res *http.Response) (to *url.URL, moved bool, err error) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, false, nil
	}
	to, err = from.Parse(res.Header.Get("Location"))
	switch {
	case err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" || res.Header.Get("Location") == "":
		return nil, true, fmt.Errorf("%s redirects to no address that can be asked", from.Host)
	case from.Scheme == "https" && to.Scheme != "https":
		return nil, true, fmt.Errorf("%s redirects from https to http, where our secret would be seen", from.Host)
	}
	to.User = nil
	return to, true, nil
}

// retryAfter is how long an answer asks to wait (RFC 9110, 10.2.3).
func (s *Subscriber) retryAfter(header http.Header) (wait time.Duration) {
	said := strings.TrimSpace(header.Get("Retry-After"))
	if n, err := strconv.ParseInt(said, 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(said); err == nil {
		wait = at.Sub(s.o.Now())
	}
	return min(max(wait, 0), waitMost)
}

// saying is what a hub says, in one short line; nothing if it says it in HTML.
func saying(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if text == "" || strings.HasPrefix(text, "<") {
		return ""
	}
	if len(text) > saidMost {
		text = strings.ToValidUTF8(text[:saidMost], "") + "…"
	}
	return ": " + text
}
