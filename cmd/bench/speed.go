package main

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// speed measures passes over all sources.
type speed struct {
	program, filters      string
	sources, hosts, first int
	workers               []int
	statements            bool // print what took PostgreSQL longest

	origin *origin
	corpus corpus
	round  int
	bodies [][]byte // of the present round
}

// topics are how passes are filtered, by what goes into the configuration.
var topics = []struct{ name, keys string }{
	{"filter off", "topic: {filter: off}"},
	{"filter on", "topic: {filter: learned}"},
}

func (s *speed) run(dir string, db *postgres) (err error) {
	if s.origin, err = newOrigin(s.sources, s.hosts); err != nil {
		return err
	}
	defer s.origin.close()
	s.corpus = newCorpus(s.sources)
	s.origin.document = func(n int) (string, []byte) { return s.etag(n), s.bodies[n] }
	if err := s.floors(); err != nil {
		return err
	}
	for i, t := range topics {
		if !strings.Contains(s.filters, strings.TrimPrefix(t.name, "filter ")) {
			continue
		}
		home := filepath.Join(dir, fmt.Sprint("topic", i))
		config, err := s.origin.config(home, t.keys, "", harbourSeeds())
		if err != nil {
			return err
		}
		if err := s.topic(home, config, t.name, db, i == 0); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// topic measures one process on SQLite, then workers on PostgreSQL, each time from the
// same state: all sources have been read once.
func (s *speed) topic(home, config, name string, db *postgres, unchanged bool) error {
	s.setRound(0)
	alone := &fleet{program: s.program, config: config, dir: home}
	if err := s.passes(alone, name+", one process on SQLite", 0, nil, unchanged); err != nil {
		return err
	}
	full := "full" + filepath.Base(home)
	if err := db.do("postgres", "CREATE DATABASE "+full+" TEMPLATE template0"); err != nil {
		return err
	}
	s.setRound(0)
	f := &fleet{program: s.program, config: config, dsn: db.dsn(full), dir: home}
	if err := s.fill(f, db, full); err != nil {
		return err
	}
	for _, n := range s.workers {
		copied := fmt.Sprintf("%s_%d", full, n)
		if err := db.do("postgres", "CREATE DATABASE "+copied+" TEMPLATE "+full); err != nil {
			return err
		}
		f := &fleet{program: s.program, config: config, dsn: db.dsn(copied), dir: home}
		if err := s.passes(f, fmt.Sprintf("%s, %d workers", name, n), n, db, unchanged); err != nil {
			return err
		}
		if err := db.do("postgres", "DROP DATABASE "+copied+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	return nil
}

// fill has all sources read once, by two processes.
func (s *speed) fill(f *fleet, db *postgres, database string) error {
	defer f.stop()
	for range 2 {
		if _, err := f.start("all"); err != nil {
			return err
		}
	}
	if err := f.ready(); err != nil {
		return err
	}
	began := time.Now()
	ended := make(chan struct{})
	go func() { // until the server knows how large its tables are, it reads all of them
		for {
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Second):
				_ = db.do(database, "ANALYZE") // the last one counts
			}
		}
	}()
	err := s.filled("pgx", f.dsn)
	close(ended)
	if err != nil {
		return err
	}
	fmt.Printf("%s: first pass by two processes in %.0f s\n", database, time.Since(began).Seconds())
	return db.do(database, "ANALYZE")
}

// filled waits until all sources have been read and nothing is under way.
func (s *speed) filled(driver, dsn string) error {
	return until(driver, dsn, 30*time.Minute, fmt.Sprintf(`SELECT (SELECT COUNT(*) FROM source WHERE kind = 'feed' AND last_fetch IS NOT NULL) = %d
		AND NOT EXISTS (SELECT 1 FROM run WHERE running = 1)`, s.sources))
}

// until waits for a condition of a database to hold.
func until(driver, dsn string, patience time.Duration, condition string) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close() // nothing is pending
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var holds bool
		if err = db.QueryRow(condition).Scan(&holds); err == nil && holds {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("not within %v: %s", patience, condition), err)
}

// passes starts workers and one that serves, or one alone on SQLite, and has them
// make a pass in which each source has a new item, then one in which none has.
func (s *speed) passes(f *fleet, name string, workers int, db *postgres, unchanged bool) error {
	defer f.stop()
	asked, driver, dsn := "web", "pgx", f.dsn
	if workers == 0 {
		asked, driver, dsn = "all", "sqlite", "file:"+filepath.Join(f.dir, "data", "tributary.db")+"?mode=ro&_pragma=busy_timeout(5000)"
	}
	for range workers {
		if _, err := f.start("worker"); err != nil {
			return err
		}
	}
	front, err := f.start(asked)
	if err != nil {
		return err
	}
	if err := f.ready(); err != nil {
		return err
	}
	if err := s.filled(driver, dsn); err != nil { // on SQLite this is the first pass
		return err
	}
	s.setRound(1)
	if err := s.pass(f, front, db, name+": new items", driver, dsn); err != nil || !unchanged {
		return err
	}
	return s.pass(f, front, db, name+": 304", driver, dsn)
}

// usage is what everything has used so far.
type usage struct {
	workers, front, db, own time.Duration
	writes
}

func (s *speed) usage(f *fleet, front *member, db *postgres) (u usage, err error) {
	for _, m := range f.members {
		w, err := m.writes()
		if err != nil {
			return u, err
		}
		u.n, u.waited, u.held = u.n+w.n, u.waited+w.waited, u.held+w.held
		if m != front {
			u.workers += m.cpu()
		}
	}
	u.front, u.own = front.cpu(), ownCPU()
	if db != nil {
		u.db = db.cpu()
	}
	return u, nil
}

// ownCPU is what this process has used, which is the sources' server.
func ownCPU() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // of ourselves: it does not fail
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// pass asks for a run and prints what it took.
func (s *speed) pass(f *fleet, front *member, db *postgres, name, driver, dsn string) error {
	before, err := s.usage(f, front, db)
	if err != nil {
		return err
	}
	if db != nil {
		if _, err := db.statements(); err != nil {
			return err
		}
	}
	most, stop := connections(db)
	began := time.Now()
	id, err := front.ingest()
	if err != nil {
		return err
	}
	if err := until(driver, dsn, 30*time.Minute, fmt.Sprintf(`SELECT running = 0 FROM run WHERE id = '%s'`, id)); err != nil {
		return err
	}
	wall := time.Since(began)
	stop()
	after, err := s.usage(f, front, db)
	if err != nil {
		return err
	}
	r, err := front.report(id)
	if err != nil {
		return err
	}
	if most := s.origin.most(); most > 1 {
		return fmt.Errorf("a host had %d requests at a time", most)
	}
	by := map[string]int{}
	for _, src := range r.Sources {
		by[src.Outcome]++
	}
	share := func(a, b time.Duration) float64 { return 100 * (b - a).Seconds() / wall.Seconds() }
	fmt.Printf("%-42s %6.0f sources a second (%.1f s); CPU of workers %.0f %%, of who serves %.0f %%, of PostgreSQL %.0f %%, of the sources' server %.0f %%; "+
		"serialised %.0f %% of the time in %.0f transactions, waited for %.1f s; %d connections; published %d, held %d, copies %d; %v\n",
		name, float64(s.sources)/wall.Seconds(), wall.Seconds(), share(before.workers, after.workers), share(before.front, after.front),
		share(before.db, after.db), share(before.own, after.own),
		100*(after.held-before.held)/wall.Seconds(), after.n-before.n, after.waited-before.waited, *most, r.Counts.Published, r.Counts.Held, r.Counts.Copies, by)
	return s.explain(db)
}

// explain prints what took PostgreSQL longest.
func (s *speed) explain(db *postgres) error {
	if db == nil || !s.statements {
		return nil
	}
	longest, err := db.statements()
	for _, l := range longest {
		fmt.Println("    " + l)
	}
	return err
}

// connections counts those of PostgreSQL until stop, and gives the most there were.
func connections(db *postgres) (most *int, stop func()) {
	most = new(int)
	if db == nil {
		return most, func() {}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c, err := sql.Open("pgx", db.dsn("postgres"))
		if err != nil {
			return
		}
		defer c.Close() // nothing is pending
		for {
			var n int
			if c.QueryRow(`SELECT COUNT(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'`).Scan(&n) == nil {
				*most = max(*most, n)
			}
			select {
			case <-ended:
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return most, func() { close(ended); <-done }
}

// etag names the document of a source in the present round.
func (s *speed) etag(n int) string { return fmt.Sprintf(`"%d-%d"`, n, s.round) }

// setRound renders what is served from now on: in each round, a source has one
// item more.
func (s *speed) setRound(round int) {
	if s.round == round && s.bodies != nil {
		return
	}
	s.round = round
	s.bodies = make([][]byte, s.sources)
	var wg sync.WaitGroup
	for half := range 2 {
		wg.Go(func() {
			for n := half; n < s.sources; n += 2 {
				s.bodies[n] = packed(s.render(n))
			}
		})
	}
	wg.Wait()
}

func packed(document []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(document) // a bytes.Buffer takes all
	_ = z.Close()
	return b.Bytes()
}

// render makes the document of a source.
func (s *speed) render(n int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Source %d</title><link>https://site%d.example/</link><description>Of a benchmark</description>`, n, n)
	for i := s.first + s.round - 1; i >= 0; i-- {
		id := i*s.sources + n
		a := s.corpus.article(id)
		if id%3 == 0 {
			a.html += "<p>" + harbour(id) + "</p>"
		}
		writeEntry(&b, a, fmt.Sprintf("https://site%d.example", n), n, false)
	}
	b.WriteString("</channel></rss>")
	return b.Bytes()
}

// A third of the articles speak of harbours, and so do the seeds.
var harbourWords = strings.Fields("harbour harbours port ports quay quays berth berths crane cranes cargo cargoes container containers freight vessel vessels ferry tug tugboat " +
	"pilot dock docks dockers shipping shipyard tanker anchorage tide tidal breakwater dredging channel customs terminal terminals stevedore manifest hull mooring bunker lighthouse")

// harbour is a paragraph of those words, another one for each number.
func harbour(id int) string {
	r := newDice(uint64(id))
	var said []string
	for range 45 {
		said = append(said, harbourWords[r.IntN(len(harbourWords))])
	}
	return strings.Join(said, " ") + "."
}

func harbourSeeds() (seeds []string) {
	for i := range 20 {
		seeds = append(seeds, fmt.Sprintf("Of the harbour, part %d\n\n%s\n\n%s\n", i+1, harbour(1_000_000_007+2*i), harbour(1_000_000_008+2*i)))
	}
	return seeds
}

// floors measures the same requests without anything else: answered 304, and read
// with their documents parsed.
func (s *speed) floors() error {
	s.setRound(1)
	for _, kind := range []string{"304", "new items"} {
		before := ownCPU()
		c, err := measure(os.Args[0], "requests", "-sources", fmt.Sprint(s.sources), "-hosts", fmt.Sprint(s.hosts), "-port", fmt.Sprint(s.origin.port), "-round", fmt.Sprint(s.round), "-kind", kind)
		if err != nil {
			return err
		}
		fmt.Printf("%-42s %6.0f sources a second (%.1f s); CPU %.0f %%, of the sources' server %.0f %%\n", "bare requests: "+kind, float64(s.sources)/c.wall.Seconds(),
			c.wall.Seconds(), 100*c.cpu.Seconds()/c.wall.Seconds(), 100*(ownCPU()-before).Seconds()/c.wall.Seconds())
	}
	return nil
}

// requestsCommand makes one request for each source, a host one at a time.
func requestsCommand(args []string) error {
	flags := flag.NewFlagSet("requests", flag.ContinueOnError)
	var o origin
	flags.IntVar(&o.sources, "sources", 0, "number of sources")
	flags.IntVar(&o.hosts, "hosts", 0, "number of hosts")
	flags.IntVar(&o.port, "port", 0, "of all hosts")
	round := flags.Int("round", 0, "the present round")
	kind := flags.String("kind", "304", "304 or new items")
	if err := flags.Parse(args); err != nil {
		return err
	}
	hosts := make(chan int)
	var workers sync.WaitGroup
	errs := make(chan error, o.sources)
	for range 32 {
		workers.Go(func() {
			for h := range hosts {
				for n := h; n < o.sources; n += o.hosts {
					if err := request(o.url(n), *kind, fmt.Sprintf(`"%d-%d"`, n, *round)); err != nil {
						errs <- err
					}
				}
			}
		})
	}
	for h := range o.hosts {
		hosts <- h
	}
	close(hosts)
	workers.Wait()
	close(errs)
	return <-errs
}

func request(url, kind, etag string) error {
	if kind != "304" {
		_ = get(url) // it ends the benchmark where it fails
		return nil
	}
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("If-None-Match", etag)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // there is none
	if resp.StatusCode != http.StatusNotModified {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
