package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// renderPart executes one of the templates that a page is made of.
func (s *Server) renderPart(name, part string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&out, part, data); err != nil {
		return nil, fmt.Errorf("%s of page %s: %w", part, name, err)
	}
	return out.Bytes(), nil
}

// wantsFragment tells whether htmx asks, which puts the answer into the page
// that is there.
func wantsFragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// serveFragment answers htmx with a part of a page.
func (s *Server) serveFragment(w http.ResponseWriter, r *http.Request, name, part string, data any) {
	body, err := s.renderPart(name, part, data)
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", htmlType)
	h.Set("Cache-Control", "no-store")
	h["X-Content-Type-Options"] = noSniff
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client may have left: nothing to do about it
}
