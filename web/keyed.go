package web

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/url"

	"tributary/feed"
)

// keyParam is how an address goes on that has a reader key.
const keyParam = "?key="

// writeSlotted is write; for a private site it also tells after which bytes a
// reader's key belongs: in the links to other documents. The one to the document
// itself has none, for that is passed on (RFC 4287, 4.2.11). A word that nobody can have
// foreseen holds the places while the document is written, so that no text in it is taken for one.
func (s *Server) writeSlotted(format int, site feed.Site, page feed.Page) (body []byte, slots []int, err error) {
	if !s.opt.Private {
		body, err = write(format, site, page)
		return body, nil, err
	}
	word := keyParam + rand.Text()
	for _, link := range []*string{&page.Current, &page.Older, &page.Newer} {
		if *link != "" {
			*link += word // they are of main documents and archives, which have no other parameters
		}
	}
	marked, err := write(format, site, page)
	for i, part := range bytes.Split(marked, []byte(word)) {
		if i > 0 {
			slots = append(slots, len(body))
		}
		body = append(body, part...)
	}
	return body, slots, err
}

// keyInAddress is the reader key by which a request to a private site's feed was let
// in, if it is in its address; "": it came in otherwise. See closed and hasKey.
func (s *Server) keyInAddress(r *http.Request) string {
	if !s.opt.Private {
		return ""
	}
	if _, ok := bearer(r); ok || s.viewer(r).Admin {
		return ""
	}
	return r.URL.Query().Get("key")
}

// serveFeed serves a feed document. Who has a reader key in the address gets it in
// the links too: few readers can be told to send a header.
func (s *Server) serveFeed(w http.ResponseWriter, r *http.Request, doc *document) {
	if len(doc.slots) > 0 {
		if key := s.keyInAddress(r); key != "" {
			doc = s.withKey(doc, key)
		}
	}
	doc.serve(w, r)
}

// withKey is a document with a reader's key in its links. It costs no reading and no
// rendering, but compressing, and is kept for when the reader asks again.
func (s *Server) withKey(doc *document, key string) *document {
	filled, err := s.variants.keyed.document(doc.tag+" "+key, 0, func() (*document, error) {
		return newDocument(doc.filled(keyParam+url.QueryEscape(key)), docOptions{})
	})
	if err != nil {
		return doc
	}
	own := *doc
	own.plain, own.zipped, own.tag = filled.plain, filled.zipped, filled.tag
	return &own
}

// filled is the body with a text at each of its slots.
func (d *document) filled(text string) []byte {
	var body []byte
	from := 0
	for _, slot := range d.slots {
		body = append(append(body, d.plain.body[from:slot]...), text...)
		from = slot
	}
	return append(body, d.plain.body[from:]...)
}
