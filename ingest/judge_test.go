package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/topic"
	"tributary/scheduler"
	"tributary/store"
)

// topicRig has two seeds about a ferry and a feed of general news, some of it
// about the ferry.
func topicRig(t *testing.T) *rig {
	r := newRig(t)
	r.filter.Mode = ingest.FilterLearned
	for name, text := range map[string]string{
		"one.txt": "Ferry Santa Lucia runs aground off Calvera\n\nThe ferry Santa Lucia ran aground off Calvera with 212 people on board. The coast guard of Calvera towed the Santa Lucia into port.",
		"two.txt": "Inquiry into the Santa Lucia begins in Calvera\n\nA court in Calvera heard the captain of the Santa Lucia. The ferry's owner says the chart was wrong. Calvera wants the Santa Lucia scrapped.",
	} {
		if err := os.WriteFile(filepath.Join(r.seeds, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	posts := []post{{guid: "ferry", link: "https://news.example/ferry", title: "Owner of ferry Santa Lucia fined in Calvera", text: "The Santa Lucia must not leave Calvera."}}
	for i := range 60 {
		posts = append(posts, post{guid: fmt.Sprint(i), link: fmt.Sprint("https://news.example/", i), title: fmt.Sprint("Other news ", i), text: prose(fmt.Sprint(i))})
	}
	r.publish("/a", rss(posts...))
	r.declare("/a")
	return r
}

func TestTheSeedsSayWhatIsPublished(t *testing.T) {
	r := topicRig(t)
	report := r.ingest()
	if titles := r.titles(); len(titles) != 3 {
		t.Errorf("published are %q, want the seeds and what is of their subject", titles)
	}
	if report.Counts.Held != 60 {
		t.Errorf("%d held, want 60", report.Counts.Held)
	}
}

func TestTheFirstRunIsJudgedByWhatItBrought(t *testing.T) {
	r := topicRig(t)
	r.ingest()
	judge, err := ingest.Learned(t.Context(), r.store, r.filter)
	if err != nil || judge.Version != 2 || judge.Profile.Background.Entries == 0 {
		t.Fatalf("version %d, %v: it should have been learned again when there was something to count", judge.Version, err)
	}
	editor := ingest.Editor{Store: scheduler.ForEditor(r.store), Now: r.clock}
	changes, err := editor.Replay(t.Context(), judge, r.clock().AddDate(0, 0, -1))
	if err != nil || len(changes) != 0 {
		t.Errorf("%d entries stand where the profile does not put them (%v)", len(changes), err)
	}
}

// A source that brings little else than the topic makes the topic common in what the
// first run has to count: some of what was let in is taken out again, and the report says so.
func TestTheReportOfTheFirstRunSaysWhatCameOfTheSecondLook(t *testing.T) {
	r := topicRig(t)
	var posts []post
	for i := range 90 {
		p := post{guid: fmt.Sprint(i), link: fmt.Sprint("https://news.example/", i), title: fmt.Sprint("Other news ", i), text: prose(fmt.Sprint(i))}
		if i%3 > 0 {
			p.title, p.text = fmt.Sprintf("Santa Lucia, day %d", i), "In Calvera: "+p.text
		}
		posts = append(posts, p)
	}
	r.publish("/a", rss(posts...))
	report := r.ingest()
	n, err := r.store.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Counts.Published != n.Items || report.Counts.Held != n.Held {
		t.Errorf("%d published and %d held are reported, %d and %d are there", report.Counts.Published, report.Counts.Held, n.Items, n.Held)
	}
	news, err := r.store.Source(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	days, err := r.store.SourceDays(t.Context(), news.ID, r.clock().AddDate(0, 0, -2))
	if err != nil {
		t.Fatal(err)
	}
	var counted feed.SourceDay
	for _, d := range days {
		counted.Add(d)
	}
	if counted.Published != n.Items-2 || counted.Held != n.Held {
		t.Errorf("%d published and %d held are counted by day, %d and %d are there", counted.Published, counted.Held, n.Items-2, n.Held)
	}
}

func TestWhatAPersonSaysStands(t *testing.T) {
	r := topicRig(t)
	r.ingest()
	held, err := r.store.Held(t.Context(), 1)
	if err != nil || len(held) != 1 {
		t.Fatal(len(held), err)
	}
	editor := ingest.Editor{Store: scheduler.ForEditor(r.store), Now: r.clock}
	if _, err := editor.Accept(t.Context(), held[0].ID); err != nil {
		t.Fatal(err)
	}
	r.ingest()
	if n := len(r.titles()); n != 4 {
		t.Errorf("%d items after one was accepted, want 4", n)
	}
	if _, err := editor.Undo(t.Context(), held[0].ID); err != nil {
		t.Fatal(err)
	}
	if n := len(r.titles()); n != 3 {
		t.Errorf("%d items after that was taken back, want 3", n)
	}
	if _, err := editor.Undo(t.Context(), held[0].ID); err == nil {
		t.Error("there is nothing more to undo, and nobody says so")
	}
}

// unreadSeeds takes the seeds of a topicRig away, as if they were not mounted yet.
func unreadSeeds(t *testing.T, r *rig) (mount func()) {
	r.filter.Seeds = true
	away := r.seeds + ".away"
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(r.seeds, away)
	return func() { move(away, r.seeds) }
}

func TestWhatComesBeforeTheSeedsCanBeReadWaitsForThem(t *testing.T) {
	r := topicRig(t)
	mount := unreadSeeds(t, r)
	if report := r.ingest(); report.Counts.Held != 61 || len(r.titles()) != 0 {
		t.Fatalf("%d held, published are %q: all is to wait", report.Counts.Held, r.titles())
	}
	held := r.doubtful()
	if len(held) != 61 || !strings.HasPrefix(held[0].Entry.Decision.Reason, "The seeds in "+r.seeds+" could not be read: ") ||
		!strings.HasSuffix(held[0].Entry.Decision.Reason, "; held until they can.") {
		t.Fatalf("%d wait: %+v", len(held), held[:1])
	}
	judge, err := ingest.Learned(t.Context(), scheduler.ForPipeline(r.store), r.filter)
	if err != nil {
		t.Fatal(err)
	}
	editor := ingest.Editor{Store: scheduler.ForEditor(r.store), Now: r.clock}
	if changes, err := editor.Replay(t.Context(), judge, time.Time{}); err != nil || len(changes) != 0 {
		t.Errorf("a replay would let in %d while no seed can be read (%v)", len(changes), err)
	}

	mount()
	r.ingest()
	if titles := r.titles(); len(titles) != 3 || !slices.Contains(titles, "Owner of ferry Santa Lucia fined in Calvera") {
		t.Errorf("published are %q, want the seeds and what is of their subject", titles)
	}
	for _, h := range r.doubtful() {
		if h.Score.Profile == 0 {
			t.Errorf("%s still waits for the seeds", h.Entry.Title)
		}
	}
}

func TestAllThatIsOnTopicComesInOnceTheSeedsCanBeRead(t *testing.T) {
	r := topicRig(t)
	var posts []post
	for i := range 300 {
		posts = append(posts, post{guid: fmt.Sprint("o", i), link: fmt.Sprint("https://news.example/o", i), title: fmt.Sprint("Other news ", i), text: prose(fmt.Sprint("o", i))})
	}
	for i := range 60 { // more than are let in at once elsewhere
		posts = append(posts, post{guid: fmt.Sprint(i), link: fmt.Sprint("https://news.example/", i), title: fmt.Sprint("Ferry Santa Lucia in Calvera, day ", i),
			text: "The Santa Lucia of Calvera. " + prose(fmt.Sprint(i))})
	}
	r.publish("/a", rss(posts...))
	mount := unreadSeeds(t, r)
	r.ingest()
	mount()
	r.ingest()
	titles := r.titles()
	if len(titles) != 62 {
		t.Errorf("%d are published, want the seeds and the 60 on the ferry", len(titles))
	}
}

func TestRulesDecideAlsoWhileTheSeedsCannotBeRead(t *testing.T) {
	r := topicRig(t)
	var err error
	if r.filter.Rules, err = topic.ParseRules([]string{"ferry"}, []string{"title:other 7"}, nil); err != nil {
		t.Fatal(err)
	}
	r.publish("/a", rss(
		post{guid: "1", link: "https://news.example/1", title: "A ferry", text: "It leaves."},
		post{guid: "2", link: "https://news.example/2", title: "Other 7", text: "It stays."},
		post{guid: "3", link: "https://news.example/3", title: "Other 8", text: "It waits."}))
	unreadSeeds(t, r)
	r.ingest()
	titles, waiting := r.titles(), r.doubtful()
	if len(titles) != 1 || titles[0] != "A ferry" || len(waiting) != 1 || waiting[0].Entry.Title != "Other 8" {
		t.Errorf("published are %q, and %d wait", titles, len(waiting))
	}
}

func TestWithoutSeedsAllIsPublished(t *testing.T) {
	for name, seeds := range map[string]bool{"the folder is empty": true, "there is no folder, and nobody named one": false} {
		r := topicRig(t)
		unreadSeeds(t, r)
		r.filter.Seeds = seeds
		if seeds {
			if err := os.Mkdir(r.seeds, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if report := r.ingest(); report.Counts.Published != 50 {
			t.Errorf("%s: %d published, want the first 50", name, report.Counts.Published)
		}
	}
}

func TestAPublishedEntryKeepsTheScoreThatLetItIn(t *testing.T) {
	r := topicRig(t)
	r.ingest()
	item := r.item("Owner of ferry Santa Lucia fined in Calvera")
	before, err := r.store.EntryByID(t.Context(), item.Entry.ID)
	if err != nil || before.Score.Value < 0.5 {
		t.Fatal(before.Score, err)
	}
	r.publish("/a", rss(post{guid: "ferry", link: "https://news.example/ferry", title: "Recipes", text: "Leek, lentil and barley."}))
	r.ingest()
	after, err := r.store.EntryByID(t.Context(), item.Entry.ID)
	if err != nil || after.Entry.Title != "Recipes" || after.Score != before.Score || after.Entry.Decision.Kind != feed.Published {
		t.Fatalf("%+v %v", after, err)
	}
	judge, err := ingest.Learned(t.Context(), scheduler.ForPipeline(r.store), r.filter)
	if err != nil {
		t.Fatal(err)
	}
	if now, changes := judge.Again(after); !changes || now.In || now.Opinion.Score.Value >= 0.5 {
		t.Errorf("asked again it is %+v", now.Opinion)
	}
}

// doubtful is what is held for a person to look over.
func (r *rig) doubtful() []feed.HeldEntry {
	r.t.Helper()
	held, err := r.store.HeldEntries(r.t.Context(), store.HeldQuery{Rules: []string{ingest.RuleDoubtful}, Limit: 1000})
	if err != nil {
		r.t.Fatal(err)
	}
	return held
}
