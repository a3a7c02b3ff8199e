package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/dedupe"
)

// Editor puts right by hand what was decided. What a person decides stays: a
// known entry is not decided about again.
type Editor struct {
	Store EditorStore
	Now   func() time.Time
}

// EditorStore is what an [Editor] asks of a store.
type EditorStore interface {
	Item(ctx context.Context, id string) (feed.Item, error)
	Entries(ctx context.Context, itemRow int64) ([]feed.Entry, error)
	Sources(ctx context.Context) ([]feed.Source, error)
	Corrections(ctx context.Context, limit int) ([]feed.Correction, error)
	ScoredSince(ctx context.Context, since time.Time, before int64, limit int) ([]feed.HeldEntry, error)
	Write(ctx context.Context, do func(Tx) error) error
}

// Split takes an entry out of an item and makes an item of it; it gives that one's id.
// An entry that was an item before a merge becomes that item again.
func (c *Editor) Split(ctx context.Context, itemID string, entryID int64) (newID string, err error) {
	item, err := c.Store.Item(ctx, itemID)
	if err != nil {
		return "", err
	}
	if item.MergedID != "" {
		return "", mergedAlready(item)
	}
	entries, err := c.Store.Entries(ctx, item.RowID)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(entries, func(e feed.Entry) bool { return e.ID == entryID })
	switch {
	case i < 0:
		return "", feed.Errorf(feed.CodeNotFound, "item %s has no entry %d: `tributary item why %s` lists its entries", item.ID, entryID, item.ID)
	case len(entries) == 1:
		return "", feed.Errorf(feed.CodeInvalid, "entry %d is all that item %s stands on: there is nothing to split", entryID, item.ID)
	}
	e := entries[i]
	src, err := c.source(ctx, e.SourceID)
	if err != nil {
		return "", err
	}
	out := splitting{now: c.Now(), from: item, entry: e}
	out.item = newItem(src, &sighting{entry: e}, e.FirstSeen)
	if err = c.outside(ctx, &out, src); err != nil {
		return "", err
	}
	err = c.Store.Write(ctx, func(tx Tx) error { return out.write(ctx, tx) })
	return out.item.ID, err
}

func (c *Editor) source(ctx context.Context, id int64) (feed.Source, error) {
	all, err := c.Store.Sources(ctx)
	if err != nil {
		return feed.Source{}, err
	}
	for _, src := range all {
		if src.ID == id {
			return src, nil
		}
	}
	return feed.Source{ID: id}, nil // it was removed: its entries stay
}

// mostCorrections is how far back a merge is remembered.
const mostCorrections = 1000

// outside finds the item that the entry becomes: the one that it led before they
// were merged, with all that this brought along, or one that is new.
func (c *Editor) outside(ctx context.Context, s *splitting, src feed.Source) error {
	corrections, err := c.Store.Corrections(ctx, mostCorrections)
	if err != nil {
		return err
	}
	for _, k := range corrections {
		if k.Kind != "merge" || k.Entry != s.entry.ID {
			continue
		}
		if free, err := c.vacant(ctx, k.Other, s.from); free || err != nil {
			s.item.ID, s.along = k.Other, k.Moved
			return err
		}
	}
	seed := src.URL + "\n" + s.entry.Identity
	if src.Kind == feed.KindFolder { // ids know nothing of folders' paths
		seed = fmt.Sprintf("document\n%x", uint64(s.entry.Keys.Raw))
	}
	for {
		s.item.ID = mint(src, &sighting{seed: seed})
		if free, err := c.vacant(ctx, s.item.ID, s.from); free || err != nil {
			return err
		}
		seed += "\nsplit"
	}
}

// vacant tells whether an id is nobody's, or that of an item that was merged
// into the given one.
func (c *Editor) vacant(ctx context.Context, id string, into feed.Item) (bool, error) {
	holder, err := c.Store.Item(ctx, id)
	if feed.CodeOf(err) == feed.CodeNotFound {
		return true, nil
	}
	return err == nil && holder.MergedID == into.ID, err
}

func mergedAlready(item feed.Item) error {
	return feed.Errorf(feed.CodeInvalid, "item %s was merged into %s already: name that one", item.ID, item.MergedID)
}

// splitting is an entry on its way out of an item.
type splitting struct {
	now   time.Time
	from  feed.Item
	entry feed.Entry
	item  feed.Item // that it becomes
	along []int64   // entries that go with it, if they are still there
}

func (s *splitting) write(ctx context.Context, tx Tx) error {
	supporters, err := tx.Supporters(ctx, s.from.RowID) // a run may have changed them meanwhile
	if err != nil {
		return err
	}
	led, rest := false, []int64(nil)
	var along []int64
	for _, k := range supporters {
		switch {
		case k.EntryID == s.entry.ID:
			led = k.Decision == feed.Published
		case slices.Contains(s.along, k.EntryID):
			along = append(along, k.EntryID)
		default:
			rest = append(rest, k.EntryID)
		}
	}
	if len(supporters) == len(along)+len(rest) || len(rest) == 0 {
		return feed.Errorf(feed.CodeConflict, "the entries of item %s have changed meanwhile: look at them again", s.from.ID)
	}
	if err := tx.InsertItems(ctx, []*feed.Item{&s.item}, byHand); err != nil {
		return err
	}
	if err := tx.Unmerge(ctx, s.item.RowID); err != nil {
		return err
	}
	own := feed.Decision{Kind: feed.Published, Rule: "split", Reason: fmt.Sprintf("A person took it out of the item “%s”.", s.from.Entry.Title)}
	if err := tx.Decide(ctx, s.entry.ID, s.item.RowID, own); err != nil {
		return err
	}
	if err := tx.SetLead(ctx, s.item.RowID, s.entry.ID); err != nil {
		return err
	}
	with := feed.Decision{Kind: feed.CopyOf, Rule: "split", Reason: "It went with the entry that a person took out: they were one item before."}
	for _, id := range along {
		if err := tx.Decide(ctx, id, s.item.RowID, with); err != nil {
			return err
		}
	}
	if led {
		if err := s.succeed(ctx, tx, rest); err != nil {
			return err
		}
	}
	if err := tx.RecountItem(ctx, s.from.RowID, s.now); err != nil {
		return err
	}
	if err := tx.NoteCorrection(ctx, feed.Correction{Kind: "split", Item: s.from.ID, Other: s.item.ID, Entry: s.entry.ID, At: s.now}); err != nil {
		return err
	}
	return admitByHand(ctx, tx, s.now)
}

// byHand is the run of what a person lets in: it is admitted at once, and what
// runs under way have found waits for their ends.
const byHand = "by hand"

func admitByHand(ctx context.Context, tx Tx, now time.Time) error {
	admitted, err := tx.AdmitRun(ctx, byHand, now)
	if err != nil {
		return err
	}
	return tellAll(ctx, tx, admitted, now)
}

// succeed chooses who leads the item when its leader is taken out: the best of
// the others.
func (s *splitting) succeed(ctx context.Context, tx Tx, rest []int64) error {
	found, err := tx.Candidates(ctx, rest)
	if err != nil || len(found) == 0 {
		return err
	}
	best := comparable(found[0])
	for _, c := range found[1:] {
		if other := comparable(c); dedupe.Better(best, other) {
			best = other
		}
	}
	lead := feed.Decision{Kind: feed.Published, Rule: "took over", Reason: "The entry that led the item was taken out by a person."}
	if err := tx.Decide(ctx, best.Entry.ID, s.from.RowID, lead); err != nil {
		return err
	}
	if err := tx.SetLead(ctx, s.from.RowID, best.Entry.ID); err != nil {
		return err
	}
	return tx.TouchItem(ctx, s.from.RowID, s.now)
}

// Merge makes one item of two. The older one, by admission, stays as it is and
// gets the other's entries; its id is given.
func (c *Editor) Merge(ctx context.Context, a, b string) (kept string, err error) {
	into, err := c.Store.Item(ctx, a)
	if err != nil {
		return "", err
	}
	from, err := c.Store.Item(ctx, b)
	if err != nil {
		return "", err
	}
	for _, it := range []feed.Item{into, from} {
		switch {
		case it.MergedID != "":
			return "", mergedAlready(it)
		case !it.Withdrawn.IsZero() || it.Hidden:
			return "", feed.Errorf(feed.CodeInvalid, "item %s is not shown (it was hidden or withdrawn): bring it back first, or the article would vanish with it", it.ID)
		case it.Place == 0:
			return "", feed.Errorf(feed.CodeInvalid, "item %s still waits for the end of its run: try again when that is over", it.ID)
		}
	}
	if into.RowID == from.RowID {
		return "", feed.Errorf(feed.CodeInvalid, "%s and %s are the same item", a, b)
	}
	if from.Place < into.Place {
		into, from = from, into
	}
	now := c.Now()
	return into.ID, c.Store.Write(ctx, func(tx Tx) error {
		moved, err := tx.Supporters(ctx, from.RowID)
		if err != nil {
			return err
		}
		note := feed.Correction{Kind: "merge", Item: into.ID, Other: from.ID, Entry: from.Entry.ID, At: now}
		d := feed.Decision{Kind: feed.CopyOf, Rule: "merge", Reason: fmt.Sprintf("A person put it together with “%s”.", into.Entry.Title)}
		for _, k := range moved {
			note.Moved = append(note.Moved, k.EntryID)
			if err := tx.Decide(ctx, k.EntryID, into.RowID, d); err != nil {
				return err
			}
		}
		if err := tx.Merge(ctx, from.RowID, into.RowID, now); err != nil {
			return err
		}
		if err := tx.RecountItem(ctx, into.RowID, now); err != nil {
			return err
		}
		return tx.NoteCorrection(ctx, note)
	})
}
