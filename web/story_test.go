package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// related are items of one story, each of a source of its own, newest first.
func related(n int, change ...func(i int, item *feed.Item)) []feed.Item {
	items := make([]feed.Item, n)
	for i := range items {
		name := string(rune('A' + i))
		items[i] = feed.Item{
			ID: fmt.Sprintf("00000000-0000-5000-8000-%012d", i), Place: int64(n - i), Published: noon.Add(-time.Duration(i) * time.Hour), StoryRow: 7,
			Entry: feed.Entry{Title: "Told by " + name, URL: "https://" + strings.ToLower(name) + ".example/1"}, Source: feed.Source{ID: int64(i + 1), Kind: feed.KindFolder, Name: name},
		}
		for _, c := range change {
			c(i, &items[i])
		}
	}
	return items
}

func shownTitles(reports []reportView) (titles []string) {
	for _, r := range reports {
		titles = append(titles, r.Title)
	}
	return titles
}

func TestAStoryStandsWhereItsNewestItemDoesLedByItsFirst(t *testing.T) {
	items := related(3)
	items = append(items[:2:2], feed.Item{ID: "other", StoryRow: 8}, items[2])
	groups := byStory(items)
	if len(groups) != 2 || len(groups[0]) != 3 || groups[1][0].ID != "other" {
		t.Fatalf("%d groups: %+v", len(groups), groups)
	}
	v := newServer(t, openStore(t)).groupView(viewer{}, groups[0])
	if v.Title != "Told by C" || v.Coverage.Names != "A, B" || v.Coverage.Total != 2 || v.Coverage.More != 0 {
		t.Errorf("%+v", v)
	}
	if diff := cmp.Diff([]string{"Told by A", "Told by B"}, shownTitles(v.Coverage.Reports)); diff != "" {
		t.Error(diff)
	}
	for i := range groups[0] {
		groups[0][i].Founder = groups[0][1].ID
	}
	if v := newServer(t, openStore(t)).groupView(viewer{}, groups[0]); v.Title != "Told by B" {
		t.Errorf("the story is led by “%s”, not by what it began with", v.Title)
	}
}

func TestItemsWithoutAStoryAndOfPrivateSourcesStandAlone(t *testing.T) {
	if n := len(byStory(related(3, func(_ int, i *feed.Item) { i.StoryRow = 0 }))); n != 3 {
		t.Errorf("%d groups of items without a story", n)
	}
	groups := byStory(related(3, func(n int, i *feed.Item) { i.Source.Private = n == 0 }))
	if len(groups) != 2 || len(groups[0]) != 1 || !groups[0][0].Source.Private {
		t.Errorf("a private item is in a group: %+v", groups)
	}
}

func TestAFoldNamesWhatIsKnownBeyondThePageOnce(t *testing.T) {
	items := related(2)
	items[1].Covered = 9
	items[1].Coverage = []feed.Cover{
		{ID: items[0].ID, Title: "Told by A", Source: "A", Published: items[0].Published},
		{ID: "x", Title: "Told by X", Source: "X", URL: "https://x.example/1", Published: noon.Add(time.Hour)},
		{ID: "y", Title: "Told by Y", Source: "A", Published: noon.Add(-9 * time.Hour)},
		{ID: "z", Title: "Secret", Source: "Z", Published: noon, Private: true},
	}
	v := newServer(t, openStore(t)).groupView(viewer{}, items).Coverage
	if diff := cmp.Diff([]string{"Told by X", "Told by A", "Told by Y"}, shownTitles(v.Reports)); diff != "" {
		t.Error(diff)
	}
	if v.Total != 8 || v.More != 5 || v.Names != "X, A" || v.Latest.Human != "6 Jan 2026, 13:00 UTC" {
		t.Errorf("%+v", v)
	}
}

func TestManySourcesAreNotAllNamed(t *testing.T) {
	v := newServer(t, openStore(t)).groupView(viewer{}, related(7))
	if v.Coverage.Names != "A, B, C, D and others" {
		t.Error(v.Coverage.Names)
	}
}

func TestEachItemIsOnceOnTheFrontPage(t *testing.T) {
	front := get(t, newServer(t, sampleStore(t)), "/").body
	for _, it := range sampleItems() {
		if n := strings.Count(front, `href="/items/`+it.id+`"`); n != 1 {
			t.Errorf("“%s” is there %d times", it.entry.Title, n)
		}
	}
}

// merged puts one item of the sample into another.
func merged(t *testing.T, st *store.Store, from, into string) {
	t.Helper()
	a, err := st.Item(t.Context(), from)
	must(t, err)
	b, err := st.Item(t.Context(), into)
	must(t, err)
	must(t, st.Write(t.Context(), func(tx *store.Tx) error { return tx.Merge(t.Context(), a.RowID, b.RowID, noon) }))
}

func TestAMergedItemSendsOnToTheOther(t *testing.T) {
	st := sampleStore(t)
	merged(t, st, parisID, borderID)
	for _, base := range []string{"https://guarantees.example", "https://example.org/news"} {
		srv := newServer(t, st, func(o *Options) { o.Site.BaseURL = base })
		for path, location := range map[string]string{
			"/items/" + parisID: srv.root + "/items/" + borderID, "/api/items/" + parisID: srv.root + "/api/items/" + borderID,
			"/api/items/7c6f51": srv.root + "/api/items/" + borderID,
		} {
			a := get(t, srv, path)
			wantStatus(t, a, http.StatusPermanentRedirect)
			wantField(t, a, "Location", location)
			wantField(t, a, "Cache-Control", "public, no-cache")
		}
	}
}

func TestTheAPIExplainsAnItem(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	const text = "Its text is equal, word for word, to one that was there first."
	title := "Polish prime minister sees American soldiers on the border as part of a peace"
	seen := at(time.December, 30, 14, 3)
	want := []entryJSON{
		{4, "river-post", "The River Post", "https://riverpost.example/2025/12/30/border", title, feed.Published, "new", "No other entry has its id, its address or its text.", seen, nil},
		{5, "abendblatt", "Abendblatt am Strom", "https://abendblatt.example/ticker/991", title, feed.CopyOf, "content", text, seen, nil},
		{7, "wire", "Capital Wire", "https://wire.example/a/8812", title, feed.CopyOf, "content", text, seen, nil},
	}
	one := decode[itemJSON](t, get(t, srv, "/api/items/"+borderID))
	if diff := cmp.Diff(want, one.Entries); diff != "" {
		t.Error(diff)
	}
	var covered []string
	for _, c := range one.Coverage {
		covered = append(covered, c.Source+": "+c.Page)
	}
	wantCovered := []string{
		"Press service of the ministry: https://guarantees.example/items/93daf2e4-5061-5c83-8d94-2e3f40516016",
		"Abendblatt am Strom: https://guarantees.example/items/92c9e1d3-4f50-5b72-9c83-1d2e3f405015",
		"Capital Wire: https://guarantees.example/items/91b8d0c2-3e4f-5a61-8b72-0c1d2e3f4014",
	}
	if diff := cmp.Diff(wantCovered, covered); diff != "" || one.Covered != 3 {
		t.Errorf("%d other items: %s", one.Covered, diff)
	}
	all := decode[itemJSON](t, get(t, srv, "/api/items/"+borderID, "Authorization", withToken))
	if len(all.Entries) != 4 || all.Entries[2].Source != "letter" {
		t.Errorf("who has the token sees %+v", all.Entries)
	}
	wantError(t, get(t, srv, "/api/items/"+borderID, "Authorization", "Bearer wrong"), 401, feed.CodeDenied)
}

func TestTheAPINamesAnItemsStory(t *testing.T) {
	srv := newServer(t, openStore(t))
	item := feed.Item{ID: parisID, Founder: borderID, Publishers: 3, StoryWhy: "it shares “Warsaw”"}
	story := feed.Story{Founder: borderID}
	if diff := cmp.Diff(&storyJSON{story.ID(), story.URN(), 3, "it shares “Warsaw”"}, srv.itemJSON(item).Story); diff != "" {
		t.Error(diff)
	}
}

func TestAnEntryOfARemovedSourceIsCountedOnly(t *testing.T) {
	st := sampleStore(t)
	must(t, st.RemoveSource(t.Context(), "wire", false, noon))
	srv := newServer(t, st)
	page := get(t, srv, "/items/"+borderID).body
	if !strings.Contains(page, "and 2 entries of sources that are private or were removed") {
		t.Error(page)
	}
	all := decode[itemJSON](t, get(t, srv, "/api/items/"+borderID, "Authorization", withToken))
	if last := all.Entries[3]; last.SourceName != "(removed)" || last.Source != "" {
		t.Errorf("%+v", last)
	}
}

func TestAnItemsPageSaysWhyItIsToldWithOthers(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	item, err := srv.store.Item(t.Context(), borderID)
	must(t, err)
	item.StoryWhy = "It shares “Warsaw” and 3 more words with 2 items of the story (likeness 0.41)."
	v := srv.itemPageView(viewer{}, item)
	v.Why, err = srv.whyView(t.Context(), viewer{}, item)
	must(t, err)
	body, err := srv.renderPage("item", page{Body: v})
	must(t, err)
	if !strings.Contains(string(body), "<li>It is told together with other reports. It shares “Warsaw” and 3 more words") {
		t.Errorf("%s", body)
	}
}
