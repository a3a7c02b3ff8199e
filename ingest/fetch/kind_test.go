package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"code.dny.dev/ssrf"

	"tributary/feed"
)

func asPage(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(body))
	}
}

func TestPagesTakeTheirTurnAmongFeeds(t *testing.T) {
	srv := record(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
		asPage("<p>x")(w, r)
	})
	const spacing = 30 * time.Millisecond
	c := client(t, Options{HostSpacing: spacing, UserAgent: "Tributary/1"})
	c.guard.public = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")))
	pages := c.Pages(PageOptions{Accept: "text/html", Types: []string{"text/html"}})
	begun, done := time.Now(), make(chan bool)
	for _, c := range []*Client{c, pages, pages, c} {
		go func() { get(t, c, srv.URL); done <- true }()
	}
	for range 4 {
		<-done
	}
	if d := time.Since(begun); d < 3*spacing {
		t.Errorf("four requests took %s", d)
	}
	if srv.busiest != 1 || srv.opened != 1 {
		t.Errorf("%d requests at once over %d connections", srv.busiest, srv.opened)
	}
	for _, r := range srv.seen() {
		if r.UserAgent() != "Tributary/1" || r.Referer() != "" || len(r.Cookies()) > 0 {
			t.Errorf("sent %v", r.Header)
		}
	}
}

func TestAPageThatLimitsPausesItsHostForFeedsToo(t *testing.T) {
	srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c := client(t, Options{})
	if r := get(t, c.Pages(PageOptions{}), srv.URL); r.Failure != feed.StatusLimited {
		t.Fatalf("the page came to %+v", r)
	}
	if r := get(t, c, srv.URL); r.Failure != feed.StatusLimited || r.Requests != 0 {
		t.Errorf("the feed of a host that asked to be left alone came to %+v", r)
	}
	if n := len(srv.seen()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestOnlyPagesOfTheirTypeAndSizeAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body, want string
	}{
		"a page":            {"Text/HTML; charset=x", "<p>x", ""},
		"an odd type":       {"text/html; =;", "<p>x", ""},
		"a picture":         {"image/png", "<p>x", "image/png, not a page"},
		"bytes":             {"application/octet-stream", "<p>x", "not a page"},
		"a page too long":   {"text/html", strings.Repeat("x", 5000), "larger than"},
		"packed, too long":  {"text/html+gzip", strings.Repeat("x", 1<<20), "larger than"},
		"one without words": {"text/html", "", "empty"},
	} {
		srv := record(t, func(w http.ResponseWriter, _ *http.Request) {
			kind, packed := strings.CutSuffix(c.kind, "+gzip")
			w.Header().Set("Content-Type", kind)
			if packed {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				z.Write([]byte(c.body))
				z.Close()
				return
			}
			w.Write([]byte(c.body))
		})
		pages := client(t, Options{}).Pages(PageOptions{Types: []string{"text/html"}, MaxBytes: 4096})
		r := get(t, pages, srv.URL)
		if c.want == "" && r.Err != nil || c.want != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), c.want)) {
			t.Errorf("%s: %v", name, r.Err)
		}
	}
}

func TestEachHopOfAPageIsAllowedFirst(t *testing.T) {
	srv := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			http.Redirect(w, r, "/closed/b", http.StatusFound)
			return
		}
		asPage("<p>x")(w, r)
	})
	no := errors.New("no")
	pages := client(t, Options{}).Pages(PageOptions{Allow: func(_ context.Context, u *url.URL) error {
		if strings.HasPrefix(u.Path, "/closed") {
			return no
		}
		return nil
	}})
	if r := get(t, pages, srv.URL+"/a"); r.Kind != Failed || !errors.Is(r.Err, no) {
		t.Errorf("it came to %+v", r)
	}
	if n := len(srv.seen()); n != 1 {
		t.Errorf("%d requests: what is closed was asked for", n)
	}
}
