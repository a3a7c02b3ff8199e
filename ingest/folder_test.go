package ingest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

const (
	talks = "Ministers meet about a monitoring mission\n\nThe ministers of nine states met on Monday to speak about a mission along the line of contact.\n\nThey will meet again in a month.\n"
	fleet = "A minesweeper for the strait\n\nThe navy will hand over a minesweeper in spring, its commander said.\n\nA second one is to follow.\n"
)

// started is a rig whose folder holds two documents that were ingested.
func started(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.write("talks.txt", talks)
	r.write("fleet.txt", fleet)
	r.declare()
	if report := r.ingest(); report.Counts.Published != 2 || report.Failed() != 0 {
		t.Fatalf("the first run reports %+v", report)
	}
	return r
}

func TestAnEditedFileKeepsItsIDAndMovesUpdated(t *testing.T) {
	r := started(t)
	before := r.item("A minesweeper for the strait")
	r.later(time.Hour)
	r.write("fleet.txt", fleet+"\nA third one was ordered today.\n")
	report := r.ingest()
	after := r.item("A minesweeper for the strait")
	if after.ID != before.ID || !after.Published.Equal(before.Published) || after.Place != before.Place {
		t.Errorf("identity moved: %s %v %d, was %s %v %d", after.ID, after.Published, after.Place, before.ID, before.Published, before.Place)
	}
	if !after.Updated.After(before.Updated) {
		t.Errorf("updated is %v, was %v", after.Updated, before.Updated)
	}
	if !strings.Contains(after.Entry.Content, "third one") || report.Counts.Updated != 1 {
		t.Errorf("the edit did not arrive: %+v", report.Counts)
	}
}

func TestARenamedFileIsTheSameItem(t *testing.T) {
	r := started(t)
	before := r.items()
	if err := os.Mkdir(r.seeds+"/moved", 0o755); err != nil {
		t.Fatal(err)
	}
	r.rename("fleet.txt", "moved/minesweeper.txt")
	report := r.ingest()
	if diff := cmp.Diff(ids(before), ids(r.items())); diff != "" || report.Counts.Changed() {
		t.Errorf("a rename changed the items: %+v %s", report.Counts, diff)
	}
}

func TestFilesThatSwapNamesStayTheItemsTheyAre(t *testing.T) {
	r := started(t)
	before := map[string]string{}
	for _, i := range r.items() {
		before[i.Entry.Title] = i.ID
	}
	r.rename("fleet.txt", "x.tmp")
	r.rename("talks.txt", "fleet.txt")
	r.rename("x.tmp", "talks.txt")
	r.ingest()
	for title, id := range before {
		if got := r.item(title).ID; got != id {
			t.Errorf("%s is now %s, was %s", title, got, id)
		}
	}
}

func TestADeletedFileIsWithdrawnAndComesBackAsItself(t *testing.T) {
	r := started(t)
	before := r.items()
	r.remove("fleet.txt")
	if report := r.ingest(); report.Counts.Withdrawn != 1 {
		t.Errorf("the report says %+v", report.Counts)
	}
	if got := r.titles(); len(got) != 1 {
		t.Fatalf("live after the deletion: %q", got)
	}
	r.write("back.txt", fleet)
	r.ingest()
	if diff := cmp.Diff(before, r.items(), cmp.FilterPath(func(p cmp.Path) bool {
		switch p.String() { // what the file says of itself: its name and its time
		case "Entry.Identity", "Entry.Keys.Identity", "Entry.Published", "Entry.Updated", "Source.State":
			return true
		}
		return false
	}, cmp.Ignore())); diff != "" {
		t.Errorf("the item that came back differs: %s", diff)
	}
}

func TestAFolderThatIsMissingOrSuddenlyEmptyWithdrawsNothing(t *testing.T) {
	for name, harm := range map[string]func(*rig){
		"missing": func(r *rig) {
			if err := os.Rename(r.seeds, r.seeds+".away"); err != nil {
				r.t.Fatal(err)
			}
		},
		"empty": func(r *rig) { r.remove("fleet.txt"); r.remove("talks.txt") },
	} {
		t.Run(name, func(t *testing.T) {
			r := started(t)
			harm(r)
			report := r.ingest()
			if report.Failed() != 1 || report.Sources[0].Error == "" {
				t.Errorf("nobody was told: %+v", report)
			}
			if got := len(r.items()); got != 2 {
				t.Errorf("%d items are live, want both", got)
			}
		})
	}
}

func TestAnotherFolderReplacesTheItems(t *testing.T) {
	r := started(t)
	r.seeds = t.TempDir()
	r.write("new.txt", "Patrols begin in May\n\nThe first patrols begin in May, the alliance said.\n")
	r.write("kept.txt", fleet)
	kept := r.item("A minesweeper for the strait").ID
	r.declare()
	r.ingest()
	want := []string{"A minesweeper for the strait", "Patrols begin in May"}
	if diff := cmp.Diff(want, r.titles()); diff != "" {
		t.Error(diff)
	}
	if got := r.item(want[0]).ID; got != kept {
		t.Errorf("the same document in another folder became %s, was %s", got, kept)
	}
}

func TestAFeedThatCarriesASeedIsACopyOfIt(t *testing.T) {
	long := "Guarantees without a date\n\n" + prose("the guarantees") + "\n\n" + prose("the dates") + "\n"
	r := newRig(t)
	r.write("talks.txt", talks)
	r.write("long.txt", long)
	r.publish("/a", rss(post{guid: "1", link: "https://a.example/g", title: "Guarantees without a date",
		text: prose("the guarantees") + "&lt;p&gt;" + prose("the dates")}))
	r.declare("/a")
	r.ingest()
	if got := r.titles(); len(got) != 2 {
		t.Fatalf("items: %q", got)
	}
	item := r.item("Guarantees without a date")
	want := []feed.Copy{{Source: "Test", URL: "https://a.example/g", Title: "Guarantees without a date"}}
	if diff := cmp.Diff(want, item.Copies); diff != "" {
		t.Error(diff)
	}

	r.remove("long.txt")
	r.ingest()
	after := r.item("Guarantees without a date")
	if after.ID != item.ID || after.Entry.URL != "https://a.example/g" {
		t.Errorf("when the file left, its item became %s led by %q; want the copy to lead %s", after.ID, after.Entry.URL, item.ID)
	}
}

func ids(items []feed.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.ID)
	}
	return out
}
