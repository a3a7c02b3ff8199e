package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(text ...string) (all []netip.Prefix) {
	for _, p := range text {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

func TestOnlyTrustedProxiesAreBelievedWhomTheyPassOn(t *testing.T) {
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"nobody says anything", "203.0.113.5:4711", nil, "203.0.113.5"},
		{"a stranger says who he is", "203.0.113.5:4711", []string{"10.0.0.1"}, "203.0.113.5"},
		{"a stranger says that he is us", "203.0.113.5:4711", []string{"127.0.0.1, ::1"}, "203.0.113.5"},
		{"a proxy says nothing", "10.0.0.1:80", nil, "10.0.0.1"},
		{"a proxy says who it was", "10.0.0.1:80", []string{"203.0.113.5"}, "203.0.113.5"},
		{"what the visitor said himself does not count", "10.0.0.1:80", []string{"198.51.100.9, 203.0.113.5"}, "203.0.113.5"},
		{"nor in a field of its own", "10.0.0.1:80", []string{"198.51.100.9", "203.0.113.5"}, "203.0.113.5"},
		{"a chain of proxies", "10.0.0.1:80", []string{"198.51.100.9, 203.0.113.5, fd00::7, 10.1.2.3"}, "203.0.113.5"},
		{"a visitor who names a proxy", "10.0.0.1:80", []string{"10.9.9.9, 203.0.113.5"}, "203.0.113.5"},
		{"the visitor is inside", "10.0.0.1:80", []string{"10.7.7.7"}, "10.7.7.7"},
		{"garbage", "10.0.0.1:80", []string{"unknown"}, "10.0.0.1"},
		{"garbage before a proxy", "10.0.0.1:80", []string{"203.0.113.5, <script>, 10.1.2.3"}, "10.1.2.3"},
		{"commas", "10.0.0.1:80", []string{",, ,"}, "10.0.0.1"},
		{"empty", "10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"a port", "10.0.0.1:80", []string{"203.0.113.5:52113"}, "203.0.113.5"},
		{"IPv6 peer", "[fd00::1]:80", []string{"2001:db8::5"}, "2001:db8::5"},
		{"IPv6 with a port", "[fd00::1]:80", []string{"[2001:db8::5]:443"}, "2001:db8::5"},
		{"IPv6 in brackets", "[fd00::1]:80", []string{"[2001:db8::5]"}, "2001:db8::5"},
		{"IPv6 with a zone", "[fe80::1%eth0]:80", []string{"10.0.0.1"}, "fe80::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:203.0.113.5"}, "203.0.113.5"},
		{"no address at all", "@", []string{"203.0.113.5"}, "invalid IP"},
	} {
		srv := &Server{opt: Options{TrustedProxies: prefixes("10.0.0.0/8", "fd00::/8")}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
		if got := srv.client(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		r.Header.Del("X-Forwarded-For")
		r.Header.Set("X-Real-Ip", "198.51.100.9")
		r.Header.Set("Forwarded", "for=198.51.100.9")
		if got := srv.client(r); got.String() == "198.51.100.9" {
			t.Errorf("%s: other fields are believed", c.name)
		}
	}
}

func TestGuessersAreToldApartBehindATrustedProxy(t *testing.T) {
	trusting := newServer(t, sampleStore(t), func(o *Options) { o.TrustedProxies = prefixes("192.0.2.0/24") }) // httptest's client is 192.0.2.1
	guess := func(srv *Server, from string) int {
		return ask(t, srv, http.MethodPost, "/login", "token=guess", "Content-Type", formType, "X-Forwarded-For", from).StatusCode
	}
	for range wrongAtOnce {
		guess(trusting, "203.0.113.5")
	}
	if status := guess(trusting, "203.0.113.5"); status != http.StatusTooManyRequests {
		t.Errorf("who guesses is not held back: %d", status)
	}
	if status := guess(trusting, "203.0.113.6"); status != http.StatusForbidden {
		t.Errorf("another visitor is held back too: %d", status)
	}
	alone := newServer(t, sampleStore(t))
	for i := range wrongAtOnce {
		guess(alone, "203.0.113."+string(rune('1'+i)))
	}
	if status := guess(alone, "203.0.113.9"); status != http.StatusTooManyRequests {
		t.Errorf("a guesser gets free by naming other addresses: %d", status)
	}
}

func TestTheAccessLogNamesTheVisitor(t *testing.T) {
	var logged bytes.Buffer
	srv := newServer(t, sampleStore(t), func(o *Options) {
		o.Logger, o.AccessLog, o.TrustedProxies = textLogger(&logged), true, prefixes("192.0.2.0/24")
	})
	get(t, srv, "/feed.atom", "X-Forwarded-For", "203.0.113.5")
	if !strings.Contains(logged.String(), "from=203.0.113.5") {
		t.Errorf("it says %s", logged.String())
	}
}
