package ingest_test

import (
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler"
)

func (r *rig) editor() *ingest.Editor {
	return &ingest.Editor{Store: scheduler.ForEditor(r.store), Now: r.clock}
}

// split takes the entry of a source out of an item; it gives the new item.
func (r *rig) split(item feed.Item, source string) feed.Item {
	r.t.Helper()
	id, err := r.editor().Split(r.t.Context(), item.ID, r.entryOf(item, source))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.byID(id)
}

func (r *rig) merge(a, b feed.Item) feed.Item {
	r.t.Helper()
	id, err := r.editor().Merge(r.t.Context(), a.ID, b.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.byID(id)
}

func (r *rig) byID(id string) feed.Item {
	r.t.Helper()
	item, err := r.store.Item(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return item
}

// entryOf is the entry of an item that a source brought.
func (r *rig) entryOf(item feed.Item, source string) int64 {
	r.t.Helper()
	src, err := r.store.Source(r.t.Context(), source)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range r.entries(item) {
		if e.SourceID == src.ID {
			return e.ID
		}
	}
	r.t.Fatalf("%s has no entry of %s", item.Entry.Title, source)
	return 0
}

// mill is a text that some sources carry, wheel another.
var (
	mill  = prose("the old mill") + " " + prose("its wheel")
	wheel = strings.Repeat("Sara counts turtles at Praia Grande, and has found fewer each winter since the lamps came. ", 4)
)

// carry lets a feed list a text.
func (r *rig) carry(path, title, text string) {
	at := map[string]string{"/a": "07", "/b": "08", "/c": "09"}[path]
	r.publish(path, rss(post{"1", "https://" + path[1:] + ".example/1", title, text, "Sun, 01 Mar 2026 " + at + ":00:00 GMT"}))
}

// carried gives an item of three sources' copies, led by a.
func carried(t *testing.T) (*rig, feed.Item) {
	r := newRig(t)
	r.declare("/a", "/b", "/c")
	r.carry("/a", "The mill turns", mill)
	r.carry("/b", "The mill turns again", mill+" By B.")
	r.carry("/c", "Wheel of the mill turns", mill+" By C.")
	if c := r.ingest().Counts; c.Published != 1 || c.Copies != 2 {
		t.Fatalf("the run gave %+v", c)
	}
	return r, r.only()
}

func TestASplitStaysWhateverIsIngested(t *testing.T) {
	t.Parallel()
	r, item := carried(t)
	out := r.split(item, "b")
	if out.ID == item.ID || slug(out) != "b" || out.Entry.Decision.Rule != "split" || out.Place == 0 {
		t.Fatalf("the split gave %+v", out)
	}
	if was := r.byID(item.ID); !was.Updated.Equal(item.Updated) || len(r.entries(was)) != 2 {
		t.Errorf("the other is %+v", was)
	}
	r.carry("/a", "The mill turns", mill+" Corrected.")
	r.carry("/b", "The mill turns again", mill+" By B, corrected.")
	if c := r.ingest().Counts; c.Updated != 2 || c.Copies != 0 || c.Published != 0 {
		t.Errorf("the next run gave %+v", c)
	}
	if now := r.byID(out.ID); len(r.entries(now)) != 1 || !strings.Contains(now.Entry.Content, "corrected") {
		t.Errorf("what was split off is %+v", now.Entry)
	}
}

func TestTheBestOfTheOthersLeadsWhenTheLeaderIsSplitOff(t *testing.T) {
	t.Parallel()
	r, item := carried(t)
	r.later(time.Hour)
	out := r.split(item, "a")
	left := r.byID(item.ID)
	if out.ID == item.ID || slug(out) != "a" || slug(left) != "b" {
		t.Errorf("%s leads the new item and %s the old one", slug(out), slug(left))
	}
	if !left.Updated.After(item.Updated) || !left.Published.Equal(item.Published) || left.Place != item.Place {
		t.Errorf("the item with another text is %+v, was %+v", left, item)
	}
	if back := r.merge(out, left); back.ID != item.ID || slug(back) != "b" {
		t.Errorf("merged again it is %+v", back)
	}
	if again := r.split(item, "a"); again.ID != out.ID {
		t.Errorf("split again it is %s, not %s", again.ID, out.ID)
	}
}

// apart gives two items: the older one is a's.
func apart(t *testing.T) (r *rig, older, newer feed.Item) {
	r = newRig(t)
	r.declare("/a", "/b", "/c")
	r.carry("/a", "The mill turns", mill)
	r.carry("/b", "A wheel in the water", wheel)
	r.publish("/c", rss())
	r.ingest()
	return r, r.item("The mill turns"), r.item("A wheel in the water")
}

func TestAMergeKeepsTheOlderItemWhicheverIsNamedFirst(t *testing.T) {
	t.Parallel()
	for _, swap := range []bool{false, true} {
		r, older, newer := apart(t)
		a, b := older, newer
		if swap {
			a, b = b, a
		}
		kept := r.merge(a, b)
		if kept.ID != older.ID || slug(kept) != "a" || !kept.Updated.Equal(older.Updated) || len(kept.Copies) != 1 {
			t.Errorf("kept is %+v", kept)
		}
		if gone := r.byID(newer.ID); gone.MergedID != older.ID {
			t.Errorf("the other one is %+v", gone)
		}
		r.carry("/b", "A wheel in the water", wheel+" Corrected.")
		if c := r.ingest().Counts; c.Published != 0 || c.Copies != 0 {
			t.Errorf("the next run gave %+v", c)
		}
		r.carry("/c", "Wheels in the water", wheel+" Corrected.")
		if c := r.ingest().Counts; c.Copies != 1 || r.only().ID != older.ID || !r.only().Updated.Equal(older.Updated) {
			t.Errorf("a copy of what was merged gave %+v: %q", c, r.titles())
		}
	}
}

func TestASplitAfterAMergeRevivesTheItem(t *testing.T) {
	t.Parallel()
	r, older, newer := apart(t)
	r.merge(older, newer)
	back := r.split(older, "b")
	if back.ID != newer.ID || back.Place != newer.Place || !back.Published.Equal(newer.Published) || back.MergedID != "" || !back.Withdrawn.IsZero() {
		t.Errorf("it is %+v, was %+v", back, newer)
	}
	if len(r.items()) != 2 || back.StoryRow != newer.StoryRow || back.Publishers != newer.Publishers {
		t.Errorf("live are %q; its story is %d of %d publishers, was %d of %d", r.titles(), back.StoryRow, back.Publishers, newer.StoryRow, newer.Publishers)
	}
}

func TestASplitAfterAMergeRevivesAFilesItem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare()
	r.write("mill.md", "---\ndate: 2026-02-01\n---\n# The mill turns\n\n"+mill)
	r.write("wheel.md", "---\ndate: 2026-02-02\n---\n# A wheel in the water\n\n"+wheel)
	r.ingest()
	older, newer := r.item("The mill turns"), r.item("A wheel in the water")
	r.write("wheel.md", "---\ndate: 2026-02-02\n---\n# A wheel in the water\n\n"+wheel+" Corrected.")
	r.ingest()
	r.merge(older, newer)
	id, err := r.editor().Split(t.Context(), older.ID, newer.Entry.ID)
	if err != nil || id != newer.ID {
		t.Errorf("it is %s, was %s: %v", id, newer.ID, err)
	}
}

// The entry founded an item, was taken out of it by a person, and put into
// another: out of that it must not come back to where it was taken out.
func TestASplitDoesNotUndoAnEarlierOne(t *testing.T) {
	t.Parallel()
	r, item := carried(t)
	r.publish("/c", rss(
		post{"1", "https://c.example/1", "Wheel of the mill turns", mill + " By C.", "Sun, 01 Mar 2026 09:00:00 GMT"},
		post{"2", "https://c.example/2", "Bread", prose("the bread"), "Sun, 01 Mar 2026 06:00:00 GMT"}))
	r.ingest()
	bread := r.item("Bread")
	out := r.split(item, "a")
	if kept := r.merge(bread, out); kept.ID != bread.ID {
		t.Fatalf("kept is %s", kept.Entry.Title)
	}
	if again := r.split(bread, "a"); again.ID != out.ID {
		t.Errorf("it is %s, was %s", again.ID, out.ID)
	}
	if left := r.byID(item.ID); slug(left) != "b" || len(r.entries(left)) != 2 {
		t.Errorf("the first item is led by %s", slug(left))
	}
}

// Entries of removed sources have no address to make an id of that is theirs alone.
func TestEntriesOfRemovedSourcesAreSplitIntoItemsOfTheirOwn(t *testing.T) {
	t.Parallel()
	r, item := carried(t)
	b, c := r.entryOf(item, "b"), r.entryOf(item, "c")
	r.declare("/a")
	for _, entry := range []int64{b, c} {
		if _, err := r.editor().Split(t.Context(), item.ID, entry); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(r.items()); n != 3 {
		t.Errorf("there are %d items: %q", n, r.titles())
	}
}

func TestCorrectionsThatCannotBeMadeAreRefused(t *testing.T) {
	t.Parallel()
	r, older, newer := apart(t)
	e := r.editor()
	refuse := func(what string, err error, code feed.Code, says string) {
		t.Helper()
		if feed.CodeOf(err) != code || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := e.Split(t.Context(), older.ID, older.Entry.ID)
	refuse("split of a single entry", err, feed.CodeInvalid, "nothing to split")
	_, err = e.Split(t.Context(), older.ID, newer.Entry.ID)
	refuse("split of another's entry", err, feed.CodeNotFound, "has no entry")
	_, err = e.Merge(t.Context(), older.ID, older.ID)
	refuse("merge with itself", err, feed.CodeInvalid, "the same item")
	_, err = e.Merge(t.Context(), older.ID, "00000000")
	refuse("merge with nobody", err, feed.CodeNotFound, "")
	r.merge(older, newer)
	_, err = e.Merge(t.Context(), older.ID, newer.ID)
	refuse("merge again", err, feed.CodeInvalid, "was merged into")
	_, err = e.Split(t.Context(), newer.ID, newer.Entry.ID)
	refuse("split of what was merged", err, feed.CodeInvalid, "was merged into")
	all, err := r.store.Corrections(t.Context(), 10)
	if err != nil || len(all) != 1 || all[0].Kind != "merge" || all[0].Item != older.ID || all[0].Other != newer.ID {
		t.Errorf("listed are %+v, %v", all, err)
	}
}
