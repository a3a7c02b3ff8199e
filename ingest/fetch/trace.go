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
	s := Step{URL: p.secrets.hide(req.URL.String()), Sent: p.withoutSecrets(req.Header), Bytes: int64(received), Err: err}
	if p.secrets != nil {
		for name := range p.secrets.header {
			if s.Sent[name] != nil && name != "Authorization" {
				s.Sent[name] = []string{"…"}
			}
		}
	}
	if resp != nil {
		s.Proto, s.Status, s.Received = resp.Proto, resp.StatusCode, p.withoutSecrets(resp.Header)
	}
	*p.steps = append(*p.steps, s)
}

// withoutSecrets copies a header without what only its two ends should know.
func (p *poll) withoutSecrets(h http.Header) http.Header {
	h = h.Clone()
	for name, values := range h {
		for i, v := range values {
			switch name {
			case "Set-Cookie":
				cookie, _, _ := strings.Cut(v, "=")
				values[i] = cookie + "=…"
			case "Authorization":
				values[i] = schemeOf(v)
			default:
				values[i] = p.secrets.hide(v)
			}
		}
	}
	return h
}

// schemeOf is the scheme of an Authorization, if it is one of the known ones
// (RFC 7617, RFC 6750): what begins otherwise may be a secret as a whole.
func schemeOf(authorization string) string {
	scheme, _, found := strings.Cut(authorization, " ")
	if found && (strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Bearer")) {
		return scheme + " …"
	}
	return "…"
}
