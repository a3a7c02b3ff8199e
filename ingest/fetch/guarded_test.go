package fetch

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuardedTransportsConnectToWhatAClientWould(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, allowed := range []bool{true, false} {
		near := map[string]bool{}
		transport := Guarded(allowed, func(host string, isNear bool) { near[host] = isNear })
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(r)
		if (err == nil) != allowed {
			t.Errorf("allow_private %v: %v", allowed, err)
		}
		if err == nil {
			res.Body.Close()
			if !near[host] {
				t.Errorf("%s is not known to be near: %v", host, near)
			}
		}
		transport.CloseIdleConnections()
	}
}

func TestWhatIsReachableBeforeItsNameIsResolved(t *testing.T) {
	for _, c := range []struct {
		url                  string
		public, alsoIfNotPub bool
	}{
		{"https://example.org/push", true, true},
		{"http://localhost/", true, true}, // shows when it is connected to
		{"http://93.184.215.14:8080/", true, true},
		{"http://127.0.0.1/", false, true},
		{"http://[::1]:8080/", false, true},
		{"http://[::ffff:10.0.0.1]/", false, true},
		{"http://169.254.169.254/", false, false},
		{"ftp://example.org/", false, false},
		{"example.org", false, false},
	} {
		if got := Reachable(c.url, false) == nil; got != c.public {
			t.Errorf("%s: %v", c.url, got)
		}
		if got := Reachable(c.url, true) == nil; got != c.alsoIfNotPub {
			t.Errorf("%s with allow_private: %v", c.url, got)
		}
	}
}
