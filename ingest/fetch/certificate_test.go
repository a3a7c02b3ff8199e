package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tributary/feed"
)

func TestAHostsCertificateIsRemembered(t *testing.T) {
	c := New(Options{})
	until := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	shown := func(until time.Time) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{NotBefore: until.AddDate(0, -3, 0), NotAfter: until}}}
	}
	c.shown.note("gazette.example", shown(until))
	c.shown.note("gazette.example", nil) // an answer without TLS says nothing
	if got := c.Certificate("gazette.example"); !got.Until.Equal(until) || got.Host != "gazette.example" {
		t.Errorf("it is %+v", got)
	}
	c.shown.note("gazette.example", shown(until.AddDate(0, 2, 0)))
	if got := c.Certificate("gazette.example"); !got.Until.Equal(until.AddDate(0, 2, 0)) {
		t.Errorf("once renewed it is %+v", got)
	}
	if got := c.Certificate("other.example"); got != (feed.Certificate{Host: "other.example"}) {
		t.Errorf("one that was never seen is %+v", got)
	}
}

func TestTheCertificateIsThatOfTheServer(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, rss) }))
	t.Cleanup(s.Close)
	c := client(t, Options{})
	c.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.transport.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	if r := get(t, c, s.URL); r.Kind != Fetched {
		t.Fatalf("it brought %+v", r)
	}
	if got := c.Certificate(HostOf(s.URL)); !got.Until.Equal(s.Certificate().NotAfter) || !got.From.Equal(s.Certificate().NotBefore) {
		t.Errorf("it is said to be %+v", got)
	}
}
