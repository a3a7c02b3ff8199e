package store_test

import (
	"bytes"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// profile stores a profile that was learned from something.
func (r *rig) profile(from string) (p feed.Profile) {
	r.Helper()
	r.write(func(t *store.Tx) (err error) {
		p, err = t.SaveProfile(r.ctx, feed.Profile{Made: day, From: from, Data: []byte(`{"of":"` + from + `"}`)})
		return err
	})
	return p
}

func (r *rig) judge(e *feed.Entry, v feed.Verdict, at time.Time) {
	r.Helper()
	r.write(func(t *store.Tx) error { return t.Judge(r.ctx, feed.Judgement{EntryID: e.ID, Verdict: v, At: at}) })
}

// keysOf are the identities of entries, which tests make from small numbers.
func keysOf(entries []feed.Entry) (keys []int64) {
	for _, e := range entries {
		keys = append(keys, e.Keys.Identity)
	}
	return keys
}

var _ = behaviour("each profile is the next version, and the newest twenty are kept", func(r *rig) {
	none, err := r.Profile(r.ctx)
	r.must(err)
	head, err := r.ProfileHead(r.ctx)
	r.must(err)
	if none.Version != 0 || none.Data != nil || head.Version != 0 {
		r.Errorf("without one: %+v, %+v", none, head)
	}
	r.moves("a profile", true, func() { r.profile("two seeds") })
	for range 24 {
		r.profile("more")
	}
	data := bytes.Repeat([]byte(`{"terms":[]}`), 10_000)
	var saved feed.Profile
	r.write(func(t *store.Tx) error {
		saved, err = t.SaveProfile(r.ctx, feed.Profile{Version: 5, Made: day.Add(time.Hour), From: "three", Data: data})
		return err
	})
	want := feed.Profile{Version: 26, Made: day.Add(time.Hour), From: "three", Data: data}
	got, err := r.Profile(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]feed.Profile{want, want}, []feed.Profile{saved, got}); diff != "" {
		r.Errorf("profile (-want +got):\n%s", diff)
	}
	want.Data = nil
	if head, err = r.ProfileHead(r.ctx); err != nil || !cmp.Equal(want, head) {
		r.Errorf("without its data: %+v (%v)", head, err)
	}
	kept, err := r.Lines(r.ctx, `SELECT CAST(MIN(version) AS TEXT) FROM profile UNION ALL SELECT CAST(COUNT(*) AS TEXT) FROM profile`)
	if r.must(err); len(kept) != 2 || kept[0] != "7" || kept[1] != "20" {
		r.Errorf("the oldest that is kept, and how many are: %v", kept)
	}
})

var _ = behaviour("the seeds are what the folders hold now, oldest first", func(r *rig) {
	feeds, one, two, gone := r.source("a"), r.folder("one"), r.folder("two"), r.folder("gone")
	taken, held := entry(one, 4), entry(two, 5)
	r.publish(entry(feeds, 1), entry(two, 2), entry(one, 3), taken, entry(gone, 6))
	r.hold(held)
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{taken.ID}, day) })
	r.must(r.RemoveSource(r.ctx, gone.Slug, false, day))
	got, err := r.SeedEntries(r.ctx)
	r.must(err)
	if diff := cmp.Diff([]int64{2, 3, 5}, keysOf(got)); diff != "" || got[0].Content != "<p>Text</p>" {
		r.Errorf("seeds (-want +got):\n%s", diff)
	}
})

var _ = behaviour("recent are the newest entries of feeds, whatever was decided but copies, with the beginning of their content", func(r *rig) {
	a, files := r.source("a"), r.folder("files")
	long := entry(a, 1)
	long.Content, long.Summary, long.Language = strings.Repeat("ü", 5000), "S", "de"
	item := r.publish(long, entry(files, 2))[0]
	r.copyOf(item, entry(a, 3))
	r.hold(entry(a, 4))
	rejected := entry(a, 5)
	rejected.Decision = feed.Decision{Kind: feed.Rejected, Rule: "person"}
	r.write(func(t *store.Tx) error { return t.InsertEntry(r.ctx, rejected) })
	got, err := r.Recent(r.ctx, 10)
	r.must(err)
	if diff := cmp.Diff([]int64{5, 4, 1}, keysOf(got)); diff != "" {
		r.Fatalf("recent (-want +got):\n%s", diff)
	}
	long.Content = strings.Repeat("ü", 4000)
	if diff := cmp.Diff(*long, got[2]); diff != "" {
		r.Errorf("a long one (-want +got):\n%s", diff)
	}
	if got, err = r.Recent(r.ctx, 2); err != nil || len(got) != 2 {
		r.Errorf("two of them: %v (%v)", keysOf(got), err)
	}
})

var _ = behaviour("what a person has said about an entry is kept, replaced and taken back", func(r *rig) {
	src := r.source("a")
	one, two, three := entry(src, 1), entry(src, 2), entry(src, 3)
	r.publish(one)
	r.hold(two)
	r.hold(three)
	if n, newest, err := r.JudgedHead(r.ctx); n != 0 || !newest.IsZero() || err != nil {
		r.Errorf("before: %d, %v (%v)", n, newest, err)
	}
	r.judge(one, feed.Accepted, day)
	r.judge(two, feed.Accepted, day.Add(time.Minute))
	r.judge(three, feed.Accepted, day)
	r.judge(one, feed.Refused, day.Add(time.Hour))
	got, err := r.Judged(r.ctx, 10)
	r.must(err)
	want := []feed.JudgedEntry{
		{Entry: *one, Judgement: feed.Judgement{EntryID: one.ID, Verdict: feed.Refused, At: day.Add(time.Hour)}},
		{Entry: *two, Judgement: feed.Judgement{EntryID: two.ID, Verdict: feed.Accepted, At: day.Add(time.Minute)}},
		{Entry: *three, Judgement: feed.Judgement{EntryID: three.ID, Verdict: feed.Accepted, At: day}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if got, err := r.Judged(r.ctx, 1); err != nil || len(got) != 1 {
		r.Errorf("one of them: %d (%v)", len(got), err)
	}
	if n, newest, err := r.JudgedHead(r.ctx); n != 3 || !newest.Equal(day.Add(time.Hour)) || err != nil {
		r.Errorf("after: %d, %v (%v)", n, newest, err)
	}
	for _, want := range []bool{true, false} {
		r.write(func(t *store.Tx) error {
			had, err := t.Unjudge(r.ctx, one.ID)
			if had != want {
				r.Errorf("there was a verdict: %v, want %v", had, want)
			}
			return err
		})
	}
	if n, newest, err := r.JudgedHead(r.ctx); n != 2 || !newest.Equal(day.Add(time.Minute)) || err != nil {
		r.Errorf("one taken back: %d, %v (%v)", n, newest, err)
	}
	r.wantCode(r.Write(r.ctx, func(t *store.Tx) error { return t.Judge(r.ctx, feed.Judgement{EntryID: 99, At: day}) }), feed.CodeNotFound)
})

var _ = behaviour("what a person has decided about keeps its text, from which the topic is learned", func(r *rig) {
	src := r.source("a")
	judged, other := entry(src, 1), entry(src, 2)
	r.hold(judged)
	r.hold(other)
	r.judge(judged, feed.Refused, day)
	r.write(func(t *store.Tx) error { return t.Unlist(r.ctx, []int64{judged.ID, other.ID}, day.Add(-time.Hour)) })
	n, err := r.Prune(r.ctx, store.PrunePolicy{KeepHeld: time.Minute}, day)
	r.must(err)
	if n != 1 || r.entryByID(judged.ID).Entry.Content == "" || r.entryByID(other.ID).Entry.Content != "" {
		r.Errorf("%d pruned", n)
	}
})

var _ = behaviour("with a source that is purged go its scores and what was said about it", func(r *rig) {
	a, b := r.source("a"), r.source("b")
	one, two := entry(a, 1), entry(b, 2)
	r.hold(one)
	r.hold(two)
	r.scores(feed.Score{EntryID: one.ID, Value: 1, Profile: 1}, feed.Score{EntryID: two.ID, Value: 1, Profile: 1})
	r.judge(one, feed.Accepted, day)
	r.judge(two, feed.Accepted, day)
	r.must(r.RemoveSource(r.ctx, "a", true, day))
	n, _, err := r.JudgedHead(r.ctx)
	r.must(err)
	left, err := r.Scores(r.ctx, []int64{one.ID, two.ID})
	r.must(err)
	if n != 1 || len(left) != 1 || left[0].EntryID != two.ID {
		r.Errorf("%d verdicts, scores %+v", n, left)
	}
	r.must(r.Check(r.ctx))
})
