package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/topic"
	"tributary/store"
	"tributary/web/browsertest"
)

// readerKey lets the tests' reader see what is held.
const readerKey = "a-key-for-anna"

// sampleHeld are entries that were kept out, oldest first.
func sampleHeld() []struct {
	source string
	rule   string
	score  float64
	entry  feed.Entry
} {
	return []struct {
		source string
		rule   string
		score  float64
		entry  feed.Entry
	}{
		{"river-post", "backlog", 0, feed.Entry{Title: "Our first hundred days", URL: "https://riverpost.example/2025/1", Summary: "A look back.",
			Decision: feed.Decision{Reason: "It was there before the source was added, and is older than its newest 50."}}},
		{"river-post", ingest.RuleOffTopic, 0.113, feed.Entry{Title: "Rowing club ends the season with a gold medal", URL: "https://riverpost.example/2026/01/06/rowing", Summary: "Four women, one boat, and a river that for once did what it was told.",
			Content: "<p>Four women, one boat, and a river that for once did what it was told.</p><p>The cup is made of <b>tin</b>.</p>", Decision: feed.Decision{Reason: "Nothing in it is of the topic: 0.11, under 0.50."}}},
		{"letter", ingest.RuleDoubtful, 0.44, feed.Entry{Title: "For members: what the envoy did not say", URL: "https://letter.example/members/61",
			Decision: feed.Decision{Reason: "It names Washington as the seeds do: 0.44, under 0.50."}}},
		{"wire", ingest.RuleRule, 0, feed.Entry{Title: "Horoscope for the week", URL: "https://wire.example/a/9040",
			Decision: feed.Decision{Reason: "The rule exclude: horoscope keeps it out: it says “horoscope”."}}},
		{"wire", ingest.RuleDoubtful, 0.412, feed.Entry{Title: "Envoys meet in Geneva, and say nothing on the stairs of the old palace of nations afterwards", URL: "https://wire.example/a/9041", Published: at(time.January, 6, 10, 0), PublishedFrom: "feed",
			Summary: "What was talked about is not known; that it was talked about, is.", Content: "<p>What was talked about is not known; that it was talked about, is.</p>",
			Decision: feed.Decision{Reason: "It names Geneva as the seeds do: 0.41, under 0.50."}}},
		{"abendblatt", ingest.RuleDoubtful, 0.333, feed.Entry{Title: "Sicherheitsgarantien für die Donaudampfschifffahrtsgesellschaft", URL: "https://abendblatt.example/2026/01/garantien", Language: "de",
			Decision: feed.Decision{Reason: "It names Genf as the seeds do: 0.33, under 0.50. It is not in English: only names and numbers were compared."}}},
	}
}

// topicStore is the sample with a profile and with entries that were held.
func topicStore(t testing.TB) (st *store.Store, held map[string]int64) {
	t.Helper()
	st, ctx := sampleStore(t), t.Context()
	held = map[string]int64{}
	data, err := json.Marshal(sampleProfile())
	must(t, err)
	must(t, st.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.SaveProfile(ctx, feed.Profile{Made: at(time.January, 6, 9, 0), From: "test", Data: data}); err != nil {
			return err
		}
		for i, h := range sampleHeld() {
			src, err := st.Source(ctx, h.source)
			if err != nil {
				return err
			}
			e := h.entry
			e.SourceID, e.FirstSeen, e.Keys.Identity = src.ID, at(time.January, 6, 11, 0), key(e.Title)
			e.Decision.Kind, e.Decision.Rule = feed.Held, h.rule
			if err := tx.InsertEntry(ctx, &e); err != nil {
				return err
			}
			held[fmt.Sprint(h.source, " ", h.rule)] = e.ID
			if h.score > 0 {
				if err := tx.SaveScores(ctx, []feed.Score{{EntryID: e.ID, Value: h.score, Profile: 1, Why: sampleHeld()[i].entry.Decision.Reason}}); err != nil {
					return err
				}
			}
		}
		item, err := st.Item(ctx, borderID)
		if err != nil {
			return err
		}
		return tx.SaveScores(ctx, []feed.Score{{EntryID: item.Entry.ID, Value: 0.912, Profile: 1, Why: "It names Warsaw and Washington as the seeds do: 0.91, not under 0.50."}})
	}))
	sum := sha256.Sum256([]byte(readerKey))
	must(t, st.AddReaderKey(ctx, "anna", hex.EncodeToString(sum[:]), noon))
	return st, held
}

func sampleProfile() topic.Profile {
	return topic.Profile{
		Seeds: []string{"A summit in Washington leaves the shape of the guarantees open", "Kyiv says that troops from the United States are being talked about"},
		Terms: []topic.Weight{
			{Key: "kyiv", Shown: "Kyiv", Weight: 0.9, Name: true, Seeds: []int{0, 1}},
			{Key: "volodymyr zelenskyy", Shown: "Volodymyr Zelenskyy", Weight: 0.71, Name: true, Seeds: []int{0, 1}},
			{Key: "guarantee", Shown: "guarantees", Weight: 0.52, Seeds: []int{0}},
			{Key: "geneva", Shown: "Geneva", Weight: 0.31, Name: true, Seeds: []int{1}},
			{Key: "ceasefire", Shown: "ceasefire", Weight: 0.2},
			{Key: "goal", Shown: "goal", Weight: -0.1}, {Key: "match", Shown: "match", Weight: -0.3},
		},
		Background: topic.Background{Entries: 1204},
	}
}

// moderator stands in for what lets in and keeps out: it does so without
// looking for copies, and notes what it is asked for.
type moderator struct {
	st    *store.Store
	asked []string
	err   error
}

func (m *moderator) Accept(ctx context.Context, id int64) (feed.HeldEntry, error) {
	return m.decide(ctx, "accept", id, feed.Decision{Kind: feed.Published, Rule: ingest.RulePerson, Reason: "A person let it in."})
}

func (m *moderator) Refuse(ctx context.Context, id int64) (feed.HeldEntry, error) {
	return m.decide(ctx, "refuse", id, feed.Decision{Kind: feed.Rejected, Rule: ingest.RulePerson, Reason: "A person kept it out."})
}

func (m *moderator) Undo(ctx context.Context, id int64) (feed.HeldEntry, error) {
	return m.decide(ctx, "undo", id, feed.Decision{Kind: feed.Held, Rule: ingest.RuleDoubtful, Reason: "A person's verdict was taken back."})
}

func (m *moderator) decide(ctx context.Context, verb string, id int64, d feed.Decision) (was feed.HeldEntry, err error) {
	m.asked = append(m.asked, fmt.Sprint(verb, " ", id))
	if m.err != nil {
		return was, m.err
	}
	return was, m.st.Write(ctx, func(tx *store.Tx) error {
		if was, err = tx.EntryByID(ctx, id); err != nil {
			return err
		}
		verdict := map[string]feed.Verdict{"accept": feed.Accepted, "refuse": feed.Refused}[verb]
		if verdict == "" {
			if _, err := tx.Unjudge(ctx, id); err != nil {
				return err
			}
			return tx.Decide(ctx, id, 0, d)
		}
		if err := tx.Judge(ctx, feed.Judgement{EntryID: id, Verdict: verdict, At: noon}); err != nil {
			return err
		}
		if verdict == feed.Refused {
			return tx.Decide(ctx, id, 0, d)
		}
		item := feed.Item{ID: fmt.Sprintf("11111111-0000-5000-8000-%012d", id), Published: was.Entry.When(), Updated: noon}
		if err := tx.InsertItem(ctx, &item, ""); err != nil {
			return err
		}
		if err := tx.Decide(ctx, id, item.RowID, d); err != nil {
			return err
		}
		admitted, err := tx.Admit(ctx, nil, noon)
		if err != nil {
			return err
		}
		return tx.FoundStories(ctx, admitted)
	})
}

// moderated serves a store with the filter on, and somebody who decides.
func moderated(t testing.TB) (srv *Server, m *moderator, held map[string]int64) {
	t.Helper()
	st, held := topicStore(t)
	m = &moderator{st: st}
	return newServer(t, st, func(o *Options) {
		o.Moderator, o.Filter = m, func() string { return ingest.FilterLearned }
	}), m, held
}

func TestTopicPagesAreAsDrawn(t *testing.T) {
	srv, _, held := moderated(t)
	doubtful := fmt.Sprint(held["wire "+ingest.RuleDoubtful])
	for name, target := range map[string]string{
		"topic.html":          "/topic",
		"topic-review.html":   "/topic/review?entry=" + doubtful,
		"held.html":           "/held",
		"held-rule.html":      "/held?rule=backlog",
		"front-filtered.html": "/",
		"item-scored.html":    "/items/" + borderID,
	} {
		t.Run(name, func(t *testing.T) {
			a := get(t, srv, target)
			wantStatus(t, a, http.StatusOK)
			golden(t, name, a.body)
		})
	}
}

func TestWithoutAFilterTheTopicPageSaysSo(t *testing.T) {
	for mode, want := range map[string]string{
		ingest.FilterOff:     "Everything is published: the filter is off.",
		ingest.FilterRules:   "alone say what is published",
		ingest.FilterLearned: "there is no seed yet to learn a topic from",
	} {
		srv := newServer(t, sampleStore(t), func(o *Options) { o.Filter = func() string { return mode } })
		if a := get(t, srv, "/topic"); !strings.Contains(a.body, want) {
			t.Errorf("%s: the page does not say %q:\n%s", mode, want, a.body)
		}
	}
	srv := newServer(t, sampleStore(t))
	if a := get(t, srv, "/"); strings.Contains(a.body, "off topic") {
		t.Error("without a filter the front page speaks of one")
	}
}

func TestTheTopicIsToldByTheAPI(t *testing.T) {
	srv, _, _ := moderated(t)
	got := decode[topicJSON](t, get(t, srv, "/api/topic"))
	want := topicJSON{
		Filter: "learned", Version: 1, Made: at(time.January, 6, 9, 0), Seeds: sampleProfile().Seeds, Background: 1204,
		Terms: []termJSON{
			{"Kyiv", 0.9, true, []int{1, 2}}, {"Volodymyr Zelenskyy", 0.71, true, []int{1, 2}}, {"guarantees", 0.52, false, []int{1}},
			{"Geneva", 0.31, true, []int{2}}, {"ceasefire", 0.2, false, nil}, {"goal", -0.1, false, nil}, {"match", -0.3, false, nil},
		},
		Lately: latelyJSON{7, 11, map[string]int{"backlog": 1, "topic": 1, "topic doubtful": 3, "rule": 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPublishedItemsAreCountedByTheirAdmission(t *testing.T) {
	st, now := sampleStore(t), noon
	srv := newServer(t, st)
	for since, want := range map[time.Time]int{now.Add(-time.Hour): 11, now: 11, now.Add(time.Millisecond): 0} {
		if n, err := srv.publishedSince(t.Context(), since); err != nil || n != want {
			t.Errorf("since %v: %d (%v), want %d", since, n, err, want)
		}
	}
	if n, err := newServer(t, openStore(t)).publishedSince(t.Context(), now); err != nil || n != 0 {
		t.Errorf("of nothing: %d (%v)", n, err)
	}
}

func TestTheFrontPageCountsAnewAfterAMinute(t *testing.T) {
	st, held := topicStore(t)
	now := noon
	srv := newServer(t, st, func(o *Options) {
		o.Filter, o.Now = func() string { return ingest.FilterLearned }, func() time.Time { return now }
	})
	said := func(want string) {
		t.Helper()
		_, err := srv.refresh(t.Context())
		must(t, err)
		if a := get(t, srv, "/"); !strings.Contains(a.body, want) {
			t.Errorf("the front page does not say %q:\n%s", want, a.body[:2500])
		}
	}
	said("11 published, 2 held as off topic in the last 7 days")
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Decide(t.Context(), held["wire "+ingest.RuleRule], 0, feed.Decision{Kind: feed.Rejected, Rule: ingest.RulePerson})
	}))
	now = now.Add(recountAfter)
	said("11 published, 1 held as off topic in the last 7 days")
}

func TestHeldEntriesAreListedByTheAPI(t *testing.T) {
	srv, _, held := moderated(t)
	all := decode[[]heldJSON](t, get(t, srv, "/api/held"))
	var titles []string
	for _, h := range all {
		titles = append(titles, h.Title)
	}
	want := []string{"Sicherheitsgarantien für die Donaudampfschifffahrtsgesellschaft", "Envoys meet in Geneva, and say nothing on the stairs of the old palace of nations afterwards",
		"Horoscope for the week", "Rowing club ends the season with a gold medal", "Our first hundred days"}
	if diff := cmp.Diff(want, titles); diff != "" {
		t.Error(diff)
	}
	if h := all[1]; h.Topic == nil || h.Topic.Score != 0.412 || h.Rule != "topic doubtful" || h.Decision != feed.Held || !h.Published.Equal(at(time.January, 6, 10, 0)) || h.Source != "wire" {
		t.Errorf("an entry is told as %+v", h)
	}
	if all[2].Topic != nil {
		t.Error("what was not scored has a score")
	}
	if trusted := decode[[]heldJSON](t, get(t, srv, "/api/held?rule=topic+doubtful", "Authorization", withToken)); len(trusted) != 3 {
		t.Errorf("who has the token sees %d doubtful entries, want those of private sources too", len(trusted))
	}
	next := decode[[]heldJSON](t, get(t, srv, fmt.Sprintf("/api/held?limit=1&before=%d", held["wire "+ingest.RuleDoubtful])))
	if len(next) != 1 || next[0].Title != "Horoscope for the week" {
		t.Errorf("the next entry is %+v", next)
	}
	for _, bad := range []string{"?limit=0", "?before=x", "?before=-1"} {
		wantError(t, get(t, srv, "/api/held"+bad), 400, feed.CodeInvalid)
	}
}

func TestAnItemTellsItsScore(t *testing.T) {
	srv, _, _ := moderated(t)
	item := decode[itemJSON](t, get(t, srv, "/api/items/"+borderID))
	want := &scoreJSON{0.912, 1, "It names Warsaw and Washington as the seeds do: 0.91, not under 0.50."}
	if diff := cmp.Diff(want, item.Entries[0].Topic); diff != "" || item.Entries[1].Topic != nil {
		t.Error(diff, item.Entries[1].Topic)
	}
}

func TestEntriesAreDecidedByTheAPI(t *testing.T) {
	srv, m, held := moderated(t)
	id := held["wire "+ingest.RuleDoubtful]
	for _, step := range []struct {
		verb string
		want feed.DecisionKind
	}{{"accept", feed.Published}, {"undo", feed.Held}, {"refuse", feed.Rejected}} {
		a := post(t, srv, fmt.Sprintf("/api/entries/%d/%s", id, step.verb), "")
		wantStatus(t, a, http.StatusOK)
		if got := decode[heldJSON](t, a); got.Decision != step.want || got.ID != id {
			t.Errorf("after %s: %+v", step.verb, got)
		}
	}
	if len(m.asked) != 3 {
		t.Errorf("asked for %v", m.asked)
	}
	wantError(t, post(t, srv, "/api/entries/99999/accept", ""), 404, feed.CodeNotFound)
	wantError(t, post(t, srv, "/api/entries/x/accept", ""), 400, feed.CodeInvalid)
	path := fmt.Sprintf("/api/entries/%d/accept", id)
	wantError(t, ask(t, srv, http.MethodPost, path, ""), 401, feed.CodeDenied)
	wantError(t, ask(t, srv, http.MethodPost, path, "", "Authorization", "Bearer "+readerKey), 401, feed.CodeDenied)
	wantError(t, post(t, newServer(t, m.st), path, ""), 503, feed.CodeUnavailable)
}

// press sends the form of a page of entries, logged in.
func press(t *testing.T, srv *Server, target, verb string, id int64) answer {
	t.Helper()
	body := url.Values{verb: {fmt.Sprint(id)}}.Encode()
	return ask(t, srv, http.MethodPost, "https://guarantees.example"+target, body, append(login(t, srv), "Content-Type", formType)...)
}

func TestEntriesAreDecidedByTheForm(t *testing.T) {
	srv, m, held := moderated(t)
	id := held["wire "+ingest.RuleDoubtful]
	a := press(t, srv, "/held?rule=topic+doubtful", "accept", id)
	wantStatus(t, a, http.StatusSeeOther)
	back := fmt.Sprintf("/held?entry=%d&rule=topic+doubtful", id)
	wantField(t, a, "Location", back)
	page := get(t, srv, back, login(t, srv)...).body
	for _, want := range []string{"Let in", fmt.Sprintf(`name="undo" value="%d"`, id)} {
		if !strings.Contains(page, want) {
			t.Errorf("after accepting, the page has no %s:\n%s", want, page)
		}
	}
	if review := get(t, srv, "/topic/review", login(t, srv)...).body; !strings.Contains(review, "Lately decided") || !strings.Contains(review, fmt.Sprintf(`name="undo" value="%d"`, id)) {
		t.Error("what was decided is not listed to be undone")
	}
	wantStatus(t, press(t, srv, "/topic/review", "undo", id), http.StatusSeeOther)
	wantStatus(t, press(t, srv, "/topic/review", "refuse", id), http.StatusSeeOther)
	want := []string{fmt.Sprint("accept ", id), fmt.Sprint("undo ", id), fmt.Sprint("refuse ", id)}
	if diff := cmp.Diff(want, m.asked); diff != "" {
		t.Error(diff)
	}
}

func TestABadFormOfEntriesDecidesNothing(t *testing.T) {
	srv, m, held := moderated(t)
	id := held["wire "+ingest.RuleDoubtful]
	wantStatus(t, press(t, srv, "/held", "accept", 0), http.StatusBadRequest)
	wantStatus(t, press(t, srv, "/held", "publish", id), http.StatusBadRequest)
	wantStatus(t, press(t, srv, "/held?before=x", "accept", id), http.StatusBadRequest)
	inAddress := ask(t, srv, http.MethodPost, fmt.Sprintf("/held?accept=%d", id), "", login(t, srv)...)
	wantStatus(t, inAddress, http.StatusBadRequest)
	if len(m.asked) != 0 {
		t.Errorf("something was decided: %v", m.asked)
	}
	wantStatus(t, press(t, newServer(t, m.st), "/held", "accept", id), http.StatusServiceUnavailable)
	letter := fmt.Sprintf("/held?entry=%d", held["letter "+ingest.RuleDoubtful])
	wantStatus(t, get(t, srv, letter), http.StatusNotFound)
	wantStatus(t, get(t, srv, letter, login(t, srv)...), http.StatusOK)
}

func TestNothingPrivateIsShownWithWhatWasHeld(t *testing.T) {
	srv, _, _ := moderated(t)
	for _, target := range []string{"/topic", "/topic/review", "/held", "/held?rule=topic+doubtful", "/api/topic", "/api/held", "/held.atom?key=" + readerKey, "/held.json?key=" + readerKey} {
		a := get(t, srv, target)
		wantStatus(t, a, http.StatusOK)
		for _, secret := range []string{"Secret Letter", "letter.example/members/feed", "/srv/tributary", sampleToken, readerKey} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s shows %q", target, secret)
			}
		}
		if !strings.Contains(target, "key=") && strings.Contains(a.body, "For members") {
			t.Errorf("%s shows strangers what a private source brought", target)
		}
	}
}

func TestManyHeldEntriesComeInPages(t *testing.T) {
	st, _ := topicStore(t)
	src, err := st.Source(t.Context(), "wire")
	must(t, err)
	must(t, st.Write(t.Context(), func(tx *store.Tx) error {
		for i := range 2 * heldShown {
			e := feed.Entry{SourceID: src.ID, Title: fmt.Sprint("Entry ", i), FirstSeen: noon, Decision: feed.Decision{Kind: feed.Held, Rule: ingest.RuleOffTopic}}
			e.Keys.Identity = key(e.Title)
			if err := tx.InsertEntry(t.Context(), &e); err != nil {
				return err
			}
		}
		return nil
	}))
	srv, target, seen := newServer(t, st), "/held?rule=topic", 0
	for pages := 1; ; pages++ {
		a := get(t, srv, target)
		wantStatus(t, a, http.StatusOK)
		seen += strings.Count(a.body, "<article")
		_, rest, more := strings.Cut(a.body, `<a href="/held?before=`)
		if !more {
			if seen != 2*heldShown+1 || pages != 3 {
				t.Errorf("%d entries on %d pages", seen, pages)
			}
			return
		}
		before, _, _ := strings.Cut(rest, `"`)
		target = "/held?before=" + strings.ReplaceAll(before, "&amp;", "&")
	}
}

func TestTheFeedOfWhatWasHeldNeedsAReaderKey(t *testing.T) {
	var logged bytes.Buffer
	srv, _, _ := moderated(t)
	srv.log, srv.opt.AccessLog = textLogger(&logged), true
	for _, way := range [][]string{{"/held.atom"}, {"/held.atom?key="}, {"/held.atom?key=wrong"}, {"/held.atom?key=" + url.QueryEscape(sampleToken)}, {"/held.atom", "Authorization", withToken}} {
		a := get(t, srv, way[0], way[1:]...)
		wantStatus(t, a, http.StatusUnauthorized)
		wantField(t, a, "WWW-Authenticate", `Bearer realm="tributary"`)
		if !strings.Contains(a.body, "tributary key add NAME") {
			t.Errorf("%v: nothing is said of how to get a key:\n%s", way, a.body)
		}
	}
	for _, way := range [][]string{{"/held.atom?key=" + readerKey}, {"/held.json", "Authorization", "Bearer " + readerKey}} {
		a := get(t, srv, way[0], way[1:]...)
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Cache-Control", "private, max-age=900")
		wantField(t, a, "Referrer-Policy", "no-referrer")
		if again := get(t, srv, way[0], append(way[1:], "If-None-Match", a.Header.Get("Etag"))...); again.StatusCode != http.StatusNotModified {
			t.Errorf("who has the document gets %d", again.StatusCode)
		}
	}
	for _, secret := range []string{readerKey, "wrong", "key=", "correct"} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("%q is logged", secret)
		}
	}
}

func TestGuessingReaderKeysIsSlow(t *testing.T) {
	srv, _, _ := moderated(t)
	for range wrongAtOnce {
		wantStatus(t, get(t, srv, "/held.atom?key=guess"), http.StatusUnauthorized)
	}
	a := get(t, srv, "/held.atom?key=guess")
	wantStatus(t, a, http.StatusTooManyRequests)
	wantField(t, a, "Retry-After", "13")
	wantStatus(t, get(t, srv, "/held.atom?key="+readerKey), http.StatusOK)
}

func TestTheFeedOfWhatWasHeldTellsWhy(t *testing.T) {
	srv, _, held := moderated(t)
	parsed := readFeed(t, srv, "/held.atom?key="+readerKey)
	want := []string{"Sicherheitsgarantien für die Donaudampfschifffahrtsgesellschaft", "Envoys meet in Geneva, and say nothing on the stairs of the old palace of nations afterwards",
		"Horoscope for the week", "For members: what the envoy did not say", "Rowing club ends the season with a gold medal"}
	if diff := cmp.Diff(want, titles(parsed)); diff != "" {
		t.Error(diff)
	}
	id := held["wire "+ingest.RuleDoubtful]
	top := fmt.Sprintf(`<p><strong>Held: doubtful, score 0.412.</strong> It names Geneva as the seeds do: 0.41, under 0.50. <a href="https://guarantees.example/held?before=%d#entry-%d">Look it over</a></p>`, id+1, id)
	if got := parsed.Items[1].Content; !strings.HasPrefix(got, top) {
		t.Errorf("the content begins %.300s", got)
	}
	if parsed.FeedLink != "https://guarantees.example/held.atom" {
		t.Errorf("self is %s", parsed.FeedLink)
	}
	var ids struct {
		ID string `xml:"id"`
	}
	must(t, xml.Unmarshal([]byte(get(t, srv, "/held.atom?key="+readerKey).body), &ids))
	if ids.ID == "urn:uuid:"+sampleOptions().Site.ID || !strings.HasPrefix(ids.ID, "urn:uuid:") {
		t.Errorf("the feed's id is %s", ids.ID)
	}
}

// The W3C's validator must find nothing. It cannot send a header, and the
// address that it asks must be the one that the document names, without a key.
func TestTheW3CValidatorFindsNothingInWhatWasHeld(t *testing.T) {
	checkout := os.Getenv("VALIDATOR")
	if checkout == "" {
		t.Skip("VALIDATOR does not name a checkout of the W3C feed validator (make validate VALIDATOR=path)")
	}
	if !filepath.IsAbs(checkout) {
		checkout = filepath.Join("..", checkout)
	}
	st, _ := topicStore(t)
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	srv := newServer(t, st, func(o *Options) { o.Site.BaseURL = site.URL })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+readerKey)
		srv.Handler().ServeHTTP(w, r)
	})
	validate := exec.CommandContext(t.Context(), "/usr/bin/python3", "demo.py", site.URL+"/held.atom")
	validate.Dir = filepath.Join(checkout, "src")
	if out, err := validate.CombinedOutput(); err != nil || !strings.Contains(string(out), "No errors or warnings") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAnEntryIsLetInFromThePageInOneStep(t *testing.T) {
	srv, m, held := moderated(t)
	site := httptest.NewServer(srv.Handler())
	t.Cleanup(site.Close)
	tab, complaints := tab(browser(t), t)
	id := held["wire "+ingest.RuleDoubtful]
	button := func(verb string) chromedp.CSS {
		return chromedp.CSS(fmt.Sprintf(`button[name=%s][value="%d"]`, verb, id))
	}
	must(t, chromedp.Do(tab, looks[0].Set(), chromedp.Navigate(site.URL+"/login?next=/topic/review"),
		chromedp.SendKeys(chromedp.CSS("#token"), sampleToken+"\r"), chromedp.WaitVisible(button("accept"))))
	if address := run(tab, t, chromedp.Location()); len(m.asked) != 0 || address != site.URL+"/topic/review" {
		t.Errorf("logging in decides, or leads elsewhere: %v at %s", m.asked, address)
	}
	must(t, chromedp.Do(tab, chromedp.Focus(button("accept")), chromedp.KeyEvent("\r"), chromedp.WaitVisible(button("undo"))))
	if said := run(tab, t, chromedp.Text(chromedp.CSS("[role=status]"))); !strings.Contains(said, "Let in") {
		t.Errorf("after letting in, the page says %q", said)
	}
	for _, fault := range browsertest.Faults(tab, t) {
		t.Error(fault)
	}
	must(t, chromedp.Do(tab, chromedp.Click(button("undo")), chromedp.WaitVisible(button("accept"))))
	if want := []string{fmt.Sprint("accept ", id), fmt.Sprint("undo ", id)}; !slices.Equal(want, m.asked) {
		t.Errorf("asked for %v, want %v", m.asked, want)
	}
	for _, c := range complaints() {
		t.Error(c)
	}
}
