package scheduler

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/store"
)

const (
	dayTimeout  = time.Second // in real time; only two feeds make us wait for it
	dayMaxBytes = 1 << 20
	daySchedule = "*/30 * * * *"
	dayStep     = 3 // minutes between looks at what has come due; the program looks each minute

	outageFrom, outageUntil = 10*60 + 21, 11*60 + 21 // minutes of the day
)

// day is the program as it is used for a day, and what it is seen to do.
type day struct {
	t     *testing.T
	clock *movedClock
	world *world
	path  string

	store   *store.Store
	client  *fetch.Client
	sched   *Scheduler
	change  int64
	seen    map[string]time.Time // by title: when it was there for readers
	counted []string             // slugs that the outage was counted against
}

// TestADayInTheLife lives through 24 hours, with a third of 200
// sources failing, a new process every hour, and an hour without a network.
func TestADayInTheLife(t *testing.T) {
	clock := &movedClock{at: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	d := &day{t: t, clock: clock, world: newWorld(t, clock), path: filepath.Join(t.TempDir(), "tributary.db"), seen: map[string]time.Time{}}
	d.start()
	defer d.stop()
	d.declare()
	d.sched.finish(t.Context(), feed.RunRequest{Trigger: "start"})
	d.look()
	var before map[string]feed.SourceState
	for minute := 1; minute < 24*60; minute++ {
		clock.later(time.Minute)
		if minute%dayStep != 0 {
			continue
		}
		switch minute {
		case outageFrom:
			before = d.states()
			d.world.down()
		case outageUntil:
			d.assertNothingCounted(before, d.states())
			d.world.up()
		}
		d.pass(minute)
		d.look()
	}
	for _, c := range d.world.complaints[:min(len(d.world.complaints), 20)] {
		t.Errorf("a publisher complains: %s", c)
	}
	d.assertPolls()
	d.assertPublished()
	d.assertHealed()
	d.assertStates()
}

// start is the beginning of a process.
func (d *day) start() {
	d.t.Helper()
	var err error
	if d.store, err = store.Open(d.t.Context(), store.Options{Path: d.path}); err != nil {
		d.t.Fatal(err)
	}
	d.client = fetch.New(fetch.Options{UserAgent: dayUserAgent, AllowPrivate: true, HostSpacing: -1,
		Timeout: dayTimeout, MaxBytes: dayMaxBytes, Now: d.clock.now})
	sources, err := d.store.Sources(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for host, until := range HostPauses(sources, d.clock.now()) {
		d.client.PauseHost(host, until)
	}
	main, err := ParseEvery(daySchedule, time.UTC)
	if err != nil {
		d.t.Fatal(err)
	}
	d.sched = New(Options{Schedule: daySchedule}, d.store, &ingest.Pipeline{
		Store: ForPipeline(d.store), Fetcher: d.client, Policy: Policy{Default: main, Jitter: DefaultJitter}, Now: d.clock.now,
	}, slog.New(slog.DiscardHandler))
}

// stop is its end.
func (d *day) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	d.sched.Stop(ctx)
	d.client.Close()
	if err := d.store.Close(); err != nil {
		d.t.Error(err)
	}
}

func (d *day) declare() {
	var sources []feed.Source
	for _, f := range d.world.feeds {
		sources = append(sources, f.source())
	}
	if err := d.store.SyncSources(d.t.Context(), feed.OriginConfig, sources, d.clock.now()); err != nil {
		d.t.Fatal(err)
	}
}

// pass does what the clock, and now and then a person, asks for in a minute.
func (d *day) pass(minute int) {
	ctx := d.t.Context()
	switch {
	case minute%60 == 0:
		d.stop()
		d.start()
		d.sched.finish(ctx, feed.RunRequest{Trigger: "start"})
	case minute%30 == 0:
		d.sched.finish(ctx, feed.RunRequest{Trigger: "schedule"})
	case minute%240 == 39:
		d.byHand()
	default:
		d.sched.wake(ctx)
	}
}

// byHand is a person who wants to see news now.
func (d *day) byHand() {
	id, err := d.sched.Trigger(d.t.Context(), feed.RunRequest{Trigger: "api"})
	if err == nil {
		_, err = d.sched.Wait(d.t.Context(), id)
	}
	if err != nil {
		d.t.Error(err)
	}
}

// look sees what is new for readers.
func (d *day) look() {
	change, err := d.store.Change(d.t.Context())
	if err == nil && change == d.change {
		return
	}
	d.change = change
	limit := 50 // more never come in a minute but the first
	if len(d.seen) == 0 {
		limit = 2000
	}
	items, err := d.store.Items(d.t.Context(), store.Query{Limit: limit})
	if err != nil {
		d.t.Fatal(err)
	}
	titles := map[string]bool{}
	for _, i := range items {
		if titles[i.Entry.Title] {
			d.t.Errorf("%s is there twice", i.Entry.Title)
		}
		titles[i.Entry.Title] = true
		if _, known := d.seen[i.Entry.Title]; !known {
			d.seen[i.Entry.Title] = d.clock.now()
		}
	}
}

func (d *day) states() map[string]feed.SourceState {
	sources, err := d.store.Sources(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	states := map[string]feed.SourceState{}
	for _, s := range sources {
		states[s.Slug] = s.State
	}
	return states
}

// assertNothingCounted holds that an hour without network is held against no
// source: but for those that were polled before three hosts had failed, once.
func (d *day) assertNothingCounted(before, after map[string]feed.SourceState) {
	hosts := map[*webHost]bool{}
	for _, f := range d.world.feeds {
		was, is := before[f.slug()], after[f.slug()]
		if was.Failures == is.Failures && was.Fetches == is.Fetches && was.Status == is.Status && was.ETag == is.ETag {
			continue
		}
		d.counted = append(d.counted, f.slug())
		if was.Failures == 0 {
			hosts[f.host] = true
		}
		if is.Failures > was.Failures+1 {
			d.t.Errorf("%s: %d failures after the outage, %d before", f.slug(), is.Failures, was.Failures)
		}
	}
	d.t.Logf("the outage was counted against %v", d.counted)
	if len(hosts) > 2 {
		d.t.Errorf("the outage was counted against %d hosts that were well: %v", len(hosts), d.counted)
	}
}

// assertPolls holds how polls were answered and how many there were.
func (d *day) assertPolls() {
	var sum pollCounts
	requests, busiest := 0, 0
	for _, f := range d.world.feeds {
		sum.polls += f.counts.polls
		sum.unchanged += f.counts.unchanged
		sum.unchanged304 += f.counts.unchanged304
		sum.bad += f.counts.bad
	}
	for _, h := range d.world.hosts {
		requests, busiest = requests+h.requests, max(busiest, h.busiest)
	}
	share := 100 * float64(sum.unchanged304) / float64(sum.unchanged)
	d.t.Logf("%d requests, %d at a time to a host; %d polls, %d of them badly answered; of %d of unchanged feeds %.2f %% were answered 304",
		requests, busiest, sum.polls, sum.bad, sum.unchanged, share)
	if share < 95 {
		d.t.Errorf("only %.1f %% of the polls of unchanged feeds were answered 304", share)
	}
	if sum.unchanged < 2500 {
		d.t.Errorf("only %d polls of unchanged feeds: where has the day gone?", sum.unchanged)
	}
}

// assertPublished holds that what was new was there for readers as soon as its
// feed could be had, and within an interval where that was well.
func (d *day) assertPublished() {
	total, fresh := 0, 0
	var longest, hourly time.Duration // to be published, of all and of those that are asked each hour
	for _, f := range d.world.feeds {
		for i, item := range f.items {
			at, seen := d.seen[item.title]
			first, had := f.firstGood(i)
			switch {
			case seen:
				total++
			case had:
				d.t.Errorf("%s: got at %s, never published", item.title, first.Format("15:04"))
			}
			if seen && !f.fault.isPartly() && (!had || !at.Equal(first)) {
				d.t.Errorf("%s: published at %s, got at %s", item.title, at.Format("15:04"), first.Format("15:04"))
			}
			if !f.well() || !item.appears.After(d.world.began) {
				continue
			}
			limit := d.dueBy(f, item.appears)
			if !seen && limit.After(d.clock.now()) {
				continue // the day ends before
			}
			fresh++
			if !seen || at.After(limit) {
				d.t.Errorf("%s: appeared at %s, published at %s, want %s at the latest", item.title,
					item.appears.Format("15:04"), at.Format("15:04"), limit.Format("15:04"))
			}
			longest = max(longest, at.Sub(item.appears))
			if f.wait == time.Hour && limit.Sub(item.appears) < f.wait+10*time.Minute { // the outage aside
				hourly = max(hourly, at.Sub(item.appears))
			}
		}
	}
	d.t.Logf("%d items published, %d of them new that day from feeds that were well; the slowest took %v, of feeds asked hourly, the outage aside, %v",
		total, fresh, longest, hourly)
	if fresh < 180 {
		d.t.Errorf("only %d new items: where has the day gone?", fresh)
	}
}

func (f *fault) isPartly() bool { return f != nil && f.partly }

// well tells whether the feed works all day.
func (f *webFeed) well() bool {
	return f.host.n < limitsBySeconds && (f.fault == nil || f.fault.move != nil && !f.fault.lost)
}

// firstGood is when the feed's whole document first had the item.
func (f *webFeed) firstGood(item int) (time.Time, bool) {
	for _, g := range f.good {
		if g.items > item {
			return g.at, true
		}
	}
	return time.Time{}, false
}

// dueBy is when an item that appears in a well feed must be out: within its
// interval, with its jitter, at the next look. An outage puts it off.
func (d *day) dueBy(f *webFeed, appears time.Time) time.Time {
	jitter := min(time.Duration(DefaultJitter*float64(f.wait)), longestJitter)
	by := appears.Add(f.wait + jitter + dayStep*time.Minute)
	until := d.world.began.Add(outageUntil * time.Minute)
	if from := d.world.began.Add(outageFrom * time.Minute); by.Before(from) || appears.After(until) {
		return by
	}
	return maxTime(by, until.Add(6*time.Minute))
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// assertHealed holds that backing off is in proportion: who works again is
// asked within the time that he did not work, and an interval.
func (d *day) assertHealed() {
	n := 0
	for _, f := range d.world.feeds {
		for _, s := range f.faultAt {
			by := s.until.Add(s.until.Sub(s.from) + f.wait + longestJitter + unavailableFor)
			if by.After(d.world.hour(24)) {
				continue
			}
			n++
			if !f.goodBetween(s.until, by) {
				d.t.Errorf("%s works again at %s, and was not asked by %s", f.slug(), s.until.Format("15:04"), by.Format("15:04"))
			}
		}
	}
	for _, h := range d.world.hosts[limitsBySeconds:deadHost] {
		if len(h.paused) == 0 {
			d.t.Errorf("%s asked for no pause", h.address)
		}
		last := h.paused[len(h.paused)-1].until
		for _, f := range d.world.feeds[h.n*feedsPerHost:][:feedsPerHost] {
			n++
			by := last.Add(last.Sub(h.paused[0].from) + f.wait + longestJitter)
			if !f.goodBetween(last, by) {
				d.t.Errorf("%s: no poll between the pause's end at %s and %s", f.slug(), last.Format("15:04"), by.Format("15:04"))
			}
		}
	}
	d.t.Logf("%d recoveries", n)
}

func (f *webFeed) goodBetween(from, until time.Time) bool {
	for _, g := range f.good {
		if !g.at.Before(from) && !g.at.After(until) {
			return true
		}
	}
	return false
}

// assertStates holds what is known of the sources at the day's end.
func (d *day) assertStates() {
	want := map[string]feed.Status{
		"500": feed.StatusFailing, "503": feed.StatusFailing, "503 and seconds": feed.StatusLimited, "503 and a date": feed.StatusLimited,
		"401": feed.StatusBlocked, "404": feed.StatusFailing, "410": feed.StatusGone, "a page": feed.StatusNotFeed,
		"a challenge": feed.StatusBlocked, "a challenge with 200": feed.StatusBlocked, "nothing": feed.StatusFailing,
		"other JSON": feed.StatusFailing, "breaks off": feed.StatusFailing, "cut": feed.StatusTruncated,
		"too short a length": feed.StatusTruncated, "hangs up": feed.StatusFailing, "not HTTP": feed.StatusFailing,
		"a bomb": feed.StatusFailing, "silent": feed.StatusFailing, "drips": feed.StatusFailing,
		"moved in a circle": feed.StatusFailing, "moved to the dead": feed.StatusFailing,
	}
	states := d.states()
	for _, f := range d.world.feeds {
		s, expect := states[f.slug()], feed.StatusOK
		d.clock.later(-time.Minute) // the fault of a whole day ends with it
		if f.faulty() || f.fault != nil && f.fault.lost {
			expect = want[f.fault.name]
		}
		d.clock.later(time.Minute)
		if f.host.n == deadHost {
			expect = feed.StatusFailing
		}
		if s.Status != expect {
			d.t.Errorf("%s (%s): %q, want %q: %s", f.slug(), f.faultName(), s.Status, expect, s.Error)
		}
		if s.FetchURL != "" {
			d.t.Errorf("%s: a redirect was believed after a day", f.slug())
		}
		if n := f.counts.polls; expect == feed.StatusGone && n > 4 {
			d.t.Errorf("%s: %d polls, though it was gone after three hours", f.slug(), n)
		}
	}
}

func (f *webFeed) faultName() string {
	if f.fault == nil {
		return "well"
	}
	return f.fault.name
}
