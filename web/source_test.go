package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/store"
)

// daysStore is the sample with days of some sources.
func daysStore(t *testing.T) *store.Store {
	t.Helper()
	st := sampleStore(t)
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		for _, slug := range []string{"river-post", "letter"} {
			src, err := st.Source(t.Context(), slug)
			if err != nil {
				return err
			}
			for _, d := range days(src.ID) {
				tx.CountDay(d)
			}
		}
		return nil
	}))
	return st
}

// samplePreview is what a page's feed would bring.
func samplePreview(t *testing.T, st *store.Store) SourcePreview {
	t.Helper()
	river, err := st.Source(t.Context(), "river-post")
	must(t, err)
	entry := func(title string, d feed.Decision) feed.Entry {
		return feed.Entry{Title: title, URL: "https://new.example/" + strings.ToLower(strings.Fields(title)[0]), Published: at(time.January, 5, 9, 0), PublishedFrom: "feed", Decision: d}
	}
	return SourcePreview{
		Source: feed.Source{Kind: feed.KindFeed, URL: "https://new.example/feed.xml", About: feed.Channel{Title: "New & Noteworthy", Link: "https://new.example/"}},
		Feeds:  []fetch.Candidate{{URL: "https://new.example/feed.xml", Title: "News"}, {URL: "https://new.example/sport.xml", Title: "Sport"}},
		Would: ingest.Preview{Counts: feed.Counts{Published: 1, Copies: 1, Held: 1}, Entries: []ingest.Foreseen{
			{Entry: entry("Soldiers or no soldiers", feed.Decision{Kind: feed.Published, Rule: "new", Reason: "No other entry has its id, its address or its text."})},
			{Entry: entry("Polish prime minister", feed.Decision{Kind: feed.CopyOf, Rule: "content", Reason: "Its text is equal, word for word, to one that was there first."}), Of: &feed.Known{EntryID: 4, SourceID: river.ID}},
			{Entry: entry("Cakes for the weekend", feed.Decision{Kind: feed.Held, Rule: "topic", Reason: "Its score is 0.08; 0.45 is needed."})},
		}},
	}
}

func TestPagesOfSourcesAreAsDrawn(t *testing.T) {
	st := daysStore(t)
	srv := newServer(t, st)
	admin := login(t, srv)
	for name, c := range map[string]struct {
		target string
		header []string
	}{
		"sources-days.html":       {"/sources", nil},
		"sources-failing.html":    {"/sources?show=failing", nil},
		"sources-admin.html":      {"/sources?done=saved", admin},
		"source.html":             {"/sources/river-post", nil},
		"source-folder.html":      {"/sources/seeds", nil},
		"source-failing.html":     {"/sources/ministry", nil},
		"source-admin.html":       {"/sources/wire?done=saved", admin},
		"source-secret.html":      {"/sources/paid", admin},
		"source-edit.html":        {"/sources/abendblatt/edit", admin},
		"source-edit-config.html": {"/sources/river-post/edit", admin},
		"source-remove.html":      {"/sources/abendblatt/remove", admin},
		"source-new.html":         {"/sources/new", admin},
		"source-import.html":      {"/sources/import", admin},
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, srv, c.target, c.header...)
			wantStatus(t, a, http.StatusOK)
			golden(t, name, a.body)
		})
	}
	srv.sources = catalogue{st: st, preview: samplePreview(t, st)}
	looked := send(t, srv, "/sources/new", url.Values{"url": {"new.example"}})
	wantStatus(t, looked, http.StatusOK)
	golden(t, "source-preview.html", looked.body)
}

func TestPagesOfSourcesNameNoSecrets(t *testing.T) {
	srv := newServer(t, daysStore(t))
	admin := login(t, srv)
	for _, target := range []string{"/sources/letter", "/sources/paid", "/sources/nobody"} {
		wantStatus(t, get(t, srv, target), http.StatusNotFound)
	}
	if strings.Contains(get(t, srv, "/sources/seeds").body, "/srv/tributary") {
		t.Error("strangers learn where the folder is")
	}
	for _, target := range []string{"/sources", "/sources/paid", "/sources/paid/edit", "/sources/paid/remove", "/sources.opml"} {
		a := get(t, srv, target, admin...)
		wantStatus(t, a, http.StatusOK)
		if strings.Contains(a.body, "hunter2") {
			t.Errorf("%s shows a password", target)
		}
	}
	if a := get(t, srv, "/sources.opml", admin...); !strings.Contains(a.body, "letter.example") || strings.Contains(a.body, "paid.example") {
		t.Errorf("an administrator's list is\n%s", a.body)
	}
	wantStatus(t, get(t, srv, "/sources/"+url.PathEscape("https://riverpost.example/feed")), http.StatusNotFound) // a slug and nothing else
}

func TestSourcesAreFiltered(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for target, want := range map[string]string{
		"/sources":              "seeds river-post ministry wire abendblatt old-blog",
		"/sources?show=failing": "ministry",
		"/sources?show=off":     "old-blog",
	} {
		body, shown := get(t, srv, target).body, []string{}
		for _, src := range sampleSources() {
			if strings.Contains(body, fmt.Sprintf(`href="/sources/%s"`, src.Slug)) {
				shown = append(shown, src.Slug)
			}
		}
		if got := strings.Join(shown, " "); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	wantStatus(t, get(t, srv, "/sources?show=best"), http.StatusBadRequest)
}

func TestASourceIsFetchedFromItsPage(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	runner := srv.runner.(*scheduler)
	a := send(t, srv, "/sources/wire", nil)
	wantStatus(t, a, http.StatusSeeOther)
	wantField(t, a, "Location", "/runs/run-2")
	if len(runner.requests) != 1 || fmt.Sprint(runner.requests[0]) != fmt.Sprint(feed.RunRequest{Trigger: "api", Sources: []string{"wire"}, Force: true}) {
		t.Errorf("asked for %v", runner.requests)
	}
	runner.err = feed.Errorf(feed.CodeConflict, "the program is being stopped; try again")
	failed := send(t, srv, "/sources/wire", nil)
	wantStatus(t, failed, http.StatusConflict)
	if !strings.Contains(failed.body, "the program is being stopped") || !strings.Contains(failed.body, `role="alert"`) {
		t.Error("the page does not say why not")
	}
}

func TestEachConditionSaysWhatToDo(t *testing.T) {
	for _, status := range []feed.Status{feed.StatusFailing, feed.StatusLimited, feed.StatusBlocked, feed.StatusNotFeed, feed.StatusGone, feed.StatusTruncated} {
		if whatToDo(feed.Source{Kind: feed.KindFeed, Enabled: true, State: feed.SourceState{Status: status}}) == "" {
			t.Errorf("%s: no word of it", status)
		}
	}
	for _, fine := range []feed.Source{{Enabled: true, State: feed.SourceState{Status: feed.StatusOK}}, {State: feed.SourceState{Status: feed.StatusGone}}} {
		if said := whatToDo(fine); said != "" {
			t.Errorf("%v: %s", fine, said)
		}
	}
}

func TestAddressesAreTakenAsPeopleWriteThem(t *testing.T) {
	for typed, want := range map[string]string{
		" example.org ": "https://example.org", "example.org/blog?a=b": "https://example.org/blog?a=b", "news.example:8080/x": "https://news.example:8080/x",
		"https://example.org/": "https://example.org/", "http://example.org": "http://example.org", "ftp://example.org": "ftp://example.org",
		"mailto:a@example.org": "mailto:a@example.org", "user@example.org": "user@example.org", "words": "words", "": "", "two words.org": "two words.org",
	} {
		if got := completed(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestTheAPIChangesAndImportsSources(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	patch := func(slug, body string) answer {
		t.Helper()
		return ask(t, srv, http.MethodPatch, "/api/sources/"+slug, body, "Authorization", withToken)
	}
	a := patch("wire", `{"name": "The Wire", "enabled": false, "tags": ["a", "b"], "topic": "off"}`)
	wantStatus(t, a, http.StatusOK)
	if got := decode[sourceJSON](t, a); got.Name != "The Wire" || got.Enabled || len(got.Tags) != 2 || got.URL != "https://wire.example/atom.xml" {
		t.Errorf("it is now %+v", got)
	}
	if src, err := st.Source(t.Context(), "wire"); err != nil || src.Topic != ingest.FilterOff {
		t.Errorf("its topic is %q, %v", src.Topic, err)
	}
	wantStatus(t, patch("wire", `{"enabled": true}`), http.StatusOK)
	if src, err := st.Source(t.Context(), "wire"); err != nil || src.Name != "The Wire" || !src.Enabled {
		t.Errorf("what was not named has changed: %+v, %v", src, err)
	}
	wantError(t, patch("nobody", `{"enabled": true}`), 404, feed.CodeNotFound)
	wantError(t, patch("wire", `{"url": "https://other.example/"}`), 400, feed.CodeInvalid)
	wantStatus(t, ask(t, srv, http.MethodPatch, "/api/sources/wire", `{"enabled": false}`), http.StatusUnauthorized)
	wantStatus(t, ask(t, srv, http.MethodPost, "/api/sources/import", "<opml/>"), http.StatusUnauthorized)

	srv.sources = catalogue{st: st, imported: []ImportedSource{
		{Source: feed.Source{Slug: "one", Name: "One", URL: "https://one.example/"}, Added: true},
		{Source: feed.Source{Name: "Wire", URL: "https://wire.example/atom.xml"}},
		{Source: feed.Source{Name: "Mail", URL: "mailto:a@b.example"}, Problem: "is not http or https"},
	}}
	report := decode[[]importedJSON](t, ask(t, srv, http.MethodPost, "/api/sources/import", "<opml/>", "Authorization", withToken))
	if len(report) != 3 || report[0].Outcome != "added" || report[0].Slug != "one" || report[1].Outcome != "there already" || report[2].Problem == "" {
		t.Errorf("the report is %+v", report)
	}
	wantError(t, ask(t, srv, http.MethodPost, "/api/sources/import", strings.Repeat("x", importBytes+1), "Authorization", withToken), 413, feed.CodeTooLarge)
}

func TestALongReportOfAnImportNamesWhatIsWrongFirst(t *testing.T) {
	var list []ImportedSource
	for i := range importRows {
		list = append(list, ImportedSource{Source: feed.Source{URL: fmt.Sprint("https://s.example/", i)}, Added: i%2 == 0})
	}
	list = append(list, ImportedSource{Source: feed.Source{URL: "mailto:x"}, Problem: "is not http or https"})
	v := importReport(list)
	if len(v.Report) != importRows || v.Hidden != 1 || v.Wrong != 1 || v.Added != importRows/2 || v.Already != importRows/2 || v.Report[0].Problem == "" {
		t.Errorf("%d rows, %d hidden, %d wrong, %d added, %d there; the first is %+v", len(v.Report), v.Hidden, v.Wrong, v.Added, v.Already, v.Report[0])
	}
}

func TestAPageWithLongAddressesOfFeedsCanBeLookedAt(t *testing.T) {
	st := sampleStore(t)
	preview := samplePreview(t, st)
	for i := range 20 {
		preview.Feeds = append(preview.Feeds, fetch.Candidate{URL: fmt.Sprintf("https://new.example/%d?%s", i, strings.Repeat("%C3%A4", 150))})
	}
	srv := newServer(t, st)
	srv.sources = catalogue{st: st, preview: preview}
	form := url.Values{"url": {"https://new.example/"}}
	a := send(t, srv, "/sources/new", form)
	wantText(t, a, "Sport")
	page, _, _ := strings.Cut(a.body, "<h2>Add it</h2>")
	for _, part := range strings.Split(page, `name="choice" value="`)[1:] {
		choice, _, _ := strings.Cut(part, `"`)
		form.Add("choice", html.UnescapeString(choice))
	}
	wantStatus(t, send(t, srv, "/sources/new", form), http.StatusOK)
}
