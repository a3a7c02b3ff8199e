package folder

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// address is a web address in running text, written with or without its
// scheme. Without one it needs a path or a leading "www", and one of the
// endings that news texts use: "and/or" and "U.S./NATO" are no addresses.
var address = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"“”«»]+|\bwww\.(?:[a-z0-9-]+\.)+[a-z]{2,}[^\s<>"“”«»]*|\b(?:[a-z0-9-]+\.)+(?:com|org|net|gov|edu|int|info|news|io|co|me|ly|be|tv|us|uk|eu|ua|ru|by|pl|de|fr|at|ch|it|es|nl|se|no|fi|dk|ie|ca|au)/[^\s<>"“”«»]+`)

// linked escapes running text for HTML and links the addresses in it.
func linked(s string) string {
	var out strings.Builder
	last := 0
	for _, place := range address.FindAllStringIndex(s, -1) {
		found := trimAddress(s[place[0]:place[1]])
		target, ok := targetOf(found)
		if !ok || place[0] > 0 && strings.ContainsRune("@/.-_", rune(s[place[0]-1])) {
			continue
		}
		out.WriteString(html.EscapeString(s[last:place[0]]))
		out.WriteString(`<a href="` + html.EscapeString(target) + `">` + html.EscapeString(found) + `</a>`)
		last = place[0] + len(found)
	}
	out.WriteString(html.EscapeString(s[last:]))
	return out.String()
}

// trimAddress leaves the punctuation of the sentence out of an address, and a
// closing bracket that was not opened in it.
func trimAddress(s string) string {
	for {
		short := strings.TrimRight(s, ".,;:!?'’‘*…|")
		for _, pair := range []string{"()", "[]", "{}"} {
			if strings.HasSuffix(short, pair[1:]) && strings.Count(short, pair[:1]) < strings.Count(short, pair[1:]) {
				short = short[:len(short)-1]
			}
		}
		if short == s {
			return s
		}
		s = short
	}
}

// targetOf completes an address to a URL.
func targetOf(found string) (string, bool) {
	target := found
	if lower := strings.ToLower(found); !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://") {
		target = "https://" + found
	}
	u, err := url.Parse(target)
	return target, err == nil && u.Host != "" && u.User == nil
}

// webURL takes an absolute http or https URL as it is; "" for anything else.
func webURL(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return s
}
