package parse

import (
	"bytes"
	"strings"
)

// begin looks at the root element: what kind of document is it? Documents
// that gofeed has no parser for are dressed as ones that it has: an Atom Entry
// Document as a feed with one entry (RFC 4287, 2), RSS 1.1 and CDF, whose root
// is the channel, as RSS.
func (s *scan) begin(name, tag []byte) error {
	_, local := splitName(name)
	s.root = strings.ToLower(string(local))
	if err := rootError(s.root, s.src); err != nil {
		return err
	}
	s.atom = atomPrefixes(tag)
	switch s.root {
	case "entry":
		s.root = "feed"
		s.dress("<feed>", "feed")
	case "channel":
		s.dress("<rss"+strings.TrimSuffix(strings.TrimSuffix(string(tag[1+len(name):]), ">"), "/")+">", "rss")
	}
	return nil
}

// dress opens an element around the root. It counts for nothing but its end
// tag.
func (s *scan) dress(tag, name string) {
	s.out = append(s.out, tag...)
	s.dressed = name
}

// end closes the document.
func (s *scan) end() {
	s.ended = true
	if s.dressed != "" {
		s.out = append(s.out, "</"+s.dressed+">"...)
	}
}

// rootError tells why a document with this root element is no feed.
func rootError(root string, src []byte) error {
	switch root {
	case "rss", "rdf", "feed", "entry", "channel":
		return nil
	case "html":
		return htmlPage()
	case "opml":
		return notFeed("this is OPML, a list of feeds: import it with `tributary source import`")
	case "urlset", "sitemapindex":
		return notFeed("this is a sitemap: give the address of the site's feed")
	}
	head := bytes.ToLower(src[:min(len(src), 1024)])
	if bytes.Contains(head, []byte("<!doctype html")) || bytes.Contains(head, []byte("<html")) {
		return htmlPage()
	}
	return notFeed(looksLike(src))
}

// atomPrefixes are the prefixes that the root element binds to Atom.
func atomPrefixes(tag []byte) map[string]bool {
	var out map[string]bool
	eachAttr(tag, func(name, value []byte) {
		prefix, ok := bytes.CutPrefix(name, []byte("xmlns:"))
		if ok && isAtomNamespace(value) {
			if out == nil {
				out = map[string]bool{}
			}
			out[string(prefix)] = true
		}
	})
	return out
}

func isAtomNamespace(uri []byte) bool {
	uri = bytes.TrimSpace(uri)
	return bytes.Equal(uri, []byte("http://www.w3.org/2005/Atom")) || bytes.Equal(uri, []byte("http://purl.org/atom/ns#"))
}

// defaultNamespace is the root's start tag with the default namespace that its
// format has. Some feeds have it misspelt, or another vocabulary's; they are
// feeds all the same.
func (s *scan) defaultNamespace(tag []byte) []byte {
	v, ok := attr(tag, "xmlns")
	right := ""
	switch {
	case !ok || len(v) == 0 || s.root == "feed" && isAtomNamespace(v):
		return tag
	case s.root == "feed":
		right = "http://www.w3.org/2005/Atom"
	case s.root != "rss":
		return tag
	}
	at := indexOf(tag, v)
	out := append([]byte{}, tag[:at]...)
	out = append(out, right...)
	return append(out, tag[at+len(v):]...)
}

// attributes gives an entry the elements for which its format has attributes:
// rdf:about of RSS 1.0 and 1.1 is its guid (elements of the entry that follow
// take precedence), HREF and LASTMOD of CDF are its link and date.
func (s *scan) attributes(tag []byte, where int) {
	switch s.root {
	case "rdf", "channel":
		s.element(tag, "rdf:about", `<guid isPermaLink="true">`, "</guid>", where)
	}
	if s.root == "channel" {
		s.element(tag, "HREF", "<link>", "</link>", where)
		s.element(tag, "LASTMOD", "<pubDate>", "</pubDate>", where)
	}
}

// element writes an attribute's value as an element.
func (s *scan) element(tag []byte, name, start, end string, where int) {
	v, ok := attr(tag, name)
	if !ok {
		return
	}
	s.out = append(s.out, start...)
	s.putMark(piece{raw: v, scope: where})
	s.out = append(s.out, end...)
}
