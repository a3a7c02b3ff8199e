package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// client is the address that a request comes from: where it came in through
// proxies that we trust, the one that they say (X-Forwarded-For, whose last
// address each proxy adds), as far back as those who say it are trusted.
func (s *Server) client(r *http.Request) netip.Addr {
	addr := addressOf(r.RemoteAddr)
	if !s.trusted(addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(addr); i-- {
		hop := addressOf(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		addr = hop
	}
	return addr
}

// overTLS tells whether the visitor's browser speaks TLS, with us or with a proxy
// before us. With a form browsers say so themselves (Origin); else a proxy that we
// trust does, or the base URL.
func (s *Server) overTLS(r *http.Request) bool {
	origin, proto := r.Header.Get("Origin"), r.Header.Get("X-Forwarded-Proto")
	switch {
	case r.TLS != nil:
		return true
	case origin != "" && origin != "null":
		return strings.HasPrefix(origin, "https:")
	case proto != "" && s.trusted(addressOf(r.RemoteAddr)):
		return strings.EqualFold(proto, "https")
	}
	return strings.HasPrefix(s.opt.Site.BaseURL, "https:")
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, network := range s.opt.TrustedProxies {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// addressOf reads an address with or without a port; the zero value if it is none.
func addressOf(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
