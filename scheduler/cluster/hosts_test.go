package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/store"
	"tributary/store/pgtest"
)

// soon bounds how long a test waits for what must happen.
const soon = time.Minute

// lives is a member whose lives a test begins and ends.
type lives struct {
	mu    sync.Mutex
	id    string
	valid bool
}

func (m *lives) ID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.id
}

func (m *lives) Valid() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.valid
}

func (m *lives) set(id string, valid bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id, m.valid = id, valid
}

// process is one of those that share hosts.
type process struct {
	*Hosts
	t      testing.TB
	db     *pgxpool.Pool
	member *lives
	sent   atomic.Int64 // statements
	stop   func()       // its Run
}

// TraceQueryStart counts a statement.
func (p *process) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	p.sent.Add(1)
	return ctx
}

func (p *process) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// hostsDatabase is a database with our tables.
func hostsDatabase(t testing.TB, dsn string) string {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	return dsn
}

// join starts a process that lives; its Run only begins with run.
func join(t testing.TB, dsn string) *process {
	t.Helper()
	p := &process{t: t, member: &lives{}}
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	conf.ConnConfig.Tracer, conf.MaxConns = p, 8
	if p.db, err = pgxpool.NewWithConfig(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.db.Close)
	p.Hosts = NewHosts(p.db, p.member)
	p.live()
	return p
}

// live begins a new life.
func (p *process) live() {
	p.t.Helper()
	id := uuid.NewString()
	if _, err := p.db.Exec(p.t.Context(), `INSERT INTO worker (id, name, role, seeds, started, until) VALUES ($1, '', '', 0, 0, `+clock+` + $2)`, id, time.Hour.Milliseconds()); err != nil {
		p.t.Fatal(err)
	}
	p.member.set(id, true)
}

// run has it give hosts back, until the test ends or stop is called.
func (p *process) run() *process {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	p.stop = func() { cancel(); running.Wait() }
	p.t.Cleanup(p.stop)
	return p
}

// enter gets a host that is free, or soon will be.
func (p *process) enter(host string) fetch.Standing {
	p.t.Helper()
	s, err := p.Enter(p.t.Context(), host, soon, func() {})
	if err != nil {
		p.t.Fatalf("%s: %v", host, err)
	}
	return s
}

// refused tells whether somebody else has a host.
func (p *process) refused(host string) bool {
	_, err := p.Enter(p.t.Context(), host, 0, func() {})
	return err != nil
}

// eventually waits for what must happen.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", soon, what)
		}
	}
}

func TestHosts(t *testing.T) {
	dsn := pgtest.Start(t)
	for name, test := range map[string]func(t *testing.T, dsn string){
		"a host is one process's at a time":                           aHostIsOneProcessesAtATime,
		"a host that is kept needs no journey to the database":        aHostThatIsKeptNeedsNoJourney,
		"many hosts are taken and given back in few statements":       manyHostsAreTakenAndGivenBackInFewStatements,
		"batches that overlap meet no deadlock":                       batchesThatOverlapMeetNoDeadlock,
		"a statement takes nothing from who was born after it began":  aStatementTakesNothingFromWhoWasBornAfterItBegan,
		"what may have been given back is not used":                   whatMayHaveBeenGivenBackIsNotUsed,
		"a pause is everybody's, and never shortened":                 aPauseIsEverybodysAtOnceAndForLong,
		"the host of one that died is free when it is buried":         theHostOfOneThatDiedIsFreeWhenItIsBuried,
		"without a lease nothing is sent or taken":                    withoutALeaseNothingIsSentOrTaken,
		"who is stopped before its request sends nothing":             whoIsStoppedBeforeItsRequestSendsNothing,
		"who is busy with a host for long leaves it to others":        oneThatIsBusyWithAHostForLongLeavesItToOthersForAMoment,
		"old hosts are forgotten, and no others":                      oldHostsAreForgottenAndNoOthers,
		"processes come and go, and no host is asked twice at a time": processesComeAndGoAndNoHostIsAskedTwiceAtATime,
		"a 429 of one process keeps all from the host":                a429OfOneProcessKeepsAllFromTheHost,
		"starts are spaced over processes":                            startsAreSpacedOverProcesses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, hostsDatabase(t, pgtest.New(t, dsn)))
		})
	}
}

func aHostIsOneProcessesAtATime(t *testing.T, dsn string) {
	a, b := join(t, dsn).run(), join(t, dsn).run()
	next := time.Now().Add(time.Hour)
	a.enter("example.org")
	if !b.refused("example.org") || a.Check("example.org") != nil || b.Check("example.org") == nil {
		t.Error("two have it")
	}
	free, err := b.TryTake(t.Context(), []string{"example.org", "other.example"})
	if err != nil || free["example.org"] || !free["other.example"] {
		t.Errorf("free: %v, %v", free, err)
	}
	a.Leave("example.org", fetch.Standing{Next: next, Limited: 3})
	s := b.enter("example.org")
	if a.Check("example.org") == nil || b.Check("example.org") != nil {
		t.Error("it has not changed hands")
	}
	if off := s.Next.Sub(next); off < 0 || off > soon || s.Limited != 3 || !s.Until.IsZero() {
		t.Errorf("it is handed over as %+v, %s off", s, off)
	}
}

func aHostThatIsKeptNeedsNoJourney(t *testing.T, dsn string) {
	a := join(t, dsn) // gives nothing back
	a.enter("example.org")
	before := a.sent.Load()
	for range 100 {
		a.Leave("example.org", fetch.Standing{})
		a.enter("example.org")
		if err := a.Check("example.org"); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.sent.Load() - before; n != 0 {
		t.Errorf("%d statements", n)
	}
}

func manyHostsAreTakenAndGivenBackInFewStatements(t *testing.T, dsn string) {
	a, b := join(t, dsn), join(t, dsn)
	names := make([]string, 500)
	for i := range names {
		names[i] = fmt.Sprintf("%d.example", i)
	}
	b.enter("7.example")
	before := a.sent.Load()
	free, err := a.TryTake(t.Context(), slices.Concat(names, names[:1]))
	if err != nil || len(free) != 499 || free["7.example"] {
		t.Errorf("%d are free: %v", len(free), err)
	}
	a.enter("8.example")
	if _, err := a.tidy(t.Context(), time.Now().Add(reserved)); err != nil {
		t.Fatal(err)
	}
	if n := a.sent.Load() - before; n > 2 {
		t.Errorf("%d statements", n)
	}
	if free, err := b.TryTake(t.Context(), names); err != nil || len(free) != 499 || free["8.example"] {
		t.Errorf("%d are free afterwards: %v", len(free), err)
	}
}

func batchesThatOverlapMeetNoDeadlock(t *testing.T, dsn string) {
	names := make([]string, 300)
	for i := range names {
		names[i] = fmt.Sprintf("%d.example", i)
	}
	var mu sync.Mutex
	owner := map[string]int{}
	var taking sync.WaitGroup
	for n := range 4 {
		p := join(t, dsn)
		taking.Go(func() {
			order := slices.Clone(names)
			for range 25 {
				rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				free, err := p.TryTake(t.Context(), order[:200])
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for name := range free {
					if other, held := owner[name]; held {
						t.Errorf("%s is held by %d and %d", name, other, n)
					}
					owner[name] = n
				}
				mu.Unlock()
				p.Pause(order[250], time.Now(), 0)
				mu.Lock()
				for name := range free {
					delete(owner, name)
				}
				mu.Unlock()
				if _, err := p.tidy(t.Context(), time.Now().Add(reserved)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	taking.Wait()
}

func aStatementTakesNothingFromWhoWasBornAfterItBegan(t *testing.T, dsn string) {
	a, b := join(t, dsn), &process{t: t, member: &lives{}}
	b.db = a.db
	a.enter("example.org")
	a.Leave("example.org", fetch.Standing{})
	if _, err := a.tidy(t.Context(), time.Now().Add(reserved)); err != nil {
		t.Fatal(err)
	}
	tx, err := a.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), `SELECT FROM host FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	refused := make(chan bool)
	go func() { refused <- a.refused("example.org") }()
	eventually(t, "it waits for the row", func() (waits bool) {
		err := a.db.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
		return err == nil && waits
	})
	b.live()
	if _, err := tx.Exec(t.Context(), `UPDATE host SET holder = $1`, b.member.ID()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !<-refused {
		t.Error("two have it")
	}
}

func whatMayHaveBeenGivenBackIsNotUsed(t *testing.T, dsn string) {
	a := join(t, dsn)
	a.enter("example.org")
	a.Leave("example.org", fetch.Standing{Limited: 2})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.tidy(ended, time.Now().Add(reserved)); err == nil {
		t.Fatal("there was no time for it")
	}
	if a.Check("example.org") == nil || !a.refused("example.org") {
		t.Error("it is used as if it were ours for sure")
	}
	a.run()
	if s := a.enter("example.org"); s.Limited != 2 {
		t.Errorf("in the end: %+v", s)
	}
}

func aPauseIsEverybodysAtOnceAndForLong(t *testing.T, dsn string) {
	a, b, c := join(t, dsn).run(), join(t, dsn).run(), join(t, dsn)
	until := time.Now().Add(24 * time.Hour)
	a.enter("example.org")
	a.Pause("example.org", until, 4)
	a.Pause("example.org", until.Add(-time.Hour), 0)
	a.Leave("example.org", fetch.Standing{Until: until, Limited: 4})
	if s := b.enter("example.org"); s.Until.Before(until) || s.Until.After(until.Add(soon)) || s.Limited != 4 {
		t.Errorf("who comes next learns %+v", s)
	}
	// One that nobody has, told while the host is another's.
	c.Pause("example.org", until.Add(time.Hour), 0)
	if _, err := c.tidy(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	b.Leave("example.org", fetch.Standing{Until: until})
	if s := a.enter("example.org"); s.Until.Before(until.Add(time.Hour)) || s.Limited != 0 {
		t.Errorf("after all that: %+v", s)
	}
}

func theHostOfOneThatDiedIsFreeWhenItIsBuried(t *testing.T, dsn string) {
	a, b := join(t, dsn), join(t, dsn)
	a.enter("example.org")
	if !b.refused("example.org") {
		t.Error("it is free before")
	}
	if _, err := b.db.Exec(t.Context(), `UPDATE worker SET until = `+clock+` - 1 WHERE id = $1`, a.member.ID()); err != nil {
		t.Fatal(err)
	}
	if !b.refused("example.org") {
		t.Error("it is free before it is buried: it may be writing")
	}

	a.live()
	a.enter("third.example")
	if _, err := b.db.Exec(t.Context(), `DELETE FROM worker WHERE id = $1`, a.member.ID()); err != nil {
		t.Fatal(err)
	}
	if b.refused("third.example") {
		t.Error("the host of one that is gone is not free")
	}
}

func withoutALeaseNothingIsSentOrTaken(t *testing.T, dsn string) {
	a, b := join(t, dsn).run(), join(t, dsn)
	var hungUp atomic.Bool
	if _, err := a.Enter(t.Context(), "example.org", soon, func() { hungUp.Store(true) }); err != nil {
		t.Fatal(err)
	}
	old := a.member.ID()
	a.member.set(old, false)
	if a.Check("example.org") == nil || !a.refused("other.example") {
		t.Error("it goes on though its lease may be over")
	}
	a.member.set("", false)
	if a.Check("example.org") == nil || !a.refused("other.example") {
		t.Error("it goes on without a lease")
	}
	if !hungUp.Load() {
		t.Error("the connection is still there")
	}
	if _, err := a.TryTake(t.Context(), []string{"more.example"}); err == nil {
		t.Error("hosts are taken without a lease")
	}
	a.live()
	if a.Check("example.org") == nil {
		t.Error("what it held in another life is its own again")
	}
	a.Leave("example.org", fetch.Standing{Limited: 9}) // of that life
	if !a.refused("example.org") {
		t.Error("it is taken from one that may still live: its own former self")
	}
	if _, err := b.db.Exec(t.Context(), `DELETE FROM worker WHERE id = $1`, old); err != nil {
		t.Fatal(err)
	}
	if s := b.enter("example.org"); s.Limited != 0 {
		t.Errorf("who left late has told %+v", s)
	}
}

func whoIsStoppedBeforeItsRequestSendsNothing(t *testing.T, dsn string) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer s.Close()
	a := join(t, dsn).run()
	client := fetch.New(fetch.Options{AllowPrivate: true, Hosts: stopping{a}})
	defer client.Close()
	if r := client.Get(t.Context(), feed.Source{Kind: feed.KindFeed, URL: s.URL}, false); !r.Cancelled() || asked.Load() != 0 {
		t.Errorf("%d requests; %+v", asked.Load(), r)
	}
}

// stopping is a process that is stopped for long just when it has got a host.
type stopping struct{ *process }

func (s stopping) Enter(ctx context.Context, host string, patience time.Duration, hangUp func()) (fetch.Standing, error) {
	standing, err := s.process.Enter(ctx, host, patience, hangUp)
	s.member.set(s.member.ID(), false)
	return standing, err
}

func oneThatIsBusyWithAHostForLongLeavesItToOthersForAMoment(t *testing.T, dsn string) {
	a, b := join(t, dsn).run(), join(t, dsn).run()
	a.enter("example.org")
	done := make(chan struct{})
	var hogging sync.WaitGroup
	hogging.Go(func() {
		for {
			a.Leave("example.org", fetch.Standing{})
			select {
			case <-done:
				return
			default:
				a.enter("example.org")
			}
		}
	})
	b.enter("example.org") // a bound on waiting
	b.Leave("example.org", fetch.Standing{})
	close(done)
	hogging.Wait()
}

func oldHostsAreForgottenAndNoOthers(t *testing.T, dsn string) {
	a, b := join(t, dsn), join(t, dsn)
	old := sweepAfter.Milliseconds() + 1000
	if _, err := a.db.Exec(t.Context(), `INSERT INTO host (name, holder, next, until, limited)
		SELECT 'old' || n, '', 0, `+clock+` - $2, 0 FROM generate_series(1, 2500) n
		UNION ALL VALUES ('dead', 'nobody', 0, 0, 0), ('held', $1, 0, 0, 0), ('mine', $3, 0, 0, 0), ('limited', '', 0, 0, 1),
		('paused', '', 0, `+clock+` + 60000, 0), ('late', '', `+clock+`, 0, 0)`, b.member.ID(), old, a.member.ID()); err != nil {
		t.Fatal(err)
	}
	a.enter("busy")
	if err := a.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := a.db.Query(t.Context(), `SELECT name FROM host ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if want := []string{"busy", "held", "late", "limited", "mine", "paused"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v: %v", left, want, err)
	}
	if a.refused("old1") {
		t.Error("one that was forgotten cannot be had")
	}
}

func TestHostsOutlastTheDatabase(t *testing.T) {
	cluster := pgtest.StartCluster(t)
	dsn := hostsDatabase(t, cluster.DSN())
	a, b := join(t, dsn).run(), join(t, dsn).run()
	a.enter("example.org")
	until := time.Now().Add(time.Hour)
	cluster.Stop()
	if err := a.Check("example.org"); err != nil {
		t.Errorf("its lease stands, but %v", err)
	}
	if !a.refused("other.example") || !b.refused("example.org") {
		t.Error("a host is taken without the database")
	}
	a.Pause("example.org", until, 1)
	a.Leave("example.org", fetch.Standing{Until: until, Limited: 1})
	cluster.Start()
	if s := b.enter("example.org"); s.Until.Before(until) || s.Limited != 1 {
		t.Errorf("what was learned meanwhile is lost: %+v", s)
	}
	b.enter("other.example")
}

// crowd is a server on many addresses that sees who asks at the same time.
type crowd struct {
	mu       sync.Mutex
	busy     map[string]int
	broken   []string
	requests int
	answer   func(w http.ResponseWriter, host string)
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests++
	if c.busy[r.Host]++; c.busy[r.Host] > 1 {
		c.broken = append(c.broken, "two requests at a time to "+r.Host)
	}
	c.mu.Unlock()
	time.Sleep(time.Millisecond)
	c.answer(w, r.Host)
	c.mu.Lock()
	c.busy[r.Host]--
	c.mu.Unlock()
}

func newCrowd(t *testing.T, answer func(w http.ResponseWriter, host string)) (c *crowd, port string) {
	t.Helper()
	c = &crowd{busy: map[string]int{}, answer: answer}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: c, ReadHeaderTimeout: soon}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return c, port
}

const aFeed = `<rss version="2.0"><channel><title>T</title></channel></rss>`

func TestFourProcessesAskAHostOneAtATime(t *testing.T) {
	hosts, each := 500, 20
	if testing.Short() {
		hosts, each = 100, 8
	}
	cluster := pgtest.StartCluster(t)
	dsn := hostsDatabase(t, cluster.DSN())
	seen, port := newCrowd(t, func(w http.ResponseWriter, _ string) { w.Write([]byte(aFeed)) })
	var failed atomic.Int64
	var asking sync.WaitGroup
	for n := range 4 {
		p := join(t, dsn).run()
		client := fetch.New(fetch.Options{AllowPrivate: true, Hosts: p})
		t.Cleanup(client.Close)
		for w := range 16 {
			asking.Go(func() {
				for i := w; i < hosts; i += 16 {
					// Every process asks every host, each in an order of its own.
					address := fmt.Sprintf("http://127.0.%d.%d:%s/", 1+(i+n*hosts/4)%hosts/250, 1+(i+n*hosts/4)%hosts%250, port)
					for range each / 4 {
						r := client.Get(t.Context(), feed.Source{Kind: feed.KindFeed, URL: address}, false)
						for r.Cancelled() && t.Context().Err() == nil {
							r = client.Get(t.Context(), feed.Source{Kind: feed.KindFeed, URL: address}, false)
						}
						if r.Kind != fetch.Fetched {
							failed.Add(1)
						}
					}
				}
			})
		}
	}
	asking.Go(func() { // while they are at it
		time.Sleep(500 * time.Millisecond)
		cluster.Stop()
		cluster.Start()
	})
	asking.Wait()
	if want := hosts * (each / 4) * 4; seen.requests != want || failed.Load() != 0 {
		t.Errorf("%d requests, want %d; %d failed", seen.requests, want, failed.Load())
	}
	if len(seen.broken) > 0 {
		t.Errorf("%d times: %s", len(seen.broken), seen.broken[0])
	}
}

func processesComeAndGoAndNoHostIsAskedTwiceAtATime(t *testing.T, dsn string) {
	seen, port := newCrowd(t, func(w http.ResponseWriter, _ string) { w.Write([]byte(aFeed)) })
	end := time.Now().Add(4 * time.Second)
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for time.Now().Before(end) { // one process after another, each of which just vanishes
				p := join(t, dsn)
				ctx, cancel := context.WithCancel(t.Context())
				client := fetch.New(fetch.Options{AllowPrivate: true, Hosts: p})
				var running sync.WaitGroup
				running.Go(func() { p.Run(ctx) })
				for range 8 {
					running.Go(func() {
						for i := 0; ctx.Err() == nil; i++ {
							client.Get(ctx, feed.Source{Kind: feed.KindFeed, URL: fmt.Sprintf("http://127.0.9.%d:%s/", 1+i%10, port)}, false)
						}
					})
				}
				time.Sleep(400 * time.Millisecond)
				p.member.set(p.member.ID(), false)
				cancel()
				running.Wait()
				client.Close()
				if _, err := p.db.Exec(t.Context(), `DELETE FROM worker WHERE id = $1`, p.member.ID()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	asking.Wait()
	if len(seen.broken) > 0 || seen.requests < 100 {
		t.Errorf("%d requests; %s", seen.requests, strings.Join(seen.broken[:min(len(seen.broken), 3)], ", "))
	}
}

func a429OfOneProcessKeepsAllFromTheHost(t *testing.T, dsn string) {
	seen, port := newCrowd(t, func(w http.ResponseWriter, _ string) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	url := "http://127.0.0.1:" + port + "/"
	var asking sync.WaitGroup
	for range 4 {
		client := fetch.New(fetch.Options{AllowPrivate: true, Hosts: join(t, dsn).run()})
		t.Cleanup(client.Close)
		for range 4 {
			asking.Go(func() {
				r := client.Get(t.Context(), feed.Source{Kind: feed.KindFeed, URL: url}, false)
				for r.Cancelled() && t.Context().Err() == nil {
					r = client.Get(t.Context(), feed.Source{Kind: feed.KindFeed, URL: url}, false)
				}
				if r.Failure != feed.StatusLimited || time.Until(r.RetryAfter) < 59*time.Minute {
					t.Errorf("%+v", r)
				}
			})
		}
	}
	asking.Wait()
	if seen.requests != 1 {
		t.Errorf("%d requests", seen.requests)
	}
}

func startsAreSpacedOverProcesses(t *testing.T, dsn string) {
	const gap = 200 * time.Millisecond
	var mu sync.Mutex
	var starts []time.Time
	var asking sync.WaitGroup
	for range 3 {
		p := join(t, dsn).run()
		asking.Go(func() {
			for range 3 {
				s := p.enter("example.org")
				time.Sleep(time.Until(s.Next))
				begun := time.Now()
				mu.Lock()
				starts = append(starts, begun)
				mu.Unlock()
				p.Leave("example.org", fetch.Standing{Next: begun.Add(gap)})
				time.Sleep(2 * linger) // so that another has its turn
			}
		})
	}
	asking.Wait()
	for i := 1; i < len(starts); i++ {
		if d := starts[i].Sub(starts[i-1]); d < gap {
			t.Errorf("start %d comes %s after the one before", i, d)
		}
	}
}

// BenchmarkHosts is what the right to speak to a host costs.
func BenchmarkHosts(b *testing.B) {
	dsn := hostsDatabase(b, pgtest.Start(b))
	b.Run("kept", func(b *testing.B) {
		p := join(b, dsn)
		p.enter("kept.example")
		b.ResetTimer()
		for b.Loop() {
			p.Leave("kept.example", fetch.Standing{})
			p.enter("kept.example")
		}
	})
	b.Run("taken and given back", func(b *testing.B) {
		p := join(b, dsn)
		for b.Loop() {
			p.enter("new.example")
			p.Leave("new.example", fetch.Standing{})
			if _, err := p.tidy(b.Context(), time.Now().Add(reserved)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("500 in a batch", func(b *testing.B) {
		p := join(b, dsn)
		names := make([]string, 500)
		for i := range names {
			names[i] = fmt.Sprintf("%d.example", i)
		}
		for b.Loop() {
			if _, err := p.TryTake(b.Context(), names); err != nil {
				b.Fatal(err)
			}
			if _, err := p.tidy(b.Context(), time.Now().Add(reserved)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/host")
	})
}
