package web

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
)

func TestPagesAreAsDrawn(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for name, target := range map[string]string{
		"front.html":           "/",
		"item.html":            "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004",
		"item-file.html":       "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001",
		"item-private.html":    "/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002",
		"sources.html":         "/sources",
		"sources.opml":         "/sources.opml",
		"runs.html":            "/runs",
		"run.html":             "/runs/run-2",
		"run-in-progress.html": "/runs/run-3",
		"fetching.html":        "/fetching",
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, srv, target)
			wantStatus(t, a, http.StatusOK)
			golden(t, name, a.body)
		})
	}
	missing := get(t, srv, "/nowhere")
	wantStatus(t, missing, http.StatusNotFound)
	golden(t, "not-found.html", missing.body)
}

func TestNothingPrivateIsShownToStrangers(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, target := range []string{
		"/", "/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002", "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", "/sources", "/sources.opml", "/runs", "/runs/run-1", "/runs/run-2", "/fetching",
		"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/stories.rss", "/stories.json", "/feed.json?min_sources=2", "/stories.json?min_sources=2", "/metrics",
		"/api/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", "/api/corrections", "/api/runs", "/api/runs/run-1", "/api/runs/run-2", "/api/items", "/api/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002", "/api/sources",
	} {
		a := get(t, srv, target)
		wantStatus(t, a, http.StatusOK)
		for _, secret := range []string{"Secret Letter", "letter.example/members/feed", "letter.example/members/57", "Paid Paper", "hunter2", "/srv/tributary", sampleToken} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s shows %q", target, secret)
			}
		}
	}
	for _, target := range []string{"/api/sources/letter", "/api/sources/paid"} {
		wantStatus(t, get(t, srv, target), http.StatusNotFound)
	}
}

func TestASourceWithHeadersIsShownToNobodyAndItsHeadersNowhere(t *testing.T) {
	st := openStore(t)
	sources := addSources(t, st, []feed.Source{
		{Slug: "keyed", Kind: feed.KindFeed, URL: "https://keyed.example/feed", Name: "Keyed News", Enabled: true,
			Headers: map[string]string{"X-Api-Key": "hunter2"}},
		{Slug: "login", Kind: feed.KindFeed, URL: "https://hunter3@login.example/feed", Name: "Login News", Enabled: true},
	})
	var items []sampleItem
	for slug := range sources {
		items = append(items, sampleItem{id: "00000000-0000-5000-8000-" + slug + "0000000", source: slug,
			entry: feed.Entry{Title: "Told by " + slug, URL: "https://" + slug + ".example/1", Published: noon}})
	}
	addItems(t, st, sources, items)
	srv := newServer(t, st)
	for _, target := range []string{"/", "/sources", "/sources.opml", "/feed.atom", "/feed.rss", "/feed.json", "/api/items", "/api/sources", "/metrics"} {
		for _, header := range [][]string{nil, {"Authorization", "Bearer " + sampleToken}} {
			a := get(t, srv, target, header...)
			wantStatus(t, a, http.StatusOK)
			for _, secret := range []string{"hunter", "X-Api-Key"} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%s shows %q", target, secret)
				}
			}
			if header == nil && (strings.Contains(a.body, "Keyed News") || strings.Contains(a.body, "Login News")) {
				t.Errorf("%s names a source that has secrets", target)
			}
		}
	}
	a := get(t, srv, "/api/sources", "Authorization", "Bearer "+sampleToken)
	if !strings.Contains(a.body, "Keyed News") || !strings.Contains(a.body, "https://xxxxx@login.example/feed") {
		t.Errorf("who has the token is not told: %s", a.body)
	}
}

func TestAnItemThatIsNotShownIsGoneOrUnknown(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	const id = "/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a5001"
	wantStatus(t, get(t, srv, id), http.StatusOK)
	item, err := st.Item(t.Context(), id[len("/items/"):])
	must(t, err)
	refresh := func() {
		t.Helper()
		_, err := srv.refresh(t.Context())
		must(t, err)
	}

	must(t, st.Write(t.Context(), func(tx *store.Tx) error { return tx.Withdraw(t.Context(), item.RowID, noon) }))
	refresh()
	gone := get(t, srv, id)
	wantStatus(t, gone, http.StatusGone)
	if !strings.Contains(gone.body, "withdrawn") || !strings.Contains(gone.body, `href="/"`) {
		t.Errorf("the page does not say so or leads nowhere:\n%s", gone.body)
	}
	must(t, st.Write(t.Context(), func(tx *store.Tx) error { return tx.Restore(t.Context(), item.RowID) }))
	refresh()
	wantStatus(t, get(t, srv, id), http.StatusOK)
	must(t, st.Hide(t.Context(), item.ID, true, noon))
	refresh()
	wantStatus(t, get(t, srv, id), http.StatusGone)

	for _, unknown := range []string{
		"/items/0b9f8a52-7c1d-5e0a-8f6b-1d2c3b4a9999", "/items/0b9f8a52", "/items/0B9F8A52-7C1D-5E0A-8F6B-1D2C3B4A5001",
		"/items/..%2f..%2fetc%2fpasswd", "/items/%00", "/items/'; drop table item", "/items/x/y", "/items/",
	} {
		a := get(t, srv, strings.ReplaceAll(unknown, " ", "%20"))
		wantStatus(t, a, http.StatusNotFound)
		if !strings.Contains(a.body, `href="/">To the newest items</a>`) {
			t.Errorf("%s: no way back", unknown)
		}
	}
}

func TestAnItemThatWaitsIsNotShownYet(t *testing.T) {
	st := sampleStore(t)
	const id = "8d7062da-5e9f-5082-91e3-9faebdc23009"
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		item := feed.Item{ID: id, Published: noon, Updated: noon}
		if err := tx.InsertItem(t.Context(), &item, "run"); err != nil {
			return err
		}
		return tx.InsertEntry(t.Context(), &feed.Entry{SourceID: 1, ItemID: item.RowID, Title: "Early", FirstSeen: noon, Decision: feed.Decision{Kind: feed.Published}})
	}))
	srv := newServer(t, st)
	wantStatus(t, get(t, srv, "/items/"+id), http.StatusNotFound)
	wantStatus(t, get(t, srv, "/api/items/"+id), http.StatusNotFound)
}

func TestAnItemPageFollowsItsItem(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	const path = "/items/7c6f51c9-4d8e-5f71-90d2-8e9dacb12008"
	before := get(t, srv, path)
	wantField(t, before, "Cache-Control", "public, no-cache")
	wantStatus(t, get(t, srv, path, "If-None-Match", before.Header.Get("ETag")), http.StatusNotModified)
	touch(t, st, path[len("/items/"):], noon.Add(3*time.Hour))
	_, err := srv.refresh(t.Context())
	must(t, err)
	after := get(t, srv, path, "If-None-Match", before.Header.Get("ETag"))
	wantStatus(t, after, http.StatusOK)
	if !strings.Contains(after.body, `updated <time datetime="2026-01-06T15:00:00Z">`) {
		t.Error("the page does not tell of the update")
	}
}

func TestOlderItemsAreOnPagesOfTheirOwn(t *testing.T) {
	st := openStore(t)
	sources := addSources(t, st, sampleSources()[:1])
	var items []sampleItem
	for i := range 120 {
		items = append(items, sampleItem{
			id: fmt.Sprintf("00000000-0000-5000-8000-%012d", i), source: feed.SeedsSlug,
			entry: feed.Entry{Title: fmt.Sprint("Item ", i), Published: noon.Add(time.Duration(i) * time.Minute), PublishedFrom: "feed"},
		})
	}
	addItems(t, st, sources, items)
	srv := newServer(t, st)
	seen, path := map[string]bool{}, "/"
	for pages := 0; path != ""; pages++ {
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusOK)
		for _, part := range strings.Split(a.body, `href="/items/`)[1:] {
			id := part[:36]
			if seen[id] {
				t.Fatalf("%s is shown twice", id)
			}
			seen[id] = true
		}
		_, rest, more := strings.Cut(a.body, `<a href="/?before=`)
		path, _, _ = strings.Cut("/?before="+rest, `"`)
		if !more {
			path = ""
		}
		if pages > 5 {
			t.Fatal("the pages never end")
		}
	}
	if len(seen) != len(items) {
		t.Errorf("%d items on the pages, of %d", len(seen), len(items))
	}
	for target, status := range map[string]int{"/?before=x": 400, "/?before=-1": 400, "/?before=1": 404, "/?before=": 200, "/?utm_source=x": 200} {
		wantStatus(t, get(t, srv, target), status)
	}
}

func TestTheEmptyFrontPageSaysWhatComesNext(t *testing.T) {
	st := openStore(t)
	nothing := get(t, newServer(t, st), "/")
	if !strings.Contains(nothing.body, "tributary source add") {
		t.Error("without sources it does not say how to add one")
	}
	addSources(t, st, sampleSources())
	srv := newServer(t, st)
	waiting := get(t, srv, "/")
	for _, want := range []string{"6 January 2026, 12:15 UTC", "1 source fails", `href="/sources"`, `href="/runs"`} {
		if !strings.Contains(waiting.body, want) {
			t.Errorf("while waiting it does not say %q", want)
		}
	}
	running := New(sampleOptions(), st, &scheduler{st: st, running: true}, catalogue{})
	if !strings.Contains(get(t, running, "/").body, "under way") {
		t.Error("it does not say that a run is under way")
	}
}

func TestPagesMayLoadNothingForeign(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for path, img := range map[string]string{
		"/": "img-src 'self';", "/sources": "img-src 'self';", "/runs": "img-src 'self';", "/runs/run-2": "img-src 'self';", "/nowhere": "img-src 'self';",
		"/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004": "img-src 'self' https: http: data:; media-src https:;",
	} {
		a := get(t, srv, path)
		csp := a.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self';", img, "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q is without %q", path, csp, want)
			}
		}
		wantField(t, a, "X-Content-Type-Options", "nosniff")
		wantField(t, a, "Referrer-Policy", "same-origin")
	}
}

func TestPagesAreWellFormed(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, path := range []string{"/", "/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", "/sources", "/runs", "/runs/run-2", "/runs/run-3", "/topic", "/held", "/fetching", "/nowhere"} {
		d := xml.NewDecoder(strings.NewReader(get(t, srv, path).body))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		var open []string
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			must(t, err)
			switch e := token.(type) {
			case xml.StartElement:
				open = append(open, e.Name.Local)
			case xml.EndElement:
				if last := open[len(open)-1]; last != e.Name.Local {
					t.Fatalf("%s: </%s> closes <%s>", path, e.Name.Local, last)
				}
				open = open[:len(open)-1]
			}
		}
	}
}

func TestWhatAnAdministratorGetsIsCompressedToo(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	plain := get(t, srv, "/sources", asAdmin(srv)...)
	wantField(t, plain, "Content-Encoding", "")
	a := get(t, srv, "/sources", append(asAdmin(srv), "Accept-Encoding", "gzip")...)
	wantStatus(t, a, http.StatusOK)
	wantField(t, a, "Content-Encoding", "gzip")
	wantField(t, a, "Vary", "Accept-Encoding")
	wantField(t, a, "Content-Length", strconv.Itoa(len(a.body)))
	unzip, err := gzip.NewReader(strings.NewReader(a.body))
	must(t, err)
	body, err := io.ReadAll(unzip)
	must(t, err)
	if string(body) != plain.body {
		t.Errorf("it is another page:\n%s", body)
	}
}

func TestAssetsMayBeKeptForEver(t *testing.T) {
	srv := newServer(t, openStore(t))
	for name, mediaType := range map[string]string{"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		a := get(t, srv, "/assets/"+srv.assets.hashed[name])
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Cache-Control", "public, max-age=31536000, immutable")
		wantField(t, a, "Content-Type", mediaType)
		wantStatus(t, get(t, srv, "/assets/"+name), http.StatusNotFound)
	}
	if page := get(t, srv, "/").body; !strings.Contains(page, srv.assets.hashed["style.css"]) || strings.Contains(page, "<script>") || strings.Contains(page, "style=") {
		t.Error("the page has a script or a style of its own, or not the style sheet")
	}
}

// form sends the form on /runs.
func form(t *testing.T, srv *Server, header ...string) answer {
	t.Helper()
	return ask(t, srv, http.MethodPost, "https://guarantees.example/runs", "force=1", append(header, "Content-Type", formType)...)
}

func TestTheFormStartsARun(t *testing.T) {
	for _, origin := range [][]string{
		{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://guarantees.example"}, {},
	} {
		srv := newServer(t, sampleStore(t))
		a := form(t, srv, append(login(t, srv), origin...)...)
		wantStatus(t, a, http.StatusSeeOther)
		wantField(t, a, "Location", "/runs/run-2")
		if got := srv.runner.(*scheduler).requests; len(got) != 1 || !got[0].Force {
			t.Errorf("asked for %+v", got)
		}
	}
}

func TestTheFormOfRunsIsForWhoIsLoggedIn(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	stranger := form(t, srv, "Referer", "https://guarantees.example/runs")
	wantStatus(t, stranger, http.StatusSeeOther)
	wantField(t, stranger, "Location", "/login?next=%2Fruns")
	big := ask(t, srv, http.MethodPost, "/runs", "force="+strings.Repeat("x", formBytes), append(login(t, srv), "Content-Type", formType)...)
	wantStatus(t, big, http.StatusBadRequest)
	if got := srv.runner.(*scheduler).requests; len(got) != 0 {
		t.Errorf("something was started: %+v", got)
	}
	if strings.Contains(get(t, srv, "/runs").body, `name="force"`) || !strings.Contains(get(t, srv, "/runs", login(t, srv)...).body, `name="force"`) {
		t.Error("strangers are shown the form, or administrators are not")
	}
}

func TestThePageOfARunInProgressRenewsItself(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	if !strings.Contains(get(t, srv, "/runs/run-3").body, `http-equiv="refresh"`) {
		t.Error("it does not")
	}
	if strings.Contains(get(t, srv, "/runs/run-2").body, `http-equiv="refresh"`) {
		t.Error("that of a finished one does too")
	}
	wantStatus(t, get(t, srv, "/runs/none"), http.StatusNotFound)
}

func TestManySourcesComeInPages(t *testing.T) {
	st := openStore(t)
	var sources []feed.Source
	for i := range sourcesShown + 5 {
		sources = append(sources, feed.Source{Slug: fmt.Sprint("s", i), Kind: feed.KindFeed, URL: fmt.Sprintf("https://s%d.example/feed", i), Enabled: true, Origin: feed.OriginConfig})
	}
	must(t, st.SyncSources(t.Context(), feed.OriginConfig, sources, noon))
	srv := newServer(t, st)
	first, second := get(t, srv, "/sources"), get(t, srv, "/sources?page=2")
	if n := strings.Count(first.body, "<th role=\"rowheader\""); n != sourcesShown || !strings.Contains(first.body, "/sources?page=2") {
		t.Errorf("%d sources on the first page", n)
	}
	if n := strings.Count(second.body, "<th role=\"rowheader\""); n != 5 || strings.Contains(second.body, "page=3") {
		t.Errorf("%d sources on the second page", n)
	}
	for target, status := range map[string]int{"/sources?page=3": 404, "/sources?page=0": 400, "/sources?page=x": 400} {
		wantStatus(t, get(t, srv, target), status)
	}
}

func TestMetricsTellOfTheStoreAndOfRequests(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	tag := get(t, srv, "/feed.atom").Header.Get("ETag")
	get(t, srv, "/feed.atom", "If-None-Match", tag)
	get(t, srv, "/nowhere")
	m := get(t, srv, "/metrics").body
	for _, want := range []string{
		"tributary_store_up 1", "tributary_items 11", `tributary_sources{status="ok"} 5`, `tributary_sources{status="failing"} 1`, `tributary_sources{status="gone"} 0`,
		"tributary_last_run_timestamp_seconds 1.76770074e+09", `tributary_http_requests_total{route="/feed.atom",status="200"} 1`,
		`tributary_http_requests_total{route="/feed.atom",status="304"} 1`, `tributary_http_requests_total{route="other",status="404"} 1`,
		`tributary_http_request_seconds_count{route="/feed.atom"} 2`, `tributary_renders_total{result="ok"} 1`, "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(m, want+"\n") && !strings.Contains(m, want+" ") {
			t.Errorf("no %s in:\n%s", want, m)
		}
	}
}

func TestRequestsAreLoggedWithoutTheirQuery(t *testing.T) {
	var logged bytes.Buffer
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Logger, o.AccessLog = textLogger(&logged), true })
	get(t, srv, "/feed.rss?key=secret")
	line := logged.String()
	for _, want := range []string{"level=INFO", "path=/feed.rss", "status=200", "method=GET"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "secret") {
		t.Error("the query is logged")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	c := newCache(3, 20_000)
	renders := 0
	ask := func(key string, stamp int64, size int) {
		t.Helper()
		_, err := c.document(key, stamp, func() (*document, error) {
			renders++
			return newDocument(bytes.Repeat([]byte(key), size), docOptions{})
		})
		must(t, err)
	}
	for range 3 {
		ask("a", 1, 10)
	}
	ask("a", 2, 10)
	if renders != 2 {
		t.Errorf("rendered %d times, want once a stamp", renders)
	}
	for i := range 10 {
		ask(fmt.Sprint(i), 1, 1000)
		if len(c.byKey) > 3 || c.order.Len() != len(c.byKey) || c.bytes > 20_000 {
			t.Fatalf("%d documents, %d bytes", len(c.byKey), c.bytes)
		}
	}
	ask("big", 1, 30_000)
	if c.get("big", 1) != nil || c.get("9", 1) == nil {
		t.Error("a document over the whole bound drove out the others")
	}
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		c.drop(e)
	}
	if c.bytes != 0 {
		t.Errorf("%d bytes are counted of an empty cache", c.bytes)
	}
}
