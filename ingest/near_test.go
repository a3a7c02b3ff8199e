package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/ingest/dedupe"
	"tributary/ingest/words"
	"tributary/store"
)

// declareRanked declares feeds in this order, each with a priority.
func (r *rig) declareRanked(priorities []int, paths ...string) {
	r.t.Helper()
	var sources []feed.Source
	for i, p := range paths {
		sources = append(sources, feed.Source{Slug: strings.Trim(p, "/"), Kind: feed.KindFeed, URL: r.server.URL + p,
			Enabled: true, Origin: feed.OriginConfig, Position: i + 1, Priority: priorities[i]})
	}
	if err := r.store.SyncSources(r.t.Context(), feed.OriginConfig, sources, r.clock()); err != nil {
		r.t.Fatal(err)
	}
}

// slug names the source that gives an item its text.
func slug(item feed.Item) string { return item.Source.Slug }

// entries are those that an item rests on.
func (r *rig) entries(item feed.Item) []feed.Entry {
	r.t.Helper()
	entries, err := r.store.Entries(r.t.Context(), item.RowID)
	if err != nil {
		r.t.Fatal(err)
	}
	return entries
}

// only is the one item that there is.
func (r *rig) only() feed.Item {
	r.t.Helper()
	items := r.items()
	if len(items) != 1 {
		r.t.Fatalf("there are %d items, not one: %q", len(items), r.titles())
	}
	return items[0]
}

func TestAnEntryListedThriceWithOneAddressIsOneItem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a")
	twice := func(guid string) post {
		return post{guid, "https://a.example/flood", "The river rises", prose("the river"), "Sun, 01 Mar 2026 08:00:00 GMT"}
	}
	r.publish("/a", rss(twice("1"), twice("2"), twice("3"), post{"4", "https://a.example/4", "Something else", prose("the theatre"), ""}))
	if report := r.ingest(); report.Failed() != 0 || report.Counts.Published != 2 || report.Counts.Copies != 2 {
		t.Fatalf("the run gave %+v", report)
	}
	if n := len(r.entries(r.item("The river rises"))); n != 3 {
		t.Errorf("the item rests on %d entries", n)
	}
	if report := r.ingest(); report.Counts.Changed() {
		t.Errorf("a second look changed something: %+v", report.Counts)
	}
}

func TestCopiesWithinOneDocumentFindEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a")
	text := prose("the harbour") + " " + prose("its cranes")
	r.publish("/a", rss(
		post{"1", "https://a.example/1", "Cranes for the harbour", text, ""},
		post{"2", "https://a.example/2", "Cranes for the harbour", text + " More on our page.", ""},
		post{"3", "https://a.example/3", "Cranes for the harbour", text + " Read more on our page.", ""}))
	if c := r.ingest().Counts; c.Published != 1 || c.Copies != 2 {
		t.Errorf("the run gave %+v: %q", c, r.titles())
	}
}

func TestAFullTextReplacesASummaryOnceAndNeverBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b", "/c", "/d")
	const title = "Ferry to Anholt gets batteries"
	summary := "The ferry to Anholt gets batteries of twelve megawatt hours in the spring, and will cross without a sound, said the shipping line, which has sold the old engines to a museum."
	full := summary + " " + prose("the ferry") + " " + prose("the batteries")
	carry := func(path, text string) {
		r.publish(path, rss(post{path, "https://" + path[1:] + ".example/ferry", title, text, "Sun, 01 Mar 2026 08:00:00 GMT"}))
	}
	carry("/a", summary)
	for _, path := range []string{"/b", "/c", "/d"} {
		r.publish(path, rss())
	}
	r.ingest()
	first := r.only()

	carry("/b", full)
	r.ingest()
	second := r.only()
	if slug(second) != "b" || second.ID != first.ID || second.Place != first.Place || !second.Published.Equal(first.Published) {
		t.Errorf("the full text did not replace the summary in its item: %s, %+v", slug(second), second)
	}
	if !second.Updated.After(first.Updated) {
		t.Errorf("updated is %v and was %v", second.Updated, first.Updated)
	}
	if second.Entry.Decision.Rule != "fuller" {
		t.Errorf("the reason is %+v", second.Entry.Decision)
	}

	carry("/c", full+" And so on, and so forth, until all the batteries are on board.")
	carry("/d", summary+" …")
	carry("/a", summary+" It will be the first of its kind.")
	r.ingest()
	third := r.only()
	if slug(third) != "b" || third.ID != first.ID || !third.Updated.Equal(second.Updated) {
		t.Errorf("what came later replaced the full text: %s, updated %v, was %v", slug(third), third.Updated, second.Updated)
	}
	if n := len(r.entries(third)); n != 4 {
		t.Errorf("the item rests on %d entries", n)
	}
}

func TestTheBestCopyOfARunLeads(t *testing.T) {
	t.Parallel()
	summary := "Four bridges over the Guden are to be mended before the summer, the council of Randers said, and will be closed by night from April on; the buses go by way of the motorway."
	full := summary + " " + prose("four bridges") + " " + prose("the motorway")
	const early, late = "Sun, 01 Mar 2026 07:00:00 GMT", "Sun, 01 Mar 2026 09:00:00 GMT"
	type brought struct {
		priority   int
		text, date string
	}
	for name, c := range map[string]struct {
		a, b brought
		want string
		why  string
	}{
		"by priority":                   {brought{0, full, early}, brought{1, full, late}, "b", "its source has a higher priority"},
		"by priority before fullness":   {brought{-1, full, early}, brought{0, summary, late}, "b", "its source has a higher priority"},
		"by fullness":                   {brought{0, summary, early}, brought{0, full, late}, "b", "it has the full text"},
		"by date":                       {brought{0, full, late}, brought{0, full, early}, "b", "it is the earlier one"},
		"by the order of declaration":   {brought{0, full, early}, brought{0, full, early}, "a", ""},
		"the first, if nothing is more": {brought{1, full, early}, brought{0, full, late}, "a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.declareRanked([]int{c.a.priority, c.b.priority}, "/a", "/b")
			for path, x := range map[string]brought{"/a": c.a, "/b": c.b} {
				r.publish(path, rss(post{path, "https://" + path[1:] + ".example/bridges", "Four bridges to be mended", x.text + " We are " + path[1:] + ".", x.date}))
			}
			r.ingest()
			item := r.only()
			if slug(item) != c.want || !strings.Contains(item.Entry.Decision.Reason, c.why) {
				t.Errorf("%s leads: %s", slug(item), item.Entry.Decision.Reason)
			}
			if item.Published.Format(time.RFC1123) != item.Entry.Published.Format(time.RFC1123) {
				t.Errorf("the item is of %v, its text of %v", item.Published, item.Entry.Published)
			}
			if r.ingest(); slug(r.only()) != c.want || r.only().ID != item.ID {
				t.Errorf("%s leads after another run", slug(r.only()))
			}
		})
	}
}

// Once it has been seen, the item keeps its text and id, whoever comes.
func TestWhatIsPublishedStaysWithItsText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declareRanked([]int{0, 50}, "/a", "/b")
	full := prose("the orchard") + " " + prose("its owners")
	r.publish("/a", rss(post{"1", "https://a.example/1", "The orchard is sold", full, "Sun, 01 Mar 2026 09:00:00 GMT"}))
	r.publish("/b", rss())
	r.ingest()
	was := r.only()
	r.publish("/b", rss(post{"1", "https://b.example/1", "The orchard is sold", full + " By our own man.", "Sun, 01 Mar 2026 07:00:00 GMT"}))
	r.ingest()
	if is := r.only(); slug(is) != "a" || is.ID != was.ID || !is.Updated.Equal(was.Updated) || len(is.Copies) != 1 {
		t.Errorf("%s leads, updated %v, was %v; %d copies", slug(is), is.Updated, was.Updated, len(is.Copies))
	}
}

// marked are the entries that are found by the marks of a text.
func (r *rig) marked(title, text string, when time.Time) map[int64]int {
	r.t.Helper()
	_, look := dedupe.Read(words.Split(title), words.Split(text)).Marks(when)
	found, err := r.store.Marked(r.t.Context(), look)
	if err != nil {
		r.t.Fatal(err)
	}
	entries := map[int64]int{}
	for _, m := range found {
		entries[m.EntryID]++
	}
	return entries
}

func TestHeldEntriesGetNoMarks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b")
	var posts []post
	for i := range 60 {
		at := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC).Add(-time.Duration(i) * time.Hour)
		posts = append(posts, post{fmt.Sprint(i), fmt.Sprintf("https://a.example/%d", i), fmt.Sprintf("Number %d of the sixty", i), prose(fmt.Sprint("matter ", i)), at.Format(time.RFC1123Z)})
	}
	r.publish("/a", rss(posts...))
	r.publish("/b", rss())
	if c := r.ingest().Counts; c.Published != 50 || c.Held != 10 {
		t.Fatalf("the run gave %+v", c)
	}
	at := r.clock()
	if found := r.marked(posts[3].title, posts[3].text, at); len(found) != 1 {
		t.Errorf("by the text of one that was published %d are found", len(found))
	}
	if found := r.marked(posts[55].title, posts[55].text, at); len(found) != 0 {
		t.Errorf("by the text of one that was held %d are found", len(found))
	}
	r.publish("/b", rss(post{"x", "https://b.example/x", posts[55].title, posts[55].text + " A word more.", "Sun, 01 Mar 2026 08:00:00 GMT"}))
	if c := r.ingest().Counts; c.Published != 1 {
		t.Errorf("a copy of what was held gave %+v", c)
	}
}

// A title that a crowd has finds nobody any more, and its list does not grow:
// neither by new entries nor by changed ones.
func TestACrowdBoundsAMarksList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b", "/c")
	const title = "What the papers say"
	document := func(path string, from, to int, word string) {
		var posts []post
		for i := from; i < to; i++ {
			posts = append(posts, post{fmt.Sprint(i), fmt.Sprintf("https://%s.example/%d", path[1:], i), title, prose(fmt.Sprint(word, path, i)), "Sun, 01 Mar 2026 08:00:00 GMT"})
		}
		r.publish(path, rss(posts...))
	}
	document("/a", 0, 40, "")
	document("/b", 0, 1, "")
	document("/c", 0, 1, "")
	r.ingest()
	for n := range 4 {
		document("/b", 0, 12*(n+1), "")
		document("/c", 0, 12*(n+1), "")
		r.ingest()
	}
	document("/b", 0, 48, "changed ")
	r.ingest()
	if n := len(r.items()); n != 40+48+48 {
		t.Fatalf("there are %d items", n)
	}
	if n := len(r.marked(title, "", r.clock())); n < 40 || n > 64 {
		t.Errorf("the title's mark has %d entries", n)
	}
}

func TestAnUpdatedEntryIsFoundByItsNewText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b")
	entry := post{"1", "https://a.example/1", "The talks so far", prose("the first round") + prose("its guests"), "Sun, 01 Mar 2026 08:00:00 GMT"}
	r.publish("/a", rss(entry))
	r.publish("/b", rss())
	r.ingest()
	entry.text = prose("the second round") + prose("its results")
	r.publish("/a", rss(entry))
	if c := r.ingest().Counts; c.Updated != 1 {
		t.Fatalf("the change gave %+v", c)
	}
	r.publish("/b", rss(post{"1", "https://b.example/1", "Talks go on", entry.text + " That is all.", "Sun, 01 Mar 2026 09:00:00 GMT"}))
	if c := r.ingest().Counts; c.Copies != 1 {
		t.Errorf("a copy of the new text gave %+v", c)
	}
	want := []string{"published new", "copy near"}
	var got []string
	for _, e := range r.entries(r.only()) {
		got = append(got, fmt.Sprint(e.Decision.Kind, " ", e.Decision.Rule))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the entries were decided otherwise (-want +got):\n%s", diff)
	}
	if items, _ := r.store.Items(t.Context(), store.Query{Limit: 9, State: "all"}); len(items) != 1 {
		t.Errorf("there are %d items of any state", len(items))
	}
}
