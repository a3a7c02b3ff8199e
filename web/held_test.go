package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/clean"
	"tributary/store"
)

// pressInPlace sends what htmx does for a button of an entry.
func pressInPlace(t *testing.T, srv *Server, target, verb string, id int64, header ...string) answer {
	t.Helper()
	return ask(t, srv, http.MethodPost, target, url.Values{verb: {fmt.Sprint(id)}}.Encode(),
		append(header, "Content-Type", formType, "HX-Request", "true")...)
}

func TestAnEntryIsDecidedInItsPlace(t *testing.T) {
	srv, m, held := moderated(t)
	id := held["wire "+ingest.RuleDoubtful]
	page := get(t, srv, "/topic/review", login(t, srv)...).body
	for _, want := range []string{
		`hx-target="closest article" hx-swap="outerHTML settle:0ms"`,
		fmt.Sprintf(`name="accept" value="%d" data-key="a" hx-post="/topic/review"`, id),
		fmt.Sprintf(`name="refuse" value="%d" data-key="r" hx-post="/topic/review"`, id),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	a := pressInPlace(t, srv, "/topic/review", "accept", id, login(t, srv)...)
	wantStatus(t, a, http.StatusOK)
	wantField(t, a, "Cache-Control", "no-store")
	for _, want := range []string{`<article`, "Let in", fmt.Sprintf(`name="undo" value="%d" data-key="u"`, id), `hx-swap-oob="innerHTML:#said">Let in: Envoys meet`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the answer has no %s:\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, "<html") || strings.Contains(a.body, `name="accept"`) {
		t.Errorf("it is a whole page, or the entry can be let in once more:\n%s", a.body)
	}
	if a := pressInPlace(t, srv, "/topic/review", "undo", id, login(t, srv)...); !strings.Contains(a.body, `name="accept"`) {
		t.Errorf("what was taken back cannot be decided again:\n%s", a.body)
	}
	if want := []string{fmt.Sprint("accept ", id), fmt.Sprint("undo ", id)}; !cmp.Equal(want, m.asked) {
		t.Errorf("asked for %v", m.asked)
	}
}

func TestWhatCannotBeDecidedSaysSoInItsPlace(t *testing.T) {
	srv, m, held := moderated(t)
	m.err = feed.Errorf(feed.CodeConflict, "another program is at it; try again")
	id := held["wire "+ingest.RuleDoubtful]
	a := pressInPlace(t, srv, "/held", "accept", id, login(t, srv)...)
	wantStatus(t, a, http.StatusOK) // htmx shows nothing else
	for _, want := range []string{"another program is at it", `role="alert"`, `name="accept"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the answer has no %s:\n%s", want, a.body)
		}
	}
	if a := pressInPlace(t, srv, "/held", "accept", 99999, login(t, srv)...); !strings.Contains(a.body, `role="alert"`) {
		t.Errorf("of an entry that there is not it says:\n%s", a.body)
	}
}

func TestWhoIsLoggedOutMeanwhileLogsInWithTheWholePage(t *testing.T) {
	srv, m, held := moderated(t)
	a := pressInPlace(t, srv, "https://guarantees.example/topic/review", "accept", held["wire "+ingest.RuleDoubtful], "Referer", "https://guarantees.example/topic/review")
	wantStatus(t, a, http.StatusUnauthorized)
	wantField(t, a, "Hx-Redirect", "/login?next=%2Ftopic%2Freview")
	if len(m.asked) != 0 {
		t.Error("it was decided all the same")
	}
}

func TestStrangersSeeNoButtons(t *testing.T) {
	srv, _, _ := moderated(t)
	for _, target := range []string{"/held", "/topic/review", "/held?find=geneva"} {
		a := get(t, srv, target)
		if strings.Contains(a.body, "data-key") || !strings.Contains(a.body, `<a href="/login">Log in</a> to let something in`) {
			t.Errorf("%s has buttons for strangers, or no way to log in", target)
		}
	}
	if strings.Contains(get(t, srv, "/topic").body, "/topic/replay") {
		t.Error("strangers are offered a replay")
	}
}

// addressed gives the sample's items and held entries the keys by which addresses are looked up.
func addressed(t *testing.T, st *store.Store, held map[string]int64) {
	t.Helper()
	ids := []int64{}
	for _, id := range held {
		ids = append(ids, id)
	}
	for _, item := range []string{borderID, "6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007"} {
		it, err := st.Item(t.Context(), item)
		must(t, err)
		entries, err := st.Entries(t.Context(), it.RowID)
		must(t, err)
		for _, e := range entries {
			ids = append(ids, e.ID)
		}
	}
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			h, err := tx.EntryByID(t.Context(), id)
			if err != nil {
				return err
			}
			h.Entry.Canonical = clean.Canonical(h.Entry.URL)
			h.Entry.Keys.URL = clean.Key(h.Entry.Canonical)
			if err := tx.UpdateEntry(t.Context(), h.Entry); err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestAnArticleThatIsMissedIsFound(t *testing.T) {
	srv, m, held := moderated(t)
	addressed(t, m.st, held)
	admin := login(t, srv)
	find := func(text string, header ...string) string {
		t.Helper()
		a := get(t, srv, "/held?find="+url.QueryEscape(text), header...)
		wantStatus(t, a, http.StatusOK)
		return a.body
	}
	for text, wants := range map[string][]string{
		"https://riverpost.example/2026/01/05/moscow?utm_source=mail": {"Published", `href="/items/6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007"`},
		"http://www.ministry.example/press/5512":                      {"Published, as a copy of", "Moscow repeats"},
		"wire.example/a/9041":                                         {"Envoys meet in Geneva", "0.41, under 0.50", `name="accept"`},
		"https://letter.example/members/61":                           {"For members"},
		"https://riverpost.example/2026/01/06/never?x=<script>&y=\"":  {"Never seen", `href="/sources/river-post">The River Post</a>: works; last fetched`},
		"https://nobody.example/1":                                    {"Never seen", "none is of its site", `href="/sources"`},
		"GENEVA envoys":                                               {"Envoys meet in Geneva", `name="accept"`, `action="/held?find=GENEVA&#43;envoys"`},
		"Moscow repeats":                                              {`href="/items/6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007"`},
		"words that no title has":                                     {"Not found by its title"},
	} {
		body := find(text, admin...)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page does not say %q:\n%s", text, want, body[strings.Index(body, "<main"):])
			}
		}
	}
	for _, hidden := range []string{"https://letter.example/members/61", "For members", "https://letter.example/nothing"} {
		if body := find(hidden); strings.Contains(body, "members: what") || strings.Contains(body, "Secret") {
			t.Errorf("%s: strangers are told of a private source", hidden)
		}
	}
	wantStatus(t, get(t, srv, "/held?find="+strings.Repeat("x", longestAddress+1)), http.StatusBadRequest)
	a := press(t, srv, "/held?find=geneva+envoys", "accept", held["wire "+ingest.RuleDoubtful])
	wantField(t, a, "Location", "/held?find=geneva+envoys")
	if body := find("wire.example/a/9041"); !strings.Contains(body, "Published") {
		t.Errorf("what was let in is not found as published:\n%s", body)
	}
}

func TestWithdrawnAndMergedArticlesAreFound(t *testing.T) {
	srv, m, held := moderated(t)
	addressed(t, m.st, held)
	item, err := m.st.Item(t.Context(), "6b5e40b8-3c7d-5e60-8fc1-7d8c9ba01007")
	must(t, err)
	must(t, m.st.Write(t.Context(), func(tx *store.Tx) error { return tx.Withdraw(t.Context(), item.RowID, noon) }))
	if body := get(t, srv, "/held?find=riverpost.example/2026/01/05/moscow").body; !strings.Contains(body, "Withdrawn") {
		t.Errorf("the page does not say so:\n%s", body)
	}
}

func TestAScoreIsNotRoundedOverAThreshold(t *testing.T) {
	for score, want := range map[float64]string{0.4996: "0.49", 0.5: "0.50", 0.29: "0.29", 0.412: "0.41", 0: "0.00", 1: "1.00", 0.999: "0.99"} {
		if got := twoDigits(score); got != want {
			t.Errorf("%v is said to be %s, want %s", score, got, want)
		}
	}
}

func TestAnAdministratorSeesWhoseHeldEntriesArePrivate(t *testing.T) {
	srv, _, held := moderated(t)
	id := held["letter "+ingest.RuleDoubtful]
	for _, target := range []string{fmt.Sprint("/held?entry=", id), "/topic/review", "/held?find=envoy"} {
		wantText(t, get(t, srv, target, asAdmin(srv)...), "via Secret Letter")
		wantNone(t, get(t, srv, target), "Secret Letter")
	}
	a := pressInPlace(t, srv, "/topic/review", "accept", id, asAdmin(srv)...)
	wantText(t, a, "via Secret Letter")
}
