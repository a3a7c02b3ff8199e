package fetch

import (
	"net/http"
	"strings"
)

// trace records an exchange, if that is asked for.
func (p *poll) trace(req *http.Request, resp *http.Response, received int, err error) {
	if p.steps == nil {
		return
	}
	s := Step{URL: req.URL.String(), Sent: withoutSecrets(req.Header), Bytes: int64(received), Err: err}
	if resp != nil {
		s.Proto, s.Status, s.Received = resp.Proto, resp.StatusCode, withoutSecrets(resp.Header)
	}
	*p.steps = append(*p.steps, s)
}

// withoutSecrets copies a header without what only its two ends should know.
func withoutSecrets(h http.Header) http.Header {
	h = h.Clone()
	for i, v := range h["Authorization"] {
		scheme, _, _ := strings.Cut(v, " ")
		h["Authorization"][i] = scheme + " …"
	}
	for i, v := range h["Set-Cookie"] {
		name, _, _ := strings.Cut(v, "=")
		h["Set-Cookie"][i] = name + "=…"
	}
	return h
}
