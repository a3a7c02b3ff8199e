package ingest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

// withHub names a hub in a feed.
func withHub(doc, hub string) string {
	return strings.Replace(doc, "<description>d</description>", `<description>d</description><atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="`+hub+`"/>`, 1)
}

func (r *rig) source(slug string) feed.Source {
	r.t.Helper()
	src, err := r.store.Source(r.t.Context(), slug)
	if err != nil {
		r.t.Fatal(err)
	}
	return src
}

// pushed has a hub send a document for a source, a minute after the last time.
func (r *rig) pushed(slug, doc string) error {
	r.t.Helper()
	r.later(time.Minute)
	src := r.source(slug)
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	return r.sched.Push(ctx, src, feed.Document{URL: src.URL, MediaType: "application/rss+xml", Body: []byte(doc)})
}

func posted(title string) post {
	return post{guid: title, link: "https://test.example/" + title, title: title, text: strings.Repeat("The text of "+title+" is about "+title+". ", 10), date: "Sun, 01 Mar 2026 10:00:00 GMT"}
}

const someHub = "https://hub.example/"

func TestAPushedDocumentGoesTheWayOfAFetchedOne(t *testing.T) {
	r := newRig(t)
	r.declare("/a")
	r.publish("/a", withHub(rss(posted("one"), posted("two")), someHub))
	r.ingest()
	before := r.source("a")
	if want := (feed.Hub{URL: someHub, Topic: r.server.URL + "/a"}); before.State.Hub != want {
		t.Errorf("the hub is %v", before.State.Hub)
	}
	// A hub may send what is new alone: what is not in there is listed all the same.
	if err := r.pushed("a", rss(posted("three"))); err != nil {
		t.Fatal(err)
	}
	if got := r.titles(); !slices.Equal(got, []string{"one", "two", "three"}) && len(got) != 3 {
		t.Errorf("%q", got)
	}
	listed, err := r.store.Listed(t.Context(), before.ID)
	if err != nil || len(listed) != 3 {
		t.Errorf("%d are listed (%v)", len(listed), err)
	}
	after := r.source("a")
	if after.State.Fetches != before.State.Fetches || after.State.Pushed.IsZero() || after.State.Hub != before.State.Hub || after.State.LastFetch != before.State.LastFetch {
		t.Errorf("%+v", after.State)
	}
	if wait := after.State.NextDue.Sub(r.clock()); wait < 23*time.Hour || wait > 24*time.Hour {
		t.Errorf("the next poll is in %v: %s", wait, after.State.DueReason)
	}
	if runs, err := r.store.Runs(t.Context(), 1); err != nil || runs[0].Trigger != "push" || runs[0].Counts.Published != 1 {
		t.Errorf("%+v (%v)", runs, err)
	}
}

func TestWhatAHubSendsLateIsPutRightByTheNextPoll(t *testing.T) {
	r := newRig(t)
	r.declare("/a")
	old, changed := posted("one"), posted("one")
	changed.text = strings.Replace(changed.text, "about", "not about", 1)
	r.publish("/a", withHub(rss(changed), someHub))
	r.ingest()
	if err := r.pushed("a", rss(old)); err != nil {
		t.Fatal(err)
	}
	if r.source("a").State.BodyHash != 0 {
		t.Error("the poll would take its document for known")
	}
	r.ingest()
	if got := r.item("one").Entry.Content; !strings.Contains(got, "not about") {
		t.Errorf("it reads %s", got)
	}
	if err := r.pushed("a", rss(changed)); err != nil {
		t.Fatal(err)
	}
	if r.source("a").State.BodyHash == 0 {
		t.Error("a push without news made the next poll ask for the whole document")
	}
}

func TestAPushThatCannotBeReadHarmsNobody(t *testing.T) {
	r := newRig(t)
	r.declare("/a")
	r.publish("/a", withHub(rss(posted("one")), someHub))
	r.ingest()
	before := r.source("a")
	for _, doc := range []string{"<html><body>Hello</body></html>", "ping"} {
		if err := r.pushed("a", doc); err == nil {
			t.Errorf("%q was taken", doc)
		}
	}
	if after := r.source("a"); after.State.Status != feed.StatusOK || after.State.NextDue != before.State.NextDue || after.State.Error != "" || !after.State.Pushed.IsZero() {
		t.Errorf("%+v", after.State)
	}
	src := before
	src.Slug = "unknown"
	if err := r.sched.Push(t.Context(), src, feed.Document{Body: []byte(rss(posted("two")))}); err == nil {
		t.Error("a source that is gone took a document")
	}
}

func TestAPushWaitsForAPollAndIsNotLeftOut(t *testing.T) {
	r := newRig(t)
	r.declare("/a")
	r.publish("/a", withHub(rss(posted("one")), someHub))
	r.ingest()
	r.mu.Lock()
	r.delay["/a"] = 300 * time.Millisecond
	r.mu.Unlock()
	r.publish("/a", withHub(rss(posted("two"), posted("one")), someHub))
	id, err := r.sched.Trigger(t.Context(), feed.RunRequest{Trigger: "command", Force: true, Sources: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if err := r.pushed("a", rss(posted("three"), posted("two"))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sched.Wait(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := r.titles(); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

func TestAHubIsForgottenWhenItIsNotNamedAnyMore(t *testing.T) {
	r := newRig(t)
	r.declare("/a")
	r.publish("/a", withHub(rss(posted("one")), someHub))
	r.ingest()
	if err := r.pushed("a", rss(posted("two"))); err != nil {
		t.Fatal(err)
	}
	r.publish("/a", "")
	r.ingest()
	if src := r.source("a"); src.State.Hub.URL != someHub {
		t.Error("a failure is taken for a document that names no hub")
	}
	r.publish("/a", rss(posted("one")))
	r.ingest()
	if src := r.source("a"); src.State.Hub != (feed.Hub{}) || !src.State.Pushed.IsZero() {
		t.Errorf("%v, pushed %v", src.State.Hub, src.State.Pushed)
	}
}
