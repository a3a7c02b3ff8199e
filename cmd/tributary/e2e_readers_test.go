package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
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
)

// systemPython is Debian's, which has feedparser.
const systemPython = "/usr/bin/python3"

// reader is a program with which people read feeds.
type reader struct {
	name     string
	programs []string
	reload   func(t *testing.T, dir, url string)
	ids      func(t *testing.T, dir string) []string // of the items that it has shown, each as often as it did
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
	asked []request
}

func subscribe(t *testing.T, r reader, base, path string) *subscription {
	s := &subscription{reader: r, dir: t.TempDir()}
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{DisableCompression: true}
	proxy.ModifyResponse = func(res *http.Response) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, request{res.Request.URL.Path, res.Request.Header.Clone(), res.StatusCode})
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	s.url = server.URL + path
	return s
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
	news := func(t *testing.T, r request) {
		if r.status != http.StatusOK {
			t.Errorf("it was answered %d", r.status)
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
	look(t, "again after that", subscriptions, ids(s.items()), func(t *testing.T, r request) {
		if noNews(t, r); !r.conditional() {
			t.Errorf("it does not ask conditionally: %v", r.header)
		}
	})
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
