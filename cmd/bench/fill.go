package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/dedupe"
	"tributary/ingest/parse"
	"tributary/ingest/story"
	"tributary/ingest/words"
	"tributary/store"
)

// filler stores entries as the pipeline would have, but knows without
// comparing them which are copies of each other and which tell of one event. That makes
// a million of them a matter of minutes.
type filler struct {
	news    news
	sources []feed.Source
	items   map[int]int64 // rows by number of the entry
	stories map[int]int64 // rows by number of the event
	// crowd counts the entries of each mark, up to 64, by a hash of it.
	crowd []uint8
}

// What the pipeline lets into a mark's list at most: see ingest.
const (
	textCrowd  = 64
	storyCrowd = 32
	crowdSlots = 1 << 26
)

// fillingCommand stores the entries from one number to another.
func fillingCommand(args []string) error {
	ctx, path := context.Background(), args[0]
	from, to, err := twoNumbers(args[1:])
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Options{Path: path})
	if err != nil {
		return err
	}
	f := filler{news: news{newLanguage(newsSeed)}, items: map[int]int64{}, stories: map[int]int64{}, crowd: make([]uint8, crowdSlots)}
	return errors.Join(f.fill(ctx, st, from, to), st.Close())
}

func (f *filler) fill(ctx context.Context, st *store.Store, from, to int) error {
	for n := range newsSites {
		f.sources = append(f.sources, newsSource("feed", n))
	}
	var err error
	if f.sources, err = declare(ctx, st, feed.OriginConfig, f.sources); err != nil {
		return err
	}
	const batch = 15_000
	for ; from < to; from += batch {
		if err := f.store(ctx, st, f.readAll(from, min(from+batch, to))); err != nil {
			return err
		}
	}
	return nil
}

// filled is an entry on its way into the store.
type filled struct {
	n     int
	entry feed.Entry
	of    int // the entry that it is a copy of, or -1
	text  []int64
	terms story.Terms
	item  *feed.Item
}

// readAll makes and reads the entries from one number to another.
func (f *filler) readAll(from, to int) []filled {
	all := make([]filled, to-from)
	var workers sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := w; i < len(all); i += runtime.GOMAXPROCS(0) {
				all[i] = f.read(from + i)
			}
		})
	}
	workers.Wait()
	return all
}

func (f *filler) read(n int) filled {
	it, of := f.news.item(n, f.news.language.before(n))
	raw := feed.RawEntry{GUID: it.ID, Link: it.URL, Title: feed.Text{Value: it.Title}, Content: feed.Text{Value: it.Text},
		Published: it.Published.Format(time.RFC3339)}
	e := clean.Entry(raw, clean.Context{Now: newsNow, Date: parse.Date})
	e.SourceID, e.FirstSeen = f.sources[n%newsSites].ID, newsNow
	e.Identity = dedupe.Identity(it.ID, "", 0)
	e.Keys.Identity, e.Keys.Raw = clean.Key(e.Identity), clean.RawKey(raw)
	e.Decision = feed.Decision{Kind: feed.Published, Rule: "new", Reason: "No other entry has its id, its address or its text."}
	title, body := words.Split(e.Title), words.Split(e.Text)
	r := filled{n: n, entry: e, of: of, terms: story.Read(title, body, e.Language)}
	r.text, _ = dedupe.Read(title, body).Marks(e.When())
	return r
}

// store stores entries in one transaction.
func (f *filler) store(ctx context.Context, st *store.Store, all []filled) error {
	return st.Write(ctx, func(tx *store.Tx) error {
		if err := f.insert(ctx, tx, all); err != nil {
			return err
		}
		admitted, err := tx.Admit(ctx, nil, newsNow)
		if err != nil {
			return err
		}
		return f.tell(ctx, tx, all, admitted)
	})
}

// insert stores items, entries, and what they are found by.
func (f *filler) insert(ctx context.Context, tx *store.Tx, all []filled) error {
	var founded []*feed.Item
	for i := range all {
		r := &all[i]
		if _, known := f.items[r.of]; known {
			r.entry.Decision.Kind = feed.CopyOf
			continue
		}
		f.items[r.n] = 0 // known from here on
		id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.entry.URL)).String()
		r.item = &feed.Item{ID: id, Published: r.entry.Published, Updated: r.entry.Published}
		founded = append(founded, r.item)
	}
	if err := tx.InsertItems(ctx, founded, "fill"); err != nil {
		return err
	}
	var entries []*feed.Entry
	for i := range all {
		r := &all[i]
		if r.item != nil {
			f.items[r.n] = r.item.RowID
		} else {
			f.items[r.n] = f.items[r.of]
		}
		r.entry.ItemID = f.items[r.n]
		entries = append(entries, &r.entry)
	}
	if err := tx.InsertEntries(ctx, entries); err != nil {
		return err
	}
	var marks []feed.Mark
	var sketches []feed.Sketch
	for _, r := range all {
		marks = f.mark(marks, r.text, r.entry.ID, textCrowd)
		sketches = append(sketches, feed.Sketch{EntryID: r.entry.ID, Terms: r.terms.Encode()})
	}
	if err := tx.Mark(ctx, marks); err != nil {
		return err
	}
	return tx.SaveSketches(ctx, sketches)
}

// mark appends marks, but not those that a crowd has.
func (f *filler) mark(marks []feed.Mark, keys []int64, entry int64, most uint8) []feed.Mark {
	for _, k := range keys {
		if n := &f.crowd[(uint64(k)*0x9E3779B97F4A7C15)>>38]; *n < most {
			*n++
			marks = append(marks, feed.Mark{Key: k, EntryID: entry})
		}
	}
	return marks
}

// tell puts the items into the stories of their events.
func (f *filler) tell(ctx context.Context, tx *store.Tx, all []filled, admitted []feed.Sketch) error {
	byEntry := make(map[int64]*filled, len(all))
	for i := range all {
		byEntry[all[i].entry.ID] = &all[i]
	}
	eventOf := func(s feed.Sketch) int {
		n := byEntry[s.EntryID].n
		return f.news.language.event(n, f.news.language.before(n))
	}
	var founders, joiners []feed.Sketch
	var marks []feed.Mark
	for _, s := range admitted {
		own, _ := byEntry[s.EntryID].terms.Marks(s.When)
		marks = f.mark(marks, own, s.EntryID, storyCrowd)
		if _, known := f.stories[eventOf(s)]; known {
			joiners = append(joiners, s)
			continue
		}
		f.stories[eventOf(s)] = 0 // known from here on
		founders = append(founders, s)
	}
	for group := range slices.Chunk(founders, 1000) {
		if err := tx.FoundStories(ctx, group); err != nil {
			return err
		}
		for _, s := range group {
			f.stories[eventOf(s)] = s.StoryRow
		}
	}
	for _, s := range joiners {
		if err := tx.JoinStory(ctx, s.ItemRow, f.stories[eventOf(s)], fmt.Sprint("event ", eventOf(s)), newsNow); err != nil {
			return err
		}
	}
	return tx.Mark(ctx, marks)
}
