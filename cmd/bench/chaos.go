package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// chaos has workers take in news while they are killed and stopped and the
// database is started anew, and looks whether anything was lost, doubled or asked that
// should not have been.
type chaos struct {
	program            string
	sources, hosts     int
	rate               float64
	length             time.Duration
	killEvery, stopFor time.Duration
	seed               uint64

	origin *origin
	fleet  *fleet
	db     *postgres
	began  time.Time
	sql    *sql.DB // to see who has what

	mu    sync.Mutex
	dice  *rand.Rand
	feeds []([]int)      // the numbers of the items of each source
	made  int            // items so far
	quiet bool           // nothing is made or refused any more
	gone  []gone         // who was killed or stopped, and what it had
	fails map[string]int // what those who serve answered beside 200
}

// gone is a process that was killed or stopped, and the sources that it had.
type gone struct {
	name, how string
	at        time.Time
	sources   []int
}

const (
	chaosWorkers = 4
	chaosWebs    = 2
	// One host in so many refuses, now and then, and for so long.
	refusing    = 10
	refuseLeast = 5
	refuseMost  = 25
	// How long after its last sign of life a process that was killed may have had an
	// answer that it could not tell of any more.
	untold = 2 * time.Second
	// A host takes so long to answer, at most: so that processes are killed while they wait.
	slowest = 400 * time.Millisecond
	// How often all sources are asked for.
	askEvery = 5 * time.Second
)

func newDice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

func (c *chaos) run(dir string, db *postgres) (err error) {
	c.dice, c.db, c.fails = newDice(c.seed), db, map[string]int{}
	if c.origin, err = newOrigin(c.sources, c.hosts); err != nil {
		return err
	}
	defer c.origin.close()
	c.feeds = make([][]int, c.sources)
	for n := range c.feeds {
		c.add(n)
	}
	c.origin.document, c.origin.delay, c.origin.refuse = c.document, c.delay, c.refuse
	config, err := c.origin.config(dir, "topic: {filter: off}", ", every: 1m", []string{"A document of the seeds\n\nIts text.\n"})
	if err != nil {
		return err
	}
	if err := db.do("postgres", "CREATE DATABASE chaos TEMPLATE template0"); err != nil {
		return err
	}
	c.fleet = &fleet{program: c.program, config: config, dsn: db.dsn("chaos"), dir: dir}
	defer c.fleet.stop()
	if c.sql, err = sql.Open("pgx", c.fleet.dsn); err != nil {
		return err
	}
	defer c.sql.Close() // nothing is pending
	for i := range chaosWorkers + chaosWebs {
		role := "worker"
		if i >= chaosWorkers {
			role = "web"
		}
		if _, err := c.fleet.start(role); err != nil {
			return err
		}
		if i == 0 { // it makes the tables
			if err := c.fleet.ready(); err != nil {
				return err
			}
		}
	}
	if err := c.fleet.ready(); err != nil {
		return err
	}
	if err := c.rage(); err != nil {
		return err
	}
	return c.judge()
}

// add gives a source a new item.
func (c *chaos) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.feeds[n] = append(c.feeds[n], c.made)
	c.made++
}

// title is that of an item: its own.
func title(id int) string {
	r := newDice(uint64(id))
	return fmt.Sprintf("News %d: %s %s %s", id, syllables(r, 3), syllables(r, 4), syllables(r, 3))
}

// document is a source's: all of its items, none of which ever leaves it.
func (c *chaos) document(n int) (etag string, body []byte) {
	c.mu.Lock()
	ids := slices.Clone(c.feeds[n])
	c.mu.Unlock()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Source %d</title><link>https://site%d.example/</link><description>Of a benchmark</description>`, n, n)
	for _, id := range slices.Backward(ids) {
		r := newDice(uint64(id) + 1<<32)
		words := make([]string, 60)
		for i := range words {
			words[i] = syllables(r, 3)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(id) * time.Second)
		writeEntry(&b, article{id, title(id), "<p>" + strings.Join(words, " ") + ".</p>", at}, fmt.Sprintf("https://site%d.example", n), n, false)
	}
	b.WriteString("</channel></rss>")
	return fmt.Sprintf(`"%d-%d"`, n, len(ids)), packed(b.Bytes())
}

func (c *chaos) delay() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quiet {
		return 0
	}
	return time.Duration(c.dice.Int64N(int64(slowest)))
}

// refuse has some hosts refuse now and then, with 429 for all of theirs or with 503.
func (c *chaos) refuse(host int) (status, seconds int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quiet || host%refusing != 0 || c.dice.IntN(20) != 0 {
		return 0, 0
	}
	status = http.StatusTooManyRequests
	if c.dice.IntN(2) == 0 {
		status = http.StatusServiceUnavailable
	}
	return status, refuseLeast + c.dice.IntN(refuseMost-refuseLeast)
}

// rage does what is to be survived.
func (c *chaos) rage() error {
	c.began = time.Now()
	ended := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { c.write(ended) })
	others.Go(func() { c.read(ended) })
	err := c.strike()
	close(ended)
	others.Wait()
	return err
}

func (c *chaos) say(format string, args ...any) {
	fmt.Printf("%5.1f s: %s\n", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// strike kills, stops and starts anew by the clock.
func (c *chaos) strike() error {
	var stopped *member
	restarted, stoppedOnce := false, false
	for at := c.killEvery; at < c.length; at += c.killEvery {
		time.Sleep(time.Until(c.began.Add(at)))
		switch {
		case !restarted && at >= c.length/2:
			restarted = true
			began := time.Now()
			c.db.stop()
			time.Sleep(2 * time.Second)
			if err := c.db.start(); err != nil {
				return err
			}
			c.say("PostgreSQL was stopped and started again, %.1f s in all", time.Since(began).Seconds())
		case !stoppedOnce && at >= c.length/6:
			stoppedOnce = true
			stopped = c.someWorker(nil)
			_ = stopped.cmd.Process.Signal(syscall.SIGSTOP) // it runs
			c.note(stopped, "stopped")
			time.AfterFunc(c.stopFor, func() { _ = stopped.cmd.Process.Signal(syscall.SIGCONT) })
			continue
		}
		victim := c.someWorker(stopped)
		victim.kill()
		c.fleet.remove(victim)
		c.note(victim, "killed")
		if _, err := c.fleet.start("worker"); err != nil {
			return err
		}
		if err := c.supervise(); err != nil {
			return err
		}
	}
	time.Sleep(time.Until(c.began.Add(c.length)))
	return nil
}

// supervise starts workers again that ended by themselves, as supervisors do: one
// that finds no database when it starts says so and ends.
func (c *chaos) supervise() error {
	for _, m := range slices.Clone(c.fleet.members) {
		select {
		case <-m.ended:
		default:
			continue
		}
		if m.role != "worker" || m.seen {
			return fmt.Errorf("%s ended by itself: %v", m.name, m.cmd.ProcessState)
		}
		c.fleet.remove(m)
		c.say("%s found no database when it started", m.name)
		if _, err := c.fleet.start("worker"); err != nil {
			return err
		}
	}
	return nil
}

func (c *chaos) someWorker(but *member) *member {
	all := slices.DeleteFunc(c.fleet.with("worker"), func(m *member) bool { return m == but })
	c.mu.Lock()
	defer c.mu.Unlock()
	return all[c.dice.IntN(len(all))]
}

// note notes what a process had that is gone.
func (c *chaos) note(m *member, how string) {
	g := gone{name: m.name, how: how, at: time.Now()}
	rows, err := c.sql.Query(`SELECT s.url FROM claim c JOIN worker w ON w.id = c.holder JOIN source s ON s.id = c.source_id
		WHERE w.name LIKE '%-' || $1 || '-%'`, fmt.Sprint(m.cmd.Process.Pid))
	if err != nil {
		c.say("what %s had is not known: %v", m.name, err)
		return
	}
	defer rows.Close() // read to its end
	for rows.Next() {
		var address string
		n := 0
		if rows.Scan(&address) != nil {
			continue
		}
		if u, err := url.Parse(address); err == nil {
			if _, err := fmt.Sscanf(u.Path, "/feed/%d", &n); err == nil {
				g.sources = append(g.sources, n)
			}
		}
	}
	c.say("%s %s; it had %d sources", m.name, how, len(g.sources))
	c.gone = append(c.gone, g)
}

// write makes new items, and asks for all sources now and then, in turn of those
// who serve.
func (c *chaos) write(ended <-chan struct{}) {
	webs := c.fleet.with("web")
	pause := time.Duration(float64(time.Second) / c.rate)
	asked, n := time.Time{}, 0
	for {
		select {
		case <-ended:
			return
		case <-time.After(pause):
		}
		c.mu.Lock()
		source := c.dice.IntN(c.sources)
		c.mu.Unlock()
		c.add(source)
		if time.Since(asked) > askEvery && c.idle() {
			asked, n = time.Now(), n+1
			go func() {
				if _, err := webs[n%len(webs)].ingest(); err != nil {
					c.fail("a request for a run")
				}
			}()
		}
	}
}

// idle tells whether few runs are under way. More would tell nothing but how long
// a queue gets.
func (c *chaos) idle() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	few := false
	err := c.sql.QueryRowContext(ctx, `SELECT COUNT(*) < 3 FROM run WHERE running = 1`).Scan(&few)
	return err == nil && few
}

func (c *chaos) fail(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails[what]++
}

// read asks both who serve for the feed all the time, as readers do.
func (c *chaos) read(ended <-chan struct{}) {
	for {
		for _, m := range c.fleet.with("web") {
			a, err := download(m.url + "/feed.atom")
			if err != nil || a.status != http.StatusOK || !bytes.HasSuffix(a.body, []byte("</feed>")) {
				c.fail("a request for the feed")
			}
		}
		select {
		case <-ended:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}
