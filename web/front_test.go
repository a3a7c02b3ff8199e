package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/topic"
	"tributary/store"
)

// asAdmin is the cookie of somebody who is logged in, as name and value of the header.
func asAdmin(srv *Server) []string {
	return []string{"Cookie", sessionCookie + "=" + srv.sessions.start()}
}

// send sends a form of a page as an administrator.
func send(t *testing.T, srv *Server, target string, form url.Values) answer {
	t.Helper()
	return ask(t, srv, http.MethodPost, target, form.Encode(),
		append(asAdmin(srv), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")...)
}

// wantText tells which of the texts an answer does not have.
func wantText(t *testing.T, a answer, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s is missing in:\n%s", want, mainOf(a))
		}
	}
}

// wantNone tells which of the texts an answer has all the same.
func wantNone(t *testing.T, a answer, texts ...string) {
	t.Helper()
	for _, bad := range texts {
		if strings.Contains(a.body, bad) {
			t.Errorf("%s is in:\n%s", bad, mainOf(a))
		}
	}
}

// mainOf is what a page has of its own.
func mainOf(a answer) string {
	_, rest, _ := strings.Cut(a.body, "<main")
	rest, _, _ = strings.Cut(rest, "</main>")
	return rest[:min(len(rest), 6000)]
}

// shownIDs are the items that a list leads with, in order.
func shownIDs(a answer) (ids []string) {
	for _, part := range strings.Split(a.body, `<h2 dir="auto"><a href="/items/`)[1:] {
		ids = append(ids, part[:36])
	}
	return ids
}

func TestTheFrontPageSaysWhatTheFeedIsAbout(t *testing.T) {
	st, _ := topicStore(t)
	learned := func(o *Options) { o.Filter = func() string { return ingest.FilterLearned } }
	a := get(t, newServer(t, st, learned), "/")
	wantText(t, a, `<span dir="auto">Kyiv</span>, <span dir="auto">Volodymyr Zelenskyy</span>, <span dir="auto">guarantees</span>`, `<a href="/topic">learned from 2 seeds</a>`)
	wantNone(t, a, "<span dir=\"auto\">match</span>")
	wantNone(t, get(t, newServer(t, st), "/"), "learned from")
}

func TestNoTermFillsTheFrontPage(t *testing.T) {
	st, _ := topicStore(t)
	endless := strings.Repeat("a", 500) // as a feed may call itself or a tag
	profile := sampleProfile()
	profile.Terms = append([]topic.Weight{{Key: endless, Shown: endless, Weight: 0.95}}, profile.Terms...)
	data, err := json.Marshal(profile)
	must(t, err)
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SaveProfile(t.Context(), feed.Profile{Made: noon, From: "other", Data: data})
		return err
	}))
	a := get(t, newServer(t, st, func(o *Options) { o.Filter = func() string { return ingest.FilterLearned } }), "/")
	wantText(t, a, `<span dir="auto">Kyiv</span>`)
	wantNone(t, a, endless)
}

func TestTheFrontPageTellsHowToSubscribe(t *testing.T) {
	a := get(t, newServer(t, sampleStore(t)), "/")
	wantText(t, a,
		`<a class="button" href="/feed.atom" type="application/atom+xml">Atom</a>`,
		`data-copy="https://guarantees.example/feed.json" aria-label="Copy address of JSON Feed" hidden>`,
		`<a href="feed:https://guarantees.example/feed.atom" rel="noreferrer">`,
		`<a href="https://www.inoreader.com/?add_feed=https%3A%2F%2Fguarantees.example%2Ffeed.atom" rel="noreferrer">`)
	closed := newServer(t, sampleStore(t), func(o *Options) { o.Private = true })
	a = get(t, closed, "/", asAdmin(closed)...)
	wantText(t, a, `<a href="/keys">make one</a>`)
	wantNone(t, a, "inoreader", `data-copy=`)
}

func TestTimesAreSaidAsPeopleDo(t *testing.T) {
	now := time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now, "today, 12:00"},
		{now.Add(-12 * time.Hour), "today, 00:00"},
		{now.Add(-12*time.Hour - time.Minute), "yesterday, 23:59"},
		{now.AddDate(0, 0, -2), "Sunday, 12:00"},
		{now.AddDate(0, 0, -5), "Thursday, 12:00"},
		{now.AddDate(0, 0, -6), "Wednesday, 12:00"},
		{now.AddDate(0, 0, -7), "30 December 2025"},
		{now.Add(12 * time.Hour), "tomorrow, 00:00"},
		{now.AddDate(0, 0, 3), "9 January 2026, 12:00"},
	} {
		if got := spoken(c.at, now, true); got != c.want {
			t.Errorf("%v: %q, want %q", c.at, got, c.want)
		}
	}
	if got := spoken(now.AddDate(0, -2, 0), now.AddDate(0, 2, 0), true); got != "6 November 2025" {
		t.Errorf("last year: %q", got)
	}
	if got := spoken(now.AddDate(0, 1, 0), now.AddDate(0, 2, 0), true); got != "6 February" {
		t.Errorf("this year: %q", got)
	}
	if got := spoken(now.AddDate(0, 0, -1), now, false); got != "yesterday" {
		t.Errorf("a day: %q", got)
	}
}

func TestWhatTheFrontPageCallsTodayIsToday(t *testing.T) {
	now := noon
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Now = func() time.Time { return now } })
	times := func(want ...string) {
		t.Helper()
		_, err := srv.refresh(t.Context())
		must(t, err)
		wantText(t, get(t, srv, "/"), want...)
		wantText(t, get(t, srv, "/?q=Paris"), want[0])
	}
	times(`<time datetime="2026-01-06T09:10:00Z" title="6 January 2026, 09:10 UTC">today, 09:10</time>`, `>yesterday, 19:20</time>`,
		`<time datetime="2025-12-30" title="30 December 2025">30 December 2025</time>`)
	now = noon.Add(12 * time.Hour)
	times(`title="6 January 2026, 09:10 UTC">yesterday, 09:10</time>`, `>Monday, 19:20</time>`)
}

func TestItemsAreFoundByWordsSourceTagAndDay(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	const moscow, kyiv = "6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007", "4f3c2e96-1a5b-5c4e-8daf-5b6a7f8e9005"
	for target, want := range map[string]string{
		"/?q=multinational":                          parisID,
		"/?q=PARIS+plan":                             parisID,
		"/?q=%22foreign+troops%22+target":            moscow,
		"/?q=troops+-foreign&day=2025-12-30":         kyiv,
		"/?day=2026-01-05":                           moscow,
		"/?tag=poland":                               borderID,
		"/?source=ministry&day=2026-01-05":           moscow, // where it is a copy
		"/?q=&source=&tag=&day=2026-01-05":           moscow,
		"/?q=Polish&source=river-post&tag=Poland":    borderID,
		"/?q=nothing+like+this":                      "",
		"/?q=multinational&source=river-post":        "",
		"/?q=multinational&utm_source=x&lang=en":     parisID,
		"/?tag=no+such+tag":                          "",
		"/?day=1999-01-01":                           "",
		"/?q=.":                                      "",
		"/?q=%22&source=wire&day=2026-01-06":         "",
		"/?q=%3Cscript%3Ealert(1)%3C/script%3E&day=": "",
	} {
		a := get(t, srv, target)
		wantStatus(t, a, http.StatusOK)
		if got := strings.Join(shownIDs(a), " "); got != want {
			t.Errorf("%s shows %q, want %q", target, got, want)
		}
		wantText(t, a, `<meta name="robots" content="noindex">`)
		wantNone(t, a, "<script>", "Subscribe</h2>")
		if want == "" {
			wantText(t, a, "Nothing found", `href="/held"`)
		}
	}
}

func TestFoundItemsAndTheFormsOfAnItemAreAsDrawn(t *testing.T) {
	srv, _, _ := moderated(t)
	srv.opt.Corrector = &corrector{}
	for name, target := range map[string]string{
		"find.html":       "/?q=soldier+border&source=river-post&tag=Poland",
		"find-none.html":  "/?q=nonesuch&day=2026-01-05",
		"item-admin.html": "/items/" + borderID + "?done=merged",
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if name == "item-admin.html" {
				header = asAdmin(srv)
			}
			a := get(t, srv, target, header...)
			wantStatus(t, a, http.StatusOK)
			golden(t, name, a.body)
		})
	}
}

func TestEachFilterCanBeTakenAway(t *testing.T) {
	a := get(t, newServer(t, sampleStore(t)), "/?q=Polish&source=river-post&tag=Poland&day=2025-12-30")
	wantText(t, a,
		`<title>Search: Polish, The River Post, Poland, 30 December 2025 · Guarantees Watch</title>`,
		`<a href="/?day=2025-12-30&amp;source=river-post&amp;tag=Poland">Words: <span dir="auto">Polish</span>`,
		`<a href="/?day=2025-12-30&amp;q=Polish&amp;tag=Poland">Source: <span dir="auto">The River Post</span>`,
		`<a href="/?day=2025-12-30&amp;q=Polish&amp;source=river-post">Tag: <span dir="auto">Poland</span>`,
		`<a href="/?q=Polish&amp;source=river-post&amp;tag=Poland">Day: <span dir="auto">30 December 2025</span>`,
		`name="q" value="Polish"`, `<option value="river-post" selected>The River Post</option>`, `<option value="Poland" selected>Poland</option>`, `value="2025-12-30" form="search"`)
}

func TestWhatWasSearchedForIsMarked(t *testing.T) {
	a := get(t, newServer(t, sampleStore(t)), "/?q=soldier+border+-paris")
	wantText(t, a, `Polish prime minister sees American <mark>soldiers</mark> on the <mark>border</mark> as part of a peace`, "on the <mark>border</mark> or along")
	for _, c := range []struct{ search, text, want string }{
		{"", "a text", "a text"},
		{"tusk", "", ""},
		{"écoles", "L’école d’ÉCOLE", "L’[école] d’[ÉCOLE]"},
		{`"foreign troops" -moscow`, "Moscow: foreign troop!", "Moscow: [foreign] [troop]!"},
		{"<b>", "<b> & b", "<[b]> & [b]"},
		{"...", "a ... b", "a ... b"},
	} {
		var got strings.Builder
		for _, p := range newMarker(c.search).pieces(c.text) {
			if p.Hit {
				p.Text = "[" + p.Text + "]"
			}
			got.WriteString(p.Text)
		}
		if got.String() != c.want {
			t.Errorf("%q in %q: %q, want %q", c.search, c.text, got.String(), c.want)
		}
	}
}

func TestABadSearchIsToldSo(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for target, want := range map[string]string{
		"/?day=yesterday":                        "“day” must be a date",
		"/?day=2026-02-30":                       "“day” must be a date",
		"/?q=a&before=x":                         "“before” must be a whole number",
		"/?q=" + strings.Repeat("x", 201):        "200 characters at most",
		"/?source=nobody":                        "There is no source “nobody” here",
		"/?source=letter":                        "There is no source “letter” here", // a private one
		"/?q=" + strings.Repeat("ab+", 66) + "x": "words at most",
	} {
		a := get(t, srv, target)
		wantStatus(t, a, http.StatusBadRequest)
		wantText(t, a, want)
	}
}

func TestOlderItemsOfASearchAreOnPagesOfTheirOwn(t *testing.T) {
	st := openStore(t)
	sources := addSources(t, st, sampleSources()[:2])
	var items []sampleItem
	for i := range 120 {
		items = append(items, sampleItem{
			id: fmt.Sprintf("00000000-0000-5000-8000-%012d", i), source: []string{feed.SeedsSlug, "river-post"}[i%2],
			entry: feed.Entry{Title: fmt.Sprint("Item ", i), URL: fmt.Sprint("https://riverpost.example/", i), Published: noon.Add(time.Duration(i) * time.Minute), PublishedFrom: "feed"},
		})
	}
	addItems(t, st, sources, items)
	srv := newServer(t, st)
	first := get(t, srv, "/?q=item&source=river-post")
	if ids := shownIDs(first); len(ids) != frontItems {
		t.Fatalf("%d items on the first page", len(ids))
	}
	wantText(t, first, `<a href="/?before=22&amp;q=item&amp;source=river-post" rel="next">Older items</a>`)
	second := get(t, srv, "/?before=22&q=item&source=river-post")
	if ids := shownIDs(second); len(ids) != 10 {
		t.Errorf("%d items on the second page: %v", len(ids), ids)
	}
	wantText(t, second, `<a href="/?q=item&amp;source=river-post">Newest items</a>`, `<a href="/?source=river-post">Words: `)
	wantNone(t, second, "Older items</a>")
	wantStatus(t, get(t, srv, "/?before=1&q=item"), http.StatusNotFound)
}

func TestASearchIsKeptUntilSomethingChanges(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	get(t, srv, "/?q=multinational")
	key := "find 2026-01-06 /?q=multinational"
	if srv.finds.last(key) == nil {
		t.Fatal("it is not kept")
	}
	before := srv.finds.last(key)
	get(t, srv, "/?q=++multinational&other=1")
	if srv.finds.last(key) != before {
		t.Error("it was made anew without a change")
	}
	touch(t, st, parisID, noon.Add(time.Hour))
	_, err := srv.refresh(t.Context())
	must(t, err)
	get(t, srv, "/?q=multinational")
	if srv.finds.last(key) == before {
		t.Error("it was not made anew after a change")
	}
}

func TestAnAdministratorSeesWhoseItemsArePrivate(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	a := get(t, srv, "/", asAdmin(srv)...)
	wantStatus(t, a, http.StatusOK)
	wantText(t, a, "Log out", `via <a href="https://letter.example/members/42">Secret Letter</a>`, `<option value="letter">Secret Letter</option>`, "Subscribe</h2>")
	wantField(t, a, "Cache-Control", "no-store")
	wantNone(t, get(t, srv, "/"), "Log out", "Secret Letter")
	found := get(t, srv, "/?source=letter", asAdmin(srv)...)
	if ids := shownIDs(found); len(ids) == 0 {
		t.Errorf("of the private source there is nothing:\n%s", found.body)
	}
	item := get(t, srv, "/items/1c0f9b63-8d2e-5f1b-9a7c-2e3d4c5b6002", asAdmin(srv)...)
	wantText(t, item, `via <a href="/sources/letter">Secret Letter</a>`)
}

func TestTheEmptyFrontPageLetsAnAdministratorBegin(t *testing.T) {
	st := openStore(t)
	srv := newServer(t, st)
	nothing := get(t, srv, "/", asAdmin(srv)...)
	wantText(t, nothing, "There are no sources either", `<a class="button" href="/sources/new">Add a source</a>`)
	wantNone(t, nothing, "Start a run now", "tributary source add")
	addSources(t, st, sampleSources())
	wantText(t, get(t, srv, "/", asAdmin(srv)...), `<form method="post" action="/runs"><button type="submit">Start a run now</button></form>`)
	wantNone(t, get(t, srv, "/"), "Start a run now", "Add a source")
}

func TestManySourcesAreNotAllListedOnTheFrontPage(t *testing.T) {
	st := openStore(t)
	for i := range 150 {
		_, err := st.AddSource(t.Context(), feed.Source{Slug: fmt.Sprintf("s%03d", i), Kind: feed.KindFeed, URL: fmt.Sprintf("https://s%03d.example/feed", i), Enabled: true, Origin: feed.OriginAdded}, noon)
		must(t, err)
	}
	srv := newServer(t, st)
	a := get(t, srv, "/?source=s149")
	wantText(t, a, `<option value="s099">`, `<option value="s149" selected>`)
	wantNone(t, a, `<option value="s100">`)
}

func TestTheFrontPageStaysSmall(t *testing.T) {
	const most = 30_000
	items := related(frontItems, func(i int, item *feed.Item) {
		item.StoryRow, item.Source.Slug = int64(i), "wire"
		item.Entry.Title = fmt.Sprintf("Report %d on what was said in %x, and by whom it was heard", i, i*7919)
		item.Entry.Summary = nonsense(i, 45)
		for j := range 5 {
			item.Coverage = append(item.Coverage, feed.Cover{
				ID: fmt.Sprintf("%08x-0000-5000-8000-%012x", i*j*7919, i*10+j), Title: nonsense(i*7+j, 10), Source: fmt.Sprint("Paper ", j),
				URL: fmt.Sprintf("https://paper-%d.example/%d/%x", j, i, i*j*104729), Published: noon,
			})
		}
		item.Covered = 9
	})
	srv := newServer(t, sampleStore(t))
	around, err := srv.surroundings(t.Context(), viewer{})
	must(t, err)
	doc, err := srv.frontDocument(items, around)
	must(t, err)
	zipped, err := gzip.NewReader(bytes.NewReader(doc.zipped.body))
	must(t, err)
	must(t, zipped.Close())
	if n := len(doc.zipped.body); n > most {
		t.Errorf("it has %d bytes compressed, of %d", n, most)
	} else {
		t.Logf("%d bytes, %d compressed", len(doc.plain.body), n)
	}
}

// nonsense is some words of no language, others for each seed.
func nonsense(seed, n int) string {
	var b strings.Builder
	r := uint32(seed)*2654435761 + 1
	for range n {
		r = r*1664525 + 1013904223
		b.WriteString([]string{"guarantee", "troops", "minister", "said", "the", "of", "border", "talks", "peace", "plan"}[r>>16%10])
		b.WriteString(fmt.Sprintf("%c ", 'a'+r>>20%26))
	}
	return strings.TrimSpace(b.String())
}

func TestPicturesOffLoadsNothingOfOtherSites(t *testing.T) {
	for content, want := range map[string]string{
		`<p>a &amp; b</p>`: `<p>a &amp; b</p>`,
		`<p><img src="https://x.example/1.png" srcset="https://x.example/2.png 2x" alt="A &lt;river&gt;"/></p>`:                                 `<p><a href="https://x.example/1.png">A &lt;river&gt;</a></p>`,
		`<img src="https://www.x.example/1.png" alt=""/>`:                                                                                       `<a href="https://www.x.example/1.png">Picture from x.example</a>`,
		`<a href="https://y.example/"><img src="https://x.example/1.png" alt="Map"/></a><img src="https://x.example/2.png" alt="Two"/>`:         `<a href="https://y.example/">Map</a><a href="https://x.example/2.png">Two</a>`,
		`<picture><source srcset="https://x.example/1.webp"/><img src="https://x.example/1.png" alt="M"/></picture>`:                            `<a href="https://x.example/1.png">M</a>`,
		`<video poster="https://x.example/p.png" src="https://x.example/1.mp4"></video>`:                                                        `<a href="https://x.example/1.mp4">Film from x.example</a>`,
		`<audio><source src="https://x.example/1.mp3" type="audio/mpeg"/><source src="https://x.example/1.ogg" type="audio/ogg"/></audio>after`: `<a href="https://x.example/1.mp3">Sound from x.example</a>after`,
		`<img src="` + picture + `" alt="drawn"/>`:                                                                                              `drawn`,
		`<img src="` + picture + `"/>`: `Picture`,
	} {
		if got := withoutPictures(content); got != want {
			t.Errorf("%s\n becomes %s\n want    %s", content, got, want)
		}
	}
	off := newServer(t, sampleStore(t), func(o *Options) { o.NoPictures = true })
	a := get(t, off, "/items/"+borderID)
	wantText(t, a, "A river between two banks, drawn")
	if main := mainOf(a); strings.Contains(main, "<img") {
		t.Errorf("a picture is left:\n%s", main)
	}
	csp := a.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "img-src 'self';") || strings.Contains(csp, "media-src") {
		t.Errorf("the policy is %q", csp)
	}
}

func TestAnItemCanBeSharedWithItsTitle(t *testing.T) {
	a := get(t, newServer(t, sampleStore(t)), "/items/"+borderID)
	wantText(t, a,
		`<meta property="og:type" content="article">`,
		`<meta property="og:title" content="Polish prime minister sees American soldiers on the border as part of a peace">`,
		`<meta property="og:url" content="https://guarantees.example/items/`+borderID+`">`,
		`<meta property="og:site_name" content="Guarantees Watch">`,
		`<meta property="og:description" content="After a call between capitals`)
	wantNone(t, a, "og:image") // its picture is in the text itself, at no address
	wantNone(t, get(t, newServer(t, sampleStore(t)), "/"), "og:type")
}

func TestAnItemIsSharedWithItsPictureAndItsBeginning(t *testing.T) {
	st := sampleStore(t)
	wire, err := st.Source(t.Context(), "wire")
	must(t, err)
	text := `<p>Ships &amp; <b>boats</b>.</p><p><img src="https://user@wire.example/no.png"><img src="https://wire.example/text.jpg?a=1&amp;b=2"></p>` + strings.Repeat("<p>Über alles wurde geredet.</p>", 30)
	image := feed.Details{Image: "https://wire.example/named.jpg"}
	enclosed := feed.Details{Enclosures: []feed.Enclosure{{URL: "https://wire.example/a.mp3", Type: "audio/mpeg"}, {URL: "https://wire.example/enclosed.png", Type: "image/png"}}}
	both := feed.Details{Image: image.Image, Enclosures: enclosed.Enclosures}
	off := newServer(t, st, func(o *Options) { o.NoPictures = true })
	for i, c := range []struct {
		entry   feed.Entry
		picture string
	}{
		{feed.Entry{Content: text, Details: both}, "https://wire.example/named.jpg"},
		{feed.Entry{Content: text, Details: enclosed}, "https://wire.example/enclosed.png"},
		{feed.Entry{Content: text}, "https://wire.example/text.jpg?a=1&amp;b=2"},
		{feed.Entry{Content: "<p>Ships &amp; boats .</p>"}, ""},
	} {
		id := fmt.Sprintf("ab000000-0000-5000-8000-00000000000%d", i)
		c.entry.Title, c.entry.URL, c.entry.Published = fmt.Sprint("Harbour ", i), fmt.Sprint("https://wire.example/harbour/", i), noon
		addItems(t, st, map[string]int64{"wire": wire.ID}, []sampleItem{{id: id, source: "wire", entry: c.entry}})
		a := get(t, newServer(t, st), "/items/"+id)
		wantText(t, a, `<meta property="og:description" content="Ships &amp; boats .`)
		wantNone(t, get(t, off, "/items/"+id), "og:image")
		if got := between(a.body, `<meta property="og:image" content="`, `"`); c.picture != "" && got != c.picture || c.picture == "" && strings.Contains(a.body, "og:image") {
			t.Errorf("%d: the picture is %q, want %q", i, got, c.picture)
		}
		if said := between(a.body, `<meta property="og:description" content="`, `"`); len(said) > 310 || len(said) > 100 && !strings.HasSuffix(said, " …") {
			t.Errorf("%d: it is described by %q", i, said)
		}
	}
}

func TestAnItemTellsItsDatesAndWhereTheyAreFrom(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	wantText(t, get(t, srv, "/items/6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007"),
		`via <a href="/sources/river-post">The River Post</a>`,
		`5 January 2026, 19:20 UTC</time>, as its feed says`, `updated <time datetime="2026-01-06T12:45:00Z">`, `first seen <time datetime="2026-01-05T19:21:00Z">`)
}

// entriesOfItem are the numbers of an item's entries.
func entriesOfItem(t *testing.T, st *store.Store, id string) (ids []int64) {
	t.Helper()
	item, err := st.Item(t.Context(), id)
	must(t, err)
	entries, err := st.Entries(t.Context(), item.RowID)
	must(t, err)
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestAnEntryIsSplitOffByTheForm(t *testing.T) {
	c := &corrector{}
	srv := correcting(t, c)
	entry := fmt.Sprint(entriesOfItem(t, srv.store.(*store.Store), borderID)[1])
	page := get(t, srv, "/items/"+borderID, asAdmin(srv)...)
	wantText(t, page, `<button class="quiet" name="split" value="`+entry+`"`)
	wantNone(t, get(t, srv, "/items/"+borderID), `name="split"`, `name="merge"`, `name="refuse"`)
	wantNone(t, get(t, srv, "/items/"+parisID, asAdmin(srv)...), `name="split"`) // it has one entry
	a := send(t, srv, "/items/"+borderID, url.Values{"split": {entry}})
	wantStatus(t, a, http.StatusSeeOther)
	wantField(t, a, "Location", "/items/11111111-0000-5000-8000-000000000000?done=split")
	if want := "split " + borderID + " " + entry; strings.Join(c.asked, ",") != want {
		t.Errorf("asked for %v, want %s", c.asked, want)
	}
	wantText(t, get(t, srv, "/items/"+borderID+"?done=split", asAdmin(srv)...), `<p class="flash" role="status">This entry is an item of its own now.</p>`)
	wantNone(t, get(t, srv, "/items/"+borderID+"?done=other", asAdmin(srv)...), `class="flash"`)
	wantNone(t, get(t, srv, "/items/"+borderID+"?done=split"), `class="flash"`)
}

func TestItemsAreMergedByTheForm(t *testing.T) {
	c := &corrector{}
	srv := correcting(t, c)
	wantText(t, get(t, srv, "/items/"+borderID, asAdmin(srv)...), `<input type="radio" name="with" value="/items/93daf2e4-5061-5c83-8d94-2e3f40516016">`)
	for _, with := range []url.Values{
		{"merge": {"1"}, "with": {"/items/" + parisID}},
		{"merge": {"1"}, "other": {"https://guarantees.example/items/" + parisID + "/?done=split#content"}},
		{"merge": {"1"}, "other": {" urn:uuid:" + parisID}, "with": {"/items/" + borderID}},
		{"merge": {"1"}, "other": {parisID[:8]}},
	} {
		c.asked = nil
		a := send(t, srv, "/items/"+borderID, with)
		wantStatus(t, a, http.StatusSeeOther)
		wantField(t, a, "Location", "/items/"+borderID+"?done=merged")
		if want := "merge " + borderID + " " + parisID; strings.Join(c.asked, ",") != want {
			t.Errorf("%v: asked for %v, want %s", with, c.asked, want)
		}
	}
}

func TestAnItemIsKeptOutFromItsPage(t *testing.T) {
	srv, m, _ := moderated(t)
	entry := fmt.Sprint(entriesOfItem(t, m.st, parisID)[0])
	wantText(t, get(t, srv, "/items/"+parisID, asAdmin(srv)...), `<button class="quiet" name="refuse" value="`+entry+`">Keep it out</button>`)
	wantText(t, get(t, srv, "/items/"+parisID), `<a href="/topic/review?entry=`+entry+`">Not on the topic? Keep it out.</a>`)
	a := send(t, srv, "/items/"+parisID, url.Values{"refuse": {entry}})
	wantStatus(t, a, http.StatusSeeOther)
	wantField(t, a, "Location", "/held?entry="+entry)
	wantText(t, get(t, srv, a.Header.Get("Location"), asAdmin(srv)...), `name="undo" value="`+entry+`"`)
}

func TestWhatCannotBeDoneToAnItemIsToldAboveIt(t *testing.T) {
	for _, c := range []struct {
		form   url.Values
		status int
		says   string
	}{
		{url.Values{}, 400, "The form does not say what to do"},
		{url.Values{"split": {"x"}}, 400, "number of an entry"},
		{url.Values{"split": {""}}, 400, "does not say which entry"},
		{url.Values{"merge": {"1"}}, 400, "Choose the item"},
		{url.Values{"merge": {"1"}, "other": {"https://riverpost.example/2026/01/05/moscow"}}, 404, "There is no item “moscow” here. Open the item&#39;s page"},
		{url.Values{"merge": {"1"}, "other": {"ffffffff"}}, 404, "There is no item “ffffffff” here."},
		{url.Values{"refuse": {"5"}}, 422, "tributary topic review"},
	} {
		srv := correcting(t, &corrector{})
		a := send(t, srv, "/items/"+borderID, c.form)
		wantStatus(t, a, c.status)
		wantText(t, a, `<p class="flash bad" role="alert">`, c.says, "Polish prime minister")
	}
	refused := correcting(t, &corrector{err: feed.Errorf(feed.CodeConflict, "the entries have changed meanwhile: look at them again")})
	a := send(t, refused, "/items/"+borderID, url.Values{"split": {"5"}})
	wantStatus(t, a, http.StatusConflict)
	wantText(t, a, "look at them again")
	wantStatus(t, send(t, refused, "/items/ffffffff-0000-5000-8000-000000000000", url.Values{"split": {"5"}}), http.StatusNotFound)
}

func TestTheFormsOfAnItemNeedTheLogIn(t *testing.T) {
	c := &corrector{}
	srv := correcting(t, c)
	body := url.Values{"split": {"5"}}.Encode()
	header := []string{"Content-Type", "application/x-www-form-urlencoded", "Referer", "https://guarantees.example/items/" + borderID}
	a := ask(t, srv, http.MethodPost, "/items/"+borderID, body, header...)
	wantStatus(t, a, http.StatusSeeOther)
	wantField(t, a, "Location", "/login?next=%2Fitems%2F"+borderID)
	wantStatus(t, ask(t, srv, http.MethodPost, "/items/"+borderID, body, append(append(asAdmin(srv), header...), "Sec-Fetch-Site", "cross-site")...), http.StatusForbidden)
	if len(c.asked) > 0 {
		t.Errorf("asked for %v", c.asked)
	}
}
