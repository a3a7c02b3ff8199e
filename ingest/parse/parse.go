package parse

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tributary/feed"
)

// ErrHTML says that the document is a web page, which may name its feeds.
var ErrHTML = errors.New("not a feed: a web page")

// Limits guard against documents that would take too much. A zero field means
// its default.
type Limits struct {
	MaxBytes   int // of the document, decompressed and decoded; default 10 MB
	MaxEntries int // the rest is counted and left out; default 2,000
	MaxDepth   int // of nested elements; default 256
	MaxContent int // bytes of one entry's content, cut at a boundary; default 2 MB
}

// Feed is what a document says of itself, and its entries in document order.
type Feed struct {
	Channel   feed.Channel
	Base      string // xml:base of the whole document, absolute where it can be; "" if none
	Entries   []feed.RawEntry
	Truncated bool   // the document broke off; Entries are those that are whole
	Format    string // "rss 2.0", "rss 1.0", "atom 0.3", "json 1.1" …
	Charset   string // that it was read as: "utf-8", "windows-1252" …, whatever was said of it
	Cut       int    // entries left out over MaxEntries
}

// Parse reads RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, and JSON Feed. It may
// be called from several goroutines; the result shares no memory with
// doc.Body.
//
// Errors: feed.CodeInvalid when the document is not a feed (a web page is
// also ErrHTML) or nested too deep, feed.CodeTooLarge when over MaxBytes,
// feed.CodeInternal when it made a parser panic.
func Parse(doc feed.Document, lim Limits) (out Feed, err error) {
	lim = lim.withDefaults()
	if len(doc.Body) > lim.MaxBytes {
		return Feed{}, tooLarge(lim)
	}
	body, charset := decodeNamed(doc.Body, doc.MediaType)
	if len(body) > 2*lim.MaxBytes { // legacy charsets grow in UTF-8
		return Feed{}, tooLarge(lim)
	}
	defer func() { // a library's panic must not end the run
		if r := recover(); r != nil {
			out, err = Feed{}, feed.Errorf(feed.CodeInternal, "the document made the parser fail (%v): please report its address", r)
		}
	}()
	switch first := firstByte(body); {
	case first == '{':
		out, err = parseJSON(body, doc, lim)
	case len(body) == 0 || first == 0:
		err = notFeed("the document is empty")
	default:
		out, err = parseXML(body, doc, lim)
	}
	for i := range out.Entries {
		limit(&out.Entries[i], lim.MaxContent)
	}
	out.Charset = charset
	return out, err
}

func (l Limits) withDefaults() Limits {
	fill := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	fill(&l.MaxBytes, 10<<20)
	fill(&l.MaxEntries, 2000)
	fill(&l.MaxDepth, 256)
	fill(&l.MaxContent, 2<<20)
	return l
}

func tooLarge(lim Limits) error {
	return feed.Errorf(feed.CodeTooLarge, "the document is larger than %d bytes: raise max_bytes for this source if that is expected", lim.MaxBytes)
}

func notFeed(why string) error {
	return feed.Errorf(feed.CodeInvalid, "not a feed: %s", why)
}

func htmlPage() error {
	return feed.Errorf(feed.CodeInvalid, "%w: give the address of its feed, or add the page with `tributary source add`, which looks for one", ErrHTML)
}

// firstByte is the first byte that is not white space, 0 if there is none.
func firstByte(b []byte) byte {
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// looksLike names what a document that is no feed begins with, for people.
func looksLike(body []byte) string {
	b := bytes.TrimSpace(body)
	if len(b) > 40 {
		b = b[:40]
	}
	return fmt.Sprintf("it begins with %q", strings.ToValidUTF8(string(b), ""))
}

// resolve makes ref absolute against base (RFC 3986, 5). What cannot be
// resolved stays as it is.
func resolve(base, ref string) string {
	if base == "" || ref == "" {
		return ref
	}
	r, err := url.Parse(ref)
	if err != nil || r.IsAbs() {
		return ref
	}
	b, err := url.Parse(base)
	if err != nil || !b.IsAbs() {
		return ref
	}
	return b.ResolveReference(r).String()
}
