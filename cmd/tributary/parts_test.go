package main

import (
	"fmt"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
)

// What was looked at is handed over once, for a while, and takes bounded room.
func TestWhatWasLookedAtIsKeptForAWhile(t *testing.T) {
	site := newPublisher(t)
	client := fetch.New(fetch.Options{AllowPrivate: true, HostSpacing: -1})
	t.Cleanup(client.Close)
	f := &fetcher{}
	f.use(client)
	asked := func() int { return len(site.requests("/feed")) }
	get := func() {
		f.Get(t.Context(), feed.Source{URL: site.URL + "/feed", Kind: feed.KindFeed, Enabled: true}, true)
	}
	site.publish("/feed", rssOf("A", one("a1")))

	for range 3 { // looked at again and again, then added
		if _, _, err := f.validate(t.Context(), site.URL+"/feed"); err != nil {
			t.Fatal(err)
		}
	}
	get()
	if asked() != 1 {
		t.Errorf("it was asked %d times", asked())
	}
	get()
	if asked() != 2 {
		t.Error("a later run took the old document")
	}

	f.keep(site.URL+"/feed", fetch.Result{Kind: fetch.Fetched, At: time.Now().Add(-keptFor)})
	get()
	if asked() != 3 {
		t.Error("a run took what was looked at long before")
	}
	for i := range 3 * keptMost {
		f.keep(fmt.Sprint("https://s.example/", i), fetch.Result{At: time.Now()})
	}
	if len(f.kept) != keptMost {
		t.Errorf("%d are kept", len(f.kept))
	}
}
