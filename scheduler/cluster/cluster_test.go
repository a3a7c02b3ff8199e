package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

var _ = behaviour("what one process asks for, others do, and all can see how it went", func(r *rig) {
	r.site("one", "Ministers meet")
	r.site("two", "A bridge is opened")
	web := r.join(RoleWeb)
	worker := r.join(RoleWorker)
	web.declare()
	report := web.report(web.ask())
	if report.State != "done" || report.Total != 3 || report.Done != 3 || report.Counts.Published != 2 {
		r.Errorf("report %+v", report)
	}
	for _, s := range report.Sources {
		if s.Worker != worker.member.name {
			r.Errorf("%s was done by %q, not by %q", s.Source, s.Worker, worker.member.name)
		}
	}
	if got := worker.report(report.ID); got.Counts != report.Counts || len(got.Sources) != 3 {
		r.Errorf("elsewhere the report is %+v", got)
	}
	if got := web.titles(); len(got) != 2 {
		r.Errorf("items %q", got)
	}
})

var _ = behaviour("a source is asked once by runs that meet, whoever does them", func(r *rig) {
	s := r.site("slow", "One")
	s.hold()
	peers := []*peer{r.join(RoleAll), r.join(RoleAll)}
	peers[0].declare()
	first := peers[0].ask("slow")
	r.until("it to be asked", func() bool { return s.times() == 1 })
	seeds := peers[1].ask() // of all, so it is another run
	s.open()
	for i, run := range []string{first, seeds} {
		if got := r.row(peers[i].report(run), "slow"); got.Outcome == feed.OutcomeFailed {
			r.Errorf("run %d: %+v", i, got)
		}
	}
	if s.times() != 1 {
		r.Errorf("it was asked %d times", s.times())
	}
})

var _ = behaviour("the same wish makes one run", func(r *rig) {
	s := r.site("slow", "One")
	s.hold()
	a, b := r.join(RoleAll), r.join(RoleWeb)
	a.declare()
	first := a.ask("slow")
	r.until("it to be asked", func() bool { return s.times() == 1 })
	if second := b.ask("slow"); second != first {
		r.Errorf("a second run %s beside %s", second, first)
	}
	s.open()
	b.report(first)
})

var _ = behaviour("many sources of one host are asked one after the other", func(r *rig) {
	s := r.site("host", "One")
	peers := []*peer{r.join(RoleAll), r.join(RoleWorker), r.join(RoleWorker)}
	var all []feed.Source
	for i := range 2 * hostMost {
		all = append(all, feed.Source{Slug: fmt.Sprint("feed-", i), Kind: feed.KindFeed, URL: fmt.Sprint(s.server.URL, "/", i), Enabled: true, Origin: feed.OriginConfig})
	}
	r.must(peers[0].store.SyncSources(r.Context(), feed.OriginConfig, all, time.Now()))
	report := peers[0].report(peers[0].ask())
	if report.Done != len(all) || report.Failed() != 0 {
		r.Errorf("report %+v", report)
	}
	if s.times() != len(all) || s.mostAtOnce() != 1 {
		r.Errorf("asked %d times, up to %d at once", s.times(), s.mostAtOnce())
	}
})

var _ = behaviour("what a dead process had is done by others, and its run ends", func(r *rig) {
	s := r.site("slow", "One")
	s.hold()
	first := r.join(RoleWorker)
	first.declare()
	run := first.ask("slow")
	r.until("it to be asked", func() bool { return s.times() == 1 })
	second := r.join(RoleWorker)
	first.die()
	second.beatNow()
	s.open()
	got := r.row(second.report(run), "slow")
	if got.Outcome != feed.OutcomeOK { // by the second, or the first in another life
		r.Errorf("report %+v", got)
	}
	if titles := second.titles(); len(titles) != 1 {
		r.Errorf("items %q", titles)
	}
})

var _ = behaviour("a process that was taken for dead begins a new life", func(r *rig) {
	r.site("one", "One")
	p := r.join(RoleAll)
	p.declare()
	before := p.member.ID()
	p.die()
	p.beatNow()
	if after := p.member.ID(); after == "" || after == before {
		r.Fatalf("it was %q and is %q", before, after)
	}
	if report := p.report(p.ask("one")); report.Counts.Published != 1 {
		r.Errorf("report %+v", report)
	}
})

var _ = behaviour("others know of a pause before they get the host of a life that is over", func(r *rig) {
	p, other := r.join(RoleWorker), r.join(RoleWorker)
	if _, err := p.hosts.Enter(r.Context(), "slow.example", soon, func() {}); err != nil {
		r.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	p.hosts.mu.Lock() // as if nobody had told the others yet
	p.hosts.pauses["slow.example"] = pause{until: until}
	p.hosts.mu.Unlock()
	l, _ := p.member.life()
	p.member.giveUp(l)
	p.beatNow()
	s, err := other.hosts.Enter(r.Context(), "slow.example", soon, func() {})
	if err != nil || s.Until.Before(until.Add(-time.Minute)) {
		r.Errorf("it knows of a pause until %v: %v", s.Until, err)
	}
})

var _ = behaviour("what was begun in a life that is over is not written", func(r *rig) {
	p, other := r.join(RoleWorker), r.join(RoleWorker)
	p.declare()
	l, _ := p.member.life()
	write := func() error {
		return p.pipeline.Store.Write(context.WithValue(r.Context(), lifeKey{}, l.id), func(tx ingest.Tx) error { return tx.Changed(r.Context()) })
	}
	r.must(write())
	p.die()
	if err := write(); feed.CodeOf(err) != feed.CodeUnavailable {
		r.Errorf("a life that has run out: %v", err)
	}
	other.beatNow()
	if err := write(); feed.CodeOf(err) != feed.CodeUnavailable {
		r.Errorf("a life that was buried: %v", err)
	}
})

var _ = behaviour("nobody is buried while it writes", func(r *rig) {
	p, other := r.join(RoleWorker), r.join(RoleWorker)
	l, _ := p.member.life()
	r.must(p.store.Write(r.Context(), func(tx *store.Tx) error {
		if err := tx.Fence(r.Context(), l.id); err != nil {
			return err
		}
		r.exec(`SELECT 1`)
		other.beatNow()
		return nil
	}))
	if p.member.ID() != l.id {
		r.Error("its life has ended")
	}
})

var _ = behaviour("a process that cannot give something back begins anew, and all is free", func(r *rig) {
	p, other := r.join(RoleWorker), r.join(RoleWorker)
	s := r.site("one", "One")
	p.declare()
	src, err := p.store.Source(r.Context(), "one")
	r.must(err)
	l, _ := p.member.life()
	mine, err := p.claim(l, []int64{src.ID})
	r.must(err)
	if len(mine) != 1 {
		r.Fatal("it could not be claimed")
	}
	if mine, err := other.claim(l, []int64{src.ID}); err != nil || len(mine) != 0 {
		r.Fatalf("it was claimed twice: %v %v", mine, err)
	}
	p.member.giveUp(l)
	p.beatNow()
	if report := other.report(other.ask("one")); report.Counts.Published != 1 || s.times() != 1 {
		r.Errorf("report %+v, asked %d times", report, s.times())
	}
})

var _ = behaviour("a duty is one process's, and another's when that is gone", func(r *rig) {
	a, b := r.join(RoleWeb), r.join(RoleAll)
	worker := r.join(RoleWorker)
	has := func() (n int) {
		for _, p := range []*peer{a, b, worker} {
			if p.member.Ours(DutyHub) {
				n++
			}
		}
		return n
	}
	if has() != 1 || !a.member.Ours(DutyHub) {
		r.Fatalf("%d have it", has())
	}
	b.beatNow()
	if has() != 1 {
		r.Fatalf("%d have it", has())
	}
	now, cancel := context.WithTimeout(r.Context(), soon)
	defer cancel()
	r.must(a.member.leave(now))
	b.beatNow()
	if !b.member.Ours(DutyHub) || has() != 1 {
		r.Errorf("%d have it", has())
	}
})

var _ = behaviour("the clock makes one run of what is due, and none of what is not", func(r *rig) {
	s := r.site("one", "One")
	p := r.join(RoleWorker)
	p.declare()
	r.must(p.wake(r.Context()))
	r.until("it to be read", func() bool { return len(p.titles()) == 1 })
	r.until("the run to end", func() bool { return !p.Running() })
	r.must(p.wake(r.Context()))
	if s.times() != 1 {
		r.Errorf("asked %d times", s.times())
	}
	runs, err := p.store.Runs(r.Context(), 10)
	r.must(err)
	if i := slices.IndexFunc(runs, func(run feed.Report) bool { return run.Trigger == "schedule" }); i < 0 || runs[i].Total != 1 {
		r.Errorf("runs %+v", runs)
	}
})

var _ = behaviour("a job that was lost is made again", func(r *rig) {
	r.site("one", "One")
	p := r.join(RoleWeb)
	p.declare()
	r.must(p.wake(r.Context()))
	r.exec(`DELETE FROM river_job`)
	r.exec(`UPDATE claim SET queued = queued - $1`, 2*queuedAgain.Milliseconds())
	worker := r.join(RoleWorker)
	r.must(worker.wake(r.Context()))
	r.until("it to be read", func() bool { return len(p.titles()) == 1 })
})

var _ = behaviour("a run whose process died before its end is ended", func(r *rig) {
	p := r.join(RoleWeb)
	report := feed.Report{ID: "abandoned", Trigger: "api", State: "running", Started: time.Now().Add(-2 * abandoned)}
	r.must(p.store.SaveRun(r.Context(), report))
	r.must(p.finishAbandoned(r.Context()))
	if got := p.report("abandoned"); got.State != "done" {
		r.Errorf("report %+v", got)
	}
})

var _ = behaviour("the seeds are read by a process that sees them, and before all else", func(r *rig) {
	r.site("one", "One")
	r.seed("talks.txt", "Ministers meet\n\nThey talk about guarantees.")
	web := r.join(RoleWeb)
	web.declare()
	run := web.ask("one")
	sees := r.join(RoleWorker)
	blind := r.joinSeeing(RoleWorker, filepath.Join(r.seeds, "elsewhere"))
	web.report(run)
	seeds, err := web.store.Source(r.Context(), feed.SeedsSlug)
	r.must(err)
	one, err := web.store.Source(r.Context(), "one")
	r.must(err)
	if seeds.State.LastSuccess.IsZero() || seeds.State.LastSuccess.After(one.State.LastFetch) {
		r.Errorf("the seeds were read at %v, the feed at %v", seeds.State.LastSuccess, one.State.LastFetch)
	}
	if got := r.row(web.report(web.ask(feed.SeedsSlug)), feed.SeedsSlug); got.Worker != sees.member.name || got.Outcome != feed.OutcomeOK {
		r.Errorf("report %+v; it should not be of %s", got, blind.member.name)
	}
})

var _ = behaviour("it is said when no worker sees the seeds folder", func(r *rig) {
	web := r.join(RoleWeb)
	r.joinSeeing(RoleWorker, filepath.Join(r.seeds, "elsewhere"))
	web.declare()
	got := r.row(web.report(web.ask()), feed.SeedsSlug)
	if got.Outcome != feed.OutcomeFailed || !strings.Contains(got.Error, "no worker sees "+r.seeds) {
		r.Errorf("report %+v", got)
	}
	src, err := web.store.Source(r.Context(), feed.SeedsSlug)
	r.must(err)
	if src.State.Status != feed.StatusFailing || src.State.Error != got.Error {
		r.Errorf("state %+v", src.State)
	}
})

var _ = behaviour("a source that was removed meanwhile ends its run", func(r *rig) {
	s := r.site("one", "One")
	p := r.join(RoleWeb)
	p.declare()
	run := p.ask("one")
	r.sites = nil
	p.declare()
	r.join(RoleWorker)
	if got := p.report(run); got.Done != 1 || s.times() != 0 {
		r.Errorf("report %+v, asked %d times", got, s.times())
	}
})

var _ = behaviour("what a hub sends is taken in by who gets it", func(r *rig) {
	s := r.site("one", "One", "Two")
	p := r.join(RoleWeb)
	p.declare()
	src, err := p.store.Source(r.Context(), "one")
	r.must(err)
	body := `<?xml version="1.0"?><rss version="2.0"><channel><title>one</title><link>http://one.example/</link><description>d</description>` +
		`<item><guid isPermaLink="false">7</guid><link>http://one.example/7</link><title>Pushed</title></item></channel></rss>`
	r.must(p.Push(r.Context(), src, feed.Document{URL: src.URL, Body: []byte(body), MediaType: "application/rss+xml"}))
	if got := p.titles(); !slices.Equal(got, []string{"Pushed"}) || s.times() != 0 {
		r.Errorf("items %q, asked %d times", got, s.times())
	}
})

var _ = behaviour("a seeds folder that appears later is read, and does not hold feeds up", func(r *rig) {
	r.site("one", "One")
	r.seeds = filepath.Join(r.seeds, "later")
	p := r.join(RoleWorker)
	p.declare()
	run := p.ask()
	r.must(os.MkdirAll(r.seeds, 0o700))
	r.seed("talks.txt", "Ministers meet\n\nThey talk about guarantees.")
	p.beatNow()
	p.report(run)
	if got := r.row(p.report(p.ask(feed.SeedsSlug)), feed.SeedsSlug); got.Outcome != feed.OutcomeOK {
		r.Errorf("report %+v", got)
	}
})

var _ = behaviour("a part of a run that was forgotten gets a job again", func(r *rig) {
	r.site("one", "One")
	web := r.join(RoleWeb)
	web.declare()
	run := web.ask("one")
	r.exec(`DELETE FROM river_job`)
	r.exec(`UPDATE claim SET queued = queued - $1`, 2*queuedAgain.Milliseconds())
	p := r.join(RoleWorker)
	r.must(p.askForgotten(r.Context()))
	if report := web.report(run); report.Counts.Published != 1 {
		r.Errorf("report %+v", report)
	}
})

var _ = behaviour("a slow host does not hold up another one", func(r *rig) {
	slow, fast := r.site("slow", "One"), r.site("fast", "Two")
	slow.hold()
	p := r.join(RoleWorker)
	all := []feed.Source{{Slug: "slow", Kind: feed.KindFeed, URL: slow.server.URL, Enabled: true, Origin: feed.OriginConfig}}
	for i := range 2 * hostMost {
		all = append(all, feed.Source{Slug: fmt.Sprint("fast-", i), Kind: feed.KindFeed, URL: fmt.Sprint(fast.server.URL, "/", i), Enabled: true, Origin: feed.OriginConfig})
	}
	r.must(p.store.SyncSources(r.Context(), feed.OriginConfig, all, time.Now()))
	run := p.ask()
	r.until("all of the fast one to be asked", func() bool { return fast.times() == 2*hostMost })
	slow.open()
	p.report(run)
})

var _ = behaviour("a run is ended once, whoever tries", func(r *rig) {
	r.site("one", "One")
	peers := []*peer{r.join(RoleWeb), r.join(RoleWeb)}
	peers[0].declare()
	run := peers[0].ask("one")
	r.exec(`UPDATE run_part SET report = $1`, []byte(`{"source":"one","outcome":"ok","counts":{"published":1}}`))
	var both sync.WaitGroup
	for _, p := range peers {
		both.Go(func() {
			if err := p.finish(r.Context(), run); err != nil {
				r.Error(err)
			}
		})
	}
	both.Wait()
	if got := peers[1].report(run); got.Done != 1 || got.Counts.Published != 1 {
		r.Errorf("report %+v", got)
	}
})

var _ = behaviour("nobody takes what a process has that is just writing, though its lease has run out", func(r *rig) {
	r.site("one", "One")
	p, other := r.join(RoleWorker), r.join(RoleWorker)
	p.declare()
	src, err := p.store.Source(r.Context(), "one")
	r.must(err)
	l, _ := p.member.life()
	if mine, err := p.claim(l, []int64{src.ID}); err != nil || len(mine) != 1 {
		r.Fatalf("%v %v", mine, err)
	}
	r.must(p.store.Write(r.Context(), func(tx *store.Tx) error {
		if err := tx.Fence(r.Context(), l.id); err != nil {
			return err
		}
		taken := make(chan []int64)
		go func() {
			r.exec(`SELECT 1`)
			o, _ := other.member.life()
			mine, _ := other.claim(o, []int64{src.ID})
			taken <- mine
		}()
		if mine := <-taken; len(mine) > 0 {
			return fmt.Errorf("it was taken: %v", mine)
		}
		return nil
	}))
})

var _ = behaviour("a command leaves the work to those who stay", func(r *rig) {
	r.site("one", "One")
	worker := r.join(RoleWorker)
	worker.declare()
	hand := r.join(RoleHand)
	if got := r.row(hand.report(hand.ask("one")), "one"); got.Worker != worker.member.name {
		r.Errorf("report %+v", got)
	}
})

var _ = behaviour("a command works where nobody else does", func(r *rig) {
	r.site("one", "One")
	r.join(RoleWeb)
	hand := r.join(RoleHand)
	hand.declare()
	if got := r.row(hand.report(hand.ask("one")), "one"); got.Worker != hand.member.name || got.Outcome != feed.OutcomeOK {
		r.Errorf("report %+v", got)
	}
})

var _ = behaviour("the clock makes no run where nothing is due", func(r *rig) {
	r.site("one", "One")
	p := r.join(RoleWeb)
	p.declare()
	r.must(p.wake(r.Context()))
	r.must(p.wake(r.Context()))
	runs, err := p.store.Runs(r.Context(), 10)
	r.must(err)
	if runs = slices.DeleteFunc(runs, func(run feed.Report) bool { return run.Trigger != "schedule" }); len(runs) != 1 {
		r.Errorf("%d runs", len(runs))
	}
})

// Processes come and go while sources bring news; at the end everything is there once.
var _ = behaviour("nothing is lost and nothing comes twice while processes die", func(r *rig) {
	var want []string
	for i := range 12 {
		title := fmt.Sprintf("Article %d of its own", i)
		r.site(fmt.Sprint("site-", i), title)
		want = append(want, title)
	}
	keeper := r.join(RoleWorker)
	keeper.declare()
	var dying sync.WaitGroup
	for range 3 {
		p := r.join(RoleWorker)
		run := p.ask()
		p.die()
		dying.Go(func() { p.Stop(cancelled()) })
		keeper.beatNow()
		keeper.report(run)
	}
	dying.Wait()
	got := keeper.titles()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.Errorf("items %q, want %q", got, want)
	}
	for _, s := range r.sites {
		if s.mostAtOnce() > 1 {
			r.Errorf("%s was asked %d times at once", s.slug, s.mostAtOnce())
		}
	}
})

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestRolesHaveTheirDuties(t *testing.T) {
	for role, want := range map[Role]int{RoleAll: 3, RoleWeb: 3, RoleWorker: 0, RoleHand: 0} {
		if got := len(duties(role)); got != want {
			t.Errorf("%s has %d duties, not %d", role, got, want)
		}
	}
}
