package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"tributary/feed"
	"tributary/store"
)

// archiveStore is the sample and, after it, enough for three archives.
func archiveStore(t testing.TB) *store.Store {
	t.Helper()
	st := sampleStore(t)
	addReports(t, st, 0, 200)
	return st
}

// addReports publishes n items, after so many of their kind, by the source wire.
func addReports(t testing.TB, st *store.Store, after, n int) {
	t.Helper()
	wire, err := st.Source(t.Context(), "wire")
	must(t, err)
	var items []sampleItem
	for i := after; i < after+n; i++ {
		items = append(items, sampleItem{id: fmt.Sprintf("%08x-0000-5000-8000-000000000000", i+1), source: "wire", entry: feed.Entry{
			Title: fmt.Sprint("Report ", i+1), URL: fmt.Sprint("https://wire.example/reports/", i+1), Published: noon.Add(time.Duration(i) * time.Minute),
			Summary: fmt.Sprint("What was reported as number ", i+1), Content: fmt.Sprintf("<p>What was reported as number %d, in full.</p>", i+1),
			Details: feed.Details{Categories: []string{"Reports"}},
		}})
	}
	addItems(t, st, map[string]int64{"wire": wire.ID}, items)
}

// follow is what a reader sees who follows the archives from the main document:
// its address, and each document's ids. It sends a header with each request.
func follow(t *testing.T, srv *Server, path string, older func(a answer) string, header ...string) (addresses []string, documents [][]string) {
	t.Helper()
	for path != "" {
		if len(addresses) > 20 {
			t.Fatalf("it goes on and on: %v", addresses)
		}
		a := get(t, srv, path, header...)
		wantStatus(t, a, http.StatusOK)
		parsed, err := gofeed.NewParser().ParseString(a.body)
		must(t, err)
		var ids []string
		for _, i := range parsed.Items {
			ids = append(ids, i.GUID)
		}
		addresses, documents = append(addresses, path), append(documents, ids)
		path = strings.TrimPrefix(older(a), sampleBase)
	}
	return addresses, documents
}

// between is what stands between two texts for the first time; "" if it does not.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

var olderIn = map[string]func(answer) string{
	"atom": func(a answer) string { return between(a.body, `rel="prev-archive" href="`, `"`) },
	"rss":  func(a answer) string { return between(a.body, `rel="prev-archive" href="`, `"`) },
	"json": func(a answer) string { return between(a.body, `"next_url":"`, `"`) },
}

func TestWhoFollowsTheArchivesSeesEachItemOnce(t *testing.T) {
	st := archiveStore(t)
	srv := newServer(t, st)
	for _, hidden := range []bool{false, true} {
		all, err := st.Items(t.Context(), store.Query{Limit: 500})
		must(t, err)
		var want []string
		for _, it := range all {
			want = append(want, it.URN())
		}
		for ext, older := range olderIn {
			addresses, documents := follow(t, srv, "/feed."+ext, older)
			if want := []string{"/feed." + ext, "/archive/3." + ext, "/archive/2." + ext, "/archive/1." + ext}; !slices.Equal(addresses, want) {
				t.Errorf("the archives are %v, want %v", addresses, want)
			}
			if got := slices.Concat(documents...); !slices.Equal(got, want) {
				t.Errorf("%s: %d items are seen of %d, or in another order", ext, len(got), len(want))
			}
		}
		if hidden {
			break
		}
		for _, it := range all[len(all)-60:] { // all of the oldest archive, and some
			must(t, st.Hide(t.Context(), it.ID, true, noon))
		}
		if _, err := srv.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if empty := readFeed(t, srv, "/archive/1.rss"); len(empty.Items) != 0 || empty.Title != "Guarantees Watch" {
		t.Errorf("an archive without live items: %d in %q", len(empty.Items), empty.Title)
	}
}

// No number of items is awkward: least of all that with which the first archive
// would stand alone.
func TestWhoFollowsTheArchivesSeesEachItemOnceHoweverManyThereAre(t *testing.T) {
	st := openStore(t)
	addSources(t, st, sampleSources())
	srv, n := newServer(t, st), 0
	for _, c := range []struct{ items, documents int }{{0, 1}, {1, 1}, {50, 1}, {51, 1}, {100, 1}, {101, 1}, {150, 1}, {151, 3}, {200, 3}, {201, 4}, {500, 9}} {
		if c.items > n {
			addReports(t, st, n, c.items-n)
			n = c.items
		}
		_, err := srv.refresh(t.Context())
		must(t, err)
		for ext, older := range olderIn {
			addresses, documents := follow(t, srv, "/feed."+ext, older)
			got := slices.Concat(documents...)
			slices.Sort(got)
			if len(addresses) != c.documents || len(got) != n || len(slices.Compact(got)) != n {
				t.Errorf("%d items, %s: %d are seen in %v, want %d documents", n, ext, len(got), addresses, c.documents)
			}
		}
	}
}

func TestAnArchiveStandsForADayAndIsFoundAgain(t *testing.T) {
	st := archiveStore(t)
	srv, closed := newServer(t, st, withHub), newServer(t, st, func(o *Options) { o.Private = true })
	for path, mediaType := range map[string]string{"/archive/2.atom": "application/atom+xml", "/archive/2.rss": "application/rss+xml", "/archive/2.json": "application/feed+json"} {
		a := get(t, srv, path+"?utm_source=mail")
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Content-Type", mediaType+"; charset=utf-8")
		wantField(t, a, "Cache-Control", "public, max-age=86400")
		wantField(t, a, "Link", "")
		if strings.Contains(a.body, "/hub") {
			t.Errorf("%s names a hub, and never has news", path)
		}
		if _, err := srv.Topic(t.Context(), sampleBase+path); feed.CodeOf(err) != feed.CodeNotFound {
			t.Errorf("%s can be subscribed to: %v", path, err)
		}
		wantStatus(t, get(t, srv, path, "If-None-Match", a.Header.Get("ETag")), http.StatusNotModified)
		wantStatus(t, get(t, closed, path), http.StatusUnauthorized)
		must(t, st.Hide(t.Context(), "00000096-", true, noon)) // elsewhere
		must(t, st.Hide(t.Context(), "00000096-", false, noon))
		_, err := srv.refresh(t.Context())
		must(t, err)
		wantStatus(t, get(t, srv, path, "If-None-Match", a.Header.Get("ETag")), http.StatusNotModified)
	}
	first := get(t, srv, "/archive/1.atom").body
	if strings.Contains(first, "prev-archive") || !strings.Contains(first, `rel="next-archive" href="https://guarantees.example/archive/2.atom"`) ||
		!strings.Contains(first, `rel="current" href="https://guarantees.example/feed.atom"`) || strings.Contains(first, "Also covered by") {
		t.Errorf("the first archive stands elsewhere:\n%.2000s", first)
	}
	if last := get(t, srv, "/archive/3.atom").body; strings.Contains(last, "next-archive") {
		t.Error("the newest archive leads to one that is not closed")
	}
}

func TestWhatIsNoArchiveIsToldSo(t *testing.T) {
	srv := newServer(t, archiveStore(t))
	for _, name := range []string{"4.atom", "9223372036854775807.json"} {
		a := get(t, srv, "/archive/"+name)
		wantStatus(t, a, http.StatusNotFound)
		if !strings.Contains(a.body, "is in the feed itself: https://guarantees.example/feed.") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	for _, name := range []string{"0.atom", "-1.rss", "01.atom", "1", "1.", "1.xml", "1.atom.json", "x.atom", "9223372036854775808.rss", "+1.atom"} {
		wantStatus(t, get(t, srv, "/archive/"+name), http.StatusNotFound)
	}
}
