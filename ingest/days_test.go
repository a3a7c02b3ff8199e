package ingest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

func TestWhatASourceBringsIsCountedByDay(t *testing.T) {
	r := newRig(t)
	first, second := post{"1", "https://a.example/1", "One", prose("one"), ""}, post{"2", "https://a.example/2", "Two", prose("two"), ""}
	r.publish("/a", rss(first))
	r.publish("/b", rss(first))
	r.declare("/a", "/b")
	r.ingest()
	r.publish("/a", rss(first, second))
	r.ingest()
	r.later(24 * time.Hour)
	r.publish("/a", "")
	r.ingest()
	a, err := r.store.Source(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.store.SourceDays(t.Context(), a.ID, r.clock().AddDate(0, 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	want := []feed.SourceDay{{SourceID: a.ID, Day: day, Published: 2, Fetched: 2}, {SourceID: a.ID, Day: day.AddDate(0, 0, 1), Failed: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	all, err := r.store.SourceDays(t.Context(), 0, day)
	if err != nil {
		t.Fatal(err)
	}
	copies := 0
	for _, d := range all {
		copies += d.Copies
	}
	if copies != 1 {
		t.Errorf("%d copies, want the other source's one", copies)
	}
}
