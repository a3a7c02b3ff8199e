package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
)

// foresee previews a feed that the server has, by its declared source.
func (r *rig) foresee(slug string) ingest.Preview {
	r.t.Helper()
	src, err := r.store.Source(r.t.Context(), slug)
	if err != nil {
		r.t.Fatal(err)
	}
	asked := src
	asked.State.ETag, asked.State.LastModified = "", ""
	c := fetch.New(fetch.Options{AllowPrivate: true, Now: r.clock})
	defer c.Close()
	res := c.Get(r.t.Context(), asked, true)
	if res.Kind != fetch.Fetched {
		r.t.Fatal(res.Err)
	}
	v, err := ingest.Foresee(r.t.Context(), r.store, src, res, ingest.Judge{Filter: ingest.Filter{Mode: ingest.FilterOff}}, r.clock().Add(time.Minute))
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// reported is what a run did with one source.
func reported(report feed.Report, slug string) feed.Counts {
	for _, s := range report.Sources {
		if s.Source == slug {
			return s.Counts
		}
	}
	return feed.Counts{}
}

func TestAPreviewForetellsWhatARunDoes(t *testing.T) {
	r := newRig(t)
	var many []post
	for i := range 60 {
		many = append(many, post{guid: fmt.Sprint(i), link: fmt.Sprint("https://news.example/", i), title: fmt.Sprint("Story ", i),
			text: prose(fmt.Sprint(i)), date: time.Date(2026, 1, 1, i%24, i, 0, 0, time.UTC).Format(time.RFC1123Z)})
	}
	r.publish("/a", rss(many...))
	r.declare("/a", "/b")
	r.publish("/b", rss())
	check := func(stage, slug string, want feed.Counts) {
		t.Helper()
		before := r.titles()
		v := r.foresee(slug)
		if diff := cmp.Diff(want, v.Counts); diff != "" {
			t.Errorf("%s: foreseen (-want +got):\n%s", stage, diff)
		}
		if diff := cmp.Diff(before, r.titles()); diff != "" {
			t.Errorf("%s: the preview has changed something:\n%s", stage, diff)
		}
		if diff := cmp.Diff(want, reported(r.ingest(), slug)); diff != "" {
			t.Errorf("%s: done (-want +got):\n%s", stage, diff)
		}
	}
	check("the first import", "a", feed.Counts{Published: 50, Held: 10})

	other := []post{
		{guid: "x", link: "https://news.example/59?utm_source=b", title: "Story 59, says B", text: "Short."},
		{guid: "y", link: "https://b.example/y", title: "Wire", text: prose("58")},
		{guid: "z", link: "https://b.example/z", title: "Own", text: prose("z")},
		{guid: "z2", link: "https://b.example/z", title: "Own", text: prose("z")},
	}
	r.publish("/b", rss(other...))
	check("copies of others and of itself", "b", feed.Counts{Published: 1, Copies: 3})

	many[0].text, many[1].date = prose("something else"), "Fri, 02 Jan 2026 10:00:00 GMT"
	r.publish("/a", rss(append(many, post{guid: "new", link: "https://news.example/new", title: "New", text: prose("new")})...))
	v := r.foresee("a")
	r.ingest()
	if v.Counts.Published != 1 || v.Counts.Unchanged+v.Counts.Updated != 60 || v.First {
		t.Errorf("a later document: %+v", v.Counts)
	}
}

func TestAPreviewExplainsItself(t *testing.T) {
	r := newRig(t)
	r.publish("/a", rss(post{guid: "1", link: "https://news.example/one", title: "One", text: prose("one"), date: "Sun, 01 Feb 2026 10:00:00 GMT"}))
	r.declare("/a", "/b")
	r.publish("/b", rss())
	r.ingest()
	r.publish("/b", rss(
		post{guid: "1", link: "https://news.example/one", title: "One again", text: "Short."},
		post{guid: "2", link: "https://b.example/2", title: "Two", text: prose("two")}))
	v := r.foresee("b")
	if len(v.Entries) != 2 || v.Feed.Format != "rss 2.0" || v.Feed.Charset != "utf-8" {
		t.Fatalf("%d entries of %s in %s", len(v.Entries), v.Feed.Format, v.Feed.Charset)
	}
	first := v.Entries[0].Entry
	of, err := r.store.SourceByID(t.Context(), v.Entries[0].Of.SourceID)
	if err != nil || of.Slug != "a" || first.Decision.Kind != feed.CopyOf || first.Decision.Reason == "" {
		t.Errorf("%+v of %s (%v)", first.Decision, of.Slug, err)
	}
	if second := v.Entries[1].Entry; second.Decision.Kind != feed.Published || !second.Published.IsZero() || second.Title != "Two" {
		t.Errorf("%+v", second)
	}
}

func TestAPreviewOfWhatIsNoFeedIsAFailedFetch(t *testing.T) {
	page := feed.Document{URL: "https://a.example/", MediaType: "text/html", Body: []byte("<!doctype html><html><title>A page</title></html>")}
	v, err := ingest.Foresee(t.Context(), nil, feed.Source{}, fetch.Result{Kind: fetch.Fetched, Document: page}, ingest.Judge{}, time.Now())
	if err != nil || v.Result.Kind != fetch.Failed || v.Result.Failure != feed.StatusNotFeed || len(v.Result.Document.Body) == 0 {
		t.Errorf("%+v, %v", v.Result, err)
	}
}
