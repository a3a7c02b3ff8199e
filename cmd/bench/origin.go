package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// origin is the servers of many sources, on hosts of their own: addresses of
// this machine. It notes what somebody asks that should not have been asked.
type origin struct {
	sources, hosts int
	port           int
	server         *http.Server

	document func(n int) (etag string, body []byte) // gzip, of the source n
	delay    func() time.Duration                   // before it answers
	refuse   func(host int) (status, seconds int)   // instead of answering; 0: not

	mu      sync.Mutex
	byHost  []hostLog
	asked   [][]time.Time // by source
	answers map[int]int   // by status
	early   []breach
}

// hostLog is what a host has seen.
type hostLog struct {
	busy, most int
	answered   []answered // with Retry-After
}

// answered is an answer that asked for a pause.
type answered struct {
	at, until time.Time
	source    int // -1: the whole host is to be left alone
	worker    string
}

// breach is a request within a pause.
type breach struct {
	answered
	asked time.Time
	by    string
}

func newOrigin(sources, hosts int) (*origin, error) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	o := &origin{sources: sources, hosts: hosts, port: l.Addr().(*net.TCPAddr).Port,
		delay: func() time.Duration { return 0 }, refuse: func(int) (int, int) { return 0, 0 },
		byHost: make([]hostLog, hosts), asked: make([][]time.Time, sources), answers: map[int]int{}}
	o.server = &http.Server{Handler: o, ReadHeaderTimeout: time.Minute}
	go o.server.Serve(l)
	return o, nil
}

func (o *origin) close() { _ = o.server.Close() }

// hostOf is the number of a source's host.
func (o *origin) hostOf(n int) int { return n % o.hosts }

// url is where the source n is.
func (o *origin) url(n int) string {
	h := o.hostOf(n)
	return fmt.Sprintf("http://127.1.%d.%d:%d/feed/%d", h/250, h%250+1, o.port, n)
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/feed/"))
	if err != nil || n < 0 || n >= o.sources {
		http.NotFound(w, r)
		return
	}
	o.enter(n, workerOf(r.UserAgent()))
	defer o.leave(n)
	if d := o.delay(); d > 0 {
		select {
		case <-time.After(d):
		case <-r.Context().Done(): // who asked is gone
			return
		}
	}
	if status, seconds := o.refuse(o.hostOf(n)); status != 0 {
		o.notePause(n, status, seconds, workerOf(r.UserAgent()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		w.WriteHeader(status)
		return
	}
	etag, body := o.document(n)
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		o.count(http.StatusNotModified)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	o.count(http.StatusOK)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that went away is its own affair
}

var contact = regexp.MustCompile(`http://([^.]+)\.example\.org/`)

// workerOf is the name of the process that asks.
func workerOf(userAgent string) string {
	if m := contact.FindStringSubmatch(userAgent); m != nil {
		return m[1]
	}
	return "unknown"
}

// enter notes a request that begins.
func (o *origin) enter(n int, by string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h, now := &o.byHost[o.hostOf(n)], time.Now()
	h.busy++
	h.most = max(h.most, h.busy)
	o.asked[n] = append(o.asked[n], now)
	for _, a := range h.answered {
		if (a.source < 0 || a.source == n) && now.Before(a.until) {
			o.early = append(o.early, breach{a, now, by})
		}
	}
}

func (o *origin) leave(n int) {
	o.mu.Lock()
	o.byHost[o.hostOf(n)].busy--
	o.mu.Unlock()
}

// notePause notes that a host asks to be left alone, or a source of it.
func (o *origin) notePause(n, status, seconds int, by string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := answered{at: time.Now(), source: n, worker: by}
	a.until = a.at.Add(time.Duration(seconds) * time.Second)
	if status == http.StatusTooManyRequests {
		a.source = -1
	}
	h := &o.byHost[o.hostOf(n)]
	h.answered = append(h.answered, a)
	o.answers[status]++
}

func (o *origin) count(status int) {
	o.mu.Lock()
	o.answers[status]++
	o.mu.Unlock()
}

// most is the greatest number of requests that one host has had at a time.
func (o *origin) most() (most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.byHost {
		most = max(most, h.most)
	}
	return most
}

// firstAfter is when a source was first asked after a moment; zero: it was not.
func (o *origin) firstAfter(n int, at time.Time) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range o.asked[n] {
		if t.After(at) {
			return t
		}
	}
	return time.Time{}
}

// config writes a configuration with all sources, and a seeds folder, into a folder.
func (o *origin) config(dir, keys, perSource string, seeds []string) (path string, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "data: %s\nseeds: %s\nallow_private: true\nhost_spacing: 0s\nhub: off\npush: off\nschedule: \"0 0 1 1 *\"\n%s\nsources:\n",
		filepath.Join(dir, "data"), filepath.Join(dir, "seeds"), keys)
	for n := range o.sources {
		fmt.Fprintf(&b, "  - {url: \"%s\"%s}\n", o.url(n), perSource)
	}
	if err := os.MkdirAll(filepath.Join(dir, "seeds"), 0o755); err != nil {
		return "", err
	}
	for i, text := range seeds {
		if err := os.WriteFile(filepath.Join(dir, "seeds", fmt.Sprintf("seed%d.txt", i)), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	path = filepath.Join(dir, "tributary.yaml")
	return path, os.WriteFile(path, []byte(b.String()), 0o644)
}
