package ingest

import (
	"context"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/story"
)

const (
	// storiesAtOnce is how many admitted items look for their stories together.
	storiesAtOnce = 256
	// nearStories is how many items an item is compared with at most.
	nearStories = 32
	// storyCrowd is how many items may have one of the marks of stories: it is
	// fewer than of texts, since each has three times as many places to look.
	storyCrowd = 32
	// keptSketches is how many items that have been read are kept, at least, for
	// those that come next.
	keptSketches = 2048
)

// admit gives the items that wait their places, and puts each into its story:
// in the order of their places, so that a story begins with its first report.
func admit(ctx context.Context, tx Tx, skipRuns []string, now time.Time) error {
	admitted, err := tx.Admit(ctx, skipRuns, now)
	if err != nil {
		return err
	}
	return tellAll(ctx, tx, admitted, now)
}

// tellAll puts admitted items into stories.
func tellAll(ctx context.Context, tx Tx, admitted []feed.Sketch, now time.Time) error {
	known, before := map[int64]*story.Item{}, map[int64]*story.Item{}
	for items := range slices.Chunk(admitted, storiesAtOnce) {
		if err := tell(ctx, tx, items, known, before, now); err != nil {
			return err
		}
		if len(known) > keptSketches {
			known, before = before, known
			clear(known)
		}
	}
	return nil
}

// marked is an item with its marks.
type marked struct {
	story.Item
	own, look []int64
}

// move is an item's way into another's story.
type move struct {
	item *story.Item
	row  int64 // of the story
	why  string
}

// telling is the work on the stories of some items. A story that is to be
// founded by item 0, 1, 2 … goes by the row -1, -2, -3 … until it has one.
type telling struct {
	tx     Tx
	now    time.Time
	items  []marked
	byMark index                 // to entry ids, or to -1, -2 … for the items themselves
	known  map[int64]*story.Item // items that were there before, by entry
	moves  []move
	marks  []feed.Mark
	near   []story.Item // the candidates of one item
}

// tell puts items into stories. known are items that were read already; it
// adds to them, also what it needs of those of before.
func tell(ctx context.Context, tx Tx, items []feed.Sketch, known, before map[int64]*story.Item, now time.Time) error {
	t := telling{tx: tx, now: now, byMark: index{}, known: known}
	for i, it := range items {
		m := marked{Item: recallSketch(it)}
		items[i].Terms = nil // thousands wait
		m.own, m.look = m.Terms.Marks(m.When)
		t.items = append(t.items, m)
	}
	if err := t.lookUp(ctx, before); err != nil {
		return err
	}
	for i := range t.items {
		t.place(i)
	}
	if err := t.found(ctx); err != nil {
		return err
	}
	if err := t.join(ctx); err != nil {
		return err
	}
	for _, m := range t.items {
		it := m.Item // without its marks
		known[it.EntryID] = &it
	}
	return tx.Mark(ctx, t.marks)
}

// lookUp finds the items that were there before and share marks.
func (t *telling) lookUp(ctx context.Context, before map[int64]*story.Item) error {
	var keys []int64
	for _, r := range t.items {
		keys = append(keys, r.look...)
	}
	if err := t.byMark.load(ctx, t.tx, keys); err != nil {
		return err
	}
	var ids []int64
	for _, r := range t.items {
		for _, id := range t.byMark.most(r.look, nearStories) {
			if it := before[id]; it != nil {
				t.known[id] = it
			}
			if t.known[id] == nil {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	found, err := t.tx.Sketches(ctx, slices.Compact(ids))
	for _, s := range found {
		known := recallSketch(s)
		t.known[s.EntryID] = &known
	}
	return err
}

// place decides which story an item belongs to, and which others belong there
// in the light of it: they were put elsewhere before it showed what they have in common.
func (t *telling) place(i int) {
	r := &t.items[i]
	var verdict story.Verdict
	if r.StoryRow == 0 { // else it has come back
		verdict = story.Decide(r.Item, t.candidates(r.look))
		r.StoryRow = -int64(i) - 1
	}
	for _, k := range t.byMark.keep(r.own, -int64(i)-1, storyCrowd) {
		t.marks = append(t.marks, feed.Mark{Key: k, EntryID: r.EntryID})
	}
	if verdict.Story != 0 {
		t.move(&r.Item, verdict.Story, verdict.Reason)
	}
	for _, id := range verdict.Bring {
		t.move(t.item(id), r.StoryRow, verdict.Reason)
	}
}

func (t *telling) move(it *story.Item, row int64, why string) {
	it.StoryRow = row
	t.moves = append(t.moves, move{it, row, why})
}

// item is the item that an entry leads, of those at hand.
func (t *telling) item(entryID int64) *story.Item {
	if i := slices.IndexFunc(t.items, func(m marked) bool { return m.EntryID == entryID }); i >= 0 {
		return &t.items[i].Item
	}
	return t.known[entryID]
}

func (t *telling) candidates(look []int64) []story.Item {
	t.near = t.near[:0]
	for _, id := range t.byMark.most(look, nearStories) {
		if id < 0 {
			t.near = append(t.near, t.items[-id-1].Item)
		} else if r, ok := t.known[id]; ok && r.StoryRow != 0 {
			t.near = append(t.near, *r)
		}
	}
	return t.near
}

// found makes the stories that have, or had for a while, items.
func (t *telling) found(ctx context.Context) error {
	needed := map[int64]bool{}
	for _, m := range t.items {
		needed[m.StoryRow] = true
	}
	for _, m := range t.moves {
		needed[m.row] = true
	}
	var founders []feed.Sketch
	at := make([]int, len(t.items))
	for i, m := range t.items {
		if needed[-int64(i)-1] {
			at[i] = len(founders)
			founders = append(founders, m.Sketch)
		}
	}
	if len(founders) == 0 {
		return nil
	}
	if err := t.tx.FoundStories(ctx, founders); err != nil {
		return err
	}
	settle := func(row *int64) {
		if *row < 0 {
			*row = founders[at[-*row-1]].StoryRow
		}
	}
	for i := range t.items {
		settle(&t.items[i].StoryRow)
	}
	for i := range t.moves {
		settle(&t.moves[i].row)
		settle(&t.moves[i].item.StoryRow)
	}
	return nil
}

// join stores who moved, in the order in which it was decided: a story that
// loses its last item is gone, and nobody can come to it any more.
func (t *telling) join(ctx context.Context) error {
	for _, m := range t.moves {
		if err := t.tx.JoinStory(ctx, m.item.ItemRow, m.row, m.why, t.now); err != nil {
			return err
		}
	}
	return nil
}

// recallSketch reads a sketch. One that is damaged is like none: its item stands alone.
func recallSketch(s feed.Sketch) story.Item {
	terms, err := story.Decode(s.Terms)
	s.Terms = nil
	if err != nil {
		return story.Item{Sketch: s}
	}
	return story.Item{Sketch: s, Terms: terms}
}

// markStory lets an entry that has come to lead an item be found by its story.
func markStory(ctx context.Context, tx Tx, s feed.Sketch) error {
	r := recallSketch(s)
	own, look := r.Terms.Marks(r.When)
	x := index{}
	if err := x.load(ctx, tx, look); err != nil {
		return err
	}
	return tx.Mark(ctx, x.marks(own, s.EntryID))
}
