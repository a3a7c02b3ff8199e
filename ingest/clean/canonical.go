package clean

import (
	"slices"
	"strings"
)

// Canonical gives the form of a URL that two addresses of one page share, for
// comparing and never for linking; "" for what is no http or https URL. It is
// idempotent.
//
// These do not count: scheme, user info, www., m. and mobile. before the host,
// case and script of the host, the default port, AMP forms, trailing slashes,
// fragments (but "#!…" and "#/…", which select a page), session ids, tracking
// parameters, the order of the others, and needless percent-encoding.
func Canonical(rawURL string) string {
	var none resolver
	address := none.web(rawURL)
	if address == "" {
		return ""
	}
	_, rest, _ := strings.Cut(address, "://")
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	host, path = canonicalHost(host), canonicalPath(path)
	if query = canonicalQuery(query, host); query != "" {
		query = "?" + query
	}
	if page := unwrapAMP(host, path); page != "" { // shorter each time
		return Canonical(page + query)
	}
	if strings.HasPrefix(fragment, "!") || strings.HasPrefix(fragment, "/") {
		query += "#" + normalEscapes(fragment)
	}
	return "https://" + host + path + query
}

// canonicalHost takes off what names a variant of a site: default ports, a
// trailing dot, www., m., mobile. and amp., as long as a domain is left.
func canonicalHost(host string) string {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i:]
	}
	if port == ":80" || port == ":443" {
		port = ""
	}
	name = strings.TrimRight(name, ".")
	for {
		label, domain, _ := strings.Cut(name, ".")
		variant := label == "www" || label == "m" || label == "mobile" || label == "amp"
		if !variant || !strings.Contains(domain, ".") {
			break
		}
		name = domain
	}
	if before, after, found := strings.Cut(name, ".m.wiki"); found { // en.m.wikipedia.org
		name = before + ".wiki" + after
	}
	return name + port
}

// canonicalPath normalises a path: escapes, dot segments (RFC 3986, 5.2.4),
// session ids, trailing slashes and AMP's endings.
func canonicalPath(path string) string {
	path = withoutSession(normalEscapes(path))
	if strings.Contains(path, "/.") {
		path = withoutDots(path)
	}
	for {
		short := strings.TrimRight(path, "/")
		switch {
		case strings.HasSuffix(short, "/amp"):
			short = strings.TrimSuffix(short, "/amp")
		case strings.HasSuffix(short, ".amp"):
			short = strings.TrimSuffix(short, ".amp")
		case strings.HasSuffix(short, ".amp.html"):
			short = strings.TrimSuffix(short, ".amp.html") + ".html"
		}
		if short == path {
			return path
		}
		path = short
	}
}

// withoutSession takes out ";jsessionid=…", the session that a servlet writes
// into its addresses.
func withoutSession(path string) string {
	for {
		i := strings.Index(lower(path), ";jsessionid=")
		if i < 0 {
			return path
		}
		end := strings.IndexByte(path[i:], '/')
		if end < 0 {
			return path[:i]
		}
		path = path[:i] + path[i+end:]
	}
}

func withoutDots(path string) string {
	var kept []string
	for _, segment := range strings.Split(path, "/")[1:] {
		switch segment {
		case ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// canonicalQuery drops tracking parameters, and sorts the others by name;
// those of one name keep their order.
func canonicalQuery(query, host string) string {
	if query == "" {
		return ""
	}
	var kept []string
	for param := range strings.SplitSeq(query, "&") {
		for strings.HasPrefix(param, "amp;") { // "&amp;" that was escaped twice
			param = param[len("amp;"):]
		}
		param = strings.ReplaceAll(normalEscapes(param), "%20", "+")
		name, value, _ := strings.Cut(param, "=")
		if value == "" {
			param = name
		}
		if param != "" && !tracks(name, value, host) {
			kept = append(kept, param)
		}
	}
	slices.SortStableFunc(kept, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return strings.Compare(a, b)
	})
	return strings.Join(kept, "&")
}

// normalEscapes decodes percent-encoded unreserved characters, and writes the
// other escapes in upper case (RFC 3986, 6.2.2).
func normalEscapes(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || !isEscape(s[i:]) {
			out = append(out, s[i])
			continue
		}
		c := unhex(s[i+1])<<4 | unhex(s[i+2])
		if isLetter(c) || isDigit(c) || strings.IndexByte("-._~", c) >= 0 {
			out = append(out, c)
		} else {
			out = append(out, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
		i += 2
	}
	return string(out)
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// unwrapAMP gives the address of the page behind a copy of it in an AMP cache
// (https://HOST.cdn.ampproject.org/c/s/HOST/PATH, with "s" for https) or in
// Google's viewer (https://www.google.com/amp/s/HOST/PATH); "" if it is none.
func unwrapAMP(host, path string) string {
	kind, page, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case host == "cdn.ampproject.org", strings.HasSuffix(host, ".cdn.ampproject.org"), host == "bing-amp.com":
		if kind != "c" && kind != "v" && kind != "i" {
			return ""
		}
	case !strings.HasPrefix(host, "google."), kind != "amp":
		return ""
	}
	page = strings.TrimPrefix(page, "s/")
	if host, _, _ := strings.Cut(page, "/"); !strings.Contains(host, ".") {
		return ""
	}
	return "https://" + page
}
