package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// many publishes n items of a new source and admits them.
func (r *rig) many(slug string, n int) []feed.Item {
	r.Helper()
	src := r.source(slug)
	var all []*feed.Entry
	for i := range n {
		e := entry(src, int64(i+1))
		e.Published = day.Add(time.Duration(i) * time.Minute)
		all = append(all, e)
	}
	items := r.publish(all...)
	r.admit()
	return items
}

func places(items []feed.Item) (all []int64) {
	for _, it := range items {
		all = append(all, it.Place)
	}
	return all
}

var _ = behaviour("items are admitted oldest first, then by id, each with a time of change of its own", func(r *rig) {
	src := r.source("a")
	late, early, twin := entry(src, 1), entry(src, 2), entry(src, 3)
	late.Published = day.Add(time.Hour)
	items := r.publish(late, early, twin)
	before := r.item(items[0].ID)
	if before.Place != 0 || before.Live() {
		r.Errorf("an item that waits: %+v", before)
	}
	r.moves("admission", true, func() {
		if n := r.admit(); n != 3 {
			r.Errorf("%d admitted, want 3", n)
		}
	})
	r.moves("nobody waits", false, func() { r.admit() })
	for i, want := range []struct {
		place   int64
		updated time.Time
	}{{3, day.Add(time.Hour)}, {1, day}, {2, day.Add(time.Millisecond)}} {
		it := r.item(items[i].ID)
		if it.Place != want.place || !it.Updated.Equal(want.updated) || !it.Admitted.Equal(day) || !it.Live() {
			r.Errorf("item %d: place %d, updated %v, admitted %v", i, it.Place, it.Updated, it.Admitted)
		}
	}
})

var _ = behaviour("items of a run that is still going wait on", func(r *rig) {
	src := r.source("a")
	insert := func(run string, n int64) {
		r.write(func(t *store.Tx) error {
			item := feed.Item{ID: r.mint(), Published: day, Updated: day}
			r.must(t.InsertItem(r.ctx, &item, run))
			e := entry(src, n)
			e.ItemID = item.RowID
			return t.InsertEntry(r.ctx, e)
		})
	}
	insert("one", 1)
	insert("two", 2)
	insert("three", 3)
	r.write(func(t *store.Tx) error {
		admitted, err := t.Admit(r.ctx, []string{"one", "three"}, day)
		if len(admitted) != 1 {
			r.Errorf("%d admitted, want 1", len(admitted))
		}
		return err
	})
	if n := r.admit(); n != 2 {
		r.Errorf("%d admitted, want 2", n)
	}
})

var _ = behaviour("a withdrawn item is not admitted before it is restored", func(r *rig) {
	item := r.publish(entry(r.source("a"), 1))[0]
	r.write(func(t *store.Tx) error { return t.Withdraw(r.ctx, item.RowID, day) })
	if n := r.admit(); n != 0 {
		r.Errorf("%d admitted", n)
	}
	r.write(func(t *store.Tx) error { return t.Restore(r.ctx, item.RowID) })
	if n := r.admit(); n != 1 {
		r.Errorf("%d admitted, want 1", n)
	}
})

var _ = behaviour("an item whose ID is known is given as it is", func(r *rig) {
	src := r.source("a")
	old := r.publish(entry(src, 1))[0]
	r.admit()
	r.write(func(t *store.Tx) error { return t.Withdraw(r.ctx, old.RowID, day) })
	again := feed.Item{ID: old.ID, Published: day.Add(time.Hour), Updated: day.Add(time.Hour)}
	fresh := feed.Item{ID: r.mint(), Published: day, Updated: day}
	r.write(func(t *store.Tx) error { return t.InsertItems(r.ctx, []*feed.Item{&again, &fresh}, "run") })
	if again.RowID != old.RowID || again.Place != 1 || !again.Published.Equal(day) || again.Withdrawn.IsZero() {
		r.Errorf("the known item: %+v", again)
	}
	if fresh.RowID == 0 || fresh.RowID == old.RowID || fresh.Place != 0 {
		r.Errorf("the new item: %+v", fresh)
	}
})

var _ = behaviour("times of change stay unique over runs and touches", func(r *rig) {
	src := r.source("a")
	n := int64(0)
	same := func(count int) {
		var all []*feed.Entry
		for range count {
			n++
			all = append(all, entry(src, n))
		}
		r.publish(all...)
		r.admit()
	}
	same(40)
	same(30)
	first := r.item(fmt.Sprintf("%08x-0000-5000-8000-000000000000", 1))
	second := r.item(fmt.Sprintf("%08x-0000-5000-8000-000000000000", 2))
	r.moves("a touch", true, func() {
		r.write(func(t *store.Tx) error {
			r.must(t.TouchItem(r.ctx, first.RowID, day.Add(35*time.Millisecond)))
			return t.TouchItem(r.ctx, second.RowID, day.Add(-time.Second)) // by a clock that is behind
		})
	})
	if got := r.item(first.ID).Updated; !got.Equal(day.Add(70 * time.Millisecond)) {
		r.Errorf("touched to %v, want the first free time", got)
	}
	if got := r.item(second.ID).Updated; !got.After(second.Updated) {
		r.Errorf("touched to %v, which is not after %v", got, second.Updated)
	}
	same(2)
	items, err := r.Items(r.ctx, store.Query{Limit: 100, State: "all"})
	r.must(err)
	seen := map[time.Time]bool{}
	for _, it := range items {
		if seen[it.Updated] {
			r.Errorf("%v is the updated of two items", it.Updated)
		}
		seen[it.Updated] = true
	}
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error { return t.TouchItem(r.ctx, 999, day) }), feed.CodeNotFound)
})

var _ = behaviour("30,000 items of one date are admitted at once, twice", func(r *rig) {
	const n = 30_000
	for round := range 2 {
		r.write(func(t *store.Tx) error {
			items := make([]*feed.Item, n)
			for i := range items {
				items[i] = &feed.Item{ID: fmt.Sprintf("%08x-%04x-5000-8000-000000000000", i, round), Published: day, Updated: day}
			}
			return t.InsertItems(r.ctx, items, "run")
		})
		start := time.Now()
		if got := r.admit(); got != n {
			r.Fatalf("%d admitted", got)
		}
		r.Logf("round %d took %v", round+1, time.Since(start))
	}
})

var _ = behaviour("withdrawing, restoring and hiding take an item out and back, in its place", func(r *rig) {
	items := r.many("a", 3)
	id, row := items[1].ID, items[1].RowID
	withdraw := func() { r.write(func(t *store.Tx) error { return t.Withdraw(r.ctx, row, day) }) }
	restore := func() { r.write(func(t *store.Tx) error { return t.Restore(r.ctx, row) }) }
	hide := func(hidden bool) func() { return func() { r.must(r.Hide(r.ctx, id, hidden, day)) } }
	steps := []struct {
		what  string
		moves bool
		do    func()
		live  bool
	}{
		{"withdraw", true, withdraw, false},
		{"withdraw again", false, withdraw, false},
		{"hide a withdrawn one", true, hide(true), false},
		{"restore a hidden one", true, restore, false},
		{"restore again", false, restore, false},
		{"unhide", true, hide(false), true},
		{"unhide again", false, hide(false), true},
	}
	for _, s := range steps {
		r.moves(s.what, s.moves, s.do)
		it := r.item(id)
		if it.Live() != s.live || it.Place != 2 {
			r.Errorf("%s: live %v, place %d", s.what, it.Live(), it.Place)
		}
		window, _, err := r.Window(r.ctx)
		r.must(err)
		total, err := r.Totals(r.ctx)
		r.must(err)
		if want := map[bool]int{true: 3, false: 2}[s.live]; len(window) != want || total.Items != want {
			r.Errorf("%s: %d in the window, %d in all, want %d", s.what, len(window), total.Items, want)
		}
	}
	r.wantCode(r.Hide(r.ctx, "ffffffff", true, day), feed.CodeNotFound)
})

var _ = behaviour("the window is what no closed block of 50 holds", func(r *rig) {
	src := r.source("a")
	n := 0
	for _, step := range []struct{ total, oldest int }{{0, 0}, {1, 1}, {50, 1}, {51, 1}, {100, 1}, {101, 1}, {150, 1}, {151, 101}, {200, 101}, {201, 151}} {
		var all []*feed.Entry
		for ; n < step.total; n++ {
			all = append(all, entry(src, int64(n+1)))
		}
		r.publish(all...)
		r.admit()
		items, _, err := r.Window(r.ctx)
		r.must(err)
		if step.total == 0 {
			if len(items) != 0 {
				r.Errorf("an empty store has %d", len(items))
			}
			continue
		}
		if first, last := items[0].Place, items[len(items)-1].Place; first != int64(step.total) || last != int64(step.oldest) || len(items) != step.total-step.oldest+1 {
			r.Errorf("with %d items the window goes from %d to %d (%d items)", step.total, first, last, len(items))
		}
	}
	r.must(r.RemoveSource(r.ctx, "a", true, day))
	r.many("b", 1)
	items, _, err := r.Window(r.ctx)
	r.must(err)
	if len(items) != 1 || items[0].Place != 202 {
		r.Errorf("after a purge: places %v, want one that was never given", places(items))
	}
})

var _ = behaviour("an item brings its leading entry, its source and where else it was found", func(r *rig) {
	a, b, files, private := r.source("a"), r.source("b"), r.folder("files"), r.source("private")
	private.Private = true
	r.must(r.UpdateSource(r.ctx, private))
	b.Name = "Bee"
	r.must(r.UpdateSource(r.ctx, b))
	lead := entry(a, 1)
	item := r.publish(lead)[0]
	r.admit()
	there, gone := entry(files, 3), entry(files, 4)
	there.URL, gone.URL = "", ""
	secret := entry(b, 6)
	secret.URL = "https://user:pass@b.example/6"
	hidden := entry(private, 5)
	for _, e := range []*feed.Entry{entry(b, 2), there, gone, hidden, secret} {
		r.moves("a copy", true, func() { r.copyOf(item, e) })
	}
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{gone.ID, lead.ID}, day) })

	got := r.item(item.ID)
	if got.Entry.ID != lead.ID || got.Entry.Content != lead.Content || got.Source.ID != a.ID {
		r.Errorf("lead %d of source %d", got.Entry.ID, got.Source.ID)
	}
	want := []feed.Copy{
		{Source: "Bee", URL: "https://b.example/2", Title: "Title 2"},
		{Source: "files", Title: "Title 3"},
		{Source: "private", URL: "https://private.example/5", Title: "Title 5", Private: true},
		{Source: "Bee", URL: "https://user:pass@b.example/6", Title: "Title 6", Private: true},
	}
	if diff := cmp.Diff(want, got.Copies); diff != "" {
		r.Errorf("copies (-want +got):\n%s", diff)
	}
	r.moves("another lead", true, func() {
		r.write(func(t *store.Tx) error { return t.SetLead(r.ctx, item.RowID, there.ID) })
	})
	got = r.item(item.ID)
	if got.Entry.ID != there.ID || got.Source.ID != files.ID || len(got.Copies) != 4 || got.Copies[0].Source != "a" {
		r.Errorf("after SetLead: entry %d, copies %+v", got.Entry.ID, got.Copies)
	}
	window, _, err := r.Window(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]feed.Item{got}, window); diff != "" {
		r.Errorf("the window (-want +got):\n%s", diff)
	}
})

var _ = behaviour("an item is found by its id or the beginning of it", func(r *rig) {
	items := r.many("a", 20)
	id := items[0].ID // 00000001-0000-…
	for _, name := range []string{id, "urn:uuid:" + id, " 00000001 ", "00000001-0"} {
		it, err := r.Item(r.ctx, name)
		if err != nil || it.ID != id {
			r.Errorf("Item(%q): %s, %v", name, it.ID, err)
		}
	}
	for name, code := range map[string]feed.Code{"00000": feed.CodeInvalid, "000000": feed.CodeInvalid, "": feed.CodeInvalid,
		"abcdef": feed.CodeNotFound, "nobody": feed.CodeNotFound, "000000%": feed.CodeNotFound} {
		_, err := r.Item(r.ctx, name)
		if feed.CodeOf(err) != code {
			r.Errorf("Item(%q): %v, want code %q", name, err, code)
		}
	}
})

var _ = behaviour("items can be asked for by state, place, source and number", func(r *rig) {
	items := append(r.many("a", 4), r.many("b", 3)...)
	r.publish(entry(r.source("c"), 1)) // waits
	r.write(func(t *store.Tx) error { return t.Withdraw(r.ctx, items[1].RowID, day) })
	r.must(r.Hide(r.ctx, items[5].ID, true, day))
	for _, c := range []struct {
		q    store.Query
		want []int64
	}{
		{store.Query{}, []int64{7, 5, 4, 3, 1}},
		{store.Query{State: "live", Limit: 2}, []int64{7, 5}},
		{store.Query{Before: 5}, []int64{4, 3, 1}},
		{store.Query{State: "all"}, []int64{7, 6, 5, 4, 3, 2, 1}},
		{store.Query{State: "withdrawn"}, []int64{2}},
		{store.Query{State: "hidden"}, []int64{6}},
		{store.Query{Source: "a"}, []int64{4, 3, 1}},
		{store.Query{Source: "nobody"}, nil},
		{store.Query{Source: "b", State: "all", Before: 7, Limit: 1}, []int64{6}},
	} {
		for _, c.q.WithContent = range []bool{true, false} {
			got, err := r.Items(r.ctx, c.q)
			r.must(err)
			if diff := cmp.Diff(c.want, places(got)); diff != "" {
				r.Errorf("%+v (-want +got):\n%s", c.q, diff)
			}
			if len(got) > 0 && (got[0].Entry.Content != "") != c.q.WithContent {
				r.Errorf("%+v: content %q", c.q, got[0].Entry.Content)
			}
		}
	}
	_, err := r.Items(r.ctx, store.Query{State: "odd"})
	r.wantCode(err, feed.CodeInvalid)
})

var _ = behaviour("an item that waits can get another founder, an admitted one cannot", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	item := r.publish(entry(a, 1), entry(a, 2))[0]
	other := entry(b, 3)
	r.copyOf(item, other)
	founder := feed.Item{RowID: item.RowID, ID: r.mint(), Published: day.Add(time.Hour), Updated: day.Add(2 * time.Hour)}
	refound := func(it feed.Item) (done bool) {
		r.write(func(t *store.Tx) (err error) {
			done, err = t.Refound(r.ctx, it, other.ID)
			return err
		})
		return done
	}
	taken := founder
	taken.ID = fmt.Sprintf("%08x-0000-5000-8000-000000000000", 2)
	if refound(taken) {
		r.Error("an item got another one's id")
	}
	if !refound(founder) {
		r.Error("a waiting item was left alone")
	}
	got := r.item(founder.ID)
	if got.RowID != item.RowID || got.Entry.ID != other.ID || !got.Published.Equal(founder.Published) || !got.Updated.Equal(founder.Updated) {
		r.Errorf("the item: %+v", got)
	}
	r.admit()
	if refound(item) {
		r.Error("an admitted item got another founder")
	}
})

func TestTotalsOfAnEmptyStore(t *testing.T) {
	s := open(t, store.Options{Path: t.TempDir() + "/tributary.db"})
	n, err := s.Totals(t.Context())
	if err != nil || n != (store.Totals{}) {
		t.Errorf("%+v, %v", n, err)
	}
}
