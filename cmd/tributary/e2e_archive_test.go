package main

import (
	"database/sql"
	"fmt"
	"os/exec"
	"slices"
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
	dir, base, path string
	t               *testing.T
}

func (h historian) reads(documents int, want []string) {
	h.t.Helper()
	put(h.t, h.dir, "history.py", history)
	if got := tool(h.t, h.dir, systemPython, "history.py", h.base, h.path); got != fmt.Sprintln(documents) {
		h.t.Errorf("%s: it read %s documents, want %d", h.path, got, documents)
	}
	got := feedparser.ids(h.t, h.dir)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s: it has other items than those that there are, each once (-want +got):\n%s", h.path, diff)
	}
}

// A reader that follows the archives misses nothing and sees nothing twice, then
// and when it comes again. One that does not takes them as feeds like others.
func TestReadersFollowTheArchives(t *testing.T) {
	t.Parallel()
	needPrograms(t, systemPython)
	if exec.Command(systemPython, "-c", "import feedparser").Run() != nil {
		t.Skip("python3-feedparser is not installed")
	}
	h := newHouse(t, "")
	documents := 0
	write := func(n int) {
		for range n {
			documents++
			h.write(fmt.Sprintf("seeds/%d.html", documents), fmt.Sprintf("<title>Document %d</title>", documents)+paragraph(fmt.Sprint("document ", documents)))
		}
	}
	aged := func() { // two days pass
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+h.path("data/tributary.db"))
		h.check(err)
		_, err = db.ExecContext(t.Context(), "UPDATE item SET admitted = admitted - 172800000")
		h.check(err)
		h.check(db.Close())
	}
	write(230)
	h.ingest()
	aged()
	s := h.serve()
	s.settles(80)
	everything := func() []string {
		t.Helper()
		return rows(t, h.path("data/tributary.db"), "SELECT 'urn:uuid:' || uuid FROM item WHERE place > 0 ORDER BY uuid")
	}
	var readers []historian
	for _, path := range []string{"/feed.atom", "/feed.rss"} {
		readers = append(readers, historian{t.TempDir(), s.url, path, t})
	}
	for _, r := range readers {
		r.reads(4, everything())
	}
	write(100)
	s.settles(130) // those of today, and what else is in their first block
	for _, r := range readers {
		r.reads(2, everything())
	}
	s.stop()
	aged()
	write(30)
	h.ingest()
	s = h.serve()
	s.settles(60)
	for _, r := range readers {
		r.base = s.url
		r.reads(3, everything())
	}

	needPrograms(t, newsboat.programs...)
	for _, path := range []string{"/archive/2.atom", "/archive/2.rss"} {
		want := rows(t, h.path("data/tributary.db"), "SELECT 'urn:uuid:' || uuid FROM item WHERE place > 50 AND place <= 100 ORDER BY uuid")
		subscribe(t, newsboat, s.url, path).reloads(t, want)
	}
}
