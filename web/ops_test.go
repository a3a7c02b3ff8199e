package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

// withIncidents is a server of the sample where one thing goes on and one is over.
func withIncidents(t testing.TB, change ...func(*Options)) *Server {
	t.Helper()
	st, _ := topicStore(t)
	noteIncidents(t, st, feed.Incident{
		ID: "6ba7b814-9dad-51d1-80b4-00c04fd430c8", Kind: feed.DiskFull, Began: noon, Ended: noon.Add(time.Hour),
		Title: "The disk is nearly full", Text: "Free some space.", Outcome: "There is room again.",
	}, feed.Incident{
		ID: "6ba7b815-9dad-51d1-80b4-00c04fd430c8", Kind: feed.SourceTrouble, Subject: "letter", Began: noon,
		Title: "The Letter is gone", Text: "letter.example answered 410 Gone.\n\nLook on its site for <another>.",
	})
	return newServer(t, st, change...)
}

func noteIncidents(t testing.TB, st *store.Store, incidents ...feed.Incident) {
	t.Helper()
	_, err := st.UpdateIncidents(t.Context(), noon, func([]feed.Incident) feed.Incidents { return feed.Incidents{Save: incidents} })
	must(t, err)
}

func TestTheFeedOfIncidentsNeedsAReaderKey(t *testing.T) {
	for _, private := range []bool{false, true} {
		srv := withIncidents(t, func(o *Options) { o.Private = private })
		for _, target := range []string{"/ops.atom", "/ops.json?key=wrong", "/ops.atom?key=" + url.QueryEscape(sampleToken)} {
			a := get(t, srv, target)
			wantStatus(t, a, http.StatusUnauthorized)
			if strings.Contains(a.body, "Letter") {
				t.Errorf("%s names a source to strangers", target)
			}
		}
		a := get(t, srv, "/ops.json", "Authorization", "Bearer "+readerKey)
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Cache-Control", "private, max-age=10")
		wantField(t, a, "Referrer-Policy", "no-referrer")
		if strings.Contains(a.body, readerKey) {
			t.Error("the document holds the key")
		}
		if diff := cmp.Diff([]string{"The Letter is gone", "Over: The disk is nearly full"}, titles(readFeed(t, srv, "/ops.atom?key="+readerKey))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnAdministratorIsToldOfWhatNeedsALook(t *testing.T) {
	srv := withIncidents(t)
	admin := login(t, srv)
	if body := get(t, srv, "/", admin...).body; !strings.Contains(body, `<a href="/ops">1 thing needs a look</a>`) {
		t.Error("the front page does not tell an administrator")
	}
	if body := get(t, srv, "/").body; strings.Contains(body, "/ops") {
		t.Error("the front page tells strangers")
	}
	wantStatus(t, get(t, srv, "/ops"), http.StatusSeeOther)
	a := get(t, srv, "/ops", admin...)
	wantStatus(t, a, http.StatusOK)
	wantText(t, a, "1 thing goes on.", `<a href="/sources/letter">The Letter is gone</a>`, "Look on its site for &lt;another&gt;.", "Over: The disk is nearly full", "There is room again.")
	calm := newServer(t, sampleStore(t))
	if quiet := get(t, calm, "/", login(t, calm)...).body; strings.Contains(quiet, "a look</a>") {
		t.Error("there is nothing to tell, and it is told")
	}
}

// The W3C's validator must find nothing.
func TestTheW3CValidatorFindsNothingInIncidents(t *testing.T) {
	checkout := os.Getenv("VALIDATOR")
	if checkout == "" {
		t.Skip("VALIDATOR does not name a checkout of the W3C feed validator (make validate VALIDATOR=path)")
	}
	if !filepath.IsAbs(checkout) {
		checkout = filepath.Join("..", checkout)
	}
	mux := http.NewServeMux()
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	srv := withIncidents(t, func(o *Options) { o.Site.BaseURL = site.URL })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+readerKey)
		srv.Handler().ServeHTTP(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	validate := exec.CommandContext(ctx, "/usr/bin/python3", "demo.py", site.URL+"/ops.atom")
	validate.Dir = filepath.Join(checkout, "src")
	if out, err := validate.CombinedOutput(); err != nil || !strings.Contains(string(out), "No errors or warnings") {
		t.Errorf("%v\n%s", err, out)
	}
}
