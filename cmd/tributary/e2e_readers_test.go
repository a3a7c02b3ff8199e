package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/store/pgtest"
)

// systemPython is Debian's, which has feedparser.
const systemPython = "/usr/bin/python3"

// reader is a program with which people read feeds.
type reader struct {
	name     string
	programs []string
	reload   func(t *testing.T, dir, url string)
	ids      func(t *testing.T, dir string) []string // of the items that it has shown, each as often as it did
	titles   func(t *testing.T, dir string) []string // of these, as it shows them now; nil: not asked
	notes    func(id string) string                  // what it makes of an id; nil: it keeps it
}

var readers = []reader{newsboat, sfeed, rss2email, feedparser}

var newsboat = reader{
	name: "newsboat", programs: []string{"newsboat"},
	reload: func(t *testing.T, dir, url string) {
		put(t, dir, "urls", url+"\n")
		put(t, dir, "config", "")
		tool(t, dir, "newsboat", "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload")
	},
	ids: func(t *testing.T, dir string) []string {
		return rows(t, filepath.Join(dir, "cache.db"), "SELECT guid FROM rss_item WHERE deleted = 0")
	},
	titles: func(t *testing.T, dir string) []string {
		return rows(t, filepath.Join(dir, "cache.db"), "SELECT title FROM rss_item WHERE deleted = 0")
	},
}

// sfeed asks conditionally as its README shows.
var sfeed = reader{
	name: "sfeed", programs: []string{"sfeed_update", "curl"},
	reload: func(t *testing.T, dir, url string) {
		put(t, dir, "sfeedrc", fmt.Sprintf(`sfeedpath="$HOME/feeds"
fetch() {
	etag="$HOME/$(basename "$3").etag"
	curl -L --max-redirs 0 -H "User-Agent:" -f -s -m 15 --compressed --etag-save "$etag" --etag-compare "$etag" -z "$etag" "$2" 2>/dev/null
}
feeds() { feed tributary '%s'; }
`, url))
		tool(t, dir, "sfeed_update", filepath.Join(dir, "sfeedrc"))
	},
	ids: func(t *testing.T, dir string) []string {
		var out []string
		for _, line := range strings.Split(strings.TrimSpace(get(t, dir, "feeds/tributary")), "\n") {
			out = append(out, strings.Split(line, "\t")[5])
		}
		return out
	},
}

var rss2email = reader{
	name: "rss2email", programs: []string{"r2e"},
	reload: func(t *testing.T, dir, url string) {
		if _, err := os.Stat(filepath.Join(dir, "r2e.cfg")); err != nil {
			put(t, dir, "r2e.cfg", fmt.Sprintf(`[DEFAULT]
from = a@example.org
to = b@example.org
email-protocol = maildir
maildir-path = %s
maildir-mailbox = mail
`, dir))
			tool(t, dir, "r2e", "-c", "r2e.cfg", "-d", "r2e.json", "add", "tributary", url)
		}
		tool(t, dir, "r2e", "-c", "r2e.cfg", "-d", "r2e.json", "run")
	},
	ids: func(t *testing.T, dir string) []string {
		var out []string
		mails, _ := filepath.Glob(filepath.Join(dir, "mail", "new", "*"))
		for _, name := range mails {
			m, err := mail.ReadMessage(strings.NewReader(get(t, filepath.Dir(name), filepath.Base(name))))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, m.Header.Get("X-RSS-ID"))
		}
		return out
	},
}

// feedparser is a library: this is how its documentation uses it. It shows an
// item once for each id that it has not seen.
var feedparser = reader{
	name: "feedparser", programs: []string{systemPython},
	reload: func(t *testing.T, dir, url string) {
		put(t, dir, "read.py", `
import feedparser, json, os, sys
have = json.load(open("have")) if os.path.exists("have") else {"ids": []}
d = feedparser.parse(sys.argv[1], etag=have.get("etag"), modified=have.get("modified"))
assert not d.bozo, d.bozo_exception
listed = [e.id for e in d.entries]
assert len(listed) == len(set(listed)), listed
if d.status == 200:
    have = {"etag": d.get("etag"), "modified": d.get("modified"), "ids": have["ids"] + [i for i in listed if i not in have["ids"]]}
json.dump(have, open("have", "w"))
`)
		tool(t, dir, systemPython, "read.py", url)
	},
	ids: func(t *testing.T, dir string) []string {
		var have struct{ IDs []string }
		if err := json.Unmarshal([]byte(get(t, dir, "have")), &have); err != nil {
			t.Fatal(err)
		}
		return have.IDs
	},
}

// minifluxServer is a Miniflux that runs beside a test, reached by a socket.
type minifluxServer struct{ client http.Client }

// newMiniflux starts Miniflux with an empty database. The test is skipped where the
// program, or PostgreSQL, is not there: it is in few distributions.
func newMiniflux(t *testing.T) reader {
	needPrograms(t, "miniflux")
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	cmd := exec.Command("miniflux")
	cmd.Dir = dir
	cmd.Env = []string{"DATABASE_URL=" + pgtest.Start(t), "LISTEN_ADDR=" + socket, "RUN_MIGRATIONS=1", "CREATE_ADMIN=1", "ADMIN_USERNAME=admin", "ADMIN_PASSWORD=password",
		"FETCHER_ALLOW_PRIVATE_NETWORKS=1", "DISABLE_SCHEDULER_SERVICE=1"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	m := minifluxServer{http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}}
	eventually(t, patience, "Miniflux answers", func() bool {
		res, err := m.client.Get("http://miniflux/healthcheck")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return reader{
		name: "Miniflux", programs: []string{"miniflux"}, reload: m.reload,
		ids:    func(t *testing.T, dir string) []string { return m.entries(t, dir, "hash") },
		titles: func(t *testing.T, dir string) []string { return m.entries(t, dir, "title") },
		notes:  func(id string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(id))) },
	}
}

// reload subscribes at the first look. The number that the feed has is kept in dir.
func (m *minifluxServer) reload(t *testing.T, dir, url string) {
	if _, err := os.Stat(filepath.Join(dir, "feed")); err == nil {
		m.call(t, http.MethodPut, "feeds/"+get(t, dir, "feed")+"/refresh", "")
		return
	}
	created := decode[struct {
		ID int `json:"feed_id"`
	}](t, m.call(t, http.MethodPost, "feeds", fmt.Sprintf(`{"feed_url": %q}`, url)))
	put(t, dir, "feed", fmt.Sprint(created.ID))
}

// entries are one field of each entry of the feed.
func (m *minifluxServer) entries(t *testing.T, dir, field string) []string {
	list := decode[struct {
		Total   int
		Entries []map[string]any
	}](t, m.call(t, http.MethodGet, "feeds/"+get(t, dir, "feed")+"/entries?limit=1000", ""))
	var out []string
	for _, e := range list.Entries {
		out = append(out, fmt.Sprint(e[field]))
	}
	if len(out) != list.Total {
		t.Errorf("it lists %d of %d entries", len(out), list.Total)
	}
	return out
}

func (m *minifluxServer) call(t *testing.T, method, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://miniflux/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", "password")
	res, err := m.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("Miniflux answers %d %s to %s %s, %v", res.StatusCode, text, method, path, err)
	}
	return string(text)
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows are the values of a query's one column in an SQLite file.
func rows(t *testing.T, file, query string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var out []string
	for result.Next() {
		var v string
		if err := result.Scan(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// subscription is one reader's to one document, through a proxy that notes
// what is asked.
type subscription struct {
	reader
	dir, url string

	mu    sync.Mutex
	base  *url.URL // where the feeds are served
	asked []request
}

func subscribe(t *testing.T, r reader, base, path string) *subscription {
	s := &subscription{reader: r, dir: t.TempDir()}
	s.leadsTo(t, base)
	server := httptest.NewServer(&httputil.ReverseProxy{
		Transport: &http.Transport{DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			s.mu.Lock()
			defer s.mu.Unlock()
			r.SetURL(s.base)
		},
		ModifyResponse: func(res *http.Response) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.asked = append(s.asked, request{res.Request.URL.Path, res.Request.Header.Clone(), res.StatusCode})
			return nil
		},
	})
	t.Cleanup(server.Close)
	s.url = server.URL + path
	return s
}

// leadsTo is where the feeds are served from now on; the reader knows nothing of it.
func (s *subscription) leadsTo(t *testing.T, base string) {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = target
}

func (s *subscription) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// reloads has the reader look once: it must have shown these items, each once.
func (s *subscription) reloads(t *testing.T, want []string) request {
	t.Helper()
	before := len(s.requests())
	s.reload(t, s.dir, s.url)
	got := s.ids(t, s.dir)
	slices.Sort(got)
	if want = slices.Clone(want); s.notes != nil {
		for i, id := range want {
			want[i] = s.notes(id)
		}
		slices.Sort(want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it has shown other items than those that there are, each once (-want +got):\n%s", diff)
	}
	asked := s.requests()[before:]
	if len(asked) != 1 {
		t.Fatalf("it asked %d times", len(asked))
	}
	return asked[0]
}

func (r request) conditional() bool {
	return r.header.Get("If-None-Match") != "" || r.header.Get("If-Modified-Since") != ""
}

// Readers show every item once, nothing again, and are told 304 when nothing
// is new. All of these ask conditionally; newsboat does from its third look on,
// since it stores validators only of a feed that it has stored before.
func TestReadersShowEachItemOnce(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	h := newHouse(t, "title: For & about <readers>\nsources:\n  - {url: "+p.URL+"/rss, name: \"Käse & Brot\"}\n  - {url: "+p.URL+"/atom}\n")
	var stories []story
	for i := range 24 {
		title := fmt.Sprintf("Story %d of “many” & <more>, %s", i, strings.Repeat("ü", i))
		stories = append(stories, story{fmt.Sprintf("tag:%d & <x>", i), fmt.Sprintf("https://news.example/%d?a=1&b=2", i), title,
			paragraph(title) + `<p><a href="/x">and</a> <img src="/y.png" alt=""> so on</p>`, storyTime.AddDate(0, 0, -i/3)}) // three a day
	}
	p.publish("/rss", rssOf("An RSS feed", stories[:12]...))
	p.publish("/atom", atomOf("An Atom feed", stories[12:]...))
	h.write("seeds/one.txt", " date 2025-12-30 A document without a title says enough to be an item of its own.\n\nAnd goes on.\n")
	h.write("seeds/two.md", "---\ntitle: The second document\ndate: 2025-11-01\n---\n\nIts first text.\n")
	s := h.serve()
	s.settles(26)

	var subscriptions []*subscription
	for _, r := range readers {
		for _, path := range []string{"/feed.atom", "/feed.rss"} {
			subscriptions = append(subscriptions, subscribe(t, r, s.url, path))
		}
	}
	noNews := func(t *testing.T, r request) {
		if r.conditional() != (r.status == http.StatusNotModified) {
			t.Errorf("it was answered %d to %v", r.status, r.header)
		}
	}
	look(t, "first", subscriptions, ids(s.items()), news)
	look(t, "again", subscriptions, ids(s.items()), noNews)
	h.write("seeds/two.md", "---\ntitle: The second document\ndate: 2025-11-01\n---\n\nIts second text.\n")
	h.write("seeds/three.html", "<title>The third document</title><p>It came later.</p>")
	s.shows("The third document")
	eventually(t, patience, "the edit shows", func() bool {
		item, _ := s.item("The second document")
		return strings.Contains(item.Content, "second text")
	})
	look(t, "after a new and an edited document", subscriptions, ids(s.items()), news)
	look(t, "again after that", subscriptions, ids(s.items()), nothingNew)
}

// news: it was sent the document.
func news(t *testing.T, r request) {
	if r.status != http.StatusOK {
		t.Errorf("it was answered %d", r.status)
	}
}

// nothingNew: it asked conditionally, and was told 304.
func nothingNew(t *testing.T, r request) {
	if !r.conditional() || r.status != http.StatusNotModified {
		t.Errorf("it was answered %d to %v", r.status, r.header)
	}
}

// newsdesk is an installation with two feeds that bring stories, each tenth in both.
type newsdesk struct {
	*house
	s             *served
	site          *publisher
	stories       []story
	subscriptions []*subscription
}

const newsdeskSeeds = 3

func newNewsdesk(t *testing.T) *newsdesk {
	d := &newsdesk{house: newHouse(t, ""), site: newPublisher(t)}
	d.sources("rss", "atom")
	for i := range newsdeskSeeds {
		d.seed(i)
	}
	d.s = d.serve()
	return d
}

func (d *newsdesk) sources(paths ...string) {
	config := plain + "sources:\n"
	for _, path := range paths {
		config += fmt.Sprintf("  - {url: %s/%s, name: By %s}\n", d.site.URL, path, path)
	}
	d.write("tributary.yaml", config)
}

func (d *newsdesk) seed(i int) {
	d.write(fmt.Sprintf("seeds/%d.html", i), fmt.Sprintf("<title>Document %d</title>", i)+paragraph(fmt.Sprint("document ", i)))
}

// brings lets so many new stories come in. The feeds list the newest 150.
func (d *newsdesk) brings(n int) {
	d.t.Helper()
	for range n {
		i := len(d.stories)
		title := fmt.Sprintf("Story %d of <many> & more", i)
		d.stories = append(d.stories, story{fmt.Sprint("tag:", i), fmt.Sprintf("https://news.example/%d", i), title, paragraph(title), storyTime.Add(time.Duration(i) * time.Minute)})
	}
	var feeds [2][]story
	for i := len(d.stories) - 1; i >= max(0, len(d.stories)-150); i-- {
		feeds[i%2] = append(feeds[i%2], d.stories[i])
		if i%10 == 0 {
			feeds[1] = append(feeds[1], d.stories[i])
		}
	}
	d.site.publish("/rss", rssOf("By RSS", feeds[0]...))
	d.site.publish("/atom", atomOf("By Atom", feeds[1]...))
	if r := decode[struct{ State string }](d.t, d.s.post("/api/ingest?force=1&wait=1").body); r.State != "done" {
		d.t.Fatalf("the run is %s", r.State)
	}
	d.s.shows(d.stories[len(d.stories)-1].title)
}

// edits changes one of the newest stories; it comes in with the next ones.
func (d *newsdesk) edits(back int) {
	s := &d.stories[len(d.stories)-1-back]
	s.title += ", corrected"
	s.html = paragraph(s.title)
}

// item calls a command of the program that shows items or puts them right.
func (d *newsdesk) item(args ...string) (stdout string) {
	d.t.Helper()
	code, stdout, stderr := d.run(append([]string{"item"}, args...)...)
	if code != exitOK {
		d.t.Fatalf("item %v ended with %d\n%s", args, code, stderr)
	}
	return stdout
}

// splits takes the entry with a title out of an item.
func (d *newsdesk) splits(item, title string) {
	d.t.Helper()
	for _, e := range decode[whyView](d.t, d.item("why", "--json", item)).Entries {
		if e.Title == title {
			d.item("split", item, fmt.Sprint(e.Entry))
		}
	}
}

// id is that of the item with a title, which the feed shows.
func (d *newsdesk) id(title string) string {
	d.t.Helper()
	return d.s.shows(title).ID
}

// all are the ids of all that there ever was: a reader keeps what it has seen.
func (d *newsdesk) all() []string {
	d.t.Helper()
	all := d.everything()
	if want := len(d.stories) + newsdeskSeeds; len(all) != want {
		d.t.Errorf("there were %d items, want %d", len(all), want)
	}
	return all
}

func (d *newsdesk) restarts(args ...string) {
	d.t.Helper()
	d.s = d.serve(args...)
	for _, sub := range d.subscriptions {
		sub.leadsTo(d.t, d.s.url)
	}
}

// keepsUp has readers follow the feed through whatever happens to it. They must have shown
// all that there ever was, each item once, an edited one as it is now.
func keepsUp(t *testing.T, readers []reader, paths ...string) {
	d := newNewsdesk(t)
	d.brings(40)
	for _, r := range readers {
		for _, path := range paths {
			d.subscriptions = append(d.subscriptions, subscribe(t, r, d.s.url, path))
		}
	}
	looks := func(when string, check func(*testing.T, request)) {
		look(t, when, d.subscriptions, d.all(), check)
	}
	looks("at first", news)
	d.brings(1)
	looks("after one story", news)
	d.edits(0)
	d.edits(12)
	d.brings(30)
	looks("after 30 and edits", news)
	looks("again", nothingNew)
	d.brings(120)
	looks("after 120", news)

	hidden, one, other := d.stories[150].title, d.stories[151].title, d.stories[153].title
	hiddenID, oneID, otherID := d.id(hidden), d.id(one), d.id(other)
	d.item("hide", hiddenID)
	d.item("merge", oneID, otherID)
	d.check(os.Remove(d.path("seeds/1.html")))
	d.s.settles(len(d.stories) + newsdeskSeeds - 3)
	looks("after one was hidden, one merged, one withdrawn", news)
	d.s.stop()
	d.sources("atom", "rss")
	d.restarts()
	looks("after a restart with the sources in another order", nothingNew)
	d.s.stop()
	d.restarts("--base-url", "http://elsewhere.test")
	looks("at another base URL", news)
	d.item("unhide", hiddenID)
	d.splits(oneID, other)
	d.seed(1)
	d.s.settles(len(d.stories) + newsdeskSeeds)
	looks("after all came back", news)

	d.nextWeek()
	for _, n := range []int{100, 1, 120, 79} {
		d.edits(0)
		d.brings(n)
	}
	looks("after 300 within a day", news)
	looks("again after that", nothingNew)
	d.shownAsTheyAre()
}

// shownAsTheyAre tells whether the readers show the titles as they are now.
func (d *newsdesk) shownAsTheyAre() {
	var want []string
	for i := range newsdeskSeeds {
		want = append(want, fmt.Sprint("Document ", i))
	}
	for _, s := range d.stories {
		want = append(want, s.title)
	}
	slices.Sort(want)
	for _, sub := range d.subscriptions {
		if _, err := exec.LookPath(sub.programs[0]); err != nil || sub.titles == nil {
			continue
		}
		got := sub.titles(d.t, sub.dir)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			d.t.Errorf("%s shows other titles (-want +got):\n%s", sub.name, diff)
		}
	}
}

func TestReadersKeepUp(t *testing.T) {
	t.Parallel()
	keepsUp(t, []reader{newsboat, feedparser}, "/feed.atom", "/feed.rss")
}

func TestMinifluxKeepsUp(t *testing.T) {
	t.Parallel()
	keepsUp(t, []reader{newMiniflux(t)}, feedPaths...)
}

// A run that a slow server keeps long brings its items after others that came
// in meanwhile. Readers that go by Last-Modified too (libcurl drops an answer
// whose date is not newer than what it asked with) must not miss them.
func TestReadersSeeWhatALongRunBrings(t *testing.T) {
	t.Parallel()
	needPrograms(t, slices.Concat(newsboat.programs, sfeed.programs)...)
	h, _, b := twoFeeds(t)
	h.ingest()
	s := h.serve()
	b.publish("/feed", atomOf("B", one("b1"), one("b2")))
	release := b.hold("/feed")
	started(t, s.post("/api/ingest?force=1&source=b"))
	time.Sleep(time.Second) // the next second, for Last-Modified
	h.write("seeds/two.md", "# Another document\n\nIts text.\n")
	s.shows("Another document")
	subscriptions := []*subscription{subscribe(t, newsboat, s.url, "/feed.atom"), subscribe(t, sfeed, s.url, "/feed.atom")}
	for range 3 {
		for _, sub := range subscriptions {
			sub.reloads(t, ids(s.items()))
		}
	}
	release()
	s.shows("Story b2")
	for _, sub := range subscriptions {
		if r := sub.reloads(t, ids(s.items())); !r.conditional() || r.status != http.StatusOK {
			t.Errorf("%s was answered %d to %v", sub.name, r.status, r.header)
		}
	}
}

// look has every reader look once; check judges what it asked.
func look(t *testing.T, when string, subscriptions []*subscription, want []string, check func(t *testing.T, r request)) {
	t.Run(when, func(t *testing.T) {
		for _, sub := range subscriptions {
			t.Run(sub.name+" "+filepath.Base(sub.url), func(t *testing.T) {
				t.Parallel()
				needPrograms(t, sub.programs...)
				if sub.name == feedparser.name && exec.Command(systemPython, "-c", "import feedparser").Run() != nil {
					t.Skip("python3-feedparser is not installed")
				}
				check(t, sub.reloads(t, want))
			})
		}
	})
}
