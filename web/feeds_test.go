package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tributary/feed"
	"tributary/store"
)

// formats are the feed documents with their media types.
var formats = map[string]string{
	"/feed.atom":    "application/atom+xml; charset=utf-8",
	"/feed.rss":     "application/rss+xml; charset=utf-8",
	"/feed.json":    "application/feed+json; charset=utf-8",
	"/stories.atom": "application/atom+xml; charset=utf-8",
	"/stories.rss":  "application/rss+xml; charset=utf-8",
	"/stories.json": "application/feed+json; charset=utf-8",

	"/feed.atom?min_sources=2":    "application/atom+xml; charset=utf-8",
	"/stories.json?min_sources=3": "application/feed+json; charset=utf-8",
}

func TestFeedAnswersCarryWhatCachesNeed(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for path, mediaType := range formats {
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Content-Type", mediaType)
		wantField(t, a, "Cache-Control", "public, max-age=900")
		wantField(t, a, "Vary", "Accept-Encoding")
		wantField(t, a, "Content-Length", fmt.Sprint(len(a.body)))
		wantField(t, a, "X-Content-Type-Options", "nosniff")
		// When the last change, 45 minutes after noon, had certainly shown.
		wantField(t, a, "Last-Modified", "Tue, 06 Jan 2026 12:45:02 GMT")
		if tag := a.Header.Get("ETag"); !strings.HasPrefix(tag, `"`) || len(tag) < 12 {
			t.Errorf("%s: no strong ETag: %q", path, tag)
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, path := range []string{"/feed.atom", "/", "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001", "/sources", "/nowhere", "/runs/run-2"} {
		g, h := get(t, srv, path), ask(t, srv, http.MethodHead, path, "")
		if h.body != "" || h.StatusCode != g.StatusCode {
			t.Errorf("%s: HEAD gives %d with %d bytes, GET %d", path, h.StatusCode, len(h.body), g.StatusCode)
		}
		for _, name := range []string{"ETag", "Content-Type", "Content-Length", "Cache-Control"} {
			wantField(t, h, name, g.Header.Get(name))
		}
	}
}

func TestOtherMethodsAreToldWhatIsAllowed(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, c := range []struct{ method, path, allow string }{
		{"POST", "/feed.atom", "GET, HEAD, OPTIONS"},
		{"DELETE", "/", "GET, HEAD, OPTIONS"},
		{"PUT", "/runs", "GET, HEAD, OPTIONS, POST"},
		{"GET", "/api/ingest", "OPTIONS, POST"},
		{"PUT", "/api/sources/wire", "DELETE, GET, HEAD, OPTIONS, PATCH"},
	} {
		a := ask(t, srv, c.method, c.path, "")
		wantStatus(t, a, http.StatusMethodNotAllowed)
		wantField(t, a, "Allow", c.allow)
	}
	options := ask(t, srv, http.MethodOptions, "/feed.atom", "")
	wantStatus(t, options, http.StatusNoContent)
	wantField(t, options, "Allow", "GET, HEAD, OPTIONS")
}

func TestTheDocumentIsCompressedForThoseWhoWantIt(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	plain := get(t, srv, "/feed.atom")
	for accept, want := range map[string]bool{
		"gzip":                            true,
		"gzip, deflate, br, zstd":         true,
		"GZIP":                            true,
		"x-gzip":                          true,
		"br;q=1.0, gzip;q=0.8, *;q=0.1":   true,
		"*":                               true,
		"gzip;q=0.001":                    true,
		"gzip ; q=1.000":                  true,
		"":                                false,
		"identity":                        false,
		"br":                              false,
		"gzip;q=0":                        false,
		"gzip;q=0.000, *":                 false,
		"*;q=0":                           false,
		"gzip;q=0.3, identity;q=0.7":      false,
		"identity;q=0.5, *;q=0":           false,
		"gzip;q=nonsense":                 false,
		"gzip;q=1.0000":                   false,
		"gzipped":                         false,
		",, ,gzip;q=1 ,":                  true,
		"deflate, gzip;q=1.0, *;q=0.5":    true,
		"identity;q=1, gzip;q=1, br;q=.5": true,
	} {
		a := get(t, srv, "/feed.atom", "Accept-Encoding", accept)
		if got := a.Header.Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", accept, got, want)
			continue
		}
		wantField(t, a, "Vary", "Accept-Encoding")
		wantField(t, a, "Content-Length", fmt.Sprint(len(a.body)))
		if body := unzipped(t, a); body != plain.body {
			t.Errorf("Accept-Encoding %q: another text than the plain one", accept)
		}
	}
}

// unzipped is an answer's text.
func unzipped(t *testing.T, a answer) string {
	t.Helper()
	if a.Header.Get("Content-Encoding") == "" {
		return a.body
	}
	z, err := gzip.NewReader(strings.NewReader(a.body))
	must(t, err)
	b, err := io.ReadAll(z)
	must(t, err)
	return string(b)
}

func TestWhoHasTheDocumentHears304(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	first := get(t, srv, "/feed.rss")
	tag := strings.Trim(first.Header.Get("ETag"), `"`)
	if zipped := get(t, srv, "/feed.rss", "Accept-Encoding", "gzip").Header.Get("ETag"); zipped != `"`+tag+`-gzip"` {
		t.Fatalf("the compressed variant's tag is %s", zipped)
	}
	modified := first.Header.Get("Last-Modified")
	const never = "Thu, 01 Jan 1970 00:00:00 GMT"
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"its tag", []string{"If-None-Match", `"` + tag + `"`}, 304},
		{"the other variant's tag", []string{"If-None-Match", `"` + tag + `-gzip"`}, 304},
		{"the plain tag, asking for gzip", []string{"If-None-Match", `"` + tag + `"`, "Accept-Encoding", "gzip"}, 304},
		{"weakened by a proxy", []string{"If-None-Match", `W/"` + tag + `"`}, 304},
		{"weak and compressed", []string{"If-None-Match", `W/"` + tag + `-gzip"`}, 304},
		{"in a list", []string{"If-None-Match", `"one", W/"two,three" ,"` + tag + `"`}, 304},
		{"in a second field", []string{"If-None-Match", `"one"`, "If-None-Match", `"` + tag + `"`}, 304},
		{"any", []string{"If-None-Match", `*`}, 304},
		{"another tag", []string{"If-None-Match", `"else"`}, 200},
		{"another tag with our suffix", []string{"If-None-Match", `"else-gzip"`}, 200},
		{"its tag without quotes", []string{"If-None-Match", tag}, 200},
		{"an unclosed quote before it", []string{"If-None-Match", `"x, "` + tag + `"`}, 200},
		{"the date", []string{"If-Modified-Since", modified}, 304},
		{"a later date", []string{"If-Modified-Since", "Fri, 06 Jan 2040 12:45:00 GMT"}, 304},
		{"an earlier date", []string{"If-Modified-Since", never}, 200},
		{"no date", []string{"If-Modified-Since", "yesterday"}, 200},
		{"the date in the old form", []string{"If-Modified-Since", "Tuesday, 06-Jan-26 12:45:02 GMT"}, 304},
		{"another tag with the date", []string{"If-None-Match", `"else"`, "If-Modified-Since", modified}, 200},
		{"its tag with an earlier date", []string{"If-None-Match", `"` + tag + `"`, "If-Modified-Since", never}, 304},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := get(t, srv, "/feed.rss", c.header...)
			wantStatus(t, a, c.status)
			wantField(t, a, "Cache-Control", "public, max-age=900")
			wantField(t, a, "Vary", "Accept-Encoding")
			if a.Header.Get("ETag") == "" {
				t.Error("no ETag")
			}
			if c.status == 304 && (a.body != "" || a.Header.Get("Content-Type") != "") {
				t.Errorf("a 304 with %q and %d bytes", a.Header.Get("Content-Type"), len(a.body))
			}
		})
	}
}

func TestARestartChangesNoByte(t *testing.T) {
	st := sampleStore(t)
	before := newServer(t, st)
	restarted := func(now time.Time) *Server {
		return newServer(t, st, func(o *Options) { o.Now = func() time.Time { return now } })
	}
	sameDay, nextYear := restarted(noon.Add(11*time.Hour)), restarted(noon.AddDate(1, 0, 0))
	for path, after := range map[string]*Server{
		"/feed.atom": nextYear, "/feed.rss": nextYear, "/feed.json": nextYear, "/stories.atom": nextYear, "/stories.rss?min_sources=2": nextYear, "/feed.json?min_sources=2": nextYear,
		"/sources.opml": nextYear, "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004": nextYear, "/": sameDay, // which says “today”
	} {
		a, b := get(t, before, path), get(t, after, path)
		if a.body != b.body {
			t.Errorf("%s: other bytes", path)
		}
		for _, name := range []string{"ETag", "Last-Modified"} {
			wantField(t, b, name, a.Header.Get(name))
		}
	}
}

// A change that a wrong clock dated is told no date until that has come, and is
// followed by later ones.
func TestNoDateIsInTheFutureNorGoesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tributary.db")
	must(t, os.WriteFile(path, sampleFile(t), 0o600))
	ahead := time.Now().Add(time.Hour)
	dateChange(t, path, ahead)
	st := openFile(t, path)
	srv := newServer(t, st)
	before := get(t, srv, "/feed.atom", "If-Modified-Since", ahead.Add(time.Minute).UTC().Format(http.TimeFormat))
	wantStatus(t, before, http.StatusOK)
	wantField(t, before, "Last-Modified", "")
	must(t, st.Hide(t.Context(), parisID, true, noon))
	change, err := st.Change(t.Context())
	must(t, err)
	if _, err = srv.refresh(t.Context()); err != nil || change != ahead.UnixMilli()+1 {
		t.Errorf("after change %d comes %d (%v)", ahead.UnixMilli(), change, err)
	}
	after := get(t, srv, "/feed.atom", "If-None-Match", before.Header.Get("ETag"))
	wantStatus(t, after, http.StatusOK)
	wantField(t, after, "Last-Modified", "")
}

func TestAChangeIsServedAndNothingElseIsRendered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := sampleStore(t)
		srv := newServer(t, st)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { srv.Watch(ctx); close(ended) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		rendered := srv.docs.current.Load()
		tag := get(t, srv, "/feed.atom").Header.Get("ETag")

		must(t, st.Hide(t.Context(), "7c6f51c9-4d8e-5f71-90d2-8e9dacb12008", true, noon))
		time.Sleep(time.Second)
		synctest.Wait()
		if get(t, srv, "/feed.atom").Header.Get("ETag") == tag {
			t.Error("another process's change is not served after a second")
		}
		if srv.docs.current.Load() == rendered {
			t.Error("nothing was rendered")
		}

		rendered = srv.docs.current.Load()
		time.Sleep(time.Hour)
		synctest.Wait()
		if srv.docs.current.Load() != rendered {
			t.Error("rendered again without a change")
		}

		must(t, st.Hide(t.Context(), "7c6f51c9-4d8e-5f71-90d2-8e9dacb12008", false, noon))
		srv.Poke()
		synctest.Wait()
		if got := get(t, srv, "/feed.atom").Header.Get("ETag"); got != tag {
			t.Errorf("the same items again have ETag %s, before it was %s", got, tag)
		}
		stop()
		<-ended
	})
}

func TestTheFirstRequestsWaitForOneRendering(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if a := get(t, srv, "/feed.json"); a.StatusCode != http.StatusOK {
				t.Errorf("status %d", a.StatusCode)
			}
		})
	}
	wg.Wait()
	if m := get(t, srv, "/metrics").body; !strings.Contains(m, `tributary_renders_total{result="ok"} 1`+"\n") {
		t.Error("it was not rendered once")
	}
}

// failingStore is a store that can be made to fail.
type failingStore struct {
	*store.Store
	window, item error
	stories      error
	reads        atomic.Int64 // of stories
	panics       bool
}

func (s *failingStore) Stories(ctx context.Context, q store.StoryQuery) ([]feed.Story, error) {
	s.reads.Add(1)
	if s.stories != nil {
		return nil, s.stories
	}
	return s.Store.Stories(ctx, q)
}

func (s *failingStore) Window(ctx context.Context) ([]feed.Item, int64, error) {
	if s.window != nil {
		return nil, 0, s.window
	}
	return s.Store.Window(ctx)
}

func (s *failingStore) Item(ctx context.Context, id string) (feed.Item, error) {
	if s.panics {
		panic("a defect")
	}
	if s.item != nil {
		return feed.Item{}, s.item
	}
	return s.Store.Item(ctx, id)
}

func TestTheLastGoodDocumentIsServedWhateverFails(t *testing.T) {
	st := &failingStore{Store: sampleStore(t)}
	srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
	good := get(t, srv, "/feed.atom")
	wantStatus(t, good, http.StatusOK)
	wantStatus(t, get(t, srv, "/readyz"), http.StatusOK)

	st.window = errors.New("the disk is gone")
	must(t, st.Hide(t.Context(), "7c6f51c9-4d8e-5f71-90d2-8e9dacb12008", true, noon))
	if _, err := srv.refresh(t.Context()); err == nil {
		t.Fatal("the failure was not noticed")
	}
	a := get(t, srv, "/feed.atom")
	if a.StatusCode != 200 || a.body != good.body {
		t.Errorf("status %d instead of the last good document", a.StatusCode)
	}
	wantField(t, a, "Cache-Control", "public, max-age=60")
	wantField(t, a, "Last-Modified", "")
	wantStatus(t, get(t, srv, "/"), http.StatusOK)
	wantStatus(t, get(t, srv, "/healthz"), http.StatusOK)
	ready := get(t, srv, "/readyz")
	wantStatus(t, ready, http.StatusServiceUnavailable)
	if !strings.Contains(ready.body, "could not be rendered") {
		t.Errorf("/readyz says %q", ready.body)
	}

	st.window = nil
	if _, err := srv.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, get(t, srv, "/readyz"), http.StatusOK)
	if a = get(t, srv, "/feed.atom"); a.body == good.body {
		t.Error("the change is not served after recovery")
	}
	wantField(t, a, "Cache-Control", "public, max-age=900")
}

func TestWithoutAnyDocumentTheAnswerIs503(t *testing.T) {
	st := &failingStore{Store: sampleStore(t), window: errors.New("the disk is gone")}
	srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
	for _, path := range []string{"/feed.atom", "/", "/items/7c6f51c9-4d8e-5f71-90d2-8e9dacb12008", "/?before=3"} {
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusServiceUnavailable)
		wantField(t, a, "Retry-After", "30")
		if strings.Contains(a.body, "disk") {
			t.Errorf("%s tells strangers of our disk", path)
		}
	}
	wantStatus(t, get(t, srv, "/readyz"), http.StatusServiceUnavailable)
}

func TestAnEmptyFeedIsAFeed(t *testing.T) {
	srv := newServer(t, openStore(t))
	for path, mediaType := range formats {
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Content-Type", mediaType)
		wantField(t, a, "Last-Modified", "Fri, 01 Aug 2025 00:00:00 GMT")
	}
}

func TestAPanicIsOneAnswer500(t *testing.T) {
	var logged bytes.Buffer
	st := &failingStore{Store: sampleStore(t), panics: true}
	o := sampleOptions()
	o.Logger = textLogger(&logged)
	srv := New(o, st, &scheduler{st: st}, catalogue{})
	site := httptest.NewServer(srv.Handler())
	defer site.Close()
	for path, want := range map[string]string{"/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001": "<h1>Something broke", "/api/items/abcdef": `"code": "internal"`} {
		res, err := http.Get(site.URL + path)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != 500 || !strings.Contains(string(body), want) || strings.Contains(string(body), "defect") {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if !strings.Contains(logged.String(), "a defect") {
		t.Errorf("the log does not say what happened: %s", logged.String())
	}
	if m := get(t, srv, "/metrics").body; !strings.Contains(m, `tributary_http_requests_total{route="/items/{id}",status="500"} 1`) {
		t.Error("the 500 is not counted")
	}
}

func TestUnderAPathOfTheBaseURLEverythingIsThere(t *testing.T) {
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Site.BaseURL = "https://example.org/news/" })
	redirect := get(t, srv, "/news")
	wantStatus(t, redirect, http.StatusPermanentRedirect)
	wantField(t, redirect, "Location", "/news/")
	for _, prefix := range []string{"/news", ""} { // a proxy may strip it
		front := get(t, srv, prefix+"/")
		wantStatus(t, front, http.StatusOK)
		for _, want := range []string{`href="/news/feed.atom"`, `href="/news/items/`, `href="/news/assets/style.`, "https://example.org/news/feed.atom"} {
			if !strings.Contains(front.body, want) {
				t.Errorf("under %q the front page has no %s", prefix, want)
			}
		}
		if strings.Contains(front.body, `"/feed`) || strings.Contains(front.body, `"/items`) {
			t.Errorf("under %q the front page leaves the prefix", prefix)
		}
		atom := get(t, srv, prefix+"/feed.atom")
		wantStatus(t, atom, http.StatusOK)
		if !strings.Contains(atom.body, `href="https://example.org/news/feed.atom"`) {
			t.Error("rel=self is without the prefix")
		}
		for _, path := range []string{"/runs", "/sources", "/api/items", "/healthz", "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001", "/assets/" + srv.assets.hashed["style.css"]} {
			wantStatus(t, get(t, srv, prefix+path), http.StatusOK)
		}
		missing := get(t, srv, prefix+"/api/nothing")
		wantStatus(t, missing, http.StatusNotFound)
		wantField(t, missing, "Content-Type", "application/json; charset=utf-8")
	}
	run := ask(t, srv, http.MethodPost, "/news/api/ingest", "", "Authorization", "Bearer "+sampleToken)
	wantField(t, run, "Location", "/news/api/runs/run-2")
	// A prefix that is also one of our own first segments.
	awkward := newServer(t, sampleStore(t), func(o *Options) { o.Site.BaseURL = "https://example.org/api" })
	wantStatus(t, get(t, awkward, "/api/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001"), http.StatusOK)
	wantStatus(t, get(t, awkward, "/api/api/items"), http.StatusOK)
}

func FuzzConditionsAndEncodings(f *testing.F) {
	for _, seed := range []string{`"abc"`, `W/"abc-gzip", *`, `"`, `,,,`, `gzip;q=0.5, *;q=0`, "gzip;q=", `W/`, `"a,b" "c`, "\x00\xff"} {
		f.Add(seed)
	}
	d, err := newDocument([]byte(strings.Repeat("abc", 100)), docOptions{})
	must(f, err)
	f.Fuzz(func(t *testing.T, value string) {
		h := http.Header{"If-None-Match": {value}, "If-Modified-Since": {value}, "Accept-Encoding": {value}}
		acceptsGzip(h["Accept-Encoding"])
		if d.unmodified(h) && !strings.Contains(value, d.tag) && !strings.Contains(value, "*") {
			t.Errorf("%q is taken for our tag", value)
		}
	})
}
