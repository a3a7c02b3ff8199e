package parse

import (
	"bytes"
	"strings"
)

// textElement copies an element of text. Its text ends with its end tag, or
// where something begins that cannot be in it. If the document breaks off in
// it, it stays open: the entry is not whole.
func (r *repairer) textElement(name string, tag []byte) {
	t := r.textEnd(name)
	inner := r.src[r.pos:t.end]
	r.pos = t.next
	if !t.whole {
		r.open(name, tag)
		return
	}
	p := piece{raw: inner, tag: tag, cdata: true, markup: t.markup}
	if t.markup {
		r.writeTag(name, tag, ">", "html")
		html := r.texts.flatten(&p, true)
		r.out = append(r.out, "<![CDATA["...)
		r.out = append(r.out, strings.ReplaceAll(html, "]]>", "]]]]><![CDATA[>")...)
		r.out = append(r.out, "]]>"...)
	} else {
		r.writeTag(name, tag, ">", "")
		r.out = append(r.out, escape(r.texts.flatten(&p, false))...)
	}
	r.out = append(r.out, "</"+name+">"...)
}

// maxLooks is how many times over the document end tags are searched for.
const maxLooks = 4

// textRun is the text of an element: where it ends, and where what follows it
// begins.
type textRun struct {
	end, next int
	markup    bool // there are elements in it
	whole     bool // it ends before the document does
}

// textEnd finds where the text that begins at r.pos ends.
func (r *repairer) textEnd(name string) textRun {
	sibling, markup := -1, false // where it ends if its end tag is missing
	for at := r.pos; ; at++ {
		i := bytes.IndexByte(r.src[at:], '<')
		if i < 0 {
			return textRun{end: len(r.src), next: len(r.src)}
		}
		at += i
		r.looks += i + 1
		if r.looks > maxLooks*len(r.src) && sibling >= 0 { // made to take quadratic time
			return r.textBefore(at, sibling)
		}
		rest := r.src[at:]
		switch {
		case bytes.HasPrefix(rest, cdataStart):
			at = r.sectionEnd(at, name) - 1
		case len(rest) > 1 && rest[1] == '/':
			tag := string(nameAt(rest[2:min(len(rest), 66)]))
			if strings.EqualFold(tag, name) {
				return r.textUpTo(at, markup)
			}
			if isEntryName(localOf(tag)) || isFrame(tag) {
				return r.textBefore(at, sibling)
			}
		case len(rest) > 1 && isNameStart(rest[1]) && looseTagEnd(rest) > 0:
			tag := string(nameAt(rest[1:min(len(rest), 65)]))
			if isEntryName(localOf(tag)) {
				return r.textBefore(at, sibling)
			}
			if sibling < 0 && isSibling(tag) {
				sibling = at
			}
			markup = true
		}
	}
}

// textUpTo is a text that ends with the end tag at at.
func (r *repairer) textUpTo(at int, markup bool) textRun {
	n := bytes.IndexByte(r.src[at:], '>')
	if n < 0 {
		return textRun{end: at, next: len(r.src)}
	}
	return textRun{end: at, next: at + n + 1, markup: markup, whole: true}
}

// textBefore is a text without end tag: it ends before the first element that
// stands beside texts, else at at.
func (r *repairer) textBefore(at, sibling int) textRun {
	if sibling >= 0 {
		at = sibling
	}
	return textRun{end: at, next: at, markup: bytes.IndexByte(r.src[r.pos:at], '<') >= 0, whole: true}
}

// isSibling tells of elements that stand beside texts, never in HTML.
func isSibling(name string) bool {
	prefix, local, _ := strings.Cut(name, ":")
	if local != "" {
		return prefix != "xhtml" && prefix != "html" && prefix != "h"
	}
	switch strings.ToLower(name) {
	case "link", "guid", "pubdate", "category", "author", "enclosure", "description", "comments",
		"content", "updated", "published", "id", "source":
		return true
	}
	return false
}

// sectionEnd is the index behind the CDATA section at at. One that is not
// ended, so that another one begins in a later entry before the next end, or
// no end comes at all, ends with the element.
func (r *repairer) sectionEnd(at int, name string) int {
	from := at + len(cdataStart)
	end, again := r.find("]]>", from), r.find("<![CDATA[", from)
	if end >= 0 && (again < 0 || again > end) {
		return end + len(cdataEnd)
	}
	if again < 0 {
		again = len(r.src)
	}
	if i := bytes.Index(r.src[from:again], []byte("</"+name)); i >= 0 {
		tag := from + i
		between := r.src[tag:again]
		if end < 0 || bytes.Contains(between, []byte("</item")) || bytes.Contains(between, []byte("</entry")) {
			return tag
		}
	}
	if end < 0 {
		return from
	}
	return end + len(cdataEnd)
}
