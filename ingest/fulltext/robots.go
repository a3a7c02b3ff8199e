package fulltext

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// robotsBytes of a robots.txt are read: as much as RFC 9309, 2.5 asks for.
const robotsBytes = 500 << 10

// maxDelay bounds what a Crawl-delay may mean.
const maxDelay = 24 * time.Hour

// Robots is what a robots.txt (RFC 9309) says to one agent. The zero value
// forbids nothing.
type Robots struct {
	rules []rule
	// Delay is what its Crawl-delay, which is no part of the RFC and is kept to
	// by the polite, asks for between two requests; 0: nothing.
	Delay time.Duration
}

// rule is one line of a group.
type rule struct {
	allow bool
	path  string // normalised, with * and $ as written
}

// ParseRobots reads what a robots.txt says to the agent with a product name:
// the groups that name it, together, or, where there is none, those for all.
// What it does not understand it passes over (RFC 9309, 2.2).
func ParseRobots(body []byte, product string) Robots {
	body = bytes.TrimPrefix(body[:min(len(body), robotsBytes)], []byte("\xef\xbb\xbf"))
	var ours, all Robots
	var named, toUs, toAll, inRules bool
	for _, line := range strings.FieldsFunc(string(body), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line, _, _ = strings.Cut(line, "#")
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch key {
		case "user-agent":
			if inRules { // a new group begins
				toUs, toAll, inRules = false, false, false
			}
			toAll = toAll || value == "*"
			if strings.EqualFold(token(value), product) {
				toUs, named = true, true
			}
		case "allow", "disallow", "crawl-delay":
			inRules = true
			if toUs {
				ours.add(key, value)
			}
			if toAll {
				all.add(key, value)
			}
		}
	}
	if named {
		return ours
	}
	return all
}

// token is the product token that a user-agent line begins with: letters,
// "_" and "-" (RFC 9309, 2.2.1).
func token(value string) string {
	end := strings.IndexFunc(value, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
	})
	if end < 0 {
		return value
	}
	return value[:end]
}

func (r *Robots) add(key, value string) {
	switch {
	case key == "crawl-delay":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 {
			r.Delay = time.Duration(min(s, maxDelay.Seconds()) * float64(time.Second))
		}
	case value != "": // an empty rule says nothing
		r.rules = append(r.rules, rule{allow: key == "allow", path: normal(value)})
	}
}

// Allow tells whether a URL may be asked for: the longest rule that matches
// decides, and of equally long ones the one that allows (RFC 9309, 2.2.2).
func (r Robots) Allow(u *url.URL) bool {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	path = normal(path)
	allowed, longest := true, -1
	for _, rule := range r.rules {
		if n := len(rule.path); (n > longest || n == longest && rule.allow) && rule.matches(path) {
			allowed, longest = rule.allow, n
		}
	}
	return allowed || path == "/robots.txt"
}

// matches tells whether the rule's path is a beginning of the path; "*" stands
// for anything, and "$" for the end. Each piece between stars is looked for
// from where the one before it ended, which takes linear time.
func (r rule) matches(path string) bool {
	pattern, toEnd := strings.CutSuffix(r.path, "$")
	first, rest, stars := strings.Cut(pattern, "*")
	path, ok := strings.CutPrefix(path, first)
	if !ok {
		return false
	}
	if !stars {
		return !toEnd || path == ""
	}
	pieces := strings.Split(rest, "*")
	last := pieces[len(pieces)-1]
	for _, piece := range pieces[:len(pieces)-1] {
		if _, path, ok = strings.Cut(path, piece); !ok {
			return false
		}
	}
	if toEnd {
		return strings.HasSuffix(path, last)
	}
	return strings.Contains(path, last)
}

const hexDigits = "0123456789ABCDEF"

// normal writes a path in one way: what need not be escaped is not, what must
// is, in capital digits (RFC 9309, 2.2.2; RFC 3986, 6.2.2).
func normal(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			if v, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil {
				i += 2
				if plain(byte(v)) {
					b.WriteByte(byte(v))
				} else {
					b.Write([]byte{'%', hexDigits[v>>4], hexDigits[v&15]})
				}
				continue
			}
		}
		if c <= ' ' || c >= 0x7f {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// plain tells whether a character never needs an escape (RFC 3986, 2.3).
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
