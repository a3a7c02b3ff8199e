package store_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// identities are the identity keys of entries, in their order.
func identities(known []feed.Known) (keys []int64) {
	for _, k := range known {
		keys = append(keys, k.Keys.Identity)
	}
	return keys
}

func (r *rig) wantKnown(what string, got []feed.Known, err error, want ...int64) {
	r.Helper()
	r.must(err)
	if diff := cmp.Diff(want, identities(got)); diff != "" {
		r.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var _ = behaviour("an entry comes back as it was stored", func(r *rig) {
	src := r.source("a")
	e := entry(src, 1)
	e.Keys = feed.Keys{Identity: -1 << 63, Raw: 1<<63 - 1, URL: -2, Content: 3, Shown: -4}
	e.Summary, e.Language, e.PublishedFrom = "A summary.", "de", "feed"
	e.Published, e.Updated = day.Add(-time.Hour), time.Date(1969, 7, 20, 20, 17, 40, 1e6, time.UTC)
	e.Authors = []feed.Person{{Name: "Ä. Writer", URL: "https://w.example/", Email: "w@example.org"}, {Name: "B"}}
	e.Details = feed.Details{Categories: []string{"x", "y"}, Enclosures: []feed.Enclosure{{URL: "https://a.example/x.mp3", Type: "audio/mpeg", Length: 1, Duration: 2, Title: "t"}},
		Image: "https://a.example/i.png", Comments: "https://a.example/c", Origin: feed.SourceRef{Title: "O", URL: "https://o.example/"},
		Extra: feed.Extra{InReplyTo: "urn:y", GeoPoint: "1 2", Rights: "R"}, Cut: true, FullText: feed.FullText{Note: "taken from the page", Said: -1 << 62}}
	item := r.publish(e)[0]
	bare := &feed.Entry{SourceID: src.ID, ItemID: item.RowID, Identity: "id:bare", Keys: feed.Keys{Identity: 7}, FirstSeen: day,
		Decision: feed.Decision{Kind: feed.CopyOf}}
	r.write(func(t *store.Tx) error { return t.InsertEntry(r.ctx, bare) })
	got, err := r.Entries(r.ctx, item.RowID)
	r.must(err)
	if diff := cmp.Diff([]feed.Entry{*e, *bare}, got); diff != "" {
		r.Errorf("Entries (-want +got):\n%s", diff)
	}
})

var _ = behaviour("text that a database would refuse is stored without what is wrong with it", func(r *rig) {
	e := entry(r.source("a"), 1)
	e.Title, e.Content, e.Authors = "nul\x00 and \xff\xfe", "<p>\x00</p>", []feed.Person{{Name: "a\x00b\xff"}}
	item := r.publish(e)[0]
	r.admit()
	got := r.item(item.ID).Entry
	if got.Title != "nul and \uFFFD" || got.Content != "<p></p>" || !strings.HasPrefix(got.Authors[0].Name, "a") {
		r.Errorf("stored as %q, %q, %q", got.Title, got.Content, got.Authors)
	}
})

var _ = behaviour("entries are known by source, identity and raw bytes, listed or not", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	a.Priority = -7
	r.must(r.UpdateSource(r.ctx, a))
	one, two, three := entry(a, 1), entry(a, 2), entry(a, 3)
	r.publish(one, two, entry(b, 1))
	r.hold(three)
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{one.ID}, day) })

	known, err := r.Listed(r.ctx, a.ID)
	r.wantKnown("listed", known, err, 2, 3)
	want := feed.Known{EntryID: two.ID, SourceID: a.ID, ItemID: two.ItemID, Keys: two.Keys, Canonical: two.Canonical,
		Decision: feed.Published, Position: a.Position, Priority: -7, When: day, Seen: day, Listed: true}
	if diff := cmp.Diff(want, known[0]); diff != "" {
		r.Errorf("known (-want +got):\n%s", diff)
	}
	known, err = r.ByIdentity(r.ctx, a.ID, []int64{3, 1, 99, 0, 1})
	r.wantKnown("by identity", known, err, 1, 3)
	if known[0].Listed || known[1].ItemID != 0 || known[1].Decision != feed.Held {
		r.Errorf("by identity: %+v", known)
	}
	known, err = r.ByRaw(r.ctx, a.ID, []int64{1001, 1002, 5})
	r.wantKnown("by raw", known, err, 1, 2)
	known, err = r.ByIdentity(r.ctx, a.ID, nil)
	r.wantKnown("by no identity", known, err)

	r.write(func(t *store.Tx) error { return t.Relist(r.ctx, []int64{one.ID, two.ID}) })
	known, err = r.Listed(r.ctx, a.ID)
	r.wantKnown("relisted", known, err, 1, 2, 3)
})

var _ = behaviour("an entry that is unlisted stays so since then", func(r *rig) {
	e := entry(r.source("a"), 1)
	item := r.publish(e)[0]
	for _, at := range []time.Time{day, day.Add(time.Hour)} {
		r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{e.ID}, at) })
	}
	entries, err := r.Entries(r.ctx, item.RowID)
	r.must(err)
	if !entries[0].Unlisted.Equal(day) {
		r.Errorf("unlisted at %v", entries[0].Unlisted)
	}
})

var _ = behaviour("copies are found in all sources by URL or content, the oldest first, each once", func(r *rig) {
	a, b := r.source("a"), r.folder("b")
	var all []*feed.Entry
	for n := range int64(200) {
		all = append(all, entry(a, n+1))
	}
	r.publish(all...)
	held := entry(b, 201)
	held.Keys.URL = 2001 // as the first one
	r.hold(held)
	twin := entry(b, 202)
	twin.Keys.URL, twin.Keys.Content = 2001, 3002 // the first one's URL, the second one's text
	bare := entry(b, 203)
	bare.Keys.URL, bare.Keys.Content = 0, 0
	r.publish(twin, bare)

	r.write(func(t *store.Tx) error {
		known, err := t.Copies(r.ctx, []int64{2001, 0, 2001}, []int64{3002, 3001, 0})
		r.wantKnown("by both keys, a held one too", known, err, 1, 2, 201, 202)
		if !known[3].File || known[0].File || known[3].Position != b.Position {
			r.Errorf("known: %+v", known)
		}
		var urls []int64
		for n := range int64(200) {
			urls = append(urls, 2200-n)
		}
		known, err = t.Copies(r.ctx, urls, nil)
		if r.must(err); len(known) != 202 || !slices.IsSortedFunc(known, func(a, b feed.Known) int { return int(a.EntryID - b.EntryID) }) {
			r.Errorf("%d copies for 200 keys", len(known))
		}
		known, err = t.Copies(r.ctx, nil, nil)
		r.wantKnown("by no key", known, err)
		return nil
	})
})

var _ = behaviour("a transaction finds what it has just written", func(r *rig) {
	src := r.source("a")
	r.write(func(t *store.Tx) error {
		item := feed.Item{ID: r.mint(), Published: day, Updated: day}
		r.must(t.InsertItem(r.ctx, &item, "run"))
		e := entry(src, 1)
		e.ItemID = item.RowID
		r.must(t.InsertEntry(r.ctx, e))
		known, err := t.Copies(r.ctx, []int64{e.Keys.URL}, nil)
		r.wantKnown("copies", known, err, 1)
		known, err = t.Supporters(r.ctx, item.RowID)
		r.wantKnown("supporters", known, err, 1)
		return err
	})
})

var _ = behaviour("an identity comes once in a source; a clash undoes all of its transaction", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	r.publish(entry(a, 1))
	err := r.Write(r.ctx, func(t *store.Tx) error {
		r.must(t.InsertEntries(r.ctx, []*feed.Entry{entry(b, 1), entry(b, 2)}))
		err := t.InsertEntries(r.ctx, []*feed.Entry{entry(a, 2), entry(a, 1), entry(a, 3)})
		r.wantCode(err, feed.CodeConflict)
		return nil // a caller that goes on must not get half of it
	})
	r.wantCode(err, feed.CodeConflict)
	n, err := r.Totals(r.ctx)
	if r.must(err); n.Entries != 1 {
		r.Errorf("%d entries, want 1", n.Entries)
	}
})

var _ = behaviour("an updated entry has new text, keys and dates, and is listed", func(r *rig) {
	src := r.source("a")
	e := entry(src, 1)
	item := r.publish(e)[0]
	r.admit()
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{e.ID}, day) })
	was := *e
	is := was
	is.Keys = feed.Keys{Identity: 11, Raw: 12, Shown: 13}
	is.Identity, is.Canonical, is.URL, is.Title, is.Summary, is.Content = "id:other", "c", "u", "t", "s", "<p>New</p>"
	is.Language, is.Published, is.PublishedFrom, is.Updated = "fr", day.Add(time.Hour), "date line", day.Add(2*time.Hour)
	is.Authors, is.Details = []feed.Person{{Name: "New"}}, feed.Details{Image: "i"}
	is.FirstSeen, is.Decision, is.ItemID = day.Add(5*time.Hour), feed.Decision{Kind: feed.Held}, 99 // not taken
	r.moves("a published entry's text", true, func() {
		r.write(func(t *store.Tx) error { return t.UpdateEntry(r.ctx, is) })
	})
	want := is
	want.FirstSeen, want.Decision, want.ItemID = was.FirstSeen, was.Decision, was.ItemID
	if diff := cmp.Diff(want, r.item(item.ID).Entry); diff != "" {
		r.Errorf("entry (-want +got):\n%s", diff)
	}
	held := entry(src, 2)
	r.hold(held)
	r.moves("a held entry's text", false, func() {
		r.write(func(t *store.Tx) error { return t.UpdateEntry(r.ctx, *held) })
	})
	is.ID = 99
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error { return t.UpdateEntry(r.ctx, is) }), feed.CodeNotFound)
})

var _ = behaviour("entries can swap their identities", func(r *rig) {
	src := r.folder("a")
	one, two := entry(src, 1), entry(src, 2)
	r.publish(one, two)
	err := r.Write(r.ctx, func(t *store.Tx) error {
		e := *one
		e.Keys.Identity = 2
		return t.UpdateEntry(r.ctx, e)
	})
	r.wantCode(err, feed.CodeConflict)
	r.write(func(t *store.Tx) error {
		r.must(t.Unname(r.ctx, src.ID, []int64{1, 2}))
		one.Keys.Identity, two.Keys.Identity = 2, 1
		r.must(t.UpdateEntry(r.ctx, *one))
		return t.UpdateEntry(r.ctx, *two)
	})
	known, err := r.ByIdentity(r.ctx, src.ID, []int64{2})
	r.must(err)
	if len(known) != 1 || known[0].EntryID != one.ID {
		r.Errorf("by identity: %+v", known)
	}
})

var _ = behaviour("a decision can be changed", func(r *rig) {
	src := r.source("a")
	e, held := entry(src, 1), entry(src, 2)
	item := r.publish(e)[0]
	r.admit()
	r.hold(held)
	copied := feed.Decision{Kind: feed.CopyOf, Rule: "url", Reason: "the same address"}
	r.moves("a held entry becomes a copy", true, func() {
		r.write(func(t *store.Tx) error { return t.Decide(r.ctx, held.ID, item.RowID, copied) })
	})
	entries, err := r.Entries(r.ctx, item.RowID)
	r.must(err)
	if len(entries) != 2 || entries[1].Decision != copied {
		r.Errorf("entries: %+v", entries)
	}
	r.moves("and is rejected", true, func() {
		r.write(func(t *store.Tx) error { return t.Decide(r.ctx, held.ID, 0, feed.Decision{Kind: feed.Rejected}) })
	})
	r.moves("and held", false, func() {
		r.write(func(t *store.Tx) error { return t.Decide(r.ctx, held.ID, 0, feed.Decision{Kind: feed.Held}) })
	})
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error {
		return t.Decide(r.ctx, 99, 0, feed.Decision{Kind: feed.Held})
	}), feed.CodeNotFound)
})

var _ = behaviour("held entries are listed newest first", func(r *rig) {
	src := r.source("a")
	for n := range int64(5) {
		r.hold(entry(src, n+1))
	}
	r.publish(entry(src, 6))
	held, err := r.Held(r.ctx, 3)
	r.must(err)
	var got []int64
	for _, e := range held {
		got = append(got, e.Keys.Identity)
	}
	if diff := cmp.Diff([]int64{5, 4, 3}, got); diff != "" {
		r.Errorf("held (-want +got):\n%s", diff)
	}
})

var _ = behaviour("old text is pruned, identity and decision stay; nothing listed, nothing of a folder", func(r *rig) {
	feeds, files := r.source("a"), r.folder("b")
	policy := store.PrunePolicy{Keep: 400 * 24 * time.Hour, KeepHeld: 30 * 24 * time.Hour}
	before := func(days int) time.Time { return day.Add(-time.Duration(days) * 24 * time.Hour) }
	published, recent, listed, file := entry(feeds, 1), entry(feeds, 2), entry(feeds, 3), entry(files, 4)
	held, heldRecent := entry(feeds, 5), entry(feeds, 6)
	items := r.publish(published, recent, listed, file)
	r.hold(held)
	r.hold(heldRecent)
	r.admit()
	r.write(func(t *store.Tx) error {
		for e, at := range map[*feed.Entry]time.Time{published: before(401), recent: before(399), file: before(999), held: before(31), heldRecent: before(29)} {
			if err := t.Unlist(r.ctx, []int64{e.ID}, at); err != nil {
				return err
			}
		}
		return nil
	})
	prune := func() int {
		n, err := r.Prune(r.ctx, policy, day)
		r.must(err)
		return n
	}
	r.moves("prune", true, func() {
		if n := prune(); n != 2 {
			r.Errorf("%d were pruned, want 2", n)
		}
	})
	r.moves("prune again", false, func() { prune() })
	got := r.item(items[0].ID).Entry
	if got.Content != "" || got.Title != published.Title || got.URL != published.URL || got.Keys.Raw != 0 || got.Keys.Identity != 1 || got.Decision != published.Decision {
		r.Errorf("a pruned entry: %+v", got)
	}
	for _, it := range items[1:] {
		if r.item(it.ID).Entry.Content == "" {
			r.Errorf("item %d lost its text", it.RowID)
		}
	}
	all, err := r.Held(r.ctx, 10)
	if r.must(err); all[0].Content == "" || all[1].Content != "" {
		r.Errorf("held: %+v", all)
	}
	r.write(func(t *store.Tx) error { return t.UpdateEntry(r.ctx, *published) })
	if r.item(items[0].ID).Entry.Content == "" {
		r.Error("text did not come back")
	}
})

var _ = behaviour("pruning takes as many transactions as it needs", func(r *rig) {
	src := r.source("a")
	var ids []int64
	r.write(func(t *store.Tx) error {
		var all []*feed.Entry
		for n := range int64(1201) {
			e := entry(src, n+1)
			e.Decision.Kind = feed.Held
			all = append(all, e)
		}
		err := t.InsertEntries(r.ctx, all)
		for _, e := range all {
			ids = append(ids, e.ID)
		}
		return err
	})
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, ids, day.Add(-time.Hour)) })
	n, err := r.Prune(r.ctx, store.PrunePolicy{KeepHeld: time.Minute}, day)
	if r.must(err); n != 1201 {
		r.Errorf("%d were pruned, want 1201", n)
	}
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	if _, err := r.Prune(ctx, store.PrunePolicy{KeepHeld: time.Minute}, day); err == nil {
		r.Error("an ended context did not stop it")
	}
})
