package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tributary/ingest"
	"tributary/scheduler"
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
