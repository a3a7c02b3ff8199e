package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"
)

// The story in the sample that several publishers carry, and those that stand alone.
const (
	borderID = "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004"
	parisID  = "7c6f51c9-4d8e-5f71-90d2-8e9dacb12008"
)

// readFeed reads a feed as a reader does.
func readFeed(t *testing.T, srv *Server, target string) *gofeed.Feed {
	t.Helper()
	a := get(t, srv, target)
	wantStatus(t, a, http.StatusOK)
	parsed, err := gofeed.NewParser().ParseString(a.body)
	must(t, err)
	return parsed
}

func titles(parsed *gofeed.Feed) []string {
	var all []string
	for _, i := range parsed.Items {
		all = append(all, i.Title)
	}
	return all
}

func TestEachStoryIsOneEntryOfItsFeed(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, path := range []string{"/stories.atom", "/stories.rss", "/stories.json"} {
		parsed := readFeed(t, srv, path)
		if len(parsed.Items) != 7 || parsed.Title != "Guarantees Watch: stories" {
			t.Errorf("%s: %d entries in %q", path, len(parsed.Items), parsed.Title)
		}
		if link := parsed.FeedLink; link != "https://guarantees.example"+path {
			t.Errorf("%s says it is at %s", path, link)
		}
		content := parsed.Items[0].Content
		for _, title := range []string{"Warsaw: Americans may be stationed", "Tusk stellt amerikanische", "Statement on reports"} {
			if strings.Count(content, title) != 1 {
				t.Errorf("%s: “%s” is not listed once in %s", path, title, content)
			}
		}
	}
}

func TestFewerSourcesThanAskedForAreLeftOut(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for target, want := range map[string][]string{
		"/feed.atom?min_sources=4": {
			"Statement on reports of foreign troops", "Tusk stellt amerikanische Soldaten an der Waffenstillstandsüberwachungslinie in Aussicht",
			"Warsaw: Americans may be stationed in Ukraine once there is peace",
			"Polish prime minister sees American soldiers on the border as part of a peace", "What members asked us about the line of contact",
		},
		"/stories.atom?min_sources=4":           {"Polish prime minister sees American soldiers on the border as part of a peace"},
		"/stories.json?min_sources=50&utm=mail": nil,
		"/feed.rss?min_sources=50":              nil,
	} {
		parsed := readFeed(t, srv, target)
		if diff := cmp.Diff(want, titles(parsed)); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
		self, _, _ := strings.Cut(target, "&")
		if link := parsed.FeedLink; link != "https://guarantees.example"+self {
			t.Errorf("%s says it is at %s", target, link)
		}
		if !strings.Contains(parsed.Title, "publishers or more)") {
			t.Errorf("%s is called %q", target, parsed.Title)
		}
	}
}

func TestOneSourceOrAnUnknownParameterIsThePlainDocument(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/stories.rss", "/stories.json"} {
		plain := get(t, srv, path)
		for _, query := range []string{"?min_sources=1", "?min_sources=", "?utm_source=mail", "?", "?min_source=3"} {
			a := get(t, srv, path+query)
			wantStatus(t, a, http.StatusOK)
			wantField(t, a, "ETag", plain.Header.Get("ETag"))
		}
	}
}

func TestABadNumberOfSourcesIsToldSo(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, path := range []string{"/feed.atom", "/feed.json", "/stories.rss"} {
		for _, bad := range []string{"0", "-1", "51", "3.5", "many", "1e1", "99999999999999999999"} {
			a := get(t, srv, path+"?min_sources="+bad)
			wantStatus(t, a, http.StatusBadRequest)
			if !strings.Contains(a.body, "it is a whole number from 1 to 50.") {
				t.Errorf("%s with %s: %s", path, bad, a.body)
			}
		}
	}
}

func TestWhoHasAVariantHears304(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, target := range []string{"/stories.rss", "/feed.atom?min_sources=2", "/stories.json?min_sources=2"} {
		first := get(t, srv, target, "Accept-Encoding", "gzip")
		wantStatus(t, first, http.StatusOK)
		if plain := get(t, srv, target); unzipped(t, first) != plain.body || first.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: the compressed form is another document", target)
		}
		for _, header := range [][]string{{"If-None-Match", first.Header.Get("ETag")}, {"If-Modified-Since", first.Header.Get("Last-Modified")}} {
			a := get(t, srv, target, header...)
			wantStatus(t, a, http.StatusNotModified)
			wantField(t, a, "Cache-Control", "public, max-age=900")
		}
		h := ask(t, srv, http.MethodHead, target, "")
		if h.body != "" || h.Header.Get("ETag") == "" {
			t.Errorf("%s: HEAD gives %d bytes and ETag %q", target, len(h.body), h.Header.Get("ETag"))
		}
	}
}

func TestAVariantIsRenderedOnceAChange(t *testing.T) {
	st := &failingStore{Store: sampleStore(t)}
	srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { get(t, srv, "/stories.atom?min_sources=2") })
	}
	wg.Wait()
	if n := st.reads.Load(); n != 1 {
		t.Errorf("the stories were read %d times for 20 requests", n)
	}
	tag := get(t, srv, "/stories.atom?min_sources=2").Header.Get("ETag")
	must(t, st.Hide(t.Context(), parisID, true, noon)) // a change, but none of these stories
	if _, err := srv.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := get(t, srv, "/stories.atom?min_sources=2")
	wantField(t, a, "ETag", tag)
	wantField(t, a, "Last-Modified", "Tue, 06 Jan 2026 12:45:02 GMT")
	if n := st.reads.Load(); n != 2 {
		t.Errorf("the stories were read %d times for two changes", n)
	}
}

func TestTheLastGoodStoriesAreServedWhateverFails(t *testing.T) {
	st := &failingStore{Store: sampleStore(t)}
	srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
	good := get(t, srv, "/stories.atom")
	st.stories = errors.New("the disk is gone")
	must(t, st.Hide(t.Context(), borderID, true, noon))
	if _, err := srv.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := get(t, srv, "/stories.atom"); a.StatusCode != 200 || a.body != good.body {
		t.Errorf("status %d instead of the last good document", a.StatusCode)
	}
	never := get(t, srv, "/stories.rss")
	wantStatus(t, never, http.StatusServiceUnavailable)
	if strings.Contains(never.body, "disk") {
		t.Error("strangers are told of our disk")
	}
	st.stories = nil
	if get(t, srv, "/stories.atom").body == good.body {
		t.Error("the change is not served after recovery")
	}
}

func TestVariantsAreBounded(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	const most = 200_000
	srv.variants.others.cache = newCache(variantsKept, most)
	get(t, srv, "/stories.atom")
	for n := 2; n <= viewShowsAll; n += 5 {
		wantStatus(t, get(t, srv, fmt.Sprint("/feed.atom?limit=", n)), http.StatusOK)
	}
	if n := srv.variants.others.bytes; n > most || n < most/2 {
		t.Errorf("%d bytes of variants are kept", n)
	}
	if srv.variants.stories.last("/stories.atom") == nil {
		t.Error("they drove out the stories")
	}
}

func TestWhatCouldNotBeMadeAnewStandsForAMinute(t *testing.T) {
	st := &failingStore{Store: archiveStore(t)}
	srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
	busy, failing := []string{"/archive/1.atom", "/feed.json?limit=5"}, "/stories.rss"
	lasts := map[string]string{}
	for _, path := range append(busy, failing) {
		lasts[path] = get(t, srv, path).Header.Get("Cache-Control")
	}
	for _, shelf := range []shelf{srv.variants.archives, srv.variants.others} {
		fill(t, shelf.turns)
	}
	st.stories = errors.New("the disk is gone")
	touch(t, st.Store, "00000001-0000-5000-8000-000000000000", noon.AddDate(0, 0, 1))
	_, err := srv.refresh(t.Context())
	must(t, err)
	for _, path := range append(busy, failing) {
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Cache-Control", "public, max-age=60")
		wantField(t, a, "Last-Modified", "") // what comes next may be of the same second
		wantStatus(t, get(t, srv, path, "If-None-Match", a.Header.Get("ETag")), http.StatusNotModified)
	}
	for _, shelf := range []shelf{srv.variants.archives, srv.variants.others} {
		empty(shelf.turns)
	}
	st.stories = nil
	for _, path := range append(busy, failing) {
		wantField(t, get(t, srv, path), "Cache-Control", lasts[path])
	}
}
