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
	storiesAtOnce = 64
	// nearStories is how many items an item is compared with at most.
	nearStories = 64
)

// admit gives the items that wait their places, and puts each into its story:
// in the order of their places, so that a story begins with its first report.
func admit(ctx context.Context, tx Tx, skipRuns []string, now time.Time) error {
	admitted, err := tx.Admit(ctx, skipRuns, now)
	if err != nil {
		return err
	}
	for items := range slices.Chunk(admitted, storiesAtOnce) {
		if err := tell(ctx, tx, items, now); err != nil {
			return err
		}
	}
	return nil
}

// marked is an item with its marks.
type marked struct {
	story.Item
	own, look []int64
}

// telling is the work on the stories of some items.
type telling struct {
	tx      Tx
	now     time.Time
	items   []marked
	byMark  index // to entry ids, or to -1, -2 … for the items themselves
	known   map[int64]*story.Item
	pending []int // items that shall found stories
}

// tell puts items into stories.
func tell(ctx context.Context, tx Tx, items []feed.Sketch, now time.Time) error {
	t := telling{tx: tx, now: now, byMark: index{}, known: map[int64]*story.Item{}}
	for _, it := range items {
		m := marked{Item: recallSketch(it)}
		m.own, m.look = m.Terms.Marks(m.When)
		t.items = append(t.items, m)
	}
	if err := t.lookUp(ctx); err != nil {
		return err
	}
	for i := range t.items {
		if err := t.place(ctx, i); err != nil {
			return err
		}
	}
	if err := t.found(ctx); err != nil {
		return err
	}
	var marks []feed.Mark
	for _, r := range t.items {
		marks = append(marks, t.byMark.marks(r.own, r.EntryID)...)
	}
	return tx.Mark(ctx, marks)
}

// lookUp finds the items that were there before and share marks.
func (t *telling) lookUp(ctx context.Context) error {
	var keys []int64
	for _, r := range t.items {
		keys = append(keys, r.look...)
	}
	if err := t.byMark.load(ctx, t.tx, keys); err != nil {
		return err
	}
	var ids []int64
	for _, r := range t.items {
		ids = append(ids, t.byMark.most(r.look, nearStories)...)
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
// in the light of it.
func (t *telling) place(ctx context.Context, i int) error {
	r := &t.items[i]
	if r.StoryRow != 0 { // it has come back
		return nil
	}
	verdict := story.Decide(r.Item, t.candidates(r.look))
	t.byMark.add(r.own, -int64(i)-1)
	if verdict.Story == 0 {
		t.pending = append(t.pending, i)
		r.StoryRow = -int64(i) - 1 // until it has a row
		return t.bring(ctx, i, verdict)
	}
	r.StoryRow = verdict.Story
	if verdict.Story < 0 {
		first := int(-verdict.Story) - 1
		if err := t.found(ctx); err != nil {
			return err
		}
		r.StoryRow = t.items[first].StoryRow
	}
	if err := t.tx.JoinStory(ctx, r.ItemRow, r.StoryRow, verdict.Reason, t.now); err != nil {
		return err
	}
	return t.bring(ctx, i, verdict)
}

// bring moves items into the story of item i that were put elsewhere before it
// showed what they have in common.
func (t *telling) bring(ctx context.Context, i int, verdict story.Verdict) error {
	if len(verdict.Bring) == 0 {
		return nil
	}
	if err := t.found(ctx); err != nil {
		return err
	}
	for _, id := range verdict.Bring {
		moved := t.item(id)
		moved.StoryRow = t.items[i].StoryRow
		if err := t.tx.JoinStory(ctx, moved.ItemRow, moved.StoryRow, verdict.Reason, t.now); err != nil {
			return err
		}
	}
	return nil
}

// item is the item that an entry leads, of those at hand.
func (t *telling) item(entryID int64) *story.Item {
	if known, ok := t.known[entryID]; ok {
		return known
	}
	i := slices.IndexFunc(t.items, func(m marked) bool { return m.EntryID == entryID })
	return &t.items[i].Item
}

func (t *telling) candidates(look []int64) []story.Item {
	var out []story.Item
	for _, id := range t.byMark.most(look, nearStories) {
		if id < 0 {
			out = append(out, t.items[-id-1].Item)
		} else if r, ok := t.known[id]; ok && r.StoryRow != 0 {
			out = append(out, *r)
		}
	}
	return out
}

// found gives the items that wait for it stories of their own.
func (t *telling) found(ctx context.Context) error {
	if len(t.pending) == 0 {
		return nil
	}
	founders := make([]feed.Sketch, len(t.pending))
	for n, i := range t.pending {
		founders[n] = t.items[i].Sketch
	}
	if err := t.tx.FoundStories(ctx, founders); err != nil {
		return err
	}
	for n, i := range t.pending {
		old := t.items[i].StoryRow
		for j := range t.items { // those who joined before it had a row
			if t.items[j].StoryRow == old {
				t.items[j].StoryRow = founders[n].StoryRow
			}
		}
	}
	t.pending = nil
	return nil
}

// recallSketch reads a sketch. One that is damaged is like none: its item stands alone.
func recallSketch(s feed.Sketch) story.Item {
	terms, err := story.Decode(s.Terms)
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
