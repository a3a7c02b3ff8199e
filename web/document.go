package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"tributary/store"
)

// Header values that never change, shared by all answers: the slices are read only.
var (
	varyEncoding = []string{"Accept-Encoding"}
	varyCookie   = []string{"Accept-Encoding, Cookie"} // of pages: who is logged in sees more
	// varyReader is of a private site's feeds: what lets the reader in decides whether
	// the key in the address stands in their links.
	varyReader   = []string{"Accept-Encoding, Authorization, Cookie"}
	gzipEncoding = []string{"gzip"}
	noSniff      = []string{"nosniff"}
)

// document is a finished answer: bytes, their compressed form, and the header
// values for both, made once so that serving allocates nothing of its own.
type document struct {
	plain    variant
	zipped   variant // body nil: compressing gains nothing
	tag      string  // entity tag of the content without quotes, the same for both variants
	modified time.Time
	date     []string // modified as a header value, nil if there is none

	cacheControl []string
	vary         []string
	fields       []field // of a full answer only (200, 410 …)
	slots        []int   // of plain.body, where a reader's key belongs; see writeSlotted
	passes       bool    // it goes out in place of one that could not be made

	topic  string // the address under which it can be subscribed to; "": it cannot
	listed store.Listing
}

// variant is one encoding of a document.
type variant struct {
	body   []byte
	etag   []string
	length []string
}

// field is a header field under its canonical name.
type field struct {
	name  string
	value []string
}

// docOptions says how a document is presented.
type docOptions struct {
	mediaType    string
	cacheControl string
	vary         []string  // nil: varyEncoding
	modified     time.Time // newest change of the content; zero: no Last-Modified
	csp          string    // Content-Security-Policy; "": none
	referrer     string    // Referrer-Policy; "": none
	level        int       // of gzip, 0: the default for pages; noLevel: not at all
}

// gzip levels: the main feed documents are compressed once and served for long,
// pages and other feeds are compressed when somebody first asks for them. What only our
// hub sends is not: it goes out as it is.
const (
	feedLevel = gzip.BestCompression
	pageLevel = 5
	noLevel   = -1
)

// newDocument makes a document of body. Its entity tag is a hash of body
// alone: the same content has the same tag after a restart, on every replica.
func newDocument(body []byte, o docOptions) (*document, error) {
	sum := sha256.Sum256(body)
	d := &document{
		tag:          hex.EncodeToString(sum[:12]),
		cacheControl: []string{o.cacheControl},
		vary:         o.vary,
	}
	if d.vary == nil {
		d.vary = varyEncoding
	}
	d.plain = newVariant(body, d.tag)
	if o.level != noLevel {
		zipped, err := compress(body, o.level)
		if err != nil {
			return nil, err
		}
		if len(zipped) < len(body) {
			d.zipped = newVariant(zipped, d.tag+"-gzip")
		}
	}
	d.fields = append(d.fields, field{"Content-Type", []string{o.mediaType}}, field{"X-Content-Type-Options", noSniff})
	if !o.modified.IsZero() {
		d.modified = o.modified.UTC().Truncate(time.Second)
		d.date = []string{d.modified.Format(http.TimeFormat)}
	}
	if o.csp != "" {
		d.fields = append(d.fields, field{"Content-Security-Policy", []string{o.csp}})
	}
	if o.referrer != "" {
		d.fields = append(d.fields, field{"Referrer-Policy", []string{o.referrer}})
	}
	return d, nil
}

func newVariant(body []byte, tag string) variant {
	return variant{body: body, etag: []string{`"` + tag + `"`}, length: []string{strconv.Itoa(len(body))}}
}

func compress(body []byte, level int) ([]byte, error) {
	if level == 0 {
		level = pageLevel
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// size is roughly what the document occupies in memory.
func (d *document) size() int { return len(d.plain.body) + len(d.zipped.body) + 512 }

// serve answers a GET or HEAD request with the document: 304 where the client
// has it (RFC 9110, 13.2.2), else all of it in the encoding it prefers.
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	if t, ok := w.(*taker); ok {
		t.doc = d
		return
	}
	v, h := &d.plain, w.Header()
	if d.zipped.body != nil && acceptsGzip(r.Header["Accept-Encoding"]) {
		v = &d.zipped
	}
	h["Etag"] = v.etag
	h["Cache-Control"] = d.cacheControl
	h["Vary"] = d.vary
	if d.dated() {
		h["Last-Modified"] = d.date
	}
	if d.unmodified(r.Header) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	d.write(w, r, v, http.StatusOK)
}

// write sends the whole variant with a status.
func (d *document) write(w http.ResponseWriter, r *http.Request, v *variant, status int) {
	h := w.Header()
	for _, f := range d.fields {
		h[f.name] = f.value
	}
	h["Content-Length"] = v.length
	if v == &d.zipped {
		h["Content-Encoding"] = gzipEncoding
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(v.body) // the client may have left: nothing to do about it
	}
}

// unmodified tells whether the client's conditions say that it has the
// document. If-None-Match decides alone where it is present (RFC 9110, 13.1.3).
func (d *document) unmodified(h http.Header) bool {
	if tags, ok := h["If-None-Match"]; ok {
		return d.matches(tags)
	}
	since, ok := h["If-Modified-Since"]
	if !ok || !d.dated() {
		return false
	}
	t, err := http.ParseTime(since[0])
	return err == nil && !d.modified.After(t)
}

// dated tells whether the document may be dated already (RFC 9110, 8.8.2.1: not
// in the future).
func (d *document) dated() bool { return d.date != nil && !time.Now().Before(d.modified) }
