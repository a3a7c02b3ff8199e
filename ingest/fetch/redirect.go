package fetch

import (
	"net/http"
	"net/url"
	"slices"

	"tributary/feed"
)

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow is where a redirect leads, or why it is not followed (RFC 9110, 15.4).
// No Referer is sent along, no cookie, and secrets only to their own host.
func (p *poll) follow(from *url.URL, a answer) (*url.URL, error) {
	to, err := p.location(from, a)
	if err != nil {
		return nil, err
	}
	if slices.Contains(p.visited, to.String()) {
		return nil, feed.Errorf(feed.CodeUnavailable, "%s redirects in a circle", p.r.Host)
	}
	if len(p.visited) > p.c.options.MaxRedirects {
		return nil, feed.Errorf(feed.CodeUnavailable, "%s redirects more than %d times", p.r.Host, p.c.options.MaxRedirects)
	}
	lasting := a.status == http.StatusMovedPermanently || a.status == http.StatusPermanentRedirect
	weaker := from.Scheme == "https" && to.Scheme == "http"
	p.permanent = p.permanent && lasting && !weaker
	return to, nil
}

// location reads the Location header (RFC 9110, 10.2.2). User info in it is
// dropped: a server does not choose our credentials.
func (p *poll) location(from *url.URL, a answer) (*url.URL, error) {
	said := a.header.Get("Location")
	if said == "" {
		return nil, feed.Errorf(feed.CodeUnavailable, "%s answered %s without saying where to", p.r.Host, statusText(a.status))
	}
	to, err := from.Parse(said)
	if err != nil {
		return nil, feed.Errorf(feed.CodeUnavailable, "%s redirects to what is not a URL", p.r.Host)
	}
	to.User = nil
	if err := normalise(to); err != nil {
		return nil, &feed.Error{Code: feed.CodeUnavailable, Message: p.r.Host + " redirects to where we don't go: " + err.Error(), Err: err}
	}
	return to, nil
}
