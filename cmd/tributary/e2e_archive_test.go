package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// history follows a feed's archives as RFC 5005, 4.2 says, by feedparser: from the
// feed on by prev-archive, until it comes to an archive that it has. No item may be in two
// documents of one walk. It prints how many documents it took.
const history = `
import feedparser, json, os, sys
named, url = "http://feeds.test", "http://feeds.test" + sys.argv[2] # as the feed names itself
have = json.load(open("have")) if os.path.exists("have") else {"ids": [], "archives": []}
walk, documents = [], 0
while url and url not in have["archives"]:
    d = feedparser.parse(url.replace(named, sys.argv[1]))
    assert d.status == 200 and not d.bozo, (url, d.status, d.get("bozo_exception"))
    assert documents == 0 or "fh_archive" in d.feed, url
    walk += [e.id for e in d.entries]
    if documents:
        have["archives"].append(url)
    documents += 1
    older = [l.href for l in d.feed.links if l.rel == "prev-archive"]
    assert len(older) < 2, older
    url = older[0] if older else None
assert len(walk) == len(set(walk)), sorted(i for i in walk if walk.count(i) > 1)
have["ids"] += [i for i in walk if i not in have["ids"]]
json.dump(have, open("have", "w"))
print(documents)
`

// historian is a reader that keeps all that there ever was.
type historian struct {
	dir  string
	d    *newsdesk
	path string
	t    *testing.T
}

func (h historian) reads(documents int, want []string) {
	h.t.Helper()
	put(h.t, h.dir, "history.py", history)
	if got := tool(h.t, h.dir, systemPython, "history.py", h.d.s.url, h.path); got != fmt.Sprintln(documents) {
		h.t.Errorf("%s: it read %s documents, want %d", h.path, got, documents)
	}
	got := feedparser.ids(h.t, h.dir)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s: it has other items than those that there are, each once (-want +got):\n%s", h.path, diff)
	}
}

// ages lets two days pass.
func (h *house) ages() {
	h.t.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path("data/tributary.db"))
	h.check(err)
	_, err = db.ExecContext(h.t.Context(), "UPDATE item SET admitted = admitted - 172800000")
	h.check(err)
	h.check(db.Close())
}

// everything are the ids of all items that there ever were.
func (h *house) everything() []string {
	h.t.Helper()
	return rows(h.t, h.path("data/tributary.db"), "SELECT 'urn:uuid:' || uuid FROM item WHERE place > 0 ORDER BY uuid")
}

// live are those that a newcomer finds.
func (h *house) live() []string {
	h.t.Helper()
	return rows(h.t, h.path("data/tributary.db"), "SELECT 'urn:uuid:' || uuid FROM item WHERE place > 0 AND withdrawn IS NULL AND hidden IS NULL ORDER BY uuid")
}

// nextWeek restarts the program when all that there is is two days old.
func (d *newsdesk) nextWeek() {
	d.t.Helper()
	d.s.stop()
	d.ages()
	d.restarts()
}

// A reader that follows the archives misses nothing and sees nothing twice, then
// and when it comes again, whatever happens to what it has. One that does not
// takes them as feeds like others.
func TestReadersFollowTheArchives(t *testing.T) {
	t.Parallel()
	needPrograms(t, systemPython)
	if exec.Command(systemPython, "-c", "import feedparser").Run() != nil {
		t.Skip("python3-feedparser is not installed")
	}
	d := newNewsdesk(t)
	readers := []historian{{t.TempDir(), d, "/feed.atom", t}, {t.TempDir(), d, "/feed.rss", t}}
	read := func(documents, newest int) {
		t.Helper()
		d.s.settles(newest)
		for _, r := range readers {
			r.reads(documents, d.all())
		}
	}
	for _, n := range []int{40, 87, 100} {
		d.brings(n)
	}
	hidden, one, other := d.id(d.stories[20].title), d.id(d.stories[130].title), d.id(d.stories[132].title)
	d.nextWeek()
	d.brings(1)
	read(4, 81)
	d.brings(99)
	read(2, 130) // those of today, and what else is in their first block

	d.item("hide", hidden)
	d.item("merge", one, other)
	d.check(os.Remove(d.path("seeds/1.html")))
	d.nextWeek()
	d.edits(119)
	d.edits(0)
	d.brings(30)
	read(3, 60)
	d.nextWeek()
	for _, n := range []int{100, 1, 120, 79} {
		d.brings(n)
	}
	read(2, 310)
	d.nextWeek()
	d.brings(1)
	read(6, 61) // those of that day have become five archives

	if all, live := d.all(), d.live(); len(all)-len(live) != 3 {
		t.Errorf("%d items are live, of %d", len(live), len(all))
	}
	documents := map[string][]string{"/feed.json": d.byNextURL()}
	for _, path := range feedPaths[:2] {
		newcomer := historian{t.TempDir(), d, path, t}
		newcomer.reads(13, d.live())
		documents[path] = newcomer.documents()
	}
	d.areTakenOneByOne(t, documents)
}

// documents are the addresses of the feed and of the archives that it has read.
func (h historian) documents() []string {
	h.t.Helper()
	all := []string{h.d.s.url + h.path}
	for _, archive := range decode[struct{ Archives []string }](h.t, get(h.t, h.dir, "have")).Archives {
		all = append(all, h.d.at(archive))
	}
	return all
}

// at is where a document is served that the feeds name so.
func (d *newsdesk) at(named string) string {
	return strings.Replace(named, "http://feeds.test", d.s.url, 1)
}

// byNextURL follows the JSON feed, which must have each item once, and tells what it read.
func (d *newsdesk) byNextURL() (documents []string) {
	d.t.Helper()
	var got []string
	for next := d.s.url + "/feed.json"; next != ""; {
		documents = append(documents, next)
		page := decode[struct {
			Items   []published
			NextURL string `json:"next_url"`
		}](d.t, ask(d.t, http.MethodGet, next).body)
		got = append(got, ids(page.Items)...)
		next = d.at(page.NextURL)
	}
	onceEach(d.t, d.live(), got)
	return documents
}

// areTakenOneByOne has readers that follow no archives subscribe to each document.
func (d *newsdesk) areTakenOneByOne(t *testing.T, documents map[string][]string) {
	t.Run("newsboat", func(t *testing.T) {
		needPrograms(t, newsboat.programs...)
		for _, path := range feedPaths[:2] {
			dir := t.TempDir()
			newsboat.reload(t, dir, strings.Join(documents[path], "\n"))
			onceEach(t, d.live(), newsboat.ids(t, dir))
		}
	})
	t.Run("Miniflux", func(t *testing.T) {
		m := newMiniflux(t)
		for _, path := range feedPaths {
			var got, want []string
			for _, document := range documents[path] {
				dir := t.TempDir()
				m.reload(t, dir, document)
				got = append(got, m.ids(t, dir)...)
			}
			for _, id := range d.live() {
				want = append(want, m.notes(id))
			}
			onceEach(t, want, got)
		}
	})
}

func onceEach(t *testing.T, want, got []string) {
	t.Helper()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it has other items than those that there are, each once (-want +got):\n%s", diff)
	}
}
