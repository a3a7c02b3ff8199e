package scheduler

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"
	"go.uber.org/goleak"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/store"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http tells it of answers that are longer than they say
	goleak.VerifyTestMain(m)
}

// patience is how long tests wait for what must happen.
const patience = 10 * time.Second

// rig is a Scheduler with all that is behind it: a real store, real HTTP on
// loopback, a real folder, and a clock that the test moves.
type rig struct {
	t        *testing.T
	clock    *movedClock
	path     string
	store    *store.Store
	client   *fetch.Client
	pipeline *ingest.Pipeline
	opts     Options
	sched    *Scheduler
	seeds    string
	log      *notes
	sites    []*site
}

func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel() // they wait more than they work
	r := &rig{t: t, clock: &movedClock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, seeds: t.TempDir(), log: &notes{},
		path: filepath.Join(t.TempDir(), "tributary.db")}
	r.store = r.open()
	r.client = fetch.New(fetch.Options{AllowPrivate: true, HostSpacing: -1, Now: r.clock.now})
	r.pipeline = &ingest.Pipeline{Store: ForPipeline(r.store), Fetcher: r.client, Policy: Policy{}, Now: r.clock.now}
	r.opts = Options{Schedule: yearly, Rescan: time.Hour, Seeds: r.seeds}
	r.sched = New(r.opts, r.store, r.pipeline, slog.New(slog.NewTextHandler(r.log, nil)))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.sched.Stop(ctx)
		r.client.Close()
	})
	return r
}

// yearly is a schedule that does not come while a test runs, if it is not New Year.
const yearly = "0 0 1 1 *"

// open opens the store once more, as another process would.
func (r *rig) open() *store.Store {
	r.t.Helper()
	st, err := store.Open(r.t.Context(), store.Options{Path: r.path})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := st.Close(); err != nil {
			r.t.Error(err)
		}
	})
	return st
}

// notes are what was logged.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// site is a host with one feed.
type site struct {
	slug   string
	every  string
	server *httptest.Server

	mu     sync.Mutex
	titles []string // of its articles
	status int      // answered instead of the feed
	asked  int
	gate   chan struct{} // answers wait until it is closed; nil: they don't
}

// add makes a site whose feed is a source from the next declare on.
func (r *rig) add(slug string, titles ...string) *site {
	s := &site{slug: slug, titles: titles}
	s.server = httptest.NewServer(s)
	r.sites = append(r.sites, s)
	r.t.Cleanup(func() {
		s.open()
		s.server.Close()
	})
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked++
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != 0 {
		http.Error(w, "no", s.status)
		return
	}
	etag := fmt.Sprintf(`"%d"`, len(s.titles))
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprint(w, s.document())
}

func (s *site) document() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0"?><rss version="2.0"><channel><title>%s</title><link>http://%s.example/</link><description>d</description>`, s.slug, s.slug)
	for i, title := range s.titles {
		fmt.Fprintf(&b, `<item><guid isPermaLink="false">%d</guid><link>http://%s.example/%d</link><title>%s</title></item>`, i, s.slug, i, title)
	}
	return b.String() + `</channel></rss>`
}

// hold makes answers wait.
func (s *site) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

// open lets them go.
func (s *site) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
		s.gate = nil
	}
}

func (s *site) publish(title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.titles = append(s.titles, title)
}

func (s *site) fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *site) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// declare makes the seeds folder and all sites the sources.
func (r *rig) declare() {
	r.t.Helper()
	sources := []feed.Source{{Slug: feed.SeedsSlug, Kind: feed.KindFolder, URL: r.seeds, Enabled: true}}
	for _, s := range r.sites {
		sources = append(sources, feed.Source{Slug: s.slug, Kind: feed.KindFeed, URL: s.server.URL, Every: s.every, Enabled: true})
	}
	if err := r.store.SyncSources(r.t.Context(), feed.OriginConfig, sources, r.clock.now()); err != nil {
		r.t.Fatal(err)
	}
}

// file puts a document into the seeds folder.
func (r *rig) file(name, title string) {
	r.t.Helper()
	text := title + "\n\nThe ministers met on Monday, and will meet again in a month.\n"
	if err := os.WriteFile(filepath.Join(r.seeds, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// trigger asks for a run.
func (r *rig) trigger(req feed.RunRequest) string {
	r.t.Helper()
	id, err := r.sched.Trigger(r.t.Context(), req)
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// wait waits for a run to end, well or not.
func (r *rig) wait(id string) feed.Report {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	report, err := r.sched.Wait(ctx, id)
	if ctx.Err() != nil {
		r.t.Fatalf("a run does not end: %+v, %v", report, err)
	}
	return report
}

// ingest is a run from beginning to end.
func (r *rig) ingest(req feed.RunRequest) feed.Report {
	r.t.Helper()
	return r.wait(r.trigger(req))
}

// run runs the Scheduler until the test ends.
func (r *rig) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.sched.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
	r.until("a first run", func() bool { return !r.sched.NextRun().IsZero() })
}

// until waits for something to come true.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// titles are the live items, oldest place first.
func (r *rig) titles() []string {
	r.t.Helper()
	items, err := r.store.Items(r.t.Context(), store.Query{Limit: 500})
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, i := range slices.Backward(items) {
		out = append(out, i.Entry.Title)
	}
	return out
}

func (r *rig) source(slug string) feed.Source {
	r.t.Helper()
	src, err := r.store.Source(r.t.Context(), slug)
	if err != nil {
		r.t.Fatal(err)
	}
	return src
}

// row is a report's line on a source.
func row(r feed.Report, slug string) feed.SourceReport {
	for _, s := range r.Sources {
		if s.Source == slug {
			return s
		}
	}
	return feed.SourceReport{}
}

// Everything periodic.

func TestAFolderEventDuringALongRunShowsAtOnce(t *testing.T) {
	r := newRig(t)
	r.pipeline.Now = time.Now
	slow := r.add("slow", "One")
	slow.hold()
	r.declare()
	r.run()
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	for _, title := range []string{"The first document", "The second document"} {
		began := time.Now()
		r.file(strings.ToLower(title)+".txt", title)
		r.until("the document to be published", func() bool { return slices.Contains(r.titles(), title) })
		t.Logf("published after %v", time.Since(began).Round(time.Millisecond))
	}
	if !r.sched.Running() || slices.Contains(r.titles(), "One") {
		t.Error("the feeds' run is over: it was to go on meanwhile")
	}
	slow.open()
	r.until("the feed", func() bool { return slices.Contains(r.titles(), "One") })
}

func TestWhatALongRunFindsInTheFolderShowsAtOnce(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	slow.hold()
	r.declare()
	r.file("talks.txt", "Ministers meet")
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the document to be published", func() bool { return slices.Contains(r.titles(), "Ministers meet") })
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	slow.open()
	r.wait(id)
	if diff := cmp.Diff([]string{"Ministers meet", "One"}, r.titles()); diff != "" {
		t.Error(diff)
	}
}

func TestATickIsSkippedWhileItsRunIsUnderWay(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	r.declare()
	r.run()
	r.until("the first run's end", func() bool { return !r.sched.Running() && slow.times() == 1 })
	slow.hold()
	r.clock.later(2 * time.Hour)
	tick := r.sched.cron.Entry(r.sched.main).WrappedJob
	first := make(chan struct{})
	go func() { defer close(first); tick.Run() }()
	r.until("the feed to be asked", func() bool { return slow.times() == 2 })
	tick.Run() // waits for no run
	if !r.sched.Running() {
		t.Error("it waited for the run")
	}
	slow.open()
	<-first
	if slow.times() != 2 {
		t.Errorf("the feed was asked %d times", slow.times())
	}
}

func TestAMinuteTickPollsASourceWhoseOwnIntervalEndsBetweenTicks(t *testing.T) {
	r := newRig(t)
	often, seldom := r.add("often", "One"), r.add("seldom", "Two")
	often.every = "10m"
	r.declare()
	r.run()
	r.until("the first run's end", func() bool { return !r.sched.Running() && seldom.times() == 1 })
	var tick cron.Job
	for _, e := range r.sched.cron.Entries() {
		if e.Schedule == cron.Every(time.Minute) {
			tick = e.WrappedJob
		}
	}
	if tick == nil {
		t.Fatal("nothing is looked for each minute")
	}
	for range 3 {
		r.clock.later(5 * time.Minute)
		tick.Run()
	}
	if often.times() != 2 || seldom.times() != 1 {
		t.Errorf("asked %d and %d times, want 2 and 1", often.times(), seldom.times())
	}
}

func TestASourceStaysDueUntilARunHasSeenToIt(t *testing.T) {
	r := newRig(t)
	often := r.add("often", "One")
	often.every = "10m"
	r.declare()
	r.ingest(feed.RunRequest{Trigger: "start"})
	r.clock.later(11 * time.Minute)
	release, err := r.open().TryLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.sched.wake(t.Context())
	if often.times() != 1 {
		t.Fatal("the feed was asked while another process was ingesting")
	}
	release()
	r.sched.wake(t.Context())
	if often.times() != 2 {
		t.Errorf("asked %d times, want 2: its turn was forgotten", often.times())
	}
}

func TestAMinuteTickLeavesARunUnderWayItsSources(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	slow.every = "10m"
	r.declare()
	r.ingest(feed.RunRequest{Trigger: "start"})
	slow.hold()
	r.clock.later(11 * time.Minute)
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the feed to be asked", func() bool { return slow.times() == 2 })
	r.sched.wake(t.Context()) // waits for no run
	if !r.sched.Running() {
		t.Error("it waited for the run")
	}
	slow.open()
	r.wait(id)
}

func TestARemovedSourceIsForgotten(t *testing.T) {
	r := newRig(t)
	r.add("gone", "One")
	r.declare()
	r.ingest(feed.RunRequest{Trigger: "start"})
	r.sites = nil
	r.declare()
	r.clock.later(2 * time.Hour)
	r.sched.wake(t.Context())
	if len(r.sched.due) != 0 {
		t.Errorf("still due: %v", r.sched.due)
	}
}

func TestReloadTakesNewOptionsAndSources(t *testing.T) {
	r := newRig(t)
	r.pipeline.Now = time.Now
	first := r.add("first", "One")
	r.declare()
	r.run()
	first.hold() // if it was not asked yet, the reload comes in the middle of the first run
	before := r.sched.NextRun()

	second := r.add("second", "Two")
	r.seeds = t.TempDir()
	r.file("new.txt", "A document in the other folder")
	r.declare()
	opts := r.opts
	opts.Schedule, opts.Seeds = "0 0 2 1 *", r.seeds
	r.sched.Reload(opts)
	r.until("the next run to be another day", func() bool { return r.sched.NextRun().Equal(before.AddDate(0, 0, 1)) })
	r.until("the new source", func() bool { return second.times() == 1 })
	first.open()
	r.until("the new folder", func() bool { return slices.Contains(r.titles(), "A document in the other folder") })
	r.file("later.txt", "A later document")
	r.until("what is new in it", func() bool { return slices.Contains(r.titles(), "A later document") })
}

func TestRunRefusesAScheduleThatIsNone(t *testing.T) {
	r := newRig(t)
	r.sched.opts.Schedule = "every hour"
	if err := r.sched.Run(t.Context()); feed.CodeOf(err) != feed.CodeInvalid || !strings.Contains(err.Error(), `"every hour"`) {
		t.Errorf("%v", err)
	}
}

func TestALookAtTheFolderThatFindsNothingLeavesNoTrace(t *testing.T) {
	r := newRig(t)
	r.file("talks.txt", "Ministers meet")
	r.declare()
	look := feed.RunRequest{Trigger: "folder", Sources: []string{feed.SeedsSlug}}
	r.sched.finish(t.Context(), look)
	r.sched.finish(t.Context(), look)
	runs, err := r.store.Runs(t.Context(), 10)
	if err != nil || len(runs) != 1 || runs[0].Counts.Published != 1 {
		t.Errorf("%v %+v, want the report of the first look only", err, runs)
	}
	if strings.Contains(r.log.String(), "level=ERROR") {
		t.Errorf("%s", r.log)
	}
}

func TestAPersonWhoJoinsALookAtTheFolderGetsItsReport(t *testing.T) {
	r := newRig(t)
	r.declare()
	release, err := r.open().TryLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seeds := []string{feed.SeedsSlug}
	run, err := r.sched.begin(feed.RunRequest{Trigger: "folder", Sources: seeds})
	if err != nil {
		t.Fatal(err)
	}
	id := r.trigger(feed.RunRequest{Trigger: "api", Sources: seeds})
	release()
	r.wait(id)
	r.until("its end", func() bool { return !r.sched.Running() })
	if _, err := r.store.Run(t.Context(), id); err != nil || id != run.report.ID {
		t.Errorf("%v", err)
	}
}

// Stopping.

func TestStopLetsRunningWorkFinish(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	slow.hold()
	r.declare()
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.sched.Stop(t.Context()) }()
	r.until("it to refuse more work", func() bool {
		_, err := r.sched.Trigger(t.Context(), feed.RunRequest{Trigger: "api", Force: true})
		return feed.CodeOf(err) == feed.CodeUnavailable
	})
	slow.open()
	<-stopped
	report, err := r.store.Run(t.Context(), id)
	if err != nil || report.State != "done" || report.Counts.Published != 1 {
		t.Errorf("%v %+v", err, report)
	}
	if diff := cmp.Diff([]string{"One"}, r.titles()); diff != "" {
		t.Error(diff)
	}
}

func TestStopBreaksOffWhatTakesTooLongAndKeepsNothingOfIt(t *testing.T) {
	r := newRig(t)
	slow := r.add("slow", "One")
	r.declare()
	before := r.source("slow").State
	slow.hold()
	id := r.trigger(feed.RunRequest{Trigger: "api"})
	r.until("the feed to be asked", func() bool { return slow.times() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r.sched.Stop(ctx)
	report, err := r.store.Run(t.Context(), id)
	if err != nil || report.State != "failed" || !strings.Contains(report.Error, "told to stop") {
		t.Errorf("%v %+v", err, report)
	}
	if diff := cmp.Diff(before, r.source("slow").State); diff != "" || len(r.titles()) != 0 {
		t.Errorf("%q %s", r.titles(), diff)
	}
	next := New(r.opts, r.store, r.pipeline, slog.New(slog.DiscardHandler))
	slow.open()
	next.finish(t.Context(), feed.RunRequest{Trigger: "start"})
	next.Stop(t.Context())
	if diff := cmp.Diff([]string{"One"}, r.titles()); diff != "" {
		t.Errorf("after the next start: %s", diff)
	}
}

func TestRunsOfAProcessThatDiedAreClosed(t *testing.T) {
	r := newRig(t)
	r.declare()
	dead := feed.Report{ID: "dead", Trigger: "api", State: "running", Started: r.clock.now(), Total: 3}
	if err := r.store.SaveRun(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	r.clock.later(time.Hour)
	r.ingest(feed.RunRequest{Trigger: "start"})
	report, err := r.store.Run(t.Context(), "dead")
	if err != nil || report.State != "failed" || report.Error == "" || !report.Finished.Equal(r.clock.now()) {
		t.Errorf("%v %+v", err, report)
	}
}
