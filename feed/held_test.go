package feed

import (
	"strings"
	"testing"
)

// fixtureHeld are the entries of the fixture's items, as if they had been held
// in one run.
func fixtureHeld() []HeldEntry {
	decisions := []Decision{
		{Held, "topic", "It names Hamburg & Bremen as the seeds do: 0.21, under 0.50."},
		{Held, "topic doubtful", "It has the seeds' <b>quay</b>: 0.42, under 0.50."},
		{Held, "rule", "The rule exclude: eels keeps it out: it says “eels”."},
		{Held, "language", ""},
	}
	var held []HeldEntry
	for i, item := range fixtureItems() {
		h := HeldEntry{Entry: item.Entry, Source: item.Source}
		h.Entry.ID, h.Entry.FirstSeen, h.Entry.Decision = int64(1_200_040-i), at(8, 12, 0), decisions[i%len(decisions)]
		if i%len(decisions) < 2 {
			h.Score = Score{EntryID: h.Entry.ID, Value: 0.21 * float64(1+i%len(decisions)), Profile: 3, Why: h.Entry.Decision.Reason}
		}
		held = append(held, h)
	}
	return held
}

func TestAHeldEntryTellsAboveAllWhyItIsHeld(t *testing.T) {
	site := fixtureSite(base).Held()
	for _, f := range []format{formats[0], formats[2]} {
		parsed := parse(t, f.page(t, site, Page{Held: fixtureHeld()}))
		for i, want := range []string{
			`<p><strong>Held: off topic, score 0.210.</strong> It names Hamburg &amp; Bremen as the seeds do: 0.21, under 0.50. <a href="https://harbour.example/held?before=1200041#entry-1200040">Look it over</a></p>`,
			`<p><strong>Held: doubtful, score 0.420.</strong> It has the seeds' &lt;b&gt;quay&lt;/b&gt;: 0.42, under 0.50. <a href="https://harbour.example/held?before=1200040#entry-1200039">Look it over</a></p>`,
			`<p><strong>Held: ruled out.</strong> The rule`,
			`<p><strong>Held: in another language.</strong> `,
		} {
			got := strings.ReplaceAll(parsed.Items[i].Content, "&#39;", "'")
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s: entry %d begins %.260s", f.name, i, got)
			}
		}
	}
}

func TestHeldEntriesHaveIdsAndDatesOfTheirOwnThatStay(t *testing.T) {
	site, seen := fixtureSite(base), map[string]bool{}
	whole := parse(t, formats[0].page(t, site.Held(), Page{Held: fixtureHeld()}))
	later := parse(t, formats[0].page(t, site.Held(), Page{Held: fixtureHeld()[3:]}))
	for i, item := range whole.Items {
		if seen[item.GUID] || seen[item.Updated] {
			t.Errorf("entry %d shares its id or its date with another", i)
		}
		seen[item.GUID], seen[item.Updated] = true, true
		if i >= 3 && (later.Items[i-3].GUID != item.GUID || later.Items[i-3].Updated != item.Updated) {
			t.Errorf("entry %d has another id or date once others have gone", i)
		}
	}
	if site.Held().urn() == site.urn() || site.Held().urn() == site.Stories().urn() {
		t.Error("the feed of what was held has the id of another")
	}
}

func TestWhatHasNoAddressLeadsToThePageOfHeldEntries(t *testing.T) {
	held := fixtureHeld()[1:2]
	held[0].Entry.URL = ""
	parsed := parse(t, formats[0].page(t, fixtureSite(base).Held(), Page{Held: held}))
	if got := parsed.Items[0].Link; got != "https://harbour.example/held?before=1200040#entry-1200039" {
		t.Errorf("it leads to %s", got)
	}
}
