package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

const withToken = "Bearer " + sampleToken

// post sends a request with the token.
func post(t *testing.T, srv *Server, target, body string) answer {
	t.Helper()
	return ask(t, srv, http.MethodPost, target, body, "Authorization", withToken)
}

// decode reads a JSON answer.
func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	wantField(t, a, "Content-Type", "application/json; charset=utf-8")
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in:\n%s", err, a.body)
	}
	return v
}

// wantError compares an error's status and code; its message must be a sentence.
func wantError(t *testing.T, a answer, status int, code feed.Code) {
	t.Helper()
	wantStatus(t, a, status)
	e := decode[apiError](t, a)
	if e.Error.Code != code || len(e.Error.Message) < 10 {
		t.Errorf("error %+v, want code %q", e.Error, code)
	}
}

func TestIngestIsStartedByHand(t *testing.T) {
	for _, c := range []struct {
		name, target, body string
		want               feed.RunRequest
	}{
		{"all", "/api/ingest", "", feed.RunRequest{Trigger: "api"}},
		{"some, by slug, URL and name", "/api/ingest?source=wire&source=https://riverpost.example/feed&source=Abendblatt+am+Strom", "",
			feed.RunRequest{Trigger: "api", Sources: []string{"wire", "river-post", "abendblatt"}}},
		{"by force", "/api/ingest?force=1", "", feed.RunRequest{Trigger: "api", Force: true}},
		{"not by force", "/api/ingest?force=0", "", feed.RunRequest{Trigger: "api"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := newServer(t, sampleStore(t))
			a := post(t, srv, c.target, c.body)
			wantStatus(t, a, http.StatusAccepted)
			wantField(t, a, "Location", "/api/runs/run-2")
			if got := decode[map[string]string](t, a); got["id"] != "run-2" {
				t.Errorf("answer %v", got)
			}
			if diff := cmp.Diff([]feed.RunRequest{c.want}, srv.runner.(*scheduler).requests); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIngestTakesAFormToo(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	form := url.Values{"source": {"wire", "river-post"}, "force": {"1"}}
	a := ask(t, srv, http.MethodPost, "/api/ingest", form.Encode(), "Authorization", withToken, "Content-Type", "application/x-www-form-urlencoded")
	wantStatus(t, a, http.StatusAccepted)
	want := []feed.RunRequest{{Trigger: "api", Sources: []string{"wire", "river-post"}, Force: true}}
	if diff := cmp.Diff(want, srv.runner.(*scheduler).requests); diff != "" {
		t.Error(diff)
	}
}

func TestIngestCanBeWaitedFor(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	srv.runner.(*scheduler).report = sampleReports()[1]
	a := post(t, srv, "/api/ingest?wait=1", "")
	wantStatus(t, a, http.StatusOK)
	if diff := cmp.Diff(sampleReports()[1], decode[feed.Report](t, a)); diff != "" {
		t.Error(diff)
	}
}

func TestAWaitMayOutlastTheServersTimeLimits(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	srv.runner.(*scheduler).takes = 400 * time.Millisecond
	srv.runner.(*scheduler).report = sampleReports()[1]
	site := httptest.NewUnstartedServer(nil)
	site.Config = srv.HTTP("")
	site.Config.ReadTimeout, site.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	site.Start()
	defer site.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site.URL+"/api/ingest?wait=1", nil)
	must(t, err)
	req.Header.Set("Authorization", withToken)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestStrangersAreNotToldWhatIsBrokenInside(t *testing.T) {
	st := &failingStore{Store: sampleStore(t), item: feed.Errorf(feed.CodeUnavailable, "/srv/tributary/db is locked; is another program using it?")}
	srv := New(sampleOptions(), st, &scheduler{st: st}, catalogue{})
	for token, want := range map[string]bool{"": false, withToken: true} {
		a := get(t, srv, "/api/items/abcdef", "Authorization", token)
		wantError(t, a, 503, feed.CodeUnavailable)
		if got := strings.Contains(a.body, "/srv/"); got != want {
			t.Errorf("with %q: %s", token, a.body)
		}
	}
}

func TestBadRequestsSayWhatIsWrong(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	wantError(t, post(t, srv, "/api/ingest?source=nobody", ""), 404, feed.CodeNotFound)
	wantError(t, post(t, srv, "/api/ingest?force=perhaps", ""), 400, feed.CodeInvalid)
	wantError(t, post(t, srv, "/api/ingest?wait=long", ""), 400, feed.CodeInvalid)
	wantError(t, get(t, srv, "/api/runs/unknown"), 404, feed.CodeNotFound)
	wantError(t, get(t, srv, "/api/runs?limit=0"), 400, feed.CodeInvalid)
	wantError(t, get(t, srv, "/api/items?limit=lots"), 400, feed.CodeInvalid)
	wantError(t, get(t, srv, "/api/items/ffffffff"), 404, feed.CodeNotFound)
	wantError(t, get(t, srv, "/api/sources/nobody"), 404, feed.CodeNotFound)
	wantError(t, get(t, srv, "/api/elsewhere"), 404, feed.CodeNotFound)
	if len(srv.runner.(*scheduler).requests) != 0 {
		t.Error("something was started all the same")
	}
	srv.runner.(*scheduler).err = feed.Errorf(feed.CodeConflict, "another process is ingesting; wait for it")
	wantError(t, post(t, srv, "/api/ingest", ""), 409, feed.CodeConflict)
}

func TestChangesNeedTheToken(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, c := range []struct{ method, target string }{
		{"POST", "/api/ingest"}, {"POST", "/api/sources"}, {"DELETE", "/api/sources/wire"},
		{"POST", "/api/items/3e2b1d85/split"}, {"POST", "/api/items/3e2b1d85/merge"},
		{"POST", "/api/ingest?token=" + url.QueryEscape(sampleToken)},
	} {
		a := ask(t, srv, c.method, c.target, `{"url":"https://new.example/feed"}`)
		wantError(t, a, 401, feed.CodeDenied)
		wantField(t, a, "WWW-Authenticate", `Bearer realm="tributary"`)
	}
	a := ask(t, srv, "POST", "/api/ingest", "token="+url.QueryEscape(sampleToken), "Content-Type", "application/x-www-form-urlencoded", "Cookie", "token="+sampleToken)
	wantError(t, a, 401, feed.CodeDenied)
	if len(srv.runner.(*scheduler).requests) != 0 {
		t.Error("something was started")
	}
	sources, err := srv.store.Sources(t.Context())
	must(t, err)
	if len(sources) != len(sampleSources()) {
		t.Error("the sources changed")
	}
}

func TestAWrongTokenIsAnErrorAlsoWhereNoneIsNeeded(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	for _, header := range []string{"Bearer wrong", "Basic " + sampleToken, sampleToken, "Bearer " + sampleToken + "x", "Bearer"} {
		a := get(t, newServer(t, st), "/api/sources", "Authorization", header)
		wantError(t, a, 401, feed.CodeDenied)
	}
	wantStatus(t, get(t, srv, "/api/sources", "Authorization", "bearer "+sampleToken), 200) // the scheme has no case
}

func TestWithoutAConfiguredTokenNobodyIsLetIn(t *testing.T) {
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Token = "" })
	wantError(t, ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer "), 401, feed.CodeDenied)
	wantError(t, ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer x"), 401, feed.CodeDenied)
}

func TestGuessingTokensIsSlow(t *testing.T) {
	now := noon
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Now = func() time.Time { return now } })
	for range wrongAtOnce {
		wantError(t, ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer guess"), 401, feed.CodeDenied)
	}
	a := ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer guess")
	wantError(t, a, 429, feed.CodeDenied)
	wantField(t, a, "Retry-After", "13")
	form := ask(t, srv, "POST", "/login", "token=guess", "Content-Type", formType)
	wantStatus(t, form, 429)
	now = now.Add(wrongEvery)
	wantError(t, ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer guess"), 401, feed.CodeDenied)
	wantError(t, ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer guess"), 429, feed.CodeDenied)
}

func TestTheRightTokenPassesWhateverOthersGuess(t *testing.T) {
	now := noon
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Now = func() time.Time { return now } })
	for range 2 * wrongAtOnce {
		wantStatus(t, post(t, srv, "/api/ingest", ""), 202)
		ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer guess")
	}
	wantError(t, ask(t, srv, "POST", "/api/ingest", "", "Authorization", "Bearer guess"), 429, feed.CodeDenied)
	wantStatus(t, post(t, srv, "/api/ingest", ""), 202)
}

func TestTheTokenShowsWhatIsPrivate(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	all := decode[[]sourceJSON](t, get(t, srv, "/api/sources", "Authorization", withToken))
	open := decode[[]sourceJSON](t, get(t, srv, "/api/sources"))
	if len(all) != 8 || len(open) != 6 {
		t.Errorf("%d sources with the token, %d without", len(all), len(open))
	}
	if all[0].URL != "/srv/tributary/seeds" || open[0].URL != "" {
		t.Errorf("the folder's path: %q with the token, %q without", all[0].URL, open[0].URL)
	}
	run := get(t, srv, "/api/runs/run-2", "Authorization", withToken)
	if !strings.Contains(run.body, "Secret Letter") {
		t.Error("the token does not show a private source in a report")
	}
	wantStatus(t, get(t, srv, "/api/sources/letter", "Authorization", withToken), 200)
}

func TestASourceIsAddedAndRemoved(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	a := post(t, srv, "/api/sources", `{"url": "https://new.example/", "name": "New", "every": "2h", "tags": ["a", "b"], "private": true}`)
	wantStatus(t, a, http.StatusCreated)
	wantField(t, a, "Location", "/api/sources/added")
	got := decode[addedJSON](t, a)
	if got.Found != "an Atom feed" || !got.Private || got.Every != "2h" || len(got.Tags) != 2 || got.URL != "https://new.example/" {
		t.Errorf("added %+v", got)
	}
	wantStatus(t, get(t, srv, "/api/sources/added", "Authorization", withToken), 200)
	removed := ask(t, srv, http.MethodDelete, "/api/sources/added?purge=1", "", "Authorization", withToken)
	wantStatus(t, removed, http.StatusNoContent)
	wantError(t, ask(t, srv, http.MethodDelete, "/api/sources/added", "", "Authorization", withToken), 404, feed.CodeNotFound)
}

func TestASourceThatCannotBeReadIsAnError(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for body, status := range map[string]int{
		``:                           400,
		`[]`:                         400,
		`{"url": ""}`:                400,
		`{"uri": "https://x/"}`:      400,
		`{"url": "https://x/"} more`: 400,
		`{"url": 7}`:                 400,
		`{"url": "` + strings.Repeat("x", apiBytes) + `"}`: 413,
	} {
		wantStatus(t, post(t, srv, "/api/sources", body), status)
	}
	srv.sources = catalogue{err: feed.Errorf(feed.CodeUnavailable, "https://new.example/ does not answer; try again later")}
	wantError(t, post(t, srv, "/api/sources", `{"url": "https://new.example/"}`), 503, feed.CodeUnavailable)
}

func TestItemsAreListedAndReadByTheAPI(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	list := decode[[]itemJSON](t, get(t, srv, "/api/items?limit=3"))
	if len(list) != 3 || list[0].Title != "Paris meeting to put names under a plan for a multinational force" || list[0].Content != "" {
		t.Errorf("listed %+v", list)
	}
	one := decode[itemJSON](t, get(t, srv, "/api/items/3e2b1d"))
	want := itemJSON{
		ID: "3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", URN: "urn:uuid:3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004",
		Title: "Polish prime minister sees American soldiers on the border as part of a peace",
		Page:  "https://guarantees.example/items/3e2b1d85-0f4a-5b3d-9c9e-4a5f6e7d8004", URL: "https://riverpost.example/2025/12/30/border",
		Source: "river-post", SourceName: "The River Post", Published: at(time.December, 30, 14, 2), PublishedFrom: "feed", Updated: at(time.December, 30, 14, 2),
		AlsoAt: []copyJSON{
			{Source: "Abendblatt am Strom", URL: "https://abendblatt.example/ticker/991", Title: "Polish prime minister sees American soldiers on the border as part of a peace"},
			{Source: "Capital Wire", URL: "https://wire.example/a/8812", Title: "Polish prime minister sees American soldiers on the border as part of a peace"},
		},
	}
	if len(one.Entries) != 3 || one.Covered != 3 {
		t.Errorf("%d entries, %d other items", len(one.Entries), one.Covered)
	}
	one.Content, one.Summary, one.Entries, one.Coverage, one.Covered, one.Story = "", "", nil, nil, 0, nil // see TestTheAPIExplainsAnItem
	if diff := cmp.Diff(want, one); diff != "" {
		t.Error(diff)
	}
	must(t, st.Hide(t.Context(), one.ID, true, noon))
	wantError(t, get(t, srv, "/api/items/3e2b1d"), 410, feed.CodeNotFound)
}
