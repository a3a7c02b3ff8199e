package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
)

// Requests.

func TestEqualRequestsJoinAndOthersDoNot(t *testing.T) {
	r := newRig(t)
	r.pipeline.Now = time.Now
	slow := r.add("slow", "One")
	slow.hold()
	r.declare()
	first := r.trigger(feed.RunRequest{Trigger: "schedule"})
	if r.trigger(feed.RunRequest{Trigger: "api"}) != first {
		t.Error("the same has a run of its own")
	}
	others := []string{first}
	for name, req := range map[string]feed.RunRequest{
		"by force":            {Trigger: "api", Force: true},
		"one source":          {Trigger: "api", Sources: []string{"slow"}},
		"a folder's event":    {Trigger: "folder", Sources: []string{feed.SeedsSlug}},
		"a new configuration": {Trigger: "signal"},
	} {
		id := r.trigger(req)
		if slices.Contains(others, id) {
			t.Errorf("%s: joined", name)
		}
		others = append(others, id)
	}
	if a, b := r.trigger(feed.RunRequest{Trigger: "api", Sources: []string{"slow"}}),
		r.trigger(feed.RunRequest{Trigger: "command", Sources: []string{"slow", "SLOW", slow.server.URL}}); a != b {
		t.Error("names of one source are told apart")
	}
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	slow.open()
	r.until("their end", func() bool { return !r.sched.Running() })
	if _, err := r.sched.Trigger(t.Context(), feed.RunRequest{Trigger: "api", Sources: []string{"nobody"}}); feed.CodeOf(err) != feed.CodeNotFound {
		t.Errorf("a source that is not there: %v", err)
	}
}

func TestASourceIsAskedOnceByRunsThatMeet(t *testing.T) {
	r := newRig(t)
	r.pipeline.Now = time.Now
	for name, status := range map[string]int{"well": 0, "limited": http.StatusServiceUnavailable} {
		s := r.add(name, "One")
		s.fail(status)
		s.hold()
	}
	r.declare()
	policy := &countingPolicy{Policy: Policy{}}
	r.pipeline.Policy = policy
	ids := []string{r.trigger(feed.RunRequest{Trigger: "api"})}
	for n, s := range r.sites {
		r.until("the feed to be asked", func() bool { return s.times() == 1 })
		ids = append(ids, r.trigger(feed.RunRequest{Trigger: "api", Force: true, Sources: []string{s.slug}}))
		r.until("the other run to have begun", func() bool { return policy.forced.Load() == int32(n+1) })
	}
	for _, s := range r.sites {
		s.open()
	}
	for _, id := range ids {
		r.wait(id)
	}
	for _, s := range r.sites {
		if s.times() != 1 {
			t.Errorf("%s was asked %d times", s.slug, s.times())
		}
	}
}

// countingPolicy counts the sources that are to be asked by force.
type countingPolicy struct {
	ingest.Policy
	forced atomic.Int32
}

func (p *countingPolicy) Due(src feed.Source, force bool, now time.Time) (bool, string) {
	if force {
		p.forced.Add(1)
	}
	return p.Policy.Due(src, force, now)
}

// A source that failed early in a run must not be asked again before the run
// has stored that, whoever asks.
func TestAFailureIsStoredWhileItsRunGoesOn(t *testing.T) {
	r := newRig(t)
	bad, well, slow := r.add("bad"), r.add("well", "One"), r.add("slow", "Two")
	bad.fail(http.StatusInternalServerError)
	slow.hold()
	r.declare()
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the failure to be stored", func() bool { return r.source("bad").State.Failures == 1 })
	again := r.ingest(feed.RunRequest{Trigger: "api", Sources: []string{"bad"}})
	if got := row(again, "bad"); got.Outcome != feed.OutcomeNotDue || bad.times() != 1 || well.times() != 1 {
		t.Errorf("asked %d times; %+v", bad.times(), got)
	}
	slow.open()
	r.wait(id)
}

func TestARunsReportTellsHowEachSourceFared(t *testing.T) {
	r := newRig(t)
	r.add("well", "One", "Two")
	r.add("waiting", "Three")
	r.declare()
	r.ingest(feed.RunRequest{Trigger: "api", Sources: []string{"waiting"}})
	polled := r.clock.now()
	r.clock.later(10 * time.Minute)
	r.add("down").fail(http.StatusNotFound)
	r.declare()
	off := feed.Source{Slug: "off", Kind: feed.KindFeed, URL: "http://127.0.0.1:9/off", Origin: feed.OriginAdded}
	if _, err := r.store.AddSource(t.Context(), off, r.clock.now()); err != nil {
		t.Fatal(err)
	}
	r.file("talks.txt", "Ministers meet")

	id := r.trigger(feed.RunRequest{Trigger: "api"})
	got := r.wait(id)
	now := r.clock.now()
	want := feed.Report{
		ID: id, Trigger: "api", State: "done", Started: now, Finished: now, Total: 5, Done: 5, Counts: feed.Counts{Published: 3},
		Sources: []feed.SourceReport{
			{Source: "down", Name: "down", Outcome: feed.OutcomeFailed, Status: feed.StatusFailing, NextDue: now.Add(time.Hour),
				DueReason: "after a failure; one hour after the last poll", Error: fetch.HostOf(r.sites[2].server.URL) + " answered 404 Not Found"},
			{Source: "off", Name: "off", Outcome: feed.OutcomeDisabled, Status: feed.StatusNew, DueReason: "it is disabled"},
			{Source: "seeds", Name: "seeds", Outcome: feed.OutcomeOK, Status: feed.StatusOK, Counts: feed.Counts{Published: 1}},
			{Source: "waiting", Name: "waiting", Outcome: feed.OutcomeNotDue, Status: feed.StatusOK, NextDue: polled.Add(time.Hour),
				DueReason: "due at 2026-03-01 13:00 UTC: one hour after the last poll"},
			{Source: "well", Name: "well", Outcome: feed.OutcomeOK, Status: feed.StatusOK, NextDue: now.Add(time.Hour),
				DueReason: "one hour after the last poll", Counts: feed.Counts{Published: 2}},
		},
	}
	inOrder := cmpopts.SortSlices(func(a, b feed.SourceReport) bool { return a.Source < b.Source })
	sizes := cmpopts.IgnoreFields(feed.SourceReport{}, "Bytes")
	if diff := cmp.Diff(want, got, inOrder, sizes); diff != "" {
		t.Error(diff)
	}
	stored, err := r.store.Run(t.Context(), id)
	if diff := cmp.Diff(got, stored); diff != "" || err != nil {
		t.Errorf("stored: %v %s", err, diff)
	}
	if b := row(got, "well").Bytes; b != int64(len(r.sites[0].document())) {
		t.Errorf("%d bytes", b)
	}
}

// What docs/fetching.md shows to publishers is what is sent, and all of it.
func TestThePageForPublishersShowsWhatIsSent(t *testing.T) {
	page, err := os.ReadFile("../docs/fetching.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "    GET /feed.xml HTTP/1.1\n")
	shown, _, _ = strings.Cut(shown, "\n\n")
	want := http.Header{}
	for line := range strings.Lines(shown) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		want.Set(name, value)
	}
	want.Del("Host") // which the server tells apart
	asked := make(chan http.Header, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header
		w.WriteHeader(http.StatusNotModified)
	}))
	defer server.Close()
	c := fetch.New(fetch.Options{AllowPrivate: true, UserAgent: fetch.UserAgent("1.0.0", "", "https://news.example.org")})
	defer c.Close()
	c.Get(t.Context(), feed.Source{URL: server.URL, State: feed.SourceState{
		ETag: want.Get("If-None-Match"), LastModified: want.Get("If-Modified-Since"), ValidatorsSince: time.Now(),
	}}, false)
	if diff := cmp.Diff(want, <-asked); diff != "" {
		t.Error(diff)
	}
}

// The run lock.

func TestTheScheduleLeavesItToAnotherProcess(t *testing.T) {
	r := newRig(t)
	s := r.add("feed", "One")
	r.declare()
	release, err := r.open().TryLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.sched.finish(t.Context(), feed.RunRequest{Trigger: "schedule"})
	runs, err := r.store.Runs(t.Context(), 10)
	if err != nil || len(runs) != 0 || s.times() != 0 || r.sched.Running() {
		t.Errorf("%v %+v, asked %d times", err, runs, s.times())
	}
	release()
	r.sched.finish(t.Context(), feed.RunRequest{Trigger: "schedule"})
	if s.times() != 1 {
		t.Errorf("afterwards asked %d times", s.times())
	}
}

func TestPeopleWaitForAnotherProcess(t *testing.T) {
	r := newRig(t)
	s := r.add("feed", "One")
	r.declare()
	release, err := r.open().TryLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if report, err := r.sched.Wait(ctx, id); !errors.Is(err, context.DeadlineExceeded) || report.State != "running" || s.times() != 0 {
		t.Errorf("%v %+v, asked %d times", err, report, s.times())
	}
	release()
	if report := r.wait(id); report.State != "done" || report.Counts.Published != 1 {
		t.Errorf("%+v", report)
	}
}

func TestAPersonWhoJoinsTheScheduleWaitsForAnotherProcessToo(t *testing.T) {
	r := newRig(t)
	release, err := r.open().TryLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	joined := &activeRun{request: feed.RunRequest{Trigger: "schedule"}, wanted: true}
	got := make(chan error)
	go func() {
		drop, err := r.sched.acquire(joined)
		if err == nil {
			drop()
		}
		got <- err
	}()
	release()
	if err := <-got; err != nil {
		t.Errorf("%v", err)
	}
}

func TestRunsOfOneProcessShareTheLock(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	slow.hold()
	r.declare()
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	r.file("talks.txt", "Ministers meet")
	r.ingest(feed.RunRequest{Trigger: "api", Sources: []string{feed.SeedsSlug}})
	if diff := cmp.Diff([]string{"Ministers meet"}, r.titles()); diff != "" {
		t.Error(diff)
	}
	if _, err := r.open().TryLock(t.Context()); feed.CodeOf(err) != feed.CodeConflict {
		t.Errorf("the lock is free in the middle of a run: %v", err)
	}
	slow.open()
	r.wait(id)
}

// Defects and breakdowns.

// fetcher is a client that can be made to misbehave.
type fetcher struct {
	ingest.Fetcher
	get func(src feed.Source)
}

func (f fetcher) Get(ctx context.Context, src feed.Source, force bool) fetch.Result {
	f.get(src)
	return f.Fetcher.Get(ctx, src, force)
}

// faultyStore is a store whose transactions can be made to fail.
type faultyStore struct {
	ingest.Store
	write  func() error                      // before each transaction
	insert func(entries []*feed.Entry) error // before entries are inserted
}

func (s *faultyStore) Write(ctx context.Context, do func(ingest.Tx) error) error {
	if s.write != nil {
		if err := s.write(); err != nil {
			return err
		}
	}
	return s.Store.Write(ctx, func(tx ingest.Tx) error { return do(&faultyTx{tx, s}) })
}

type faultyTx struct {
	ingest.Tx
	store *faultyStore
}

func (t *faultyTx) InsertEntries(ctx context.Context, entries []*feed.Entry) error {
	if t.store.insert != nil {
		if err := t.store.insert(entries); err != nil {
			return err
		}
	}
	return t.Tx.InsertEntries(ctx, entries)
}

func TestADefectThatOneSourceTouchesStopsOnlyThatSource(t *testing.T) {
	poison := func(entries []*feed.Entry) bool {
		return slices.ContainsFunc(entries, func(e *feed.Entry) bool { return e.Title == "Poison" })
	}
	for name, spoil := range map[string]func(*ingest.Pipeline){
		"a panic while fetching": func(p *ingest.Pipeline) {
			p.Fetcher = fetcher{p.Fetcher, func(src feed.Source) {
				if src.Slug == "bad" {
					panic("a hole")
				}
			}}
		},
		"a panic while storing": func(p *ingest.Pipeline) {
			p.Store = &faultyStore{Store: p.Store, insert: func(entries []*feed.Entry) error {
				if poison(entries) {
					panic("a hole")
				}
				return nil
			}}
		},
		"an entry that the store does not take": func(p *ingest.Pipeline) {
			p.Store = &faultyStore{Store: p.Store, insert: func(entries []*feed.Entry) error {
				if poison(entries) {
					return feed.Errorf(feed.CodeConflict, "a hole")
				}
				return nil
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			spoil(r.pipeline)
			r.add("first", "One")
			r.add("bad", "Poison")
			r.add("last", "Two")
			r.declare()
			for range 2 {
				report := r.ingest(feed.RunRequest{Trigger: "api"})
				if report.State != "done" || report.Failed() != 1 || report.Done != 4 {
					t.Fatalf("%+v", report)
				}
				if bad := row(report, "bad"); !strings.Contains(bad.Error, "a hole") || bad.Counts.Changed() || bad.NextDue.IsZero() {
					t.Errorf("%+v", bad)
				}
				r.clock.later(2 * time.Hour)
			}
			titles := r.titles()
			slices.Sort(titles)
			if diff := cmp.Diff([]string{"One", "Two"}, titles); diff != "" {
				t.Error(diff)
			}
			if s := r.source("bad").State; s.Failures != 2 || s.Imported {
				t.Errorf("%+v", s)
			}
		})
	}
}

// holedPolicy panics once.
type holedPolicy struct {
	ingest.Policy
	whole atomic.Bool
}

func (p *holedPolicy) Due(src feed.Source, force bool, now time.Time) (bool, string) {
	if !p.whole.Swap(true) {
		panic("a hole")
	}
	return p.Policy.Due(src, force, now)
}

func TestADefectThatBreaksARunIsReportedAndTheNextRunWorks(t *testing.T) {
	r := newRig(t)
	r.pipeline.Policy = &holedPolicy{Policy: Policy{}}
	r.add("feed", "One")
	r.declare()
	report := r.ingest(feed.RunRequest{Trigger: "api"})
	if report.State != "failed" || !strings.Contains(report.Error, "a hole") || !strings.Contains(r.log.String(), "a hole") {
		t.Errorf("%+v\n%s", report, r.log)
	}
	if report := r.ingest(feed.RunRequest{Trigger: "api"}); report.State != "done" || report.Counts.Published != 1 {
		t.Errorf("%+v", report)
	}
}

func TestAStoreThatFailsLeavesNoSourceBehind(t *testing.T) {
	r := newRig(t)
	var broken atomic.Bool
	broken.Store(true)
	r.add("quick", "One")
	slow := r.add("slow", "Two")
	slow.hold()
	r.pipeline.Store = &faultyStore{Store: r.pipeline.Store, write: func() error {
		if !broken.Load() {
			return nil
		}
		slow.open() // so that it is ready, and nobody takes it
		time.Sleep(50 * time.Millisecond)
		return feed.Errorf(feed.CodeUnavailable, "no room left")
	}}
	r.declare()
	if report := r.ingest(feed.RunRequest{Trigger: "api"}); report.State != "failed" || !strings.Contains(report.Error, "no room left") {
		t.Errorf("%+v", report)
	}
	broken.Store(false)
	report := r.ingest(feed.RunRequest{Trigger: "api"})
	if report.State != "done" || report.Counts.Published != 2 {
		t.Errorf("%+v", report)
	}
}

// A run that gives up while it waits for another one's source must not free it.
func TestASourceBelongsToTheRunThatTookIt(t *testing.T) {
	r := newRig(t)
	var gets atomic.Int32
	r.pipeline.Fetcher = fetcher{r.pipeline.Fetcher, func(feed.Source) { gets.Add(1) }}
	slow := r.add("slow", "One")
	slow.hold()
	r.declare()
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	sources := []feed.Source{r.source("slow")}
	for n := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		run := ingest.Run{ID: fmt.Sprint(n), Now: r.clock.now()}
		if err := r.pipeline.Run(ctx, run, sources, func(feed.SourceReport) {}); err == nil {
			t.Error("a run went on without its source")
		}
	}
	if gets.Load() != 1 {
		t.Errorf("%d runs fetched it at once", gets.Load())
	}
	slow.open()
	r.wait(id)
}

// Our network and theirs.

func TestOurNetworkIsKnownToBeDownAlsoWhereFewSourcesAreDueAtATime(t *testing.T) {
	r := newRig(t)
	for n := range 5 {
		r.add(fmt.Sprintf("feed-%d", n), fmt.Sprint("Item ", n)).every = fmt.Sprintf("%dm", 61+n)
	}
	r.declare()
	r.ingest(feed.RunRequest{Trigger: "start"})
	for _, s := range r.sites {
		s.server.Close()
	}
	r.clock.later(time.Hour)
	for range 5 {
		r.clock.later(time.Minute)
		r.sched.wake(t.Context())
	}
	var failures []int
	for _, s := range r.sites {
		failures = append(failures, r.source(s.slug).State.Failures)
	}
	if diff := cmp.Diff([]int{1, 1, 0, 0, 0}, failures); diff != "" {
		t.Errorf("three hosts make it our network: %s", diff)
	}
	s := r.source("feed-4").State
	if want := r.clock.now().Add(5 * time.Minute); s.Status != feed.StatusOK || !s.NextDue.Equal(want) || s.Fetches != 1 ||
		!strings.Contains(s.DueReason, "our own network") || !strings.Contains(s.Error, "our own network") {
		t.Errorf("due at %v, want %v: %+v", s.NextDue, want, s)
	}
}

func TestHostsThatWereDeadBeforeSayNothingOfOurNetwork(t *testing.T) {
	r := newRig(t)
	r.add("well", "One").every = "24h"
	for n := range 4 {
		r.add(fmt.Sprintf("dead-%d", n)).server.Close()
	}
	r.declare()
	r.ingest(feed.RunRequest{Trigger: "start"})
	r.clock.later(2 * time.Hour)
	r.sched.wake(t.Context())
	for n := range 4 {
		if s := r.source(fmt.Sprintf("dead-%d", n)).State; s.Failures != 2 {
			t.Errorf("%d failures counted, want 2: %s", s.Failures, s.DueReason)
		}
	}
}

// Sources that come and go.

func TestASourceThatIsRemovedAndAddedAgainGoesOn(t *testing.T) {
	r := newRig(t)
	s := r.add("feed", "One", "Two")
	src := feed.Source{Slug: "feed", Kind: feed.KindFeed, URL: s.server.URL, Enabled: true}
	for _, want := range []int{2, 1, 0} {
		if _, err := r.store.AddSource(t.Context(), src, r.clock.now()); err != nil {
			t.Fatal(err)
		}
		report := r.ingest(feed.RunRequest{Trigger: "api", Force: true})
		if report.State != "done" || report.Failed() != 0 || report.Counts.Published != want {
			t.Fatalf("want %d published: %+v", want, report)
		}
		if err := r.store.RemoveSource(t.Context(), "feed", false, r.clock.now()); err != nil {
			t.Fatal(err)
		}
		r.clock.later(time.Hour)
		if want == 2 {
			s.publish("Three")
		}
	}
	if got := len(r.titles()); got != 3 {
		t.Errorf("%d items", got)
	}
}

func TestASourceThatIsRemovedForGoodDuringARunStopsNobody(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	bad := r.add("bad")
	bad.fail(http.StatusInternalServerError)
	r.add("other", "Two")
	slow.hold()
	bad.hold()
	r.declare()
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the feeds to be asked", func() bool { return slow.times() == 1 && bad.times() == 1 })
	for _, slug := range []string{"slow", "bad"} {
		if err := r.store.RemoveSource(t.Context(), slug, true, r.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	slow.open()
	bad.open()
	report := r.wait(id)
	if report.State != "done" || report.Failed() != 2 || row(report, "slow").Error != "it was removed meanwhile" {
		t.Errorf("%+v", report)
	}
	if diff := cmp.Diff([]string{"Two"}, r.titles()); diff != "" {
		t.Error(diff)
	}
	if err := r.store.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
