package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tributary/feed"
)

// twoFeeds is an installation with two feeds of a story each, of hosts of
// their own.
func twoFeeds(t *testing.T) (h *house, a, b *publisher) {
	a, b = newPublisher(t), newPublisher(t)
	a.publish("/feed", rssOf("A", one("a1")))
	b.publish("/feed", atomOf("B", one("b1")))
	h = newHouse(t, "sources:\n  - {url: "+a.URL+"/feed, name: A}\n  - {url: "+b.URL+"/feed, name: B}\n")
	h.write("seeds/one.md", "# A document\n\nIts text.\n")
	return h, a, b
}

func one(id string) story {
	return story{id, "https://news.example/" + id, "Story " + id, paragraph(id), storyTime}
}

// report is a run as the API tells it.
func (s *served) report(id string) (feed.Report, int) {
	s.t.Helper()
	a := ask(s.t, http.MethodGet, s.url+"/api/runs/"+id, "Authorization", "Bearer "+s.token())
	if a.status != http.StatusOK {
		return feed.Report{}, a.status
	}
	return decode[feed.Report](s.t, a.body), a.status
}

func (s *served) finishes(id string) feed.Report {
	s.t.Helper()
	var r feed.Report
	eventually(s.t, patience, "the run ends", func() bool {
		r, _ = s.report(id)
		return r.State == "done" || r.State == "failed"
	})
	return r
}

// started is the id of the run that an answer says has begun.
func started(t *testing.T, a answer) string {
	t.Helper()
	id := decode[struct{ ID string }](t, a.body).ID
	if a.status != http.StatusAccepted || id == "" || !strings.HasSuffix(a.header.Get("Location"), "/api/runs/"+id) {
		t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	return id
}

// What one process commits, the serving one shows; and they take turns, so
// that nobody is asked twice at one time.
func TestTwoProcessesShareOneStore(t *testing.T) {
	t.Parallel()
	h, a, b := twoFeeds(t)
	release := b.hold("/feed")
	ingest := h.start("ingest", "--force")
	eventually(t, patience, "the other process is at it", func() bool { return b.waiting("/feed") == 1 })
	s := h.serve() // and answers, while the other one has the run lock
	s.get("/feed.atom")
	release()
	if code, _, stderr := ingest.wait(); code != exitOK {
		t.Errorf("ingest with serve beside it ended with %d\n%s", code, stderr)
	}
	s.settles(3)

	var took []time.Duration
	for i := range 5 {
		story := one(fmt.Sprint("a", i+2))
		a.publish("/feed", rssOf("A", one("a1"), story))
		h.ingest("--force", "a")
		took = append(took, eventually(t, patience, "serve shows what ingest committed", func() bool {
			_, ok := s.item(story.title)
			return ok
		}))
	}
	t.Logf("serve showed what another process had committed within %v", took)
	if min(took[0], took[1], took[2], took[3], took[4]) > 2*time.Second {
		t.Error("that is to be within 2 s")
	}

	before := len(b.requests("/feed"))
	release = b.hold("/feed")
	run := started(t, s.post("/api/ingest?force=1"))
	eventually(t, patience, "B is being asked", func() bool { return b.waiting("/feed") == 1 })
	if same := started(t, s.post("/api/ingest?force=1")); same != run {
		t.Errorf("a second request for the same made run %s beside %s", same, run)
	}
	other := started(t, s.post("/api/ingest?force=1&source=b"))
	ingest = h.start("ingest", "--force")
	time.Sleep(time.Second) // long enough for all of them to do it wrong
	release()
	if code, _, stderr := ingest.wait(); code != exitOK {
		t.Errorf("ingest beside serve ended with %d\n%s", code, stderr)
	}
	s.finishes(run)
	s.finishes(other)
	if a.most["/feed"] != 1 || b.most["/feed"] != 1 {
		t.Errorf("at one time A had %d requests and B %d", a.most["/feed"], b.most["/feed"])
	}
	if n := len(b.requests("/feed")) - before; n > 2 {
		t.Errorf("B was asked %d times, not once for each process", n)
	}
}

func TestIngestByTheAPI(t *testing.T) {
	t.Parallel()
	h, a, b := twoFeeds(t)
	s := h.serve()
	s.settles(3)

	for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", h.token()}} {
		answer := ask(t, http.MethodPost, s.url+"/api/ingest", header...)
		if answer.status != http.StatusUnauthorized || !strings.HasPrefix(answer.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("with %v: %d %v", header, answer.status, answer.header)
		}
	}

	// Nothing is due; the report says when it is.
	r := decode[feed.Report](t, s.post("/api/ingest?wait=1").body)
	if r.State != "done" || len(r.Sources) != 3 {
		t.Fatalf("%+v", r)
	}
	for _, src := range r.Sources {
		if src.Source != feed.SeedsSlug && (src.Outcome != feed.OutcomeNotDue || src.NextDue.IsZero() || src.DueReason == "") {
			t.Errorf("%+v", src)
		}
	}
	if stored, _ := s.report(r.ID); stored.State != "done" || len(stored.Sources) != 3 {
		t.Errorf("later the report is %+v", stored)
	}

	// One source by force, waited for.
	a.publish("/feed", rssOf("A", one("a1"), one("a2")))
	r = decode[feed.Report](t, s.post("/api/ingest?wait=1&force=1&source=a").body)
	if len(r.Sources) != 1 || r.Sources[0].Source != "a" || r.Counts.Published != 1 || len(b.requests("/feed")) != 1 {
		t.Errorf("%+v", r)
	}
	s.shows("Story a2")
	if unknown := s.post("/api/ingest?source=nobody"); unknown.status != http.StatusNotFound {
		t.Errorf("an unknown source: %d %s", unknown.status, unknown.body)
	}
}

// A run tells how far it is from when it was asked for, also while it waits
// for another process.
func TestARunTellsItsProgress(t *testing.T) {
	t.Parallel()
	h, _, b := twoFeeds(t)
	h.ingest()
	s := h.serve()
	release := b.hold("/feed")
	other := h.start("ingest", "--force", "b")
	eventually(t, patience, "the other process is at it", func() bool { return b.waiting("/feed") == 1 })
	id := started(t, s.post("/api/ingest?force=1"))
	if r, status := s.report(id); status != http.StatusOK || r.State != "running" {
		t.Errorf("while it waits: %d %+v", status, r)
	}
	release()
	other.wait()
	s.finishes(id)

	release = b.hold("/feed")
	id = started(t, s.post("/api/ingest?force=1"))
	eventually(t, 10*time.Second, "the seeds and A are done, B is not", func() bool {
		r, _ := s.report(id)
		return r.State == "running" && r.Total == 3 && r.Done == 2
	})
	release()
	if r := s.finishes(id); r.State != "done" || r.Done != 3 {
		t.Errorf("%+v", r)
	}
}

func TestHangUpReadsTheConfigurationAgain(t *testing.T) {
	t.Parallel()
	h, _, b := twoFeeds(t)
	s := h.serve()
	s.settles(3)
	b.publish("/more", rssOf("More", one("m1")))
	config := get(t, h.dir, "tributary.yaml")

	h.write("tributary.yaml", config+"colour: blue\n")
	h.check(s.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, patience, "the mistake is named", func() bool { return strings.Contains(s.log(), "colour") })
	s.settles(3)

	h.write("tributary.yaml", config+"  - {url: "+b.URL+"/more}\n"+"title: Another title\n")
	h.check(s.cmd.Process.Signal(syscall.SIGHUP))
	s.shows("Story m1")
	eventually(t, patience, "the title changes", func() bool {
		return strings.Contains(s.get("/feed.rss").body, "<title>Another title</title>") && strings.Contains(s.get("/").body, "Another title")
	})

	h.write("tributary.yaml", config)
	h.check(s.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, patience, "the source is gone, and its items stay", func() bool {
		var sources []any
		h.check(json.Unmarshal([]byte(s.get("/api/sources").body), &sources))
		return len(sources) == 3 && len(s.items()) == 4
	})
}

// Told to stop while a server keeps it waiting, the program stops within 10 s;
// what it had not finished it does at the next start.
func TestStoppingDoesNotWaitForASlowSource(t *testing.T) {
	t.Parallel()
	h, a, b := twoFeeds(t)
	release := b.hold("/feed")
	s := h.serve()
	eventually(t, patience, "B is being asked", func() bool { return b.waiting("/feed") == 1 && len(a.requests("/feed")) == 1 })
	t.Logf("stopped in %v", s.stop())

	release()
	s = h.serve()
	s.settles(3)
	var reports []feed.Report
	h.check(json.Unmarshal([]byte(s.get("/api/runs").body), &reports))
	for _, r := range reports {
		eventually(t, patience, "no run goes on for ever", func() bool {
			now, _ := s.report(r.ID)
			return now.State != "running"
		})
	}
}

// A run whose process was killed is over, and is shown so.
func TestAKilledRunIsNotShownAsRunning(t *testing.T) {
	t.Parallel()
	h, _, b := twoFeeds(t)
	release := b.hold("/feed")
	ingest := h.start("ingest")
	eventually(t, patience, "B is being asked", func() bool { return b.waiting("/feed") == 1 })
	h.check(ingest.Process.Kill())
	ingest.wait()
	release()
	s := h.serve()
	s.settles(3)
	eventually(t, 5*time.Second, "no run is shown as running", func() bool {
		return !strings.Contains(s.get("/api/runs").body, `"state": "running"`)
	})
}

func TestExitCodesOfIngest(t *testing.T) {
	t.Parallel()
	h, a, b := twoFeeds(t)
	if code, _, stderr := h.run("ingest"); code != exitOK || stderr != "" {
		t.Errorf("all well: %d %s", code, stderr)
	}
	b.fail("/feed", http.StatusInternalServerError)
	a.publish("/feed", rssOf("A", one("a1"), one("a2")))
	code, stdout, stderr := h.run("ingest", "--force")
	if code != exitFailure || !strings.Contains(stderr, "1 of 3 sources failed") || !strings.Contains(stdout, "500") || !strings.Contains(stdout, "1 item new") {
		t.Errorf("a source that fails: %d\n%s%s", code, stdout, stderr)
	}
	for _, args := range [][]string{{"--loud"}, {"nobody"}, {"--config", "missing.yaml"}, {"--seeds", ""}} {
		if code, _, stderr := h.run(append([]string{"ingest"}, args...)...); code != exitUsage || stderr == "" {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	h.check(os.RemoveAll(h.path("seeds")))
	if code, stdout, _ := h.run("ingest"); code != exitFailure || !strings.Contains(stdout, "seeds") {
		t.Errorf("no seeds folder: %d\n%s", code, stdout)
	}
}

// Ctrl-C in the middle of a run ends it soon.
func TestAnInterruptedIngestSaysSo(t *testing.T) {
	t.Parallel()
	h, _, b := twoFeeds(t)
	b.hold("/feed")
	ingest := h.start("ingest")
	eventually(t, patience, "B is being asked", func() bool { return b.waiting("/feed") == 1 })
	h.check(ingest.Process.Signal(os.Interrupt))
	if code, _, stderr := ingest.wait(); code != exitFailure || stderr != "tributary: interrupted\n" {
		t.Errorf("%d\n%s", code, stderr)
	}
}
