package clean

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// maxURL is the length beyond which an address is not believed.
const maxURL = 4096

// resolver makes addresses absolute. Each of bases is tried in turn until one
// is absolute itself: xml:base, the feed's link, the feed's URL.
type resolver struct {
	bases []string // best first; a relative one is resolved against those after it
	page  string   // the entry's own address: what a bare "#fragment" means
	base  *url.URL // found in bases, on first need
	found bool
}

// web gives ref as an absolute http or https URL, or "" if it is none and
// cannot be made one. User info is left out, what a URL may not contain is
// percent-encoded (RFC 3986, 2.1), the host is in ASCII.
func (r *resolver) web(ref string) string {
	if isWeb(ref) {
		return ref
	}
	if ref = tidyURL(ref); ref == "" || len(ref) > maxURL {
		return ""
	}
	address := ""
	switch scheme, rest := splitScheme(ref); scheme {
	case "http", "https":
		address = absolute(scheme, strings.TrimLeft(rest, `/\`))
	case "":
		address = r.relative(ref)
	}
	if len(address) > maxURL {
		return ""
	}
	return address
}

// link is web for what a reader clicks: mailto and tel are kept too.
func (r *resolver) link(ref string) string {
	if isWeb(ref) {
		return ref
	}
	switch scheme, rest := splitScheme(tidyURL(ref)); scheme {
	case "mailto", "tel":
		if rest == "" || len(rest) > maxURL {
			return ""
		}
		return scheme + ":" + encode(rest)
	}
	return r.web(ref)
}

func (r *resolver) relative(ref string) string {
	scheme := "https"
	if b := r.baseURL(); b != nil {
		scheme = b.Scheme
	}
	switch {
	case strings.HasPrefix(ref, "//"), strings.HasPrefix(ref, `\\`), strings.HasPrefix(ref, `/\`):
		return absolute(scheme, ref[2:])
	case strings.HasPrefix(ref, "www."):
		return absolute(scheme, ref)
	case ref[0] == '#' && r.page != "":
		page, _, _ := strings.Cut(r.page, "#")
		return page + "#" + encode(ref[1:])
	}
	if r.baseURL() == nil {
		return ""
	}
	u, err := r.base.Parse(encode(ref))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.String()
}

// baseURL is the first of the bases that is absolute, or becomes it by those
// after it.
func (r *resolver) baseURL() *url.URL {
	if r.found {
		return r.base
	}
	r.found = true
	for i := len(r.bases) - 1; i >= 0; i-- {
		if len(r.bases[i]) > maxURL/2 { // an amplifier: each link would repeat it
			continue
		}
		outer := resolver{base: r.base, found: true}
		if abs := outer.web(r.bases[i]); abs != "" {
			r.base, _ = url.Parse(abs)
		}
	}
	return r.base
}

// isWeb tells whether s is an absolute http or https URL that needs no work:
// a plain host in lower case, and only bytes that a URL may contain.
func isWeb(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "http://"); !ok {
			return false
		}
	}
	host := 0
	for host < len(rest) && hostByte[rest[host]] {
		host++
	}
	if host == 0 || rest[0] == '.' || len(s) > maxURL || host < len(rest) && rest[host] != '/' {
		return false
	}
	fragment := false
	for i := host; i < len(rest); i++ {
		switch c := rest[i]; {
		case urlByte[c], c == '%' && isEscape(rest[i:]):
		case c == '#' && !fragment:
			fragment = true
		default:
			return false
		}
	}
	return true
}

var hostByte = byteSet("abcdefghijklmnopqrstuvwxyz0123456789-.")

// urlByte has the bytes that need no look: the unreserved and reserved ones of
// RFC 3986 without "%", "#" and brackets.
var urlByte = byteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?@!$&'()*+,;=")

func byteSet(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}

// tidyURL drops what browsers drop from a URL: white space and controls around
// it, line ends and tabs inside it.
func tidyURL(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7F || r == 0xA0 || r == 0xFEFF })
	if strings.ContainsAny(s, "\t\r\n") {
		s = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(s)
	}
	return s
}

// splitScheme splits off a URL's scheme, in lower case (RFC 3986, 3.1).
func splitScheme(s string) (scheme, rest string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == ':' && i > 0:
			return lower(s[:i]), s[i+1:]
		case isLetter(c), i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		default:
			return "", s
		}
	}
	return "", s
}

// absolute puts a URL together from its scheme and what follows "//".
func absolute(scheme, rest string) string {
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	host := cleanHost(rest[:end])
	if host == "" {
		return ""
	}
	return scheme + "://" + host + encode(rest[end:])
}

// cleanHost gives a URL's authority without user info, its host in lower case
// and in ASCII (RFC 5891), or "" if it is no host.
func cleanHost(authority string) string {
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:i], authority[i+1:]
	}
	if !all(port, isDigit) || len(port) > 5 {
		return ""
	}
	host = asciiHost(host)
	if host == "" || port == "" {
		return host
	}
	return host + ":" + port
}

func asciiHost(host string) string {
	if strings.HasPrefix(host, "[") {
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return ""
		}
		return "[" + addr.String() + "]"
	}
	if !all(host, func(c byte) bool { return c < 0x80 }) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return ""
		}
		host = ascii
	}
	host = lower(host)
	if len(host) > 255 || strings.Trim(host, ".-_") == "" || !all(host, func(c byte) bool { return hostByte[c] || c == '_' }) {
		return ""
	}
	return host
}

// encode percent-encodes what a URL's path, query and fragment may not
// contain; what is encoded already stays.
func encode(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = urlByte[s[i]]
	}
	if clean {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	part := byte('/') // in the path; '?' in the query, '#' in the fragment
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '#' && part != '#':
			part = '#'
			out = append(out, c)
		case c == '\\' && part == '/':
			out = append(out, '/')
		case c == '%' && isEscape(s[i:]), urlByte[c]:
			if c == '?' && part == '/' {
				part = '?'
			}
			out = append(out, c)
		default:
			out = append(out, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return string(out)
}

// isEscape tells whether s begins with a percent-encoded byte.
func isEscape(s string) bool {
	return len(s) > 2 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
