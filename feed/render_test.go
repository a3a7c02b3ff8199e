package feed

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"
)

var update = flag.Bool("update", false, "write the golden files anew")

const base = "https://harbour.example"

// format is one of the three ways to render a page.
type format struct {
	name, file, mediaType string
	render                func(Site, Page) ([]byte, error)
}

var formats = []format{
	{"Atom", "feed.atom", "application/atom+xml; charset=utf-8", Site.Atom},
	{"RSS", "feed.rss", "application/rss+xml; charset=utf-8", Site.RSS},
	{"JSON", "feed.json", "application/feed+json", Site.JSON},
}

func (f format) must(t testing.TB, s Site, items []Item) string {
	t.Helper()
	return f.page(t, s, Page{Items: items})
}

// page renders a page whose address is that of the site's main document.
func (f format) page(t testing.TB, s Site, p Page) string {
	t.Helper()
	p.Self = s.BaseURL + "/" + f.file
	out, err := f.render(s, p)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // not secret
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-golden +got); if that is meant, run the test with -update:\n%s", name, diff)
	}
}

func TestDocumentsAreAsTheGoldensSay(t *testing.T) {
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			site := fixtureSite(base)
			for name, got := range map[string]string{
				f.file:              f.must(t, site, fixtureItems()),
				"empty-" + f.file:   f.must(t, site, nil),
				"stories-" + f.file: f.page(t, site.Stories(), Page{Stories: fixtureStories()}),
				"held-" + f.file:    f.page(t, site.Held(), Page{Held: fixtureHeld()}),
				"ops-" + f.file:     f.page(t, site.Ops(), Page{Incidents: fixtureIncidents()}),
				"archive-" + f.file: f.page(t, site, fixtureArchive(base, f.file)),
			} {
				if f.name == "JSON" {
					got = indented(t, got)
				}
				golden(t, name, got)
			}
		})
	}
}

func indented(t *testing.T, document string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(document), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheSameItemsGiveTheSameBytes(t *testing.T) {
	for _, f := range formats {
		if f.must(t, fixtureSite(base), fixtureItems()) != f.must(t, fixtureSite(base), fixtureItems()) {
			t.Errorf("%s: two renderings differ", f.name)
		}
	}
}

// What a feed says of itself may change with every fetch; only what we show
// may change our bytes.
func TestASourcesOwnDateDoesNotShow(t *testing.T) {
	for _, f := range formats {
		items := fixtureItems()
		before := f.must(t, fixtureSite(base), items)
		for i := range items {
			items[i].Source.About.Updated = at(9, 9, i)
			items[i].Source.State.LastFetch = at(9, 9, i)
		}
		if f.must(t, fixtureSite(base), items) != before {
			t.Errorf("%s shows when a source was fetched", f.name)
		}
	}
}

func TestNothingPrivateShows(t *testing.T) {
	for _, f := range formats {
		for _, got := range []string{f.must(t, fixtureSite(base), fixtureItems()), f.page(t, fixtureSite(base), Page{Stories: fixtureStories()}), f.page(t, fixtureSite(base).Held(), Page{Held: fixtureHeld()})} {
			for _, word := range []string{"hidden", "Hidden", "Members", "user:", "pass", "me:pw", "leaky", "Leaky", "Keyed", "ada@", "desk@", "ops@", "/srv"} {
				if strings.Contains(got, word) {
					t.Errorf("%s lets out %q", f.name, word)
				}
			}
		}
	}
}

func TestEveryItemIsReadBackWithItsIdTitleLinkAndDates(t *testing.T) {
	items := fixtureItems()
	for _, f := range formats {
		parsed := parse(t, f.must(t, fixtureSite(base), items))
		if len(parsed.Items) != len(items) {
			t.Fatalf("%s: %d items, want %d", f.name, len(parsed.Items), len(items))
		}
		for i, got := range parsed.Items {
			want := items[i]
			if got.GUID != want.URN() {
				t.Errorf("%s %d: id %q, want %q", f.name, i, got.GUID, want.URN())
			}
			if title := line(want.Entry.Title); !speaksOfHTML(title) && title != "" && got.Title != title {
				t.Errorf("%s %d: title %q, want %q", f.name, i, got.Title, title)
			}
			if credible(want.Published) && (got.PublishedParsed == nil || !got.PublishedParsed.Equal(want.Published)) {
				t.Errorf("%s %d: published %v, want %v", f.name, i, got.PublishedParsed, want.Published)
			}
			if f.name != "RSS" && !got.UpdatedParsed.Equal(want.Updated) {
				t.Errorf("%s %d: updated %v, want %v", f.name, i, got.UpdatedParsed, want.Updated)
			}
		}
	}
}

func parse(t testing.TB, document string) *gofeed.Feed {
	t.Helper()
	parsed, err := gofeed.NewParser().ParseString(document)
	if err != nil {
		t.Fatalf("our own document cannot be read: %v\n%s", err, document)
	}
	return parsed
}

func TestAFilesLinkIsItsItemPage(t *testing.T) {
	items := []Item{folderItem()}
	items[0].ID = fixtureID(1)
	for _, f := range formats {
		if got, want := parse(t, f.must(t, fixtureSite(base), items)).Items[0].Link, base+"/items/"+fixtureID(1); got != want {
			t.Errorf("%s: link %q, want %q", f.name, got, want)
		}
	}
}

func TestSummaryAndContentAreNeverEqual(t *testing.T) {
	items := fixtureItems()
	items[0].Entry.Content = "<p>" + items[0].Entry.Summary + "</p>"
	for _, f := range formats[:2] {
		for _, i := range parse(t, f.must(t, fixtureSite(base), items)).Items {
			if i.Description != "" && i.Description == excerpt(i.Content, 1<<20) {
				t.Errorf("%s: %s says %q twice", f.name, i.GUID, i.Description)
			}
		}
	}
}

func TestProvenanceIsVisible(t *testing.T) {
	i := fullItem()
	i.ID = fixtureID(9)
	v := fixtureSite(base).view(&i)
	want := `<p><small>via <a href="https://gazette.example/">The Gazette</a></small></p>` +
		`<p><small>Also at: <a href="https://tide.example/a?x=1&amp;y=2">Port &amp; Tide</a>, Seeds</small></p>` +
		`<p><small>Also covered by: <a href="https://low.example/q?a=1&amp;b=2">Quay &lt;/b&gt; &amp; berth: 5 &lt; 6</a> (Low &amp; High Water); ` +
		`<a href="https://harbour.example/items/6ba7b814-9dad-51d1-80b4-000000000104">Seeds</a>; ` +
		`<a href="https://hafenblatt.example/1">Schiffe kehren zurück</a> (Hafenblatt); ` +
		`and <a href="https://harbour.example/items/6ba7b814-9dad-51d1-80b4-000000000009">3 more</a></small></p>`
	if diff := cmp.Diff(want, v.provenance); diff != "" {
		t.Error(diff)
	}
}

func TestAnAggregateDoesNotHideTheFirstPublisher(t *testing.T) {
	v := fixtureSite(base).view(new(planetItem()))
	want := &origin{id: "https://brook.example/feed", title: "Brook Diary", feed: "https://brook.example/feed"}
	if diff := cmp.Diff(want, v.origin, cmp.AllowUnexported(origin{})); diff != "" {
		t.Error(diff)
	}
}

func TestADocumentIsDatedByItsNewestChange(t *testing.T) {
	items := fixtureItems()
	items[4].Updated = at(8, 8, 8)
	if got := parse(t, formats[0].must(t, fixtureSite(base), items)).UpdatedParsed; !got.Equal(at(8, 8, 8)) {
		t.Errorf("Atom updated is %v", got)
	}
	if got := parse(t, formats[1].must(t, fixtureSite(base), items)).UpdatedParsed; !got.Equal(at(8, 8, 0)) {
		t.Errorf("RSS lastBuildDate is %v", got)
	}
	if got := parse(t, formats[0].must(t, fixtureSite(base), nil)).UpdatedParsed; !got.Equal(at(1, 0, 0)) {
		t.Errorf("updated of an empty document is %v", got)
	}
	if got := (Site{}).updated(nil); !got.Equal(earliest) {
		t.Errorf("updated of an empty document of a site without a date is %v", got)
	}
}

func TestADateThatNoFeedCanSayIsReplaced(t *testing.T) {
	i := Item{Place: 7, Published: time.Unix(0, 0), Updated: time.Unix(0, 0), Admitted: at(8, 12, 0)}
	v := fixtureSite(base).view(&i)
	if !v.published.Equal(at(8, 12, 0)) || !v.updated.Equal(at(8, 12, 0)) {
		t.Errorf("published %v, updated %v", v.published, v.updated)
	}
	i.Admitted = time.Time{}
	if v = fixtureSite(base).view(&i); !v.published.IsZero() || !v.updated.Equal(earliest.Add(7*time.Millisecond)) {
		t.Errorf("published %v, updated %v", v.published, v.updated)
	}
}

func TestOfTextsOfALengthTheOlderOnesAreCut(t *testing.T) {
	items := longItems(20, 4000)
	for _, f := range formats {
		s := fixtureSite(base)
		s.Budget = len(f.must(t, s, items)) - 9000
		if cut := whichAreCut(parse(t, f.must(t, s, items))); !cmp.Equal(cut, []int{17, 18, 19}) {
			t.Errorf("%s: cut are %v, want the three oldest", f.name, cut)
		}
	}
}

func TestALongDocumentKeepsEveryItemAndCutsTheLongestTexts(t *testing.T) {
	items := longItems(20, 4000)
	for _, i := range []int{3, 11} {
		items[i].Entry.Content = strings.Repeat(items[i].Entry.Content, 10)
	}
	for _, f := range formats {
		s := fixtureSite(base)
		whole := len(f.must(t, s, items))
		s.Budget = whole - 50_000
		got := f.must(t, s, items)
		if len(got) > s.Budget {
			t.Errorf("%s: %d bytes, budget %d", f.name, len(got), s.Budget)
		}
		parsed := parse(t, got)
		if len(parsed.Items) != len(items) {
			t.Errorf("%s: %d items, want %d", f.name, len(parsed.Items), len(items))
		}
		if cut := whichAreCut(parsed); !cmp.Equal(cut, []int{3, 11}) {
			t.Errorf("%s: cut are %v, want the two longest", f.name, cut)
		}
	}
}

func whichAreCut(parsed *gofeed.Feed) []int {
	var cut []int
	for i, item := range parsed.Items {
		if strings.Contains(item.Content, ">Read on</a>") {
			cut = append(cut, i)
		}
	}
	return cut
}

func TestAnImpossibleBudgetStillKeepsEveryItem(t *testing.T) {
	for _, f := range formats {
		s := fixtureSite(base)
		s.Budget = 1
		got := f.must(t, s, longItems(30, 4000))
		if n := len(parse(t, got).Items); n != 30 {
			t.Errorf("%s: %d items", f.name, n)
		}
		if len(got) > 60_000 {
			t.Errorf("%s: %d bytes for 30 items without text", f.name, len(got))
		}
	}
}

func TestATextCutAtIngestSaysWhereToReadOn(t *testing.T) {
	i := fullItem()
	i.Entry.Details.Cut = true
	if v := fixtureSite(base).view(&i); !strings.HasSuffix(v.content, ">Read on</a></p>") {
		t.Errorf("content ends in %q", v.content[max(0, len(v.content)-60):])
	}
}

func TestJSONAlwaysHasItems(t *testing.T) {
	if got := formats[2].must(t, fixtureSite(base), nil); !strings.Contains(got, `"items":[]`) {
		t.Error(got)
	}
}

func TestASiteThatSaysNothingStillGivesValidParts(t *testing.T) {
	s := Site{ID: fixtureID(1), BaseURL: base}
	for _, f := range formats {
		if got := parse(t, f.must(t, s, nil)); got.Title != "Tributary" {
			t.Errorf("%s: title %q", f.name, got.Title)
		}
	}
	if got := s.author().Name; got != "Tributary" {
		t.Errorf("author %q", got)
	}
}

// wellFormed reads an XML document to its end.
func wellFormed(document string) error {
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
