package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tributary/store"
)

// keyring makes reader keys that tests can tell beforehand.
type keyring struct{ st *store.Store }

func (k keyring) Make(ctx context.Context, name string) (string, error) {
	sum := sha256.Sum256([]byte("key-of-" + name))
	return "key-of-" + name, k.st.AddReaderKey(ctx, name, hex.EncodeToString(sum[:]), noon)
}

func (k keyring) Remove(ctx context.Context, name string) error { return k.st.DropReaderKey(ctx, name) }

// private serves a private site.
func private(t *testing.T, change ...func(*Options)) *Server {
	t.Helper()
	return everything(t, append(change, func(o *Options) { o.Private = true })...)
}

func TestAPrivateSiteShowsStrangersNothing(t *testing.T) {
	srv := private(t)
	before := state(t, srv)
	for _, pattern := range slices.Sorted(maps.Keys(srv.table())) {
		path := concrete(srv, pattern)
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			a := ask(t, srv, method, path, "")
			switch {
			case slices.Contains(openPaths, pattern):
				if a.StatusCode == http.StatusUnauthorized || strings.Contains(a.Header.Get("Location"), "/login") {
					t.Errorf("%s %s is not open: %d", method, path, a.StatusCode)
				}
			case strings.HasPrefix(path, "/api/"), path == "/metrics", strings.HasSuffix(path, ".atom"), strings.HasSuffix(path, ".rss"), strings.HasSuffix(path, ".json"):
				held := (strings.HasPrefix(path, "/held.") || strings.HasPrefix(path, "/ops.")) && a.StatusCode == http.StatusMethodNotAllowed || method == http.MethodOptions
				if a.StatusCode != http.StatusUnauthorized && !held {
					t.Errorf("%s %s: %d, want 401", method, path, a.StatusCode)
				}
			default:
				if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/login?next=") {
					t.Errorf("%s %s: %d to %q, want the page to log in", method, path, a.StatusCode, to)
				}
			}
			for _, secret := range []string{"envoys", "Envoys", "River Post", "ministry", "wire.example", "Atom", "feed.atom", "stories.", "/sources.opml", "tributary_items"} {
				if strings.Contains(a.body, secret) && pattern != "/assets/{name}" {
					t.Errorf("%s %s shows %q:\n%s", method, path, secret, a.body)
				}
			}
		}
	}
	for _, unknown := range []string{"/nowhere", "/items", "/api/nothing", "/feed.xml"} {
		a := get(t, srv, unknown)
		wantStatus(t, a, http.StatusNotFound)
		if strings.Contains(a.body, "feed.") || strings.Contains(a.body, "Topic") {
			t.Errorf("%s shows strangers what there is:\n%s", unknown, a.body)
		}
	}
	// That there is an item, or a run, does not show either.
	for path, other := range map[string]string{"/items/" + borderID: "/items/none", "/runs/run-2": "/runs/none", "/api/runs/run-2": "/api/runs/none"} {
		if a, b := get(t, srv, path), get(t, srv, other); a.StatusCode != b.StatusCode || a.body != b.body && !strings.Contains(a.body, "login") {
			t.Errorf("%s is answered with %d, %s with %d", path, a.StatusCode, other, b.StatusCode)
		}
	}
	if after := state(t, srv); after != before {
		t.Errorf("something has changed: %s, was %s", after, before)
	}
}

func TestAPrivateSiteIsOpenToWhoLogsIn(t *testing.T) {
	srv := private(t)
	session := login(t, srv)
	for _, path := range []string{"/", "/sources", "/runs", "/runs/run-2", "/topic", "/held", "/items/" + borderID, "/keys", "/sources.opml", "/feed.atom", "/stories.json"} {
		a := get(t, srv, path, session...)
		wantStatus(t, a, http.StatusOK)
		if cache := a.Header.Get("Cache-Control"); cache != "no-store" && !strings.HasPrefix(cache, "private, ") {
			t.Errorf("%s may be kept for others: %s", path, cache)
		}
	}
	for _, path := range []string{"/api/items", "/api/sources", "/metrics"} { // the API takes the token only
		wantStatus(t, get(t, srv, path, session...), http.StatusUnauthorized)
		wantStatus(t, get(t, srv, path, "Authorization", withToken), http.StatusOK)
	}
}

func TestAFeedOfAPrivateSiteNeedsAReaderKey(t *testing.T) {
	var logged bytes.Buffer
	srv := private(t, func(o *Options) { o.Logger, o.AccessLog = textLogger(&logged), true })
	for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/stories.rss", "/stories.json", "/feed.json?min_sources=2"} {
		join := map[bool]string{false: "?key=", true: "&key="}[strings.Contains(path, "?")]
		for _, way := range [][]string{{path}, {path + join}, {path + join + "wrong"}, {path, "Authorization", withToken}} {
			srv.guard = newGuard(sampleToken, srv.opt.Now)
			a := get(t, srv, way[0], way[1:]...)
			wantStatus(t, a, http.StatusUnauthorized)
			wantField(t, a, "WWW-Authenticate", `Bearer realm="tributary"`)
			wantField(t, a, "Cache-Control", "no-store")
		}
		byKey, byHeader := get(t, srv, path+join+readerKey), get(t, srv, path, "Authorization", "Bearer "+readerKey)
		wantStatus(t, byKey, http.StatusOK)
		wantStatus(t, byHeader, http.StatusOK)
		wantField(t, byKey, "Cache-Control", "private, max-age=900")
		wantField(t, byHeader, "ETag", byKey.Header.Get("ETag"))
		if byKey.body != byHeader.body || strings.Contains(byKey.body, readerKey) || strings.Contains(byKey.body, "key=") {
			t.Errorf("%s: the document tells its reader's key", path)
		}
		wantStatus(t, get(t, srv, path+join+readerKey, "If-None-Match", byKey.Header.Get("ETag")), http.StatusNotModified)
		wantStatus(t, get(t, srv, path, "If-None-Match", byKey.Header.Get("ETag")), http.StatusUnauthorized)
	}
	must(t, srv.opt.Keys.Remove(t.Context(), "anna"))
	wantStatus(t, get(t, srv, "/feed.atom?key="+readerKey), http.StatusUnauthorized)
	wantStatus(t, get(t, srv, "/held.atom?key="+readerKey), http.StatusUnauthorized)
	for _, secret := range []string{readerKey, "key=", "correct"} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("%q is logged", secret)
		}
	}
}

func TestAReaderKeyOpensFeedsAndNothingElse(t *testing.T) {
	srv := private(t)
	for _, path := range []string{"/", "/sources.opml", "/items/" + borderID, "/keys", "/api/items", "/api/held", "/metrics", "/runs"} {
		srv.guard = newGuard(sampleToken, srv.opt.Now)
		for _, a := range []answer{get(t, srv, path+"?key="+readerKey), get(t, srv, path, "Authorization", "Bearer "+readerKey)} {
			if a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusSeeOther {
				t.Errorf("%s is open to a reader's key: %d", path, a.StatusCode)
			}
		}
	}
}

func TestPagesOfAPrivateSiteNameNoFeedsToStrangers(t *testing.T) {
	srv := private(t)
	for _, path := range []string{"/login", "/fetching", "/nowhere", "/feed.atom"} {
		a := get(t, srv, path)
		for _, link := range []string{`rel="alternate"`, "/feed.", "/stories.", "/sources.opml", `role="search"`} {
			if strings.Contains(a.body, link) {
				t.Errorf("%s shows strangers %s", path, link)
			}
		}
	}
	if a := get(t, srv, "/login"); !strings.Contains(a.body, "This site is private.") {
		t.Error("the page to log in does not say why")
	}
	if a := get(t, newServer(t, sampleStore(t)), "/login"); !strings.Contains(a.body, `rel="alternate"`) {
		t.Error("a public site hides its feeds")
	}
}

func TestKeysAreMadeAndRemovedOnThePage(t *testing.T) {
	srv := private(t, func(o *Options) { o.Site.BaseURL = "https://example.org/news" })
	session := append(login(t, srv), "Content-Type", formType)
	made := ask(t, srv, http.MethodPost, "/keys", "name=+phone+", session...)
	wantStatus(t, made, http.StatusOK)
	wantField(t, made, "Cache-Control", "no-store")
	for _, want := range []string{"https://example.org/news/feed.atom?key=key-of-phone", "https://example.org/news/held.atom?key=key-of-phone", "https://example.org/news/ops.atom?key=key-of-phone", "the only time"} {
		if !strings.Contains(made.body, want) {
			t.Errorf("the page of a new key does not say %s", want)
		}
	}
	wantStatus(t, get(t, srv, "/feed.atom?key=key-of-phone"), http.StatusOK)
	again := ask(t, srv, http.MethodPost, "/keys", "name=phone", session...)
	wantStatus(t, again, http.StatusConflict)
	if !strings.Contains(again.body, `role="alert"`) || strings.Contains(again.body, "key-of-phone") {
		t.Error("a name that is taken is not told so, or the key is shown again")
	}
	list := get(t, srv, "/keys", session...)
	if !strings.Contains(list.body, "phone") || !strings.Contains(list.body, "anna") || strings.Contains(list.body, "key-of") {
		t.Error("the keys are not listed by name, or are shown")
	}
	removed := ask(t, srv, http.MethodPost, "/keys", url.Values{"remove": {"phone"}}.Encode(), session...)
	wantStatus(t, removed, http.StatusSeeOther)
	wantField(t, removed, "Location", "/news/keys?done=removed")
	wantStatus(t, get(t, srv, "/feed.atom?key=key-of-phone"), http.StatusUnauthorized)
	wantStatus(t, ask(t, srv, http.MethodPost, "/keys", url.Values{"remove": {"phone"}}.Encode(), session...), http.StatusNotFound)
	if public := everything(t); !strings.Contains(get(t, public, "/keys", login(t, public)...).body, "held.atom") {
		t.Error("a public site does not say what a key is for")
	}
}
