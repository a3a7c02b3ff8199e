package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shownWithin is how soon a change in the seeds folder shows in the feed. The
// machine that tests may be busy, so the typical change is held to it.
const shownWithin = 2 * time.Second

// lifetime is a seeds folder that is served, and a newsboat subscribed to it.
type lifetime struct {
	*served
	reader *subscription // nil where newsboat is missing
	ever   []string      // ids that the reader has shown
	took   []time.Duration
}

func newLifetime(t *testing.T, h *house, args ...string) *lifetime {
	l := &lifetime{served: h.serve(args...)}
	if _, err := exec.LookPath("newsboat"); err != nil {
		t.Log("newsboat is not installed: only the feed itself is looked at")
		return l
	}
	l.reader = subscribe(t, newsboat, l.url, "/feed.atom")
	return l
}

// change makes a change and waits until the feed is as it should be by then;
// newsboat must then have shown each item once that was ever in it.
func (l *lifetime) change(what string, do func(), done func(items []published) bool) {
	l.t.Helper()
	do()
	l.took = append(l.took, eventually(l.t, patience, what, func() bool { return done(l.items()) }))
	for _, id := range ids(l.items()) {
		if !slices.Contains(l.ever, id) {
			l.ever = append(l.ever, id)
		}
	}
	slices.Sort(l.ever)
	if l.reader != nil {
		l.reader.reloads(l.t, l.ever)
	}
}

// A document's life in the folder, as a subscriber sees it.
func TestSeedsFolderIsFollowed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	h.write("seeds/first.txt", " date 2025-12-30 The first document says enough to be an item of its own.\n\nAnd goes on.\n")
	h.write("seeds/deep/second.md", "# The second document\n\nIts text.\n")
	l := newLifetime(t, h, "--config", os.DevNull)
	l.change("the first documents show", func() {}, func(items []published) bool { return len(items) == 2 })
	l.took = nil

	l.change("a new file shows", func() { h.write("seeds/third.txt", "The third document\n\nIt came on 3 November 2025.\n") },
		func(items []published) bool { return len(items) == 3 })
	born := l.shows("The third document")

	l.change("an edit shows", func() { h.write("seeds/third.txt", "The third document\n\nIt came on 3 November 2025, and changed.\n") },
		func([]published) bool { return strings.Contains(l.shows(born.Title).Content, "changed") })
	edited := l.shows(born.Title)
	if edited.ID != born.ID || !edited.Published.Equal(born.Published) || !edited.Modified.After(born.Modified) {
		t.Errorf("an edit made %v of %v: only its update should have moved", edited, born)
	}

	quiet := l.get("/feed.atom")
	l.change("a moved file stays the same item", func() {
		h.write("seeds/new/marker.txt", "A marker\n\nIt tells that the folder was looked at.\n")
		h.rename("seeds/third.txt", "seeds/new/moved.txt")
	}, func(items []published) bool { return len(items) == 4 })
	if moved := l.shows(born.Title); moved != edited {
		t.Errorf("moving the file made %v of %v", moved, edited)
	}

	l.change("a deleted file goes", func() { l.check(os.Remove(h.path("seeds/new/moved.txt"))) },
		func(items []published) bool { return len(items) == 3 })
	if page := l.get("/items/" + strings.TrimPrefix(born.ID, "urn:uuid:")); page.status != 410 {
		t.Errorf("the page of a withdrawn item answers %d", page.status)
	}

	l.change("a file that is back shows", func() { h.write("seeds/third.txt", "The third document\n\nIt came on 3 November 2025, and changed.\n") },
		func(items []published) bool { return len(items) == 4 })
	if back := l.shows(born.Title); back != edited {
		t.Errorf("coming back made %v of %v", back, edited)
	}
	l.change("the marker goes", func() { l.check(os.Remove(h.path("seeds/new/marker.txt"))) },
		func(items []published) bool { return len(items) == 3 })
	if again := l.get("/feed.atom"); again.body != quiet.body || again.header.Get("ETag") != quiet.header.Get("ETag") {
		t.Errorf("with every document as it was, the feed is not:\n%s", cmp.Diff(quiet.body, again.body))
	}

	slices.Sort(l.took)
	t.Logf("changes showed within %v", l.took)
	if typical := l.took[len(l.took)/2]; typical > shownWithin {
		t.Errorf("a change typically takes %v to show; none should take more than %v", typical, shownWithin)
	}
}

// A folder that is missing or suddenly empty is an error, not a mass
// withdrawal; another folder in its place is a decision.
func TestOnlyACompleteScanWithdraws(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	for _, name := range []string{"one", "two", "three"} {
		h.write("seeds/"+name+".md", "# Document "+name+"\n\n"+paragraph(name)+"\n")
	}
	h.write("other/one.md", "# Document one\n\n"+paragraph("one")+"\n")
	h.write("other/four.md", "# Document four\n\n"+paragraph("four")+"\n")
	s := h.serve()
	s.settles(3)
	before, one := s.get("/feed.atom"), s.shows("Document one")
	status := func(want string) {
		t.Helper()
		eventually(t, patience, "the seeds are "+want, func() bool {
			source := decode[struct{ Status, Error string }](t, ask(t, "GET", s.url+"/api/sources/seeds", "Authorization", "Bearer "+h.token()).body)
			return source.Status == want && (want == "ok") == (source.Error == "")
		})
		if now := s.get("/feed.atom"); now.body != before.body {
			t.Errorf("with the seeds %s the feed is another", want)
		}
	}

	h.rename("seeds", "away")
	status("failing")
	h.rename("away", "seeds")
	status("ok")

	h.check(os.Mkdir(h.path("aside"), 0o755))
	for _, name := range []string{"one", "two", "three"} {
		h.rename("seeds/"+name+".md", "aside/"+name+".md")
	}
	status("failing")
	for _, name := range []string{"one", "two", "three"} {
		h.rename("aside/"+name+".md", "seeds/"+name+".md")
	}
	status("ok")
	s.stop()

	s = h.serve("--seeds", "other")
	s.shows("Document four")
	s.settles(2)
	if same := s.shows("Document one"); same != one {
		t.Errorf("a document that both folders have became %v, was %v", same, one)
	}
	s.stop()
	s = h.serve()
	s.settles(3)
	if now := s.get("/feed.atom"); now.body != before.body {
		t.Errorf("back at the first folder the feed is another:\n%s", cmp.Diff(before.body, now.body))
	}
}

// The two documents that were given with the task: no title here, a caption's
// date there.
func TestTheSharedSeedsAreTwoGoodItems(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs(filepath.Join(sharedFiles, "seeds"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("%s is not there", folder)
	}
	l := newLifetime(t, newHouse(t, ""), "--config", os.DevNull, "--seeds", folder)
	l.change("two items show", func() {}, func(items []published) bool { return len(items) == 2 })

	const first, second = "Ukrainian President Volodymyr Zelensky has newly claimed", "POLITICO: US has no 'red line' on sending troops to Ukraine"
	items := l.items()
	slices.SortFunc(items, func(a, b published) int { return b.Published.Compare(a.Published) })
	if !strings.HasPrefix(items[0].Title, first) || !strings.HasSuffix(items[0].Title, "…") || len([]rune(items[0].Title)) > 120 || items[1].Title != second {
		t.Errorf("titles are %q and %q", items[0].Title, items[1].Title)
	}
	for i, day := range []string{"2025-12-30", "2025-08-18"} {
		if got := items[i].Published.Format(time.DateOnly); got != day {
			t.Errorf("%s is dated %s, not %s", items[i].Title, got, day)
		}
	}
}
