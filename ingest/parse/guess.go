package parse

import "strings"

// RSS does not say whether a text is HTML. These functions find out.

// hasMarkup tells whether something in v looks like a tag or an entity.
func hasMarkup(v string) bool {
	for i := 0; i+2 < len(v); i++ {
		j := strings.IndexAny(v[i:], "<&")
		if j < 0 || i+j+2 >= len(v) {
			return false
		}
		i += j
		c := v[i+1]
		if v[i] == '&' && entityName(v[i:]) != "" || v[i] == '<' && (c == '/' || c == '!' || isLetter(c)) {
			return true
		}
	}
	return false
}

// looksHTML tells whether a title is HTML: it has an entity or an element of
// phrasing content with its end tag (or one that has none), and no tag that
// HTML does not know in a title. "AT&T <3", "the <b> tag" and "List<String>"
// are plain text.
func looksHTML(v string) bool {
	i := strings.IndexAny(v, "<&")
	if i < 0 {
		return false
	}
	if len(v) > maxTitle {
		return hasMarkup(v)
	}
	found := false
	for ; i >= 0 && i < len(v); i = nextMarkup(v, i) {
		if v[i] == '&' {
			found = found || entityName(v[i:]) != ""
			continue
		}
		name := strings.ToLower(tagNameOf(v[i:]))
		switch {
		case name == "":
			continue
		case name == "br" || name == "wbr" || name == "img":
			found = true
		case !isPhrasing(name) || !closes(v, name):
			return false
		default:
			found = true
		}
	}
	return found
}

// maxTitle is the length up to which a title is looked at in earnest.
const maxTitle = 2000

// nextMarkup is the index of the next "<" or "&" after i, or -1.
func nextMarkup(v string, i int) int {
	if j := strings.IndexAny(v[i+1:], "<&"); j >= 0 {
		return i + 1 + j
	}
	return -1
}

// closes tells whether v has both tags of an element.
func closes(v, name string) bool {
	v = strings.ToLower(v)
	return strings.Contains(v, "</"+name+">") && strings.Contains(v, "<"+name)
}

// tagNameOf is the name in the tag that v begins with, "" if it begins with
// none that ends.
func tagNameOf(v string) string {
	v = strings.TrimPrefix(v[1:], "/")
	n := 0
	for n < len(v) && (isLetter(v[n]) || n > 0 && '0' <= v[n] && v[n] <= '9') {
		n++
	}
	if n == len(v) || !strings.Contains(v[n:min(len(v), n+maxTitle)], ">") || !strings.ContainsRune(" \t\r\n/>", rune(v[n])) {
		return ""
	}
	return v[:n]
}

// isPhrasing tells of the elements that titles are decorated with.
func isPhrasing(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "b", "big", "cite", "code", "del", "dfn", "div", "em", "font", "h1",
		"h2", "h3", "h4", "i", "ins", "kbd", "mark", "p", "q", "s", "samp", "small", "span", "strike",
		"strong", "sub", "sup", "tt", "u", "var":
		return true
	}
	return false
}

// entityName is the entity that v begins with, as written; "" if it begins
// with none that HTML knows.
func entityName(v string) string {
	n, _ := entity([]byte(v[:min(len(v), maxEntity)]), nil)
	if n == 1 {
		return ""
	}
	return v[:n]
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
