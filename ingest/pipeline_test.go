package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

func TestEachArticleIsPublishedOnce(t *testing.T) {
	r := newRig(t)
	r.publish("/a", rss(
		post{guid: "a1", link: "https://news.example/one", title: "One", text: prose("one"), date: "Sun, 01 Feb 2026 10:00:00 GMT"},
		post{guid: "a2", link: "https://news.example/two", title: "Two", text: prose("two"), date: "Sun, 01 Feb 2026 11:00:00 GMT"}))
	r.publish("/b", rss(
		post{guid: "b1", link: "http://www.news.example/one/?utm_source=b#top", title: "One, says B", text: "Short."},
		post{guid: "b2", link: "https://b.example/wire/2", title: "Wire: two", text: prose("two")},
		post{guid: "b3", link: "https://b.example/three", title: "Three", text: prose("three"), date: "Sun, 01 Feb 2026 09:00:00 GMT"}))
	r.declare("/a", "/b")
	report := r.ingest()
	if diff := cmp.Diff([]string{"Three", "One", "Two"}, r.titles()); diff != "" {
		t.Error(diff)
	}
	if report.Counts.Published != 3 || report.Counts.Copies != 2 {
		t.Errorf("the report says %+v", report.Counts)
	}
	if again := r.ingest(); again.Counts.Changed() || again.Counts.Unchanged != 0 {
		t.Errorf("an unchanged second run reports %+v", again.Counts)
	}
}

func TestTheSourceDeclaredFirstFoundsWhatSeveralBring(t *testing.T) {
	for round, slow := range []string{"/a", "/b", "/c"} {
		r := newRig(t)
		for _, path := range []string{"/a", "/b", "/c"} {
			r.publish(path, rss(post{guid: "1", link: "https://news.example/one", title: "One, says " + path, text: prose("one")}))
		}
		r.delay[slow] = 400 * time.Millisecond
		r.declare("/a", "/b", "/c")
		r.ingest()
		items := r.items()
		if len(items) != 1 || len(items[0].Copies) != 2 {
			t.Fatalf("round %d: %d items", round, len(items))
		}
		if items[0].Source.Slug != "a" || items[0].Entry.Title != "One, says /a" {
			t.Errorf("with %s slow, %q of %s leads", slow, items[0].Entry.Title, items[0].Source.Slug)
		}
	}
}

func TestAnUpdateKeepsIDPublishedAndPlace(t *testing.T) {
	r := newRig(t)
	first := post{guid: "1", link: "https://news.example/one", title: "One", text: prose("one"), date: "Sun, 01 Feb 2026 10:00:00 GMT"}
	r.publish("/a", rss(first))
	r.declare("/a")
	r.ingest()
	before := r.item("One")
	edited := first
	edited.title, edited.date = "One, corrected", "Mon, 02 Feb 2026 10:00:00 GMT"
	r.publish("/a", rss(edited))
	r.ingest()
	after := r.item("One, corrected")
	if after.ID != before.ID || after.Place != before.Place || !after.Published.Equal(before.Published) {
		t.Errorf("an update moved what must not move: %+v, was %+v", after, before)
	}
	if !after.Updated.After(before.Updated) {
		t.Error("updated did not move")
	}
}

func TestASourceThatChangesItsIDsBringsNothingNew(t *testing.T) {
	r := newRig(t)
	p := post{guid: "old-1", link: "https://news.example/one", title: "One", text: prose("one")}
	r.publish("/a", rss(p))
	r.declare("/a")
	r.ingest()
	before := r.item("One")
	p.guid = "https://news.example/?p=1"
	r.publish("/a", rss(p))
	r.ingest()
	if got := r.items(); len(got) != 1 || got[0].ID != before.ID {
		t.Errorf("items after the change: %v, want only %s", ids(got), before.ID)
	}
}

func TestAConstantGUIDNamesNothing(t *testing.T) {
	r := newRig(t)
	r.publish("/a", rss(
		post{guid: "0", link: "https://a.example/1", title: "One", text: "first"},
		post{guid: "0", link: "https://a.example/2", title: "Two", text: "second"}))
	r.declare("/a")
	r.ingest()
	if got := r.titles(); len(got) != 2 {
		t.Errorf("items: %q", got)
	}
}

func TestOneNoticeForAllTextsMergesNothing(t *testing.T) {
	r := newRig(t)
	notice := prose("subscriptions")
	r.publish("/a", rss(
		post{guid: "1", link: "https://a.example/1", title: "One", text: notice},
		post{guid: "2", link: "https://a.example/2", title: "Two", text: notice},
		post{guid: "3", link: "https://a.example/", title: "Three", text: "x"},
		post{guid: "4", link: "https://a.example/", title: "Four", text: "y"}))
	r.declare("/a")
	r.ingest()
	if got := r.titles(); len(got) != 4 {
		t.Errorf("items: %q", got)
	}
}

func TestAFirstImportTakesTheNewestFiftyAndHoldsTheRest(t *testing.T) {
	r := newRig(t)
	var posts []post
	for i := range 60 {
		date := time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC).Format(time.RFC1123Z)
		posts = append(posts, post{guid: fmt.Sprint(i), link: fmt.Sprintf("https://a.example/%d", i), title: fmt.Sprintf("Post %02d", i), date: date})
	}
	r.publish("/a", rss(posts...))
	r.declare("/a")
	report := r.ingest()
	if report.Counts.Published != 50 || report.Counts.Held != 10 {
		t.Fatalf("the report says %+v", report.Counts)
	}
	titles := r.titles()
	if titles[0] != "Post 10" || titles[49] != "Post 59" {
		t.Errorf("published %s to %s", titles[0], titles[49])
	}
	posts = append(posts, post{guid: "new", link: "https://a.example/new", title: "New"})
	r.publish("/a", rss(posts...))
	if again := r.ingest(); again.Counts.Published != 1 || again.Counts.Held != 0 {
		t.Errorf("afterwards the report says %+v", again.Counts)
	}
	for i := range posts {
		posts[i].guid = "other-" + posts[i].guid
	}
	r.publish("/a", rss(posts...))
	if again := r.ingest(); again.Counts.Published != 0 {
		t.Errorf("with new ids for all, the report says %+v", again.Counts)
	}
}

func TestADocumentThatBreaksOffSaysNothingOfWhatIsMissing(t *testing.T) {
	r := newRig(t)
	posts := []post{
		{guid: "1", link: "https://a.example/1", title: "One", text: prose("one")},
		{guid: "2", link: "https://a.example/2", title: "Two", text: prose("two")},
	}
	whole := rss(posts...)
	r.publish("/a", whole)
	r.declare("/a")
	r.ingest()
	r.publish("/a", whole[:strings.Index(whole, "Two")+1])
	report := r.ingest()
	if got := report.Sources[1]; got.Status != feed.StatusTruncated {
		t.Errorf("the source is %q", got.Status)
	}
	src, err := r.store.Source(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	listed, err := r.store.Listed(t.Context(), src.ID)
	if err != nil || len(listed) != 2 {
		t.Errorf("listed: %d, %v; want both", len(listed), err)
	}
}

func TestABrokenSourceStopsNobody(t *testing.T) {
	r := newRig(t)
	r.publish("/a", rss(post{guid: "1", link: "https://a.example/1", title: "One"}))
	r.publish("/html", "<!DOCTYPE html><html><body><p>Welcome</p></body></html>")
	r.publish("/junk", `{"a":1}`)
	r.declare("/a", "/down", "/html", "/junk")
	report := r.ingest()
	if report.Failed() != 3 || report.Counts.Published != 1 {
		t.Errorf("%d failed, %+v", report.Failed(), report.Counts)
	}
	for _, s := range report.Sources {
		if s.Outcome == feed.OutcomeFailed && (s.Error == "" || s.NextDue.IsZero()) {
			t.Errorf("%s failed without a word, or for ever: %+v", s.Source, s)
		}
	}
}

func TestARebuildFromTheSameInputsGivesTheSameIDs(t *testing.T) {
	r := newRig(t)
	r.write("talks.txt", talks)
	r.publish("/a", rss(
		post{guid: "1", link: "https://a.example/1", title: "One", text: prose("one"), date: "Sun, 01 Feb 2026 10:00:00 GMT"},
		post{link: "https://a.example/2", title: "Two", text: prose("two"), date: "Sun, 01 Feb 2026 11:00:00 GMT"},
		post{title: "Three", text: prose("three"), date: "Sun, 01 Feb 2026 12:00:00 GMT"}))
	r.declare("/a")
	r.ingest()
	again := newRig(t)
	again.server.Close()
	again.server = r.server
	again.later(48 * time.Hour)
	again.seeds = filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(again.seeds, os.DirFS(r.seeds)); err != nil {
		t.Fatal(err)
	}
	again.declare("/a")
	again.ingest()
	if diff := cmp.Diff(ids(r.items()), ids(again.items())); diff != "" {
		t.Error(diff)
	}
}
