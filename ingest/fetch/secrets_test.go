package fetch

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// environ is an environment for tests.
func environ(set map[string]string) func(string) string {
	return func(name string) string { return set[name] }
}

func withHeaders(url string, headers map[string]string) feed.Source {
	return feed.Source{Kind: feed.KindFeed, URL: url, Enabled: true, Headers: headers}
}

// withUser puts user info into a URL.
func withUser(url, user string) string { return strings.Replace(url, "://", "://"+user+"@", 1) }

func TestHeadersAndLoginAreSentExactly(t *testing.T) {
	s := record(t, serve(rss))
	c := client(t, Options{Getenv: environ(map[string]string{"NEWS_KEY": " k-1;a=\"b\" $NOT ", "TOKEN": "t0ken", "NEWS_PASSWORD": "p:ss w$rd/ü@"})})
	r := c.Get(t.Context(), withHeaders(s.URL, map[string]string{
		"x-api-key": "$NEWS_KEY", "Authorization": "Bearer $TOKEN", "X-Price": "5$$ and $TOKEN$$$TOKEN", "Accept": "text/xml",
	}), false)
	if r.Kind != Fetched {
		t.Fatal(r.Err)
	}
	got := map[string]string{}
	for _, name := range []string{"X-Api-Key", "Authorization", "X-Price", "Accept"} {
		got[name] = strings.Join(s.last(t).Header.Values(name), "|")
	}
	want := map[string]string{"X-Api-Key": `k-1;a="b" $NOT`, "Authorization": "Bearer t0ken", "X-Price": "5$ and t0ken$t0ken", "Accept": "text/xml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if agent := s.last(t).UserAgent(); agent != "Tributary" {
		t.Errorf("User-Agent %q", agent)
	}
	for _, address := range []string{"reader:$NEWS_PASSWORD", "reader:%24NEWS_PASSWORD"} {
		if r := get(t, c, withUser(s.URL, address)); r.Kind != Fetched {
			t.Fatal(r.Err)
		}
		if user, password, _ := s.last(t).BasicAuth(); user != "reader" || password != "p:ss w$rd/ü@" {
			t.Errorf("%s: %q %q", address, user, password)
		}
	}
	get(t, c, withUser(s.URL, "$TOKEN"))
	if user, password, _ := s.last(t).BasicAuth(); user != "t0ken" || password != "" {
		t.Errorf("a token as the user: %q %q", user, password)
	}
	get(t, c, withUser(s.URL, "a$$b:c$$$$d"))
	if user, password, _ := s.last(t).BasicAuth(); user != "a$b" || password != "c$$d" {
		t.Errorf("dollar signs: %q %q", user, password)
	}
}

func TestSecretsStayWithTheirOwnHost(t *testing.T) {
	other := recordOn(t, "127.0.0.2:0", serve(rss))
	own := record(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/far":
			http.Redirect(w, r, other.URL, http.StatusMovedPermanently)
		case "/near":
			http.Redirect(w, r, "/feed", http.StatusFound)
		default:
			io.WriteString(w, rss)
		}
	})
	c := client(t, Options{Getenv: environ(map[string]string{"KEY": "sesame"})})
	for _, path := range []string{"/near", "/far"} {
		src := withHeaders(withUser(own.URL, "ann:$KEY")+path, map[string]string{"X-Api-Key": "$KEY", "Accept-Language": "uk"})
		if r := c.Get(t.Context(), src, false); r.Kind != Fetched {
			t.Fatal(r.Err)
		}
	}
	for _, r := range own.seen() {
		if r.Header.Get("X-Api-Key") != "sesame" || r.Header.Get("Accept-Language") != "uk" || r.Header.Get("Authorization") == "" {
			t.Errorf("%s came without the secrets: %v", r.URL, r.Header)
		}
	}
	for _, name := range []string{"X-Api-Key", "Authorization", "Accept-Language"} {
		if got := other.last(t).Header.Get(name); got != "" {
			t.Errorf("%s: %s went to another host", name, got)
		}
	}
	moved := withHeaders(own.URL, map[string]string{"X-Api-Key": "$KEY"})
	moved.State.FetchURL = other.URL + "/moved"
	c.Get(t.Context(), moved, false)
	if got := other.last(t).Header.Get("X-Api-Key"); got != "" {
		t.Error("it went where a permanent redirect has led")
	}
}

func TestSecretsDeclaredForHTTPSAreNeverSentInTheClear(t *testing.T) {
	s := &secrets{host: "a.example", secure: true}
	for address, want := range map[string]bool{"https://a.example/x": true, "http://a.example/x": false, "https://b.example/": false, "https://a.example:8443/": false} {
		u, err := parseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.fits(u); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

func TestAVariableThatIsMissingIsAClearFailure(t *testing.T) {
	s := record(t, serve(rss))
	for _, getenv := range []func(string) string{nil, environ(nil), environ(map[string]string{"NEWS_KEY": ""})} {
		c := client(t, Options{Getenv: getenv})
		for _, src := range []feed.Source{
			withHeaders(s.URL, map[string]string{"X-Api-Key": "Key $NEWS_KEY"}), withHeaders(withUser(s.URL, "ann:$NEWS_KEY"), nil),
		} {
			r := c.Get(t.Context(), src, true)
			if r.Kind != Failed || r.Failure != feed.StatusFailing || r.Requests != 0 || r.Network || feed.CodeOf(r.Err) != feed.CodeInvalid {
				t.Fatalf("%+v", r)
			}
			if want := "the environment variable NEWS_KEY, which its address or a header of it names, is not set: set it for tributary, or write $$ where a dollar sign is meant"; r.Err.Error() != want {
				t.Error(r.Err)
			}
		}
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d requests were made all the same", n)
	}
}

func TestValuesThatCannotBeSentAreRefusedUnseen(t *testing.T) {
	s := record(t, serve(rss))
	c := client(t, Options{Getenv: environ(map[string]string{"BROKEN": "hunter2\r\nX-Evil: 1", "COLON": "hunter2:x"})})
	for _, src := range []feed.Source{
		withHeaders(s.URL, map[string]string{"X-Api-Key": "$BROKEN"}),
		withHeaders(withUser(s.URL, "ann:$BROKEN"), nil),
		withHeaders(withUser(s.URL, "$COLON:x"), nil),
		withHeaders(withUser(s.URL, "ann:x"), map[string]string{"authorization": "Bearer hunter2"}),
		withHeaders(s.URL, map[string]string{"Cookie": "hunter2"}),
		withHeaders(s.URL, map[string]string{"X-Api-Key": "hunter2 $"}),
	} {
		r := c.Get(t.Context(), src, false)
		if r.Kind != Failed || feed.CodeOf(r.Err) != feed.CodeInvalid || strings.Contains(r.Err.Error(), "hunter2") {
			t.Errorf("%+v: %v", src.Headers, r.Err)
		}
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestSecretsAreInNoTraceAndNoResult(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-You-Sent", r.Header.Get("X-Api-Key")+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/feed?key="+r.Header.Get("X-Api-Key"), http.StatusFound)
		case "/feed":
			io.WriteString(w, rss)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c := client(t, Options{Getenv: environ(map[string]string{"NEWS_KEY": "hunter2", "PASSWORD": "hunter3"})})
	for _, path := range []string{"/", "/refused"} {
		src := withHeaders(withUser(s.URL, "ann:$PASSWORD")+path, map[string]string{"X-Api-Key": "$NEWS_KEY", "X-Literal": "hunter4", "Accept": "text/xml"})
		r, steps := c.Trace(t.Context(), src)
		if len(steps) == 0 || len(s.seen()) == 0 {
			t.Fatal("nothing was asked")
		}
		for _, step := range steps {
			for _, secret := range []string{"hunter", "ann", "YW5u"} {
				if all := fmt.Sprintf("%+v %v", step, r.Err); strings.Contains(all, secret) {
					t.Errorf("%s in %s", secret, all)
				}
			}
			if step.Sent.Get("X-Api-Key") != "…" || step.Sent.Get("X-Literal") != "…" || step.Sent.Get("Authorization") != "Basic …" {
				t.Errorf("it is not told what was sent: %v", step.Sent)
			}
		}
	}
	_, steps := c.Trace(t.Context(), withHeaders(s.URL+"/feed", map[string]string{"Authorization": "hunter5"}))
	if got := steps[0].Sent.Get("Authorization"); got != "…" {
		t.Errorf("Authorization: %s", got)
	}
}

func TestHeadersThatAreNotForASourceAreRefused(t *testing.T) {
	for name, ok := range map[string]bool{
		"X-Api-Key": true, "authorization": true, "Accept": true, "Accept-Language": true, "DNT": true,
		"Host": false, "user-agent": false, "Accept-Encoding": false, "If-None-Match": false, "if-modified-since": false, "Cookie": false,
		"Connection": false, "Transfer-Encoding": false, "TE": false, "Proxy-Authorization": false, "Content-Length": false, "Range": false,
		"Referer": false, "X Api": false, "": false, "X:": false, ":path": false, "X-Ü": false,
	} {
		if err := CheckHeader(name, "$VALUE"); (err == nil) != ok || err != nil && feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	for value, ok := range map[string]bool{
		"$A": true, "$A$B_2": true, "plain": true, "$$": true, "$$5": true, "": false, "  ": false, "a\nb": false, "$": false, "$5": false, "${A}": false, "a $ b": false,
	} {
		if err := CheckHeader("X-Api-Key", value); (err == nil) != ok || err != nil && value != "" && len(value) > 2 && strings.Contains(err.Error(), value) {
			t.Errorf("value %q: %v", value, err)
		}
	}
}

func TestReferencesNamesTheVariablesThatASourceNeeds(t *testing.T) {
	got, err := References(withHeaders("https://$USER:x$PASS@a.example/$NOT?$NEITHER", map[string]string{"X-A": "$B_1 $$C $USER"}))
	if diff := cmp.Diff([]string{"B_1", "PASS", "USER"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := References(withHeaders("https://u:secret$@a.example/", nil)); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestPagesDoNotChooseOurCredentials(t *testing.T) {
	page := feed.Document{URL: "https://a.example/", Body: []byte(`<link rel=alternate type=application/rss+xml href="https://u:$SECRET@b.example/feed">`)}
	for _, c := range Discover(page) {
		if strings.Contains(c.URL, "@") {
			t.Errorf("a page names a feed with a login: %s", c.URL)
		}
	}
}
