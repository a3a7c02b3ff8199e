package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

// enter sends the form to log in.
func enter(t testing.TB, srv *Server, token, next string, header ...string) answer {
	t.Helper()
	body := url.Values{"token": {token}, "next": {next}}.Encode()
	return ask(t, srv, http.MethodPost, "https://guarantees.example"+srv.root+"/login", body, append(header, "Content-Type", formType)...)
}

func TestOneTokenLogsInAndLogsOut(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	page := get(t, srv, "/login?next=/runs")
	wantStatus(t, page, http.StatusOK)
	for _, want := range []string{`action="/login"`, `name="next" value="/runs"`, `type="password"`, "<label for=\"token\""} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page to log in has no %s", want)
		}
	}
	in := enter(t, srv, sampleToken+"\n", "/runs")
	wantStatus(t, in, http.StatusSeeOther)
	wantField(t, in, "Location", "/runs")
	wantField(t, in, "Cache-Control", "no-store")
	cookie := in.Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge != int(sessionFor.Seconds()) {
		t.Errorf("the cookie is %s", cookie)
	}
	if strings.Contains(cookie.Value, sampleToken) {
		t.Error("the cookie tells the token")
	}
	session := []string{"Cookie", cookie.Name + "=" + cookie.Value}
	if !strings.Contains(get(t, srv, "/sources", session...).body, "Secret Letter") || strings.Contains(get(t, srv, "/sources").body, "Secret Letter") {
		t.Error("who is logged in sees no private source, or strangers do")
	}
	wantField(t, get(t, srv, "/sources", session...), "Cache-Control", "no-store")
	wantField(t, get(t, srv, "/login?next=/topic", session...), "Location", "/topic") // nothing to do there

	out := ask(t, srv, http.MethodPost, "/logout", "", session...)
	wantStatus(t, out, http.StatusSeeOther)
	if ended := out.Cookies()[0]; ended.MaxAge >= 0 || ended.Path != "/" || ended.Name != cookie.Name {
		t.Errorf("logging out leaves %s", ended)
	}
	wantStatus(t, get(t, srv, "/logout", session...), http.StatusMethodNotAllowed) // a link cannot log out
}

func TestAWrongTokenIsToldSoOnThePage(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for i := range wrongAtOnce {
		a := enter(t, srv, "not it", "/runs")
		wantStatus(t, a, http.StatusForbidden)
		for _, want := range []string{`role="alert"`, "token is wrong", `value="/runs"`, `aria-invalid="true"`} {
			if !strings.Contains(a.body, want) {
				t.Errorf("attempt %d: the page has no %s", i, want)
			}
		}
		if strings.Contains(a.body, "not it") || len(a.Cookies()) > 0 {
			t.Error("the page repeats the token, or logs in")
		}
	}
	a := enter(t, srv, "not it", "/runs")
	wantStatus(t, a, http.StatusTooManyRequests)
	wantField(t, a, "Retry-After", "13")
	if !strings.Contains(a.body, "Try again in 13 seconds") {
		t.Errorf("the page does not say how long to wait:\n%s", a.body)
	}
	wantStatus(t, ask(t, srv, http.MethodPost, "/login?token="+url.QueryEscape(sampleToken), "", "X-Forwarded-For", "10.9.9.9"), http.StatusTooManyRequests) // not from the address line
	wantStatus(t, enter(t, srv, sampleToken, ""), http.StatusSeeOther)
	wantStatus(t, enter(t, srv, strings.Repeat("x", formBytes), ""), http.StatusBadRequest)
}

func TestWithoutATokenNobodyLogsIn(t *testing.T) {
	srv := newServer(t, sampleStore(t), func(o *Options) { o.Token = "" })
	if a := get(t, srv, "/login"); !strings.Contains(a.body, "Nobody can log in here") || strings.Contains(a.body, `id="token"`) {
		t.Error("the page does not say so")
	}
	wantStatus(t, enter(t, srv, "", ""), http.StatusForbidden)
	for _, forged := range []string{newSessions("", srv.opt.Now).forged(nil), newSessions("", srv.opt.Now).forged([]byte{})} {
		wantStatus(t, get(t, srv, "/keys", "Cookie", sessionCookie+"="+forged), http.StatusSeeOther)
	}
}

// forged is a session made with another key.
func (s sessions) forged(key []byte) string {
	s.key = key
	return s.start()
}

func TestASessionEndsInTimeAndWithTheToken(t *testing.T) {
	st, now := sampleStore(t), noon
	srv := newServer(t, st, func(o *Options) { o.Now = func() time.Time { return now } })
	session := login(t, srv)
	admin := func(srv *Server, header ...string) bool {
		return get(t, srv, "/keys", header...).StatusCode == http.StatusOK
	}
	if !admin(srv, session...) || !admin(newServer(t, st), session...) {
		t.Fatal("a session does not last, or ends with a restart")
	}
	if admin(newServer(t, st, func(o *Options) { o.Token = "another horse, another battery" }), session...) {
		t.Error("a new token leaves sessions open")
	}
	now = noon.Add(sessionFor - time.Second)
	if !admin(srv, session...) {
		t.Error("the session ends too early")
	}
	now = noon.Add(sessionFor)
	if admin(srv, session...) {
		t.Error("the session never ends")
	}
}

func TestOnlyOurOwnSessionsCount(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	session := login(t, srv)
	_, value, _ := strings.Cut(session[1], "=")
	claim, mac := value[:strings.LastIndexByte(value, '.')], value[strings.LastIndexByte(value, '.')+1:]
	later := "9" + claim
	for _, bad := range []string{
		"", ".", "..", claim, claim + ".", "." + mac, later + "." + mac, value + "A", value[:len(value)-1], strings.ToUpper(value),
		srv.sessions.forged([]byte("another key")), later + "." + newSessions("x", srv.opt.Now).sign(later), sampleToken,
	} {
		if srv.sessions.valid(bad) {
			t.Errorf("%q is taken for a session", bad)
		}
	}
	// Another Tributary on the same host has a cookie of the same name.
	wantStatus(t, get(t, srv, "/keys", "Cookie", sessionCookie+"="+later+"; "+session[1]), http.StatusOK)
	// The token and reader keys are no sessions, a session is no token.
	wantStatus(t, get(t, srv, "/keys", "Authorization", withToken), http.StatusSeeOther)
	wantError(t, ask(t, srv, http.MethodPost, "/api/ingest", "", session...), 401, feed.CodeDenied)
	wantError(t, get(t, srv, "/api/sources", "Authorization", "Bearer "+value), 401, feed.CodeDenied)
}

func TestTheCookieIsForTLSWhereThereIsSome(t *testing.T) {
	for _, c := range []struct {
		base, proto, origin string
		proxies             []netip.Prefix
		secure              bool
	}{
		{"https://guarantees.example", "", "", nil, true},
		{"https://guarantees.example", "", "https://guarantees.example", nil, true},
		{"https://guarantees.example", "", "http://example.com", nil, false}, // past the proxy, where a cookie for TLS would be lost
		{"http://guarantees.example", "", "", nil, false},
		{"http://guarantees.example", "https", "", nil, false}, // anybody may say so
		{"http://guarantees.example", "https", "", prefixes("192.0.2.0/24"), true},
		{"http://guarantees.example", "http", "", prefixes("192.0.2.0/24"), false},
	} {
		srv := newServer(t, openStore(t), func(o *Options) { o.Site.BaseURL, o.TrustedProxies = c.base, c.proxies })
		r := []string{"X-Forwarded-Proto", c.proto, "Content-Type", formType}
		if c.origin != "" {
			r = append(r, "Origin", c.origin)
		}
		a := ask(t, srv, http.MethodPost, "/login", "token="+url.QueryEscape(sampleToken), r...)
		wantStatus(t, a, http.StatusSeeOther)
		if got := a.Cookies()[0].Secure; got != c.secure {
			t.Errorf("%+v: Secure is %v", c, got)
		}
	}
}

func TestLoggingInLeadsBackAndNowhereElse(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for next, want := range map[string]string{
		"/runs": "/runs", "/held?rule=topic+doubtful#entry-3": "/held?rule=topic+doubtful#entry-3", "/": "/", "": "/",
		"https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "javascript:alert(1)": "/", "evil.example": "/",
		"/\t/evil.example": "/", "/login": "/", "/login?next=/runs": "/", "http:///evil.example": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x",
	} {
		if got := srv.ownPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	below := newServer(t, sampleStore(t), func(o *Options) { o.Site.BaseURL = "https://example.org/news" })
	for next, want := range map[string]string{
		"/news/runs": "/news/runs", "/runs": "/news/", "/newsroom": "/news/", "/news": "/news/", "/news/../admin": "/news/", "/news/%2e%2e/admin": "/news/", "/news/login": "/news/",
	} {
		if got := below.ownPath(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	for referer, want := range map[string]string{
		"https://guarantees.example/held?before=7": "/held?before=7", "https://evil.example/held": "/", "https://guarantees.example.evil.example/held": "/", "": "/", ":": "/",
	} {
		a := get(t, srv, "https://guarantees.example/login", "Referer", referer)
		if !strings.Contains(a.body, fmt.Sprintf(`name="next" value="%s"`, want)) {
			t.Errorf("from %q the page to log in does not lead to %s", referer, want)
		}
	}
	wantField(t, get(t, srv, "/keys?done=removed"), "Location", "/login?next=%2Fkeys%3Fdone%3Dremoved")
	wantField(t, get(t, below, "/keys"), "Location", "/news/login?next=%2Fnews%2Fkeys") // a proxy has stripped the prefix
}

func FuzzOwnPath(f *testing.F) {
	for _, seed := range []string{"/", "/runs?a=b", "//evil.example", "/\\evil.example", "/news/../../x", "/news/%2e%2e/x", "https://evil.example", "/news/..;/x", "\x00/news/", "/news//evil.example", "/news/?next=//x"} {
		f.Add(seed)
	}
	servers := map[string]*Server{"": {}, "/news": {root: "/news"}}
	f.Fuzz(func(t *testing.T, next string) {
		for root, srv := range servers {
			got := srv.ownPath(next)
			base, err := url.Parse("https://ours.example" + root + "/login")
			must(t, err)
			to, err := base.Parse(got)
			must(t, err)
			if to.Scheme != "https" || to.Host != "ours.example" || !strings.HasPrefix(path.Clean(to.Path)+"/", root+"/") {
				t.Errorf("%q leads from %s to %s", next, base, to)
			}
			if strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\t\r\n") {
				t.Errorf("%q leads to %q, which browsers read in ways of their own", next, got)
			}
		}
	})
}

func TestAPartOfAPageIsLeftForTheLogin(t *testing.T) {
	for name, srv := range map[string]*Server{"public": everything(t), "private": private(t)} {
		a := ask(t, srv, http.MethodPost, "https://guarantees.example/held", "accept=1", "HX-Request", "true", "Referer", "https://guarantees.example/held?before=9", "Content-Type", formType)
		if a.StatusCode != http.StatusUnauthorized || a.Header.Get("HX-Redirect") != "/login?next=%2Fheld%3Fbefore%3D9" {
			t.Errorf("%s: htmx is answered with %d, and led to %q", name, a.StatusCode, a.Header.Get("HX-Redirect"))
		}
	}
}

// concrete is a path of the table with something in the place of its names that
// there is in the sample.
func concrete(srv *Server, pattern string) string {
	return strings.NewReplacer(
		"/items/{id}", "/items/"+borderID, "/runs/{id}", "/runs/run-2", "/entries/{id}", "/entries/1", "/archive/{name}", "/archive/1.atom", "{tag}", "guarantees", "{slug}", "wire",
		"{name}", srv.assets.hashed["style.css"], "{$}", "").Replace(pattern)
}

// routesOf are the paths of the table that a method changes something at.
func routesOf(srv *Server, method string) []string {
	var paths []string
	for pattern, m := range srv.table() {
		if m[method] != nil {
			paths = append(paths, concrete(srv, pattern))
		}
	}
	slices.Sort(paths)
	return paths
}

// state is all that a request could change in the sample.
func state(t *testing.T, srv *Server) string {
	t.Helper()
	ctx := t.Context()
	sources, err := srv.store.Sources(ctx)
	must(t, err)
	totals, err := srv.store.Totals(ctx)
	must(t, err)
	change, err := srv.store.Change(ctx)
	must(t, err)
	keys, err := srv.store.ReaderKeys(ctx)
	must(t, err)
	judged, err := srv.store.Judged(ctx, 100)
	must(t, err)
	return fmt.Sprint(sources, totals, change, keys, judged, len(srv.runner.(*scheduler).requests))
}

// everything serves a store in which everything can be done.
func everything(t *testing.T, change ...func(*Options)) *Server {
	t.Helper()
	st, _ := topicStore(t)
	return newServer(t, st, append([]func(*Options){func(o *Options) {
		o.Moderator, o.Corrector, o.Keys, o.Replayer = &moderator{st: st}, &corrector{}, keyring{st}, &replayer{}
	}}, change...)...)
}

func TestWhatOtherSitesSendIsRefused(t *testing.T) {
	srv := everything(t)
	session, before := login(t, srv), state(t, srv)
	for _, foreign := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "https://evil.example", "Authorization", "Basic " + sampleToken},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
			for _, path := range routesOf(srv, method) {
				body := url.Values{"token": {sampleToken}, "force": {"1"}, "name": {"phone"}, "remove": {"anna"}, "accept": {"1"}}.Encode()
				a := ask(t, srv, method, "https://guarantees.example"+path, body, slices.Concat(session, foreign, []string{"Content-Type", formType})...)
				if a.StatusCode != http.StatusForbidden || len(a.Cookies()) > 0 {
					t.Errorf("%s %s with %v: %d", method, path, foreign, a.StatusCode)
				}
			}
		}
	}
	if after := state(t, srv); after != before {
		t.Errorf("something has changed: %s, was %s", after, before)
	}
	// Our own pages may: by what browsers say of them, behind proxies that change Host too.
	for _, own := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", "https://guarantees.example"}, {}} {
		wantStatus(t, ask(t, srv, http.MethodPost, "http://10.0.0.7:8080/logout", "", own...), http.StatusSeeOther)
	}
	// What proves itself by the token needs no page of ours.
	wantStatus(t, ask(t, srv, http.MethodPost, "/api/ingest", "", "Authorization", withToken, "Origin", "https://reader.example"), http.StatusAccepted)
}

func TestStrangersFormsLeadToTheLoginAndChangeNothing(t *testing.T) {
	srv := everything(t)
	before := state(t, srv)
	var forms []string
	for _, path := range routesOf(srv, http.MethodPost) {
		if !strings.HasPrefix(path, "/api/") && !slices.Contains([]string{"/login", "/logout", "/hub", "/push/{id}"}, path) {
			forms = append(forms, path)
		}
	}
	if len(forms) < 4 {
		t.Fatalf("only %v are there", forms)
	}
	for _, path := range forms {
		for _, header := range [][]string{nil, {"Cookie", sessionCookie + "=" + srv.sessions.forged([]byte("x"))}, {"Authorization", withToken}} {
			body := url.Values{"token": {sampleToken}, "force": {"1"}, "name": {"phone"}, "accept": {"1"}, "url": {"https://new.example/"}}.Encode()
			a := ask(t, srv, http.MethodPost, "https://guarantees.example"+path, body, append(header, "Content-Type", formType, "Referer", "https://guarantees.example/held?before=9")...)
			if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || to != "/login?next=%2Fheld%3Fbefore%3D9" {
				t.Errorf("POST %s: %d to %q, want the page to log in", path, a.StatusCode, to)
			}
		}
	}
	if after := state(t, srv); after != before {
		t.Errorf("something has changed: %s, was %s", after, before)
	}
}

func TestEveryAnswerProtectsTheVisitor(t *testing.T) {
	for name, change := range map[string]func(*Options){"public": func(*Options) {}, "private": func(o *Options) { o.Private = true }} {
		srv := everything(t, change)
		for _, who := range [][]string{nil, login(t, srv), {"Authorization", withToken}, {"Authorization", "Bearer " + readerKey}} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions, "BREW"} {
				for _, path := range append(slices.Sorted(maps.Keys(srv.table())), "/nowhere", "//", "/items/x", "/runs/x") {
					ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // of what goes on and on
					a := askFor(ctx, t, srv, method, concrete(srv, path), "", who...)
					cancel()
					if err := unprotected(a); err != nil {
						t.Errorf("%s, %v: %s %s: %d: %v", name, who, method, path, a.StatusCode, err)
					}
				}
			}
		}
	}
	srv := newServer(t, sampleStore(t))
	known := get(t, srv, "/").Header.Get("ETag")
	if a := get(t, srv, "/", "If-None-Match", known); a.StatusCode != http.StatusNotModified || a.Header.Get("Content-Security-Policy") != "" {
		t.Errorf("%d takes the page its policy", a.StatusCode)
	}
}

// unprotected tells what an answer lacks.
func unprotected(a answer) error {
	csp := a.Header.Get("Content-Security-Policy")
	switch {
	case a.Header.Get("X-Content-Type-Options") != "nosniff":
		return fmt.Errorf("its type can be guessed")
	case a.Header.Get("Referrer-Policy") != "same-origin" && a.Header.Get("Referrer-Policy") != "no-referrer":
		return fmt.Errorf("its address is told on: %q", a.Header.Get("Referrer-Policy"))
	case !strings.Contains(csp, "default-src 'none'"), !strings.Contains(csp, "frame-ancestors 'none'"), strings.Contains(csp, "unsafe"):
		return fmt.Errorf("the policy is %q", csp)
	case strings.Contains(a.body, "<script>"), strings.Contains(a.body, " style=\""), strings.Contains(a.body, " onclick="):
		return fmt.Errorf("something stands in it that its policy forbids")
	}
	return nil
}
