package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store/pgtest"
)

// crew is processes with one configuration on one PostgreSQL, each in a folder of
// its own, beside the seeds, which all see.
type crew struct {
	t      *testing.T
	config string
	web    *served
}

// start starts a process, and returns when it serves.
func (c *crew) start(role string) *served {
	c.t.Helper()
	h := newHouse(c.t, c.config)
	h.write("data/token", "a-token-for-all-of-them\n")
	h.check(os.Chmod(h.path("data/token"), 0o600))
	return h.serve("--role", role)
}

// kill ends a process as a power cut does.
func (s *served) kill() {
	s.cmd.Process.Kill()
	<-s.ended
}

// ask asks for a run of all sources, due or not, as soon as that is possible.
func (c *crew) ask() (run string) {
	c.t.Helper()
	eventually(c.t, patience, "a run can be asked for", func() bool {
		a := c.web.post("/api/ingest?force=1")
		var got struct{ ID string }
		err := json.Unmarshal([]byte(a.body), &got)
		run = got.ID
		return a.status == http.StatusAccepted && err == nil
	})
	return run
}

// rest asks for runs until one finds nothing new and nothing wrong.
func (c *crew) rest() {
	c.t.Helper()
	eventually(c.t, 4*patience, "a run in which all is well", func() bool {
		run := c.ask()
		var report feed.Report
		eventually(c.t, 3*patience, "the run ends", func() bool {
			a := c.web.get("/api/runs/" + run)
			return a.status == http.StatusOK && json.Unmarshal([]byte(a.body), &report) == nil && report.State == "done"
		})
		return report.Failed() == 0 && !report.Counts.Changed()
	})
}

// Whatever happens to processes that work together and to their database, each
// item comes once, and no host is ever asked by two at a time.
func TestClusterSurvives(t *testing.T) {
	t.Parallel()
	db := pgtest.StartCluster(t)
	const seed = 3
	dice := rand.New(rand.NewPCG(seed, seed))
	p := newPress(t, dice)
	shared := newHouse(t, "")
	shared.write("seeds/one.md", "# A document of the seeds\n\nIts text.\n")
	c := &crew{t: t, config: fmt.Sprintf("database_url: %s\nseeds: %s\nsources:\n", db.DSN(), shared.path("seeds"))}
	for _, f := range p.feeds {
		c.config += fmt.Sprintf("  - {url: %s}\n", f.url)
	}
	one := c.start("worker")
	c.web = c.start("web")
	two := c.start("worker")
	c.rest()

	news := func() {
		p.change()
		c.ask()
		time.Sleep(time.Duration(dice.Int64N(int64(time.Second)))) // somewhere in the middle of it
	}
	news()
	one.kill()
	one = c.start("worker")
	news()
	db.Stop()
	time.Sleep(time.Second)
	db.Start()
	news()
	signal := func(s syscall.Signal) {
		if err := two.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP) // for longer than its lease
	stopped := time.Now()
	news()
	one.kill()
	one = c.start("worker")
	for time.Since(stopped) < 25*time.Second {
		news()
		time.Sleep(2 * time.Second)
	}
	signal(syscall.SIGCONT)
	news()
	c.rest()

	p.everyStoryOnce(one.house)
	for i, h := range p.hosts {
		h.mu.Lock()
		if most := h.most[wholeHost]; most != 1 {
			t.Errorf("host %d had %d requests at a time", i, most)
		}
		h.mu.Unlock()
	}
	if code, stdout, _ := one.run("check"); code != exitOK {
		t.Errorf("check finds:\n%s", stdout)
	}
	c.sameFrom(c.start("web"))
}

// sameFrom checks that another process serves the same as the one that has served all along.
func (c *crew) sameFrom(other *served) {
	c.t.Helper()
	for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/archive/1.atom"} {
		eventually(c.t, patience, path+" is the same from both", func() bool {
			a, b := c.web.get(path), other.get(path)
			return a.status == http.StatusOK && a.header.Get("ETag") == b.header.Get("ETag") && a.body == b.body
		})
	}
}
