package web

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

func TestHubsReachTheirCallbacksOnAPrivateSiteToo(t *testing.T) {
	var logged bytes.Buffer
	srv := private(t, func(o *Options) {
		o.Logger, o.AccessLog = textLogger(&logged), true
		o.Pushed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.Method+" "+r.PathValue("id")) //nolint:errcheck // a recorder
		})
	})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := ask(t, srv, method, "https://guarantees.example/push/4711", "<feed/>", "Content-Type", "application/atom+xml")
		if wantStatus(t, a, http.StatusOK); a.body != method+" 4711" {
			t.Errorf("%s: %q", method, a.body)
		}
	}
	if strings.Contains(logged.String(), "4711") || !strings.Contains(logged.String(), "/push/{id}") {
		t.Errorf("the log tells where documents can be sent:\n%s", logged.String())
	}
	wantStatus(t, ask(t, private(t), http.MethodPost, "/push/4711", ""), http.StatusNotFound)
}

func TestPushedDocumentsAreCounted(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	srv.CountPush("forged")
	if a := ask(t, srv, http.MethodGet, "/metrics", "", "Authorization", withToken); !strings.Contains(a.body, `tributary_pushes_total{result="forged"} 1`) {
		t.Error(a.body)
	}
}

func TestASourcesPageSaysHowItIsPushed(t *testing.T) {
	st := sampleStore(t)
	var src feed.Source
	all, err := st.Sources(t.Context())
	must(t, err)
	for _, s := range all {
		if s.Kind == feed.KindFeed && isPublic(s) {
			src = s
		}
	}
	until := time.Date(2026, 1, 16, 9, 30, 0, 0, time.UTC)
	_, err = st.AddPush(t.Context(), feed.Push{ID: "unguessable", Base: "https://us.example/push/", SourceID: src.ID, Secret: "s3cret", State: feed.PushAsked,
		Hub: feed.Hub{URL: "https://hub.example/x", Topic: src.URL}, Next: until})
	must(t, err)
	says := func(want string) {
		t.Helper()
		a := ask(t, newServer(t, st), http.MethodGet, "/sources/"+src.Slug, "")
		if !strings.Contains(a.body, want) || strings.Contains(a.body, "unguessable") || strings.Contains(a.body, "s3cret") {
			t.Errorf("the page does not say %q, or too much:\n%s", want, a.body)
		}
	}
	says("hub.example was asked to push it, and has not confirmed it yet")
	_, err = st.ConfirmPush(t.Context(), "unguessable", until, until)
	must(t, err)
	says("pushed by hub.example until 16 January 2026")
	must(t, st.EndPush(t.Context(), "unguessable", feed.PushRefused, "never <b>", until))
	says("hub.example does not push it to us")
}
