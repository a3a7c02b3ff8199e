package store_test

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

var hubA = feed.Hub{URL: "https://hub.example/", Topic: "https://a.example/feed"}

// names makes a hub one that a source's last document named.
func (r *rig) names(src feed.Source, h feed.Hub) {
	r.Helper()
	src.State.Hub = h
	r.write(func(t *store.Tx) error { return t.SaveSource(r.ctx, src.ID, src.About, src.State) })
}

func (r *rig) addPush(id string, src feed.Source) feed.Push {
	r.Helper()
	p := feed.Push{ID: id, Base: "https://us.example/push/", SourceID: src.ID, Hub: hubA, Secret: "secret of " + id, State: feed.PushAsked, Next: day}
	if added, err := r.AddPush(r.ctx, p); err != nil || !added {
		r.Fatalf("added: %v (%v)", added, err)
	}
	return p
}

func (r *rig) isPush(want feed.Push) {
	r.Helper()
	got, found, err := r.Push(r.ctx, want.ID)
	r.must(err)
	if diff := cmp.Diff(want, got); diff != "" || !found {
		r.Errorf("found %v (-want +got):\n%s", found, diff)
	}
}

func (r *rig) confirm(id string, until, next time.Time) bool {
	r.Helper()
	confirmed, err := r.ConfirmPush(r.ctx, id, until, next)
	r.must(err)
	return confirmed
}

var _ = behaviour("hubs are wanted of sources in use", func(r *rig) {
	a, b, c := r.source("a"), r.source("b"), r.source("c")
	r.names(a, hubA)
	r.names(c, feed.Hub{URL: "https://hub.example/", Topic: "https://c.example/feed"})
	r.must(r.RemoveSource(r.ctx, c.Slug, false, day))
	got, err := r.PushWants(r.ctx)
	r.must(err)
	if diff := cmp.Diff(map[int64]feed.Hub{a.ID: hubA}, got); diff != "" {
		r.Error(diff)
	}
	src, err := r.Source(r.ctx, "a")
	r.must(err)
	if src.State.Hub != hubA {
		r.Errorf("the source's hub is %v", src.State.Hub)
	}
	src.Enabled = false
	r.must(r.UpdateSource(r.ctx, src))
	b.State.Status = feed.StatusGone
	r.names(b, hubA)
	if got, err := r.PushWants(r.ctx); err != nil || len(got) != 0 {
		r.Errorf("of a source that is off and one that is gone %v is wanted (%v)", got, err)
	}
})

var _ = behaviour("a source has one subscription, and others that are given up", func(r *rig) {
	a := r.source("a")
	first := r.addPush("first", a)
	r.isPush(first)
	second := first
	second.ID = "second"
	if added, err := r.AddPush(r.ctx, second); err != nil || added {
		r.Errorf("a second one was added: %v (%v)", added, err)
	}
	r.must(r.EndPush(r.ctx, "first", feed.PushLeaving, "why", day.Add(time.Hour)))
	r.addPush("second", a)
	if of, found, err := r.PushOf(r.ctx, a.ID); err != nil || !found || of.ID != "second" {
		r.Errorf("the source's is %v (%v)", of, err)
	}
	if all, err := r.Pushes(r.ctx); err != nil || len(all) != 2 {
		r.Errorf("%d in all (%v)", len(all), err)
	}
	r.must(r.DropPush(r.ctx, "first"))
	if _, found, err := r.Push(r.ctx, "first"); err != nil || found {
		r.Errorf("it is still there (%v)", err)
	}
})

var _ = behaviour("a subscription is asked for by one, at its time", func(r *rig) {
	p := r.addPush("p", r.source("a"))
	take := func(at time.Time) bool {
		taken, err := r.TakePush(r.ctx, p.ID, at, at.Add(time.Minute))
		r.must(err)
		return taken
	}
	if take(day.Add(-time.Second)) || !take(day) || take(day) || !take(day.Add(time.Minute)) {
		r.Error("it is taken when it should not be, or not when it should")
	}
	p.Attempts, p.Next, p.Error = 2, day.Add(time.Hour), "answered 500"
	r.must(r.FailPush(r.ctx, p.ID, p.Error, p.Next))
	r.isPush(p)
})

var _ = behaviour("a subscription is confirmed while it is wanted", func(r *rig) {
	a := r.source("a")
	p := r.addPush("p", a)
	r.must(r.FailPush(r.ctx, p.ID, "answered 500", day))
	until, renew := day.Add(24*time.Hour), day.Add(18*time.Hour)
	if !r.confirm(p.ID, until, renew) || r.confirm("unknown", until, renew) {
		r.Error("confirmed wrongly")
	}
	p.State, p.Until, p.Next = feed.PushActive, until, renew
	r.isPush(p)

	a.State.Pushed = day
	r.names(a, hubA)
	r.must(r.EndPush(r.ctx, p.ID, feed.PushRefused, "not for you", day.Add(time.Hour)))
	p.State, p.Error, p.Next = feed.PushRefused, "not for you", day.Add(time.Hour)
	r.isPush(p)
	if src, err := r.Source(r.ctx, "a"); err != nil || !src.State.Pushed.IsZero() {
		r.Errorf("its source still counts as pushed: %v (%v)", src.State.Pushed, err)
	}
	if r.confirm(p.ID, until, renew) {
		r.Error("a refused one was confirmed")
	}
	r.must(r.EndPush(r.ctx, p.ID, feed.PushLeaving, "", day))
	r.must(r.EndPush(r.ctx, p.ID, feed.PushAsked, "", day))
	if r.confirm(p.ID, until, renew) {
		r.Error("one that is given up was confirmed")
	}
})
