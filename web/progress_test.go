package web

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tributary/feed"
)

// underWay is a scheduler with a run that a test moves on.
type underWay struct {
	*scheduler
	mu   sync.Mutex
	now  feed.Report
	away error // what is answered instead; nil: nothing
}

func (u *underWay) Report(ctx context.Context, id string) (feed.Report, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.away != nil {
		return feed.Report{}, u.away
	}
	if id != u.now.ID {
		return u.scheduler.Report(ctx, id)
	}
	return u.now, nil
}

func (u *underWay) move(change func(*feed.Report)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.now)
}

// running serves the sample with a run under way, and sees to it that nothing
// goes on after the test.
func running(t *testing.T) (srv *Server, u *underWay, site *httptest.Server) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	return serveRunning(t)
}

// serveRunning is a real server, whose time limits are shorter than any run.
func serveRunning(t *testing.T) (srv *Server, u *underWay, site *httptest.Server) {
	t.Helper()
	st := sampleStore(t)
	u = &underWay{scheduler: &scheduler{st: st, running: true}, now: sampleReports()[0]}
	o := sampleOptions()
	o.Now = time.Now // pages about what is under way are kept for a second
	srv = New(o, st, u, catalogue{st: st})
	site = httptest.NewUnstartedServer(nil)
	site.Config = srv.HTTP("")
	site.Config.ReadTimeout, site.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	site.Start()
	t.Cleanup(site.Close)
	return srv, u, site
}

// told is a server-sent event.
type told struct{ name, data string }

// count is how many follow runs.
func (t *streams) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all
}

// listen connects to a stream of events. They end with the channel.
func listen(t *testing.T, address string, header ...string) (events <-chan told, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	must(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Do(r)
	must(t, err)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("answered %s with %v", res.Status, res.Header)
	}
	out := make(chan told, 100)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e told
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "data":
				e.data += value + "\n"
			case "":
				out <- e
				e = told{}
			}
		}
	}()
	return out, cancel
}

// next is the next event of this name that says so.
func next(t *testing.T, events <-chan told, name, says string) told {
	t.Helper()
	for e := range events {
		if e.name == name && strings.Contains(e.data, says) {
			return e
		}
	}
	t.Fatalf("no %s says %q", name, says)
	return told{}
}

// eventually waits for something that comes about soon.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 100 {
		if is() {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Error("it never came to this: " + what)
}

func TestAPageFollowsARunToItsEnd(t *testing.T) {
	_, u, site := running(t)
	events, _ := listen(t, site.URL+"/runs/run-3/events")
	first := next(t, events, "progress", `max="7" value="3"`)
	if !strings.Contains(first.data, "The River Post") || strings.Contains(first.data, "<html") {
		t.Errorf("the first event is %s", first.data)
	}
	next(t, events, "summary", "40 % of the sources are done.")
	time.Sleep(300 * time.Millisecond) // longer than the server's limits
	u.move(func(r *feed.Report) { r.Done = 5 })
	next(t, events, "progress", `max="7" value="5"`)
	u.move(func(r *feed.Report) { r.Done, r.State, r.Finished = 7, "done", r.Started.Add(3*time.Second) })
	next(t, events, "progress", "it took 3 seconds")
	next(t, events, "summary", "The run is done: 1 new.")
	next(t, events, "done", "")
	if e, more := <-events; more {
		t.Errorf("after the end comes %+v", e)
	}
}

func TestARunIsFollowedOnAfterTheDatabaseWasAway(t *testing.T) {
	_, u, site := running(t)
	events, _ := listen(t, site.URL+"/runs/run-3/events")
	next(t, events, "progress", `max="7" value="3"`)
	u.move(func(*feed.Report) { u.away = errAway })
	time.Sleep(3 * lookEvery)
	u.move(func(r *feed.Report) { u.away, r.Done, r.State = nil, 7, "done" })
	next(t, events, "progress", `max="7" value="7"`)
	next(t, events, "done", "")
}

func TestWhoComesBackHearsWhatIsSoByThen(t *testing.T) {
	srv, u, site := running(t)
	events, leave := listen(t, site.URL+"/runs/run-3/events")
	next(t, events, "progress", `value="3"`)
	leave()
	eventually(t, "the stream of who left has ended", func() bool { return srv.streams.count() == 0 })
	u.move(func(r *feed.Report) { r.Done, r.State = 7, "done" })
	again, _ := listen(t, site.URL+"/runs/run-3/events", "Last-Event-ID", "1")
	next(t, again, "progress", `value="7"`)
	next(t, again, "done", "")
}

func TestTheListOfRunsFollowsTheOneUnderWay(t *testing.T) {
	srv, _, site := running(t)
	list := get(t, srv, "/runs").body
	if strings.Count(list, "sse-connect=") != 1 || !strings.Contains(list, `sse-connect="/runs/run-3/events?brief=1" sse-close="done"`) {
		t.Errorf("the list follows no run, or several:\n%s", list)
	}
	events, _ := listen(t, site.URL+"/runs/run-3/events?brief=1")
	if e := next(t, events, "progress", "under way, 3 of 7 sources"); strings.Contains(e.data, "<table") {
		t.Errorf("the list gets all of it: %s", e.data)
	}
}

func TestStrangersFollowWhatIsPublicOnly(t *testing.T) {
	srv, u, site := running(t)
	u.move(func(r *feed.Report) { *r = sampleReports()[1]; r.ID, r.State = "run-3", "running" })
	events, _ := listen(t, site.URL+"/runs/run-3/events")
	said := next(t, events, "progress", "The River Post").data
	for _, secret := range []string{"Secret Letter", "hunter2", "/srv/tributary"} {
		if strings.Contains(said, secret) {
			t.Errorf("strangers are told of %q", secret)
		}
	}
	events, _ = listen(t, site.URL+"/runs/run-3/events", login(t, srv)...)
	next(t, events, "progress", `<a href="/sources/letter">Secret Letter</a>`)
}

func TestStreamsEndWithTheServer(t *testing.T) {
	srv, _, site := running(t)
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { srv.Watch(ctx) })
	events, _ := listen(t, site.URL+"/runs/run-3/events")
	next(t, events, "progress", "")
	stop()
	watching.Wait()
	for range events { // to its end
	}
	a := get(t, srv, "/runs/run-3/events")
	wantStatus(t, a, http.StatusServiceUnavailable)
	wantField(t, a, "Retry-After", "10")
}

func TestTooManyStreamsAreRefused(t *testing.T) {
	srv, _, _ := running(t)
	admin := login(t, srv)
	network := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }
	enter := func(n int, who viewer) {
		t.Helper()
		if !srv.streams.enter(network(n), who) {
			t.Fatal("there is no place left")
		}
	}
	for i := range streamsAtOnce - streamsForAdmins {
		enter(i/streamsOfNetwork, viewer{})
	}
	a := get(t, srv, "/runs/run-3/events")
	wantStatus(t, a, http.StatusServiceUnavailable)
	wantField(t, a, "Retry-After", "10")
	wantStatus(t, get(t, srv, "/runs/run-2/events", admin...), http.StatusOK)
	for range streamsForAdmins {
		enter(0, viewer{Admin: true})
	}
	wantStatus(t, get(t, srv, "/runs/run-2/events", admin...), http.StatusServiceUnavailable)
	for range streamsForAdmins + 1 {
		srv.streams.leave(network(0))
	}
	wantStatus(t, get(t, srv, "/runs/run-2/events"), http.StatusOK)
}

func TestOneNetworkDoesNotTakeAllStreams(t *testing.T) {
	srv, _, _ := running(t)
	admin := login(t, srv)
	here := networkOf(addressOf("192.0.2.1:1234")) // that httptest asks from
	for range streamsOfNetwork {
		srv.streams.enter(here, viewer{})
	}
	wantStatus(t, get(t, srv, "/runs/run-2/events"), http.StatusServiceUnavailable)
	wantStatus(t, get(t, srv, "/runs/run-2/events", admin...), http.StatusOK)
	if !srv.streams.enter(addressOf("192.0.2.2"), viewer{}) {
		t.Error("another network has no place either")
	}
	srv.streams.leave(here)
	wantStatus(t, get(t, srv, "/runs/run-2/events"), http.StatusOK)
	wantStatus(t, get(t, srv, "/runs/none/events"), http.StatusNotFound)
	wantStatus(t, ask(t, srv, http.MethodHead, "/runs/run-3/events", ""), http.StatusOK)
}

// wire is a connection that notes what it is given, and when it has to be taken.
type wire struct {
	http.ResponseWriter
	given    strings.Builder
	deadline time.Time
	slow     bool // the client does not read
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return nil
}
func (w *wire) FlushError() error { return nil }
func (w *wire) Write(b []byte) (int, error) {
	if w.slow {
		time.Sleep(time.Until(w.deadline))
		return 0, errors.ErrUnsupported
	}
	return w.given.Write(b)
}

func TestAQuietStreamIsKeptAlive(t *testing.T) {
	srv, u, _ := running(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithTimeout(t.Context(), 40*time.Second)
		defer leave()
		w := &wire{}
		srv.follow(ctx, newStream(w), following{id: u.now.ID})
		if n := strings.Count(w.given.String(), ": still here\n\n"); n != 2 {
			t.Errorf("in 40 seconds %d signs of life:\n%s", n, w.given.String())
		}
		if n := strings.Count(w.given.String(), "event: progress\n"); n != 1 {
			t.Errorf("what is the same is told %d times", n)
		}
	})
}

func TestWhoDoesNotReadIsLeft(t *testing.T) {
	srv, u, _ := running(t)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		srv.follow(t.Context(), newStream(&wire{slow: true}), following{id: u.now.ID})
		if took := time.Since(start); took != takenWithin {
			t.Errorf("a client that does not read is waited for %v", took)
		}
	})
}

func TestAnEventIsOneWhateverItSays(t *testing.T) {
	got := string(event("progress", []byte("a\nb\rdata: c\n\nevent: d")))
	want := "event: progress\ndata: a\ndata: b data: c\ndata: \ndata: event: d\n\n"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestARunTellsWhatItBrought(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	run := feed.Report{ID: "run-9", Trigger: "schedule", State: "done", Started: noon.Add(-time.Minute), Finished: noon.Add(time.Minute), Total: 7, Done: 7, Counts: feed.Counts{Published: 40}}
	must(t, st.SaveRun(t.Context(), run))
	page := get(t, srv, "/runs/run-9").body
	for _, want := range []string{`href="/items/7c6f51c9-4d8e-5f71-90d2-8e9dacb12008"`, "Paris meeting to put names", "and 29 more"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	run.ID, run.Started, run.Finished = "run-10", noon.Add(time.Hour), noon.Add(2*time.Hour)
	must(t, st.SaveRun(t.Context(), run))
	if page := get(t, srv, "/runs/run-10").body; strings.Contains(page, "/items/") {
		t.Error("a later run has brought what was there before")
	}
}

func TestTheSourcesOfARunLeadToTheirPages(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	page := get(t, srv, "/runs/run-2").body
	failed, fine := strings.Index(page, `<a href="/sources/ministry">Press service of the ministry</a>`), strings.Index(page, `<a href="/sources/wire">Capital Wire</a>`)
	if failed < 0 || fine < failed || !strings.Contains(page, "has no address; check the URL") {
		t.Errorf("failures are not first, with why, and a way to the source:\n%s", page)
	}
	if list := get(t, srv, "/runs").body; !strings.Contains(list, `Failed: (private or removed), <a href="/sources/ministry">`) {
		t.Errorf("the list names no failures:\n%s", list)
	}
}

func TestWithoutScriptsThePageOfARunRenewsItself(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	if !strings.Contains(get(t, srv, "/runs/run-3").body, `<noscript><meta http-equiv="refresh" content="2"></noscript>`) {
		t.Error("it does not")
	}
	if strings.Contains(get(t, srv, "/runs/run-2").body, `http-equiv="refresh"`) {
		t.Error("that of a finished one does")
	}
}
