package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/store"
)

const (
	kills     = 50
	killFeeds = 40
	killHosts = 4 // the feeds of a host are fetched one after the other
)

// press is a number of publishers whose feeds change now and then. No story
// ever leaves a feed, so that one is lost only if the program loses it.
type press struct {
	rand   *rand.Rand
	hosts  []*publisher
	feeds  []*pressFeed
	titles map[string]string // story → its newest title
	next   int
}

type pressFeed struct {
	url, path string
	host      *publisher
	format    func(title string, stories ...story) string
	stories   []story
	length    map[string]int // entity tag → how many stories the document had
}

func newPress(t *testing.T, rand *rand.Rand) *press {
	p := &press{rand: rand, titles: map[string]string{}}
	for range killHosts {
		h := newPublisher(t)
		h.latency = 80 * time.Millisecond // so that a run commits more than once
		p.hosts = append(p.hosts, h)
	}
	formats := []func(string, ...story) string{rssOf, atomOf, jsonOf}
	for i := range killFeeds {
		f := &pressFeed{path: fmt.Sprintf("/feed%d", i), host: p.hosts[i%killHosts], format: formats[i%3], length: map[string]int{}}
		f.url = f.host.URL + f.path
		p.feeds = append(p.feeds, f)
		for range 30 {
			p.write(f)
		}
		f.print()
	}
	return p
}

// write gives a feed a story of its own.
func (p *press) write(f *pressFeed) {
	p.next++
	s := story{fmt.Sprintf("id%d", p.next), fmt.Sprintf("https://news.example/%d", p.next), fmt.Sprintf("Story %d", p.next),
		paragraph(fmt.Sprint("number ", p.next)), storyTime.Add(time.Duration(p.next) * time.Minute)}
	f.stories = append(f.stories, s)
	p.titles[s.id] = s.title
}

// edit gives one of a feed's stories another title.
func (p *press) edit(f *pressFeed) {
	s := &f.stories[p.rand.IntN(len(f.stories))]
	if strings.HasPrefix(s.id, "copy") || strings.Contains(s.title, "shared") {
		return
	}
	p.next++
	s.title = fmt.Sprintf("Story %s, edition %d", s.id, p.next)
	p.titles[s.id] = s.title
}

// share lets two feeds carry one story under different addresses and ids.
func (p *press) share(a, b *pressFeed) {
	p.write(a)
	s := &a.stories[len(a.stories)-1]
	s.title += ", shared"
	p.titles[s.id] = s.title
	twin := *s
	twin.id, twin.url = "copy of "+s.id, s.url+"?utm_source=b"
	b.stories = append(b.stories, twin)
}

// print makes the feed's document public.
func (f *pressFeed) print() {
	document := f.format("Feed "+f.path[1:], f.stories...)
	f.length[tagOf(document)] = len(f.stories)
	f.host.publish(f.path, document)
}

// change lets some feeds change, as they do between two runs.
func (p *press) change() {
	pick := func() *pressFeed { return p.feeds[p.rand.IntN(len(p.feeds))] }
	changed := []*pressFeed{pick(), pick(), pick(), pick(), pick(), pick()}
	p.write(changed[0])
	p.write(changed[1])
	p.edit(changed[2])
	p.edit(changed[3])
	p.share(changed[4], changed[5])
	for _, f := range changed {
		f.print()
	}
}

// requests counts the requests so far.
func (p *press) requests() int {
	n := 0
	for _, h := range p.hosts {
		h.mu.Lock()
		n += len(h.asked)
		h.mu.Unlock()
	}
	return n
}

// moment waits for a moment at which to kill a run; it returns early if the
// run is over. Some are soon after the start, some at any request, and half of
// them at a commit: when, after a request, the database's log is written.
func (p *press) moment(h *house, over <-chan struct{}) {
	until := func(ok func() bool) {
		for !ok() {
			select {
			case <-over:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}
	after := func(d time.Duration) {
		began := time.Now()
		until(func() bool { return time.Since(began) >= d })
	}
	requests := p.requests()
	asked := func(n int) { until(func() bool { return p.requests()-requests > n }) }
	switch p.rand.IntN(6) {
	case 0:
		after(time.Duration(p.rand.IntN(150)) * time.Millisecond)
	case 1, 2:
		asked(p.rand.IntN(killFeeds))
		after(time.Duration(p.rand.IntN(50)) * time.Millisecond)
	default:
		asked(0)
		writes, last := p.rand.IntN(8), h.logTime()
		until(func() bool {
			if now := h.logTime(); now != last {
				last = now
				writes--
			}
			return writes < 0
		})
	}
}

// logTime is when the database's log was last written.
func (h *house) logTime() int64 {
	info, err := os.Stat(h.path("data/tributary.db-wal"))
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

// killed starts a run and kills it at some moment. It tells whether the run
// was still going.
func (p *press) killed(h *house) bool {
	run := h.start("ingest", "--force")
	p.moment(h, run.ended)
	run.Process.Kill() // it may be over
	run.wait()
	status := run.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}

// committed reads what a killed run has left, by feed: the entity tag that the
// next request must send. The files are copied first, so that it is the program
// that recovers them.
func (p *press) committed(h *house) map[string]string {
	h.t.Helper()
	tags := map[string]string{}
	dir := h.t.TempDir()
	for _, name := range []string{"tributary.db", "tributary.db-wal"} {
		text, err := os.ReadFile(h.path("data/" + name))
		if err == nil {
			h.check(os.WriteFile(filepath.Join(dir, name), text, 0o600))
		}
	}
	ctx := context.WithoutCancel(h.t.Context())
	st, err := store.Open(ctx, store.Options{Path: filepath.Join(dir, "tributary.db")})
	h.check(err)
	defer st.Close()
	sources, err := st.Sources(ctx)
	h.check(err)
	for _, src := range sources {
		i := slices.IndexFunc(p.feeds, func(f *pressFeed) bool { return f.url == src.URL })
		if i < 0 {
			continue
		}
		listed, err := st.Listed(ctx, src.ID)
		h.check(err)
		tag := src.State.ETag
		if want := p.feeds[i].length[tag]; len(listed) != want {
			h.t.Errorf("%s has %d entries, but the document with its tag %s has %d", src.URL, len(listed), tag, want)
		}
		tags[src.URL] = tag
	}
	return tags
}

// asked checks that a run's requests, once all are answered, carried exactly
// these entity tags.
func (p *press) asked(t *testing.T, tags map[string]string) {
	t.Helper()
	for _, f := range p.feeds {
		eventually(t, patience, "the requests of a killed run end", func() bool { return f.host.waiting(f.path) == 0 })
	}
	for _, h := range p.hosts {
		h.mu.Lock()
		for _, r := range h.asked {
			if got := r.header.Get("If-None-Match"); got != tags[h.URL+r.path] {
				t.Errorf("%s was asked for with %s, but what is stored belongs to %s", r.path, got, tags[h.URL+r.path])
			}
		}
		h.asked = nil
		h.mu.Unlock()
	}
}

// A run that is killed at any moment loses nothing and repeats nothing.
func TestKilledRunsLoseNothing(t *testing.T) {
	t.Parallel()
	const seed = 2
	p := newPress(t, rand.New(rand.NewPCG(seed, seed)))
	h := newHouse(t, "")
	h.write("seeds/one.md", "# A document of the seeds\n\nIts text.\n")
	var config strings.Builder
	config.WriteString("allow_private: true\ntopic: {filter: off}\nsources:\n")
	for _, f := range p.feeds {
		fmt.Fprintf(&config, "  - {url: %s}\n", f.url)
	}
	h.write("tributary.yaml", config.String())

	tags, done, finished := map[string]string{}, 0, 0
	for done < kills && !t.Failed() {
		if p.killed(h) {
			done++
		} else {
			finished++
		}
		p.asked(t, tags)
		h.lockIsFree()
		tags = p.committed(h)
		p.change()
		if finished > 2*kills {
			t.Fatal("runs end before they can be killed")
		}
	}
	r := h.ingest("--force")
	p.asked(t, tags)
	t.Logf("%d runs killed, %d were over before; the clean one: %+v", done, finished, r.Counts)
	p.everyStoryOnce(h)
	if code, stdout, _ := h.run("check"); code != exitOK {
		t.Errorf("check finds:\n%s", stdout)
	}
}

// lockIsFree checks that the dead run holds no lock.
func (h *house) lockIsFree() {
	h.t.Helper()
	f, err := os.OpenFile(h.path("data/tributary.db.lock"), os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return // it died before it had one
	}
	h.check(err)
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		h.t.Errorf("the run lock outlives its process: %v", err)
	}
}

// everyStoryOnce checks the items against what was written.
func (p *press) everyStoryOnce(h *house) {
	h.t.Helper()
	want := []string{"A document of the seeds"}
	for _, title := range p.titles {
		want = append(want, title)
	}
	_, stdout, _ := h.run("item", "list", "--state", "all", "--limit", "100000", "--json")
	var items []struct{ ID, Title, State string }
	h.check(json.Unmarshal([]byte(stdout), &items))
	var have []string
	seen := map[string]bool{}
	for _, i := range items {
		have = append(have, i.Title)
		if i.State != "live" || seen[i.ID] {
			h.t.Errorf("%s is %s, its id seen before: %v", i.Title, i.State, seen[i.ID])
		}
		seen[i.ID] = true
	}
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, have); diff != "" {
		h.t.Errorf("items are lost, stale or there twice (-want +have):\n%s", diff)
	}
}
