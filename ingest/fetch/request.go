package fetch

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"tributary/feed"
)

const (
	product = "Tributary"

	// acceptTypes names feeds first, and refuses nothing: servers that label
	// a feed text/html or octet-stream are common.
	acceptTypes   = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.8"
	acceptCodings = "gzip, br, zstd"
)

// UserAgent is what we call ourselves: name/version, and an address where a
// publisher reads who we are or reaches a person. That is contact if given,
// else the page /fetching below baseURL if that is public, else nothing.
func UserAgent(version, contact, baseURL string) string {
	name := product
	if v := printable(version); v != "" {
		name += "/" + strings.ReplaceAll(v, " ", "-")
	}
	contact = printable(contact)
	if contact == "" && isPublic(baseURL) {
		contact = strings.TrimSuffix(printable(baseURL), "/") + "/fetching"
	}
	if contact == "" {
		return name
	}
	return name + " (+" + strings.Trim(contact, "()") + ")"
}

// printable drops what may not stand in a header (RFC 9110, 5.5).
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s))
}

// isPublic tells whether others can open a URL, as far as its host's name says.
func isPublic(rawURL string) bool {
	u, err := parseURL(rawURL)
	if err != nil {
		return false
	}
	name := u.Hostname()
	if addr, err := netip.ParseAddr(name); err == nil {
		return newGuard(false).check(addr) == nil
	}
	if !strings.Contains(name, ".") {
		return false
	}
	for _, suffix := range []string{".local", ".localhost", ".lan", ".internal", ".home.arpa", ".test", ".example", ".invalid"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return true
}

// address is where src is fetched from.
func address(src feed.Source) string {
	if src.State.FetchURL != "" {
		return src.State.FetchURL
	}
	return src.URL
}

// parseURL reads an http or https URL. Its host comes out in lower case and
// punycode (RFC 5891), its fragment is dropped. Errors do not repeat the URL:
// it may carry a password.
func parseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil {
		return nil, feed.Errorf(feed.CodeInvalid, "the address is not a URL: it must look like https://example.org/feed.xml")
	}
	return u, normalise(u)
}

// normalise checks a URL and brings its host to the form that is asked for.
func normalise(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return feed.Errorf(feed.CodeInvalid, "the address begins with %q: only http: and https: are fetched", u.Scheme+":")
	}
	name, port := u.Hostname(), u.Port()
	if name == "" {
		return feed.Errorf(feed.CodeInvalid, "the address names no host: it must look like https://example.org/feed.xml")
	}
	host, err := asciiHost(name)
	if err != nil {
		return feed.Errorf(feed.CodeInvalid, "%q is not the name of a host: correct the address", name)
	}
	switch {
	case port != "":
		u.Host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		u.Host = "[" + host + "]"
	default:
		u.Host = host
	}
	u.Fragment, u.RawFragment = "", ""
	return nil
}

// asciiHost is a host's name as the DNS knows it. Names that are ASCII already
// are left alone: some in use break the rules for IDN, such as those with an
// underscore.
func asciiHost(name string) (string, error) {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return idna.Lookup.ToASCII(name)
		}
	}
	return strings.ToLower(name), nil
}

// request makes the request for one hop.
func (p *poll) request(ctx context.Context, u *url.URL) *http.Request {
	h := make(http.Header, 6)
	h["User-Agent"] = p.c.userAgent
	h["Accept"] = p.c.accept
	h["Accept-Encoding"] = p.c.acceptEncoding
	if p.etag != "" {
		h["If-None-Match"] = []string{p.etag}
	}
	if p.lastModified != "" {
		h["If-Modified-Since"] = []string{p.lastModified}
	}
	if p.secrets.fits(u) {
		maps.Copy(h, p.secrets.header)
	}
	r := &http.Request{
		Method: http.MethodGet, URL: u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return r.WithContext(ctx)
}

// validators are what makes a request conditional: exactly what the server
// sent, unless it is too old by now, or cannot stand in a header.
func validators(s feed.SourceState, now time.Time) (etag, lastModified string) {
	if !s.ValidatorsSince.IsZero() && now.Sub(s.ValidatorsSince) >= validatorsLast {
		return "", ""
	}
	if httpguts.ValidHeaderFieldValue(s.ETag) {
		etag = s.ETag
	}
	if httpguts.ValidHeaderFieldValue(s.LastModified) {
		lastModified = s.LastModified
	}
	return etag, lastModified
}
