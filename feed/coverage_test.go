package feed

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"
)

// dates are what readers go by when they look for changes.
func dates(parsed *gofeed.Feed) []string {
	all := []string{parsed.Updated}
	for _, i := range parsed.Items {
		all = append(all, i.Published+" "+i.Updated)
	}
	return all
}

func TestCopiesAndCoverageMoveNoDate(t *testing.T) {
	for _, f := range formats {
		with := fixtureItems()
		without := fixtureItems()
		for i := range without {
			without[i].Copies, without[i].Coverage, without[i].Covered, without[i].Publishers = nil, nil, 0, 0
		}
		a, b := f.must(t, fixtureSite(base), with), f.must(t, fixtureSite(base), without)
		if a == b {
			t.Fatalf("%s does not show coverage at all", f.name)
		}
		if diff := cmp.Diff(dates(parse(t, b)), dates(parse(t, a))); diff != "" {
			t.Errorf("%s: copies or coverage moved dates (-without +with):\n%s", f.name, diff)
		}
	}
}

func TestTheNewestFiveReportsAreNamedAndTheOthersCounted(t *testing.T) {
	report := func(n int) Cover {
		return Cover{ID: fixtureID(n), Title: fmt.Sprint("Report ", n), Source: "S", URL: fmt.Sprintf("https://s.example/%d", n)}
	}
	hidden := Cover{ID: fixtureID(99), Title: "Secret", Source: "H", URL: "https://h.example/", Private: true}
	for _, c := range []struct {
		name     string
		coverage []Cover
		covered  int
		named    int
		more     string
	}{
		{"none", nil, 0, 0, ""},
		{"one", []Cover{report(1)}, 1, 1, ""},
		{"five of five", []Cover{report(1), report(2), report(3), report(4), report(5)}, 5, 5, ""},
		{"five of twelve", []Cover{report(1), report(2), report(3), report(4), report(5)}, 12, 5, ">7 more</a>"},
		{"all seven given", []Cover{report(1), report(2), report(3), report(4), report(5), report(6), report(7)}, 7, 5, ">2 more</a>"},
		{"a private one is not even counted", []Cover{report(1), hidden, report(2)}, 3, 2, ""},
		{"only a private one", []Cover{hidden}, 1, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := summaryItem()
			i.ID, i.Coverage, i.Covered = fixtureID(1), c.coverage, c.covered
			got := fixtureSite(base).view(&i).provenance
			if n := strings.Count(got, `"https://s.example/`); n != c.named {
				t.Errorf("%d reports are named, want %d: %s", n, c.named, got)
			}
			if strings.Contains(got, " more</a>") != (c.more != "") || !strings.Contains(got, c.more) {
				t.Errorf("want %q in %s", c.more, got)
			}
			if (c.named > 0) != strings.Contains(got, "Also covered by: ") {
				t.Error(got)
			}
		})
	}
}

func TestAStoryIsAnEntryLedByItsFirstItem(t *testing.T) {
	stories := fixtureStories()
	lead := stories[0].Items[0]
	for _, f := range formats {
		parsed := parse(t, f.page(t, fixtureSite(base).Stories(), Page{Stories: stories}))
		if len(parsed.Items) != len(stories) {
			t.Fatalf("%s: %d entries for %d stories", f.name, len(parsed.Items), len(stories))
		}
		got := parsed.Items[0]
		if got.GUID != stories[0].URN() || got.Title != lead.Entry.Title || got.Link != address(lead.Entry.URL) {
			t.Errorf("%s: id %q, title %q, link %q", f.name, got.GUID, got.Title, got.Link)
		}
		if !got.PublishedParsed.Equal(lead.Published) || f.name != "RSS" && !got.UpdatedParsed.Equal(stories[0].Updated) {
			t.Errorf("%s: published %v, updated %v", f.name, got.PublishedParsed, got.UpdatedParsed)
		}
		if f.name != "RSS" && len(got.Authors) != 2 || got.Authors[0].Name != "Ada Moss" {
			t.Errorf("%s: authors %v", f.name, got.Authors)
		}
	}
}

func TestAStoryListsEachOtherReportOnceInItsOrder(t *testing.T) {
	stories := fixtureStories()
	v := fixtureSite(base).storyView(&stories[0])
	want := `<p><small>via <a href="https://gazette.example/">The Gazette</a></small></p>` +
		`<p><small>Also at: <a href="https://tide.example/a?x=1&amp;y=2">Port &amp; Tide</a>, Seeds</small></p>` +
		`<p>Also covered by:</p><ul>` +
		`<li><a href="https://harbour.example/items/6ba7b814-9dad-51d1-80b4-000000000008">Notes on the old lock</a> (Seeds)</li>` +
		`<li><a href="https://brook.example/eels">Eels are back</a> (Planet Water) <small>also at <a href="https://weir.example/eels">Weir Times</a></small></li>` +
		`<li><a href="https://gazette.example/uk/1">Новини порту</a> (The Gazette)</li></ul>`
	if diff := cmp.Diff(want, v.provenance); diff != "" {
		t.Error(diff)
	}
}

func TestAStoryWithoutItemsIsNoEntry(t *testing.T) {
	for _, f := range formats {
		if n := len(parse(t, f.page(t, fixtureSite(base), Page{Stories: []Story{{Founder: fixtureID(1)}}})).Items); n != 0 {
			t.Errorf("%s: %d entries", f.name, n)
		}
	}
}

func TestOtherFeedsOfASiteHaveIdsOfTheirOwn(t *testing.T) {
	s := fixtureSite(base)
	ids := map[string]string{}
	for _, part := range []Site{s, s.Stories(), s.CarriedBy(2), s.CarriedBy(3), s.Stories().CarriedBy(3)} {
		if !isNormalID(part.urn()) {
			t.Errorf("%q is no id of a feed", part.urn())
		}
		if other, taken := ids[part.ID]; taken {
			t.Errorf("%q and %q have one id", part.Title, other)
		}
		ids[part.ID] = part.Title
		if part.author() != s.author() {
			t.Errorf("%q is by %v", part.Title, part.author())
		}
	}
	if got := (Site{}).Stories(); got.title() != "Tributary: stories" || got.author().Name != "Tributary" {
		t.Errorf("%q by %v", got.title(), got.author())
	}
	if got := s.Stories().ID; got != "7390701b-1f91-5386-8e82-64138618c0a8" {
		t.Errorf("the id of the feed of stories has moved to %s", got)
	}
}
