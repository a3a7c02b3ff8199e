package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"

	"tributary/feed"
)

// The end-to-end tests run the program as processes of its own: the test
// binary under the name of the program, as the scripts do (see TestMain), so
// that it has the race detector where the tests have it.

// patience bounds every wait. Only a test about speed has a tighter bound.
const patience = 30 * time.Second

// sharedFiles is material that is not part of the project; tests skip without it.
const sharedFiles = "../../../shared"

// house is one installation of the program: a folder with its configuration,
// seeds and data, in which its processes run.
type house struct {
	t   *testing.T
	dir string
}

// plain is what every configuration of a house begins with: its clock never
// fires, and nothing is filtered.
const plain = "allow_private: true\nschedule: \"0 0 1 1 *\"\ntopic: {filter: off}\n"

// newHouse makes an installation. Its clock never fires: what runs, a test started.
func newHouse(t *testing.T, config string) *house {
	t.Helper()
	h := &house{t, t.TempDir()}
	h.write("tributary.yaml", plain+config)
	h.check(os.MkdirAll(h.path("seeds"), 0o755))
	return h
}

func (h *house) path(name string) string { return filepath.Join(h.dir, filepath.FromSlash(name)) }

// write puts a file in place at once, as editors do.
func (h *house) write(name, text string) {
	h.t.Helper()
	part := h.path(filepath.Dir(name) + "/.part")
	h.check(os.MkdirAll(filepath.Dir(part), 0o755))
	h.check(os.WriteFile(part, []byte(text), 0o644))
	h.check(os.Rename(part, h.path(name)))
}

func (h *house) rename(from, to string) {
	h.t.Helper()
	h.check(os.Rename(h.path(from), h.path(to)))
}

func (h *house) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// command is a call of the program, not yet started.
func (h *house) command(args ...string) *exec.Cmd {
	cmd := exec.Command("tributary", args...)
	cmd.Dir = h.dir
	// The race detector waits a second at exit unless told not to.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "GORACE=atexit_sleep_ms=0"}
	return cmd
}

// call is the program at work.
type call struct {
	*exec.Cmd
	h              *house
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

// start calls the program.
func (h *house) start(args ...string) *call {
	h.t.Helper()
	c := &call{Cmd: h.command(args...), h: h, ended: make(chan struct{})}
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	h.check(c.Start())
	go func() {
		c.Wait() // how it ended is in its ProcessState
		close(c.ended)
	}()
	h.t.Cleanup(func() {
		c.Process.Kill()
		<-c.ended
	})
	return c
}

// wait waits for the program's end. Where it does not come, it is told to say
// where it hangs.
func (c *call) wait() (code int, stdout, stderr string) {
	c.h.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(2 * patience):
		c.Process.Signal(syscall.SIGQUIT)
		<-c.ended
	}
	stderr = c.stderr.String()
	c.h.noRace(stderr)
	return c.ProcessState.ExitCode(), c.stdout.String(), stderr
}

// run calls the program and waits for its end.
func (h *house) run(args ...string) (code int, stdout, stderr string) {
	h.t.Helper()
	return h.start(args...).wait()
}

// ingest is a run that must go well.
func (h *house) ingest(args ...string) feed.Report {
	h.t.Helper()
	code, stdout, stderr := h.run(append([]string{"ingest", "--json"}, args...)...)
	if code != exitOK {
		h.t.Fatalf("ingest ended with %d\n%s%s", code, stdout, stderr)
	}
	return decode[feed.Report](h.t, stdout)
}

func (h *house) noRace(stderr string) {
	h.t.Helper()
	if strings.Contains(stderr, "DATA RACE") {
		h.t.Error(stderr)
	}
}

func (h *house) token() string {
	h.t.Helper()
	text, err := os.ReadFile(h.path("data/token"))
	h.check(err)
	return strings.TrimSpace(string(text))
}

func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// served is a running `tributary serve`.
type served struct {
	*house
	url   string // without a trailing slash
	cmd   *exec.Cmd
	ended chan struct{}
}

// greeting names the address at its end if that is not the base URL's. One that only
// works names no other.
var greeting = regexp.MustCompile(`(?s)  (?:page  |health) http://([^\s/]+)/.*?(?:  listens on (\S+).*)?\n\d+ sources?, \d+ items?`)

// serve starts the program on a free port and waits until it answers. Its base
// URL stays the same, whatever the port.
func (h *house) serve(args ...string) *served {
	h.t.Helper()
	s := &served{house: h, ended: make(chan struct{})}
	var files [2]*os.File
	for i, name := range []string{"serve.out", "serve.err"} {
		f, err := os.Create(h.path(name))
		h.check(err)
		defer f.Close()
		files[i] = f
	}
	s.cmd = h.command(append([]string{"serve", "--listen", "127.0.0.1:0", "--base-url", "http://feeds.test"}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = files[0], files[1]
	h.check(s.cmd.Start())
	go func() {
		s.cmd.Wait() // how it ended is in its ProcessState
		close(s.ended)
	}()
	h.t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
		if h.noRace(s.log()); h.t.Failed() {
			h.t.Logf("serve said:\n%s", s.log())
		}
	})
	eventually(h.t, patience, "serve tells where it listens", func() bool {
		out, _ := os.ReadFile(h.path("serve.out"))
		if m := greeting.FindStringSubmatch(string(out)); m != nil {
			s.url = "http://" + cmp.Or(m[2], m[1])
		}
		return s.url != "" || s.over()
	})
	if s.over() {
		h.t.Fatal("serve ended at once")
	}
	return s
}

func (s *served) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func (s *served) log() string {
	text, _ := os.ReadFile(s.path("serve.err"))
	return string(text)
}

// stop asks the program to end, which it must do well and within 10 s.
func (s *served) stop() time.Duration {
	s.t.Helper()
	began := time.Now()
	s.check(s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		s.t.Fatal("serve does not stop within 10 s")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != exitOK {
		s.t.Fatalf("serve ended with %d", code)
	}
	return time.Since(began)
}

// answer is what a server said, its body as it came.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; header is names and values in turn.
func ask(t *testing.T, method, url string, header ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

func (s *served) get(path string, header ...string) answer {
	s.t.Helper()
	return ask(s.t, http.MethodGet, s.url+path, header...)
}

// post asks the API with the token.
func (s *served) post(path string) answer {
	s.t.Helper()
	return ask(s.t, http.MethodPost, s.url+path, "Authorization", "Bearer "+s.token())
}

// published is an item as /feed.json has it.
type published struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Title     string    `json:"title"`
	Content   string    `json:"content_html"`
	Published time.Time `json:"date_published"`
	Modified  time.Time `json:"date_modified"`
}

func (s *served) items() []published {
	s.t.Helper()
	return decode[struct{ Items []published }](s.t, s.get("/feed.json").body).Items
}

// item is the item with a title, and whether there is one.
func (s *served) item(title string) (published, bool) {
	s.t.Helper()
	for _, i := range s.items() {
		if i.Title == title {
			return i, true
		}
	}
	return published{}, false
}

// shows waits until the feed has an item with a title.
func (s *served) shows(title string) published {
	s.t.Helper()
	var found published
	eventually(s.t, patience, "the feed shows "+title, func() (ok bool) {
		found, ok = s.item(title)
		return ok
	})
	return found
}

// settles waits until the feed has that many items.
func (s *served) settles(n int) {
	s.t.Helper()
	eventually(s.t, patience, fmt.Sprintf("the feed has %d items", n), func() bool { return len(s.items()) == n })
}

func ids(items []published) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.ID)
	}
	slices.Sort(out)
	return out
}

// titlesIn are the titles of a feed document of any format, sorted.
func titlesIn(t *testing.T, document string) []string {
	t.Helper()
	doc, err := gofeed.NewParser().ParseString(document)
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	var titles []string
	for _, i := range doc.Items {
		titles = append(titles, i.Title)
	}
	slices.Sort(titles)
	return titles
}

// eventually waits until ok, and tells how long that took.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if ok() {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// publisher is somebody else's site: it serves documents with validators and
// notes who asks.
type publisher struct {
	*httptest.Server

	latency time.Duration // the longest that it takes to answer

	mu        sync.Mutex
	documents map[string]string // path → document
	failing   map[string]int    // path → status instead of it
	slow      map[string]chan struct{}
	asked     []request
	busy      map[string]int // requests in progress, by path and for wholeHost
	most      map[string]int // the most that there were at one time
}

// request is one that was answered.
type request struct {
	path   string
	header http.Header
	status int
}

// wholeHost stands for all paths of a publisher.
const wholeHost = ""

func newPublisher(t *testing.T) *publisher {
	p := &publisher{documents: map[string]string{}, failing: map[string]int{}, slow: map[string]chan struct{}{},
		busy: map[string]int{}, most: map[string]int{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) publish(path, document string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.documents[path] = document
}

// fail lets a path answer with a status; 0 makes it well again.
func (p *publisher) fail(path string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing[path] = status
}

// hold lets requests for a path wait until the returned function is called, or
// the client goes.
func (p *publisher) hold(path string) (release func()) {
	held := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow[path] = held
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.slow, path)
		close(held)
	})
}

// waiting is how many requests for a path are in progress.
func (p *publisher) waiting(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy[path]
}

// requests are those for a path so far.
func (p *publisher) requests(path string) []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []request
	for _, r := range p.asked {
		if r.path == path {
			out = append(out, r)
		}
	}
	return out
}

// tagOf is the entity tag of a document.
func tagOf(document string) string {
	return fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(document)))[:18] + `"`
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	p.mu.Lock()
	document, known := p.documents[path]
	failing, held := p.failing[path], p.slow[path]
	for _, of := range []string{path, wholeHost} {
		p.busy[of]++
		p.most[of] = max(p.most[of], p.busy[of])
	}
	p.mu.Unlock()
	if p.latency > 0 {
		time.Sleep(rand.N(p.latency))
	}
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}
	status := http.StatusOK
	switch {
	case failing != 0:
		status = failing
	case !known:
		status = http.StatusNotFound
	case r.Header.Get("If-None-Match") == tagOf(document):
		status = http.StatusNotModified
	}
	p.mu.Lock()
	p.busy[path]--
	p.busy[wholeHost]--
	p.asked = append(p.asked, request{path, r.Header.Clone(), status})
	p.mu.Unlock()
	w.Header().Set("ETag", tagOf(document))
	w.Header().Set("Content-Type", http.DetectContentType([]byte(document)))
	w.WriteHeader(status)
	if status == http.StatusOK {
		io.WriteString(w, document)
	}
}

// story is an article that somebody publishes.
type story struct {
	id, url, title, html string
	at                   time.Time
}

// storyTime is when the first stories are dated.
var storyTime = time.Date(2026, 1, 10, 8, 0, 0, 0, time.UTC)

// paragraph is a text of its own, long enough to be compared. Its words are
// made up, so that no other is a copy of it or about the same event.
func paragraph(about string) string {
	sum := sha256.Sum256([]byte(about))
	dice := rand.New(rand.NewChaCha8(sum))
	var b strings.Builder
	b.WriteString("<p>About " + html.EscapeString(about) + ":")
	for range 50 {
		b.WriteByte(' ')
		for range 3 {
			b.WriteByte("bdfgklmnprstv"[dice.IntN(13)])
			b.WriteByte("aeiou"[dice.IntN(5)])
		}
	}
	return b.String() + ".</p>"
}

// atomOf, rssOf and jsonOf are documents of a feed with these stories.
func atomOf(title string, stories ...story) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>tag:%s</id><title>%s</title>`+
		`<updated>2026-01-10T08:00:00Z</updated><link href="https://%s.example/"/>`, slug(title), html.EscapeString(title), slug(title))
	for _, s := range stories {
		at := s.at.Format(time.RFC3339)
		fmt.Fprintf(&b, `<entry><id>%s</id><title>%s</title><link href="%s"/><published>%s</published><updated>%s</updated><content type="html">%s</content></entry>`,
			html.EscapeString(s.id), html.EscapeString(s.title), html.EscapeString(s.url), at, at, html.EscapeString(s.html))
	}
	return b.String() + "</feed>"
}

func rssOf(title string, stories ...story) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>%s</title><link>https://%s.example/</link><description>d</description>`,
		html.EscapeString(title), slug(title))
	for _, s := range stories {
		fmt.Fprintf(&b, `<item><guid isPermaLink="false">%s</guid><title>%s</title><link>%s</link><pubDate>%s</pubDate><description>%s</description></item>`,
			html.EscapeString(s.id), html.EscapeString(s.title), html.EscapeString(s.url), s.at.Format(time.RFC1123Z), html.EscapeString(s.html))
	}
	return b.String() + "</channel></rss>"
}

func jsonOf(title string, stories ...story) string {
	items := []map[string]string{}
	for _, s := range stories {
		items = append(items, map[string]string{"id": s.id, "title": s.title, "url": s.url, "content_html": s.html,
			"date_published": s.at.Format(time.RFC3339)})
	}
	text, err := json.Marshal(map[string]any{"version": "https://jsonfeed.org/version/1.1", "title": title,
		"home_page_url": "https://" + slug(title) + ".example/", "items": items})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func slug(title string) string { return strings.ToLower(strings.ReplaceAll(title, " ", "-")) }

// needPrograms skips the test where a program is missing.
func needPrograms(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

// tool runs somebody else's program and returns what it printed.
func tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
