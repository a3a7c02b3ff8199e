package fetch

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// Conditional requests.

func TestValidatorsAreSentByteForByte(t *testing.T) {
	for _, etag := range []string{
		`"abc"`, `W/"abc"`, `w/"abc"`, `"abc-gzip"`, `"abc;gzip"`, `abc`, `"a b"`, `"a,b"`, `""`, `"say \"hi\""`, "\"caf\xe9\"", `"é"`, `"` + strings.Repeat("x", 3000) + `"`,
	} {
		const modified = "tue, 3 mar 2026 1:02:03 +0100" // no HTTP date, and none of ours to correct
		s := record(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Etag"], w.Header()["Last-Modified"] = []string{etag}, []string{modified}
			io.WriteString(w, rss)
		})
		c := client(t, Options{})
		first := get(t, c, s.URL)
		if first.ETag != etag || first.LastModified != modified {
			t.Errorf("received %q and %q, kept %q and %q", etag, modified, first.ETag, first.LastModified)
		}
		conditional(t, c, s.URL, first.ETag, first.LastModified)
		h := s.last(t).Header
		if h.Get("If-None-Match") != etag || h.Get("If-Modified-Since") != modified {
			t.Errorf("sent %q and %q for %q and %q", h.Get("If-None-Match"), h.Get("If-Modified-Since"), etag, modified)
		}
	}
}

func TestOnlyTheValidatorsThatThereAreAreSent(t *testing.T) {
	s := record(t, serve(rss))
	c := client(t, Options{})
	conditional(t, c, s.URL, `"a"`, "")
	if _, ok := s.last(t).Header["If-Modified-Since"]; ok {
		t.Error("a Last-Modified was invented")
	}
	conditional(t, c, s.URL, "", "yesterday")
	if _, ok := s.last(t).Header["If-None-Match"]; ok {
		t.Error("an ETag was invented")
	}
	if r := conditional(t, c, s.URL, "\"a\nb\"", ""); r.Kind != Fetched {
		t.Errorf("a validator that cannot be sent keeps the feed from us: %v", r.Err)
	}
}

func TestValidatorsAreDroppedAfterEightDays(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	s := record(t, serve(rss))
	c := client(t, Options{Now: func() time.Time { return now }})
	for age, sent := range map[time.Duration]bool{0: true, 8*24*time.Hour - time.Second: true, 8 * 24 * time.Hour: false, 30 * 24 * time.Hour: false} {
		state := feed.SourceState{ETag: `"a"`, LastModified: "then", ValidatorsSince: now.Add(-age)}
		c.Get(t.Context(), feed.Source{URL: s.URL, State: state}, false)
		h := s.last(t).Header
		if got := h.Get("If-None-Match") != "" && h.Get("If-Modified-Since") != ""; got != sent {
			t.Errorf("at an age of %s: conditional %v, want %v", age, got, sent)
		}
	}
}

func TestForceStaysConditional(t *testing.T) {
	s := record(t, serve(rss))
	src := feed.Source{URL: s.URL, State: feed.SourceState{ETag: `"a"`, ValidatorsSince: time.Now()}}
	client(t, Options{}).Get(t.Context(), src, true)
	if s.last(t).Header.Get("If-None-Match") != `"a"` {
		t.Error("force sends no validators")
	}
}

func TestValidatorsWorkForAnotherProcess(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"1"`)
		if r.Header.Get("If-None-Match") == `W/"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, rss)
	})
	r := get(t, client(t, Options{}), s.URL)
	stored, err := json.Marshal(feed.SourceState{ETag: r.ETag, LastModified: r.LastModified, ValidatorsSince: r.At})
	if err != nil {
		t.Fatal(err)
	}
	src := feed.Source{URL: s.URL}
	if err := json.Unmarshal(stored, &src.State); err != nil {
		t.Fatal(err)
	}
	if r := client(t, Options{}).Get(t.Context(), src, false); r.Kind != NotModified || r.Bytes != 0 {
		t.Errorf("%v, %d bytes", r.Kind, r.Bytes)
	}
}

func TestANewSourceCostsOneUnconditionalRequest(t *testing.T) {
	s := record(t, serve(rss))
	r := get(t, client(t, Options{}), s.URL+"/feed.xml?format=rss&x=%2F")
	all := s.seen()
	if len(all) != 1 || r.Requests != 1 {
		t.Fatalf("%d requests", len(all))
	}
	if all[0].RequestURI != "/feed.xml?format=rss&x=%2F" || all[0].Method != http.MethodGet {
		t.Errorf("%s %s: not the address as given", all[0].Method, all[0].RequestURI)
	}
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		if _, ok := all[0].Header[name]; ok {
			t.Errorf("%s is sent to a server that never gave any", name)
		}
	}
}

func TestA304NeedsAQuestion(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	c := client(t, Options{})
	if r := conditional(t, c, s.URL, `"a"`, ""); r.Kind != NotModified || r.Err != nil || r.Status != 304 {
		t.Errorf("asked: %+v", r)
	}
	if r := get(t, c, s.URL); r.Kind != Failed || r.Failure != feed.StatusFailing {
		t.Errorf("not asked: %+v", r)
	}
}

// What a request looks like.

func TestRequestsCarryTheseHeadersAndNoOthers(t *testing.T) {
	s := record(t, serve(rss))
	c := client(t, Options{UserAgent: "Tributary/1.2 (+https://example.org/fetching)"})
	for range 2 {
		get(t, c, s.URL)
		want := http.Header{
			"User-Agent":      {"Tributary/1.2 (+https://example.org/fetching)"},
			"Accept":          {acceptTypes},
			"Accept-Encoding": {"gzip, br, zstd"},
		}
		if diff := cmp.Diff(want, s.last(t).Header); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNoCookiesAndNoReferer(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1", Path: "/"})
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/feed", http.StatusFound)
			return
		}
		io.WriteString(w, rss)
	})
	c := client(t, Options{})
	get(t, c, s.URL)
	get(t, c, s.URL)
	for _, r := range s.seen() {
		if r.Header.Get("Cookie") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("%s: %v", r.URL, r.Header)
		}
	}
	if len(s.seen()) != 4 {
		t.Errorf("%d requests", len(s.seen()))
	}
}

func TestUserAgentNamesUsAndAContact(t *testing.T) {
	tests := []struct{ version, contact, base, want string }{
		{"1.2.3", "ann@example.org", "https://feeds.example.net", "Tributary/1.2.3 (+ann@example.org)"},
		{"1.2.3", "", "https://feeds.example.net/", "Tributary/1.2.3 (+https://feeds.example.net/fetching)"},
		{"1.2.3", "", "http://127.0.0.1:8080", "Tributary/1.2.3"},
		{"1.2.3", "", "http://[::1]:8080", "Tributary/1.2.3"},
		{"1.2.3", "", "http://192.168.1.2", "Tributary/1.2.3"},
		{"1.2.3", "", "http://localhost:8080", "Tributary/1.2.3"},
		{"1.2.3", "", "http://nas.local", "Tributary/1.2.3"},
		{"1.2.3", "", "https://93.184.215.14", "Tributary/1.2.3 (+https://93.184.215.14/fetching)"},
		{"", "", "", "Tributary"},
		{"1 beta\r\nX: y", "me\r\n(at) home", "", "Tributary/1-betaX:-y (+me(at) home)"},
	}
	for _, test := range tests {
		if got := UserAgent(test.version, test.contact, test.base); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// Limits that hosts set.

func TestA429PausesEverySourceOfTheHost(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	limit := true
	s := record(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if limit {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		io.WriteString(w, rss)
	})
	c := client(t, Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	var results [8]Result
	var polls sync.WaitGroup
	for i := range results {
		polls.Go(func() { results[i] = get(t, c, fmt.Sprintf("%s/%d", s.URL, i)) })
	}
	polls.Wait()
	if len(s.seen()) != 1 {
		t.Fatalf("%d requests: those in the queue were sent after the 429", len(s.seen()))
	}
	asked := 0
	until := now.Add(2 * time.Hour)
	for _, r := range results {
		asked += r.Requests
		if r.Kind != Failed || r.Failure != feed.StatusLimited || !r.RetryAfter.Equal(until) || r.Host != HostOf(s.URL) {
			t.Errorf("%+v", r)
		}
	}
	if asked != 1 {
		t.Errorf("%d requests are claimed", asked)
	}
	mu.Lock()
	limit, now = false, until.Add(-time.Second)
	mu.Unlock()
	if r := get(t, c, s.URL); r.Requests != 0 {
		t.Error("asked a second too soon")
	}
	mu.Lock()
	now = until
	mu.Unlock()
	if r := get(t, c, s.URL); r.Kind != Fetched {
		t.Errorf("asked in time: %v", r.Err)
	}
}

func TestAPauseIsSeededAndNeverShortened(t *testing.T) {
	s := record(t, serve(rss))
	c := client(t, Options{})
	until := time.Now().Add(time.Hour)
	c.PauseHost(HostOf(s.URL), until)
	c.PauseHost(HostOf(s.URL), until.Add(-time.Minute))
	r := c.Get(t.Context(), feed.Source{URL: s.URL}, true)
	if len(s.seen()) != 0 || !r.RetryAfter.Equal(until) || r.Failure != feed.StatusLimited || r.Cancelled() {
		t.Errorf("%d requests, %+v", len(s.seen()), r)
	}
}

func TestRetryAfterIsNeverCutShort(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		said, date string
		want       time.Duration // 0: not said
	}{
		"seconds":                     {said: "120", want: 2 * time.Minute},
		"a week":                      {said: "604800", want: 7 * 24 * time.Hour},
		"a year":                      {said: "31536000", want: 365 * 24 * time.Hour},
		"more digits than a number":   {said: "99999999999999999999999", want: longest},
		"an HTTP date":                {said: "Thu, 05 Mar 2026 12:00:00 GMT", want: 24 * time.Hour},
		"an obsolete form":            {said: "Thursday, 05-Mar-26 12:00:00 GMT", want: 24 * time.Hour},
		"a numeric zone":              {said: "Thu, 05 Mar 2026 13:00:00 +0100", want: 24 * time.Hour},
		"a date by a clock that lags": {said: "Wed, 04 Mar 2026 12:00:00 GMT", date: "Wed, 04 Mar 2026 11:00:00 GMT", want: time.Hour},
		"a date by a clock ahead":     {said: "Wed, 04 Mar 2026 14:00:00 GMT", date: "Wed, 04 Mar 2026 13:00:00 GMT", want: 2 * time.Hour},
		"nonsense":                    {said: "soon"},
		"negative":                    {said: "-5"},
		"fraction":                    {said: "1.5"},
	}
	for name, test := range tests {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				s := record(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", test.said)
					if test.date != "" {
						w.Header().Set("Date", test.date)
					} else {
						w.Header()["Date"] = nil
					}
					w.WriteHeader(status)
				})
				r := get(t, client(t, Options{Now: func() time.Time { return now }}), s.URL)
				want, failure := now.Add(test.want), feed.StatusLimited
				if test.want == 0 { // not said
					want, failure = time.Time{}, feed.StatusFailing
					if status == 429 {
						want, failure = now.Add(time.Hour), feed.StatusLimited
					}
				}
				if !r.RetryAfter.Equal(want) || r.Failure != failure || r.Status != status {
					t.Errorf("%s until %s, want %s until %s", r.Failure, r.RetryAfter, failure, want)
				}
			})
		}
	}
}

func TestA429WithoutRetryAfterPausesLongerEachTime(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	status := http.StatusTooManyRequests
	s := record(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	c := client(t, Options{Now: func() time.Time { return now }})
	h := time.Hour
	for i, want := range []time.Duration{h, 2 * h, 4 * h, 8 * h, 16 * h, 24 * h, 24 * h} {
		r := get(t, c, fmt.Sprintf("%s/%d", s.URL, i)) // whichever source asks: it is the host that is tired
		if got := r.RetryAfter.Sub(now); got != want {
			t.Errorf("429 number %d: %s, want %s", i+1, got, want)
		}
		now = r.RetryAfter
	}
	status = http.StatusNotFound
	get(t, c, s.URL)
	status = http.StatusTooManyRequests
	if r := get(t, c, s.URL); r.RetryAfter.Sub(now) != h {
		t.Errorf("after another answer: %s", r.RetryAfter.Sub(now))
	}
	remembered := feed.Source{URL: s.URL, State: feed.SourceState{Status: feed.StatusLimited, Failures: 3}}
	r := client(t, Options{Now: func() time.Time { return now }}).Get(t.Context(), remembered, false)
	if got := r.RetryAfter.Sub(now); got != 8*h {
		t.Errorf("after a restart: %s", got)
	}
}

func TestOneConnectionAtATimeToAHost(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/3" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		if r.URL.Path == "/5" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		io.WriteString(w, strings.Repeat(rss, 1000))
	})
	c := client(t, Options{})
	var polls sync.WaitGroup
	for i := range 12 {
		polls.Go(func() { get(t, c, fmt.Sprintf("%s/%d", s.URL, i)) })
	}
	polls.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busiest != 1 || len(s.requests) != 13 {
		t.Errorf("%d at a time, of %d", s.busiest, len(s.requests))
	}
	if s.opened > 2 { // the 500 with a long page may close one
		t.Errorf("%d connections opened", s.opened)
	}
}

func TestRequestsToAHostOfTheInternetAreSpaced(t *testing.T) {
	s := record(t, serve(rss))
	const spacing = 30 * time.Millisecond
	c := client(t, Options{HostSpacing: spacing})
	c.guard.public = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")))
	begun := time.Now()
	for range 4 {
		get(t, c, s.URL)
	}
	if d := time.Since(begun); d < 3*spacing {
		t.Errorf("four requests within %s", d)
	}
}

func TestHostsDoNotWaitForEachOther(t *testing.T) {
	hold := make(chan struct{})
	slow := record(t, func(http.ResponseWriter, *http.Request) { <-hold })
	fast := record(t, serve(rss))
	c := client(t, Options{})
	var poll sync.WaitGroup
	poll.Go(func() { get(t, c, slow.URL) })
	if r := get(t, c, fast.URL); r.Kind != Fetched {
		t.Error(r.Err)
	}
	close(hold)
	poll.Wait()
}

// What a failure is.

func TestFailuresAreToldApartAndInWords(t *testing.T) {
	tests := map[string]struct {
		status  int
		failure feed.Status
		code    feed.Code
		words   string
	}{
		"no content":    {204, feed.StatusFailing, feed.CodeUnavailable, "HOST answered 204 No Content"},
		"part of it":    {206, feed.StatusFailing, feed.CodeUnavailable, "HOST answered 206 Partial Content"},
		"choices":       {300, feed.StatusFailing, feed.CodeUnavailable, "HOST answered 300 Multiple Choices"},
		"login":         {401, feed.StatusBlocked, feed.CodeDenied, "HOST answered 401 Unauthorized"},
		"payment":       {402, feed.StatusBlocked, feed.CodeUnavailable, "HOST answered 402 Payment Required"},
		"forbidden":     {403, feed.StatusBlocked, feed.CodeDenied, "HOST answered 403 Forbidden"},
		"not found":     {404, feed.StatusFailing, feed.CodeNotFound, "HOST answered 404 Not Found"},
		"gone":          {410, feed.StatusGone, feed.CodeNotFound, "HOST answered 410 Gone"},
		"law":           {451, feed.StatusBlocked, feed.CodeUnavailable, "HOST answered 451 Unavailable For Legal Reasons"},
		"broken":        {500, feed.StatusFailing, feed.CodeUnavailable, "HOST answered 500 Internal Server Error"},
		"overloaded":    {503, feed.StatusFailing, feed.CodeUnavailable, "HOST answered 503 Service Unavailable"},
		"unheard of":    {599, feed.StatusFailing, feed.CodeUnavailable, "HOST answered 599"},
		"empty":         {200, feed.StatusFailing, feed.CodeUnavailable, "HOST answered with an empty document"},
		"limited, bare": {429, feed.StatusLimited, feed.CodeUnavailable, "HOST answered 429 Too Many Requests: waiting until "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := record(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) })
			r := get(t, client(t, Options{}), s.URL)
			if r.Kind != Failed || r.Failure != test.failure || r.Status != test.status || r.Network {
				t.Errorf("%+v", r)
			}
			want := strings.Replace(test.words, "HOST", HostOf(s.URL), 1)
			if r.Err == nil || !strings.HasPrefix(r.Err.Error(), want) || feed.CodeOf(r.Err) != test.code {
				t.Errorf("%q (%s), want %q (%s)", r.Err, feed.CodeOf(r.Err), want, test.code)
			}
		})
	}
}

func TestGoneIsNotAskedAgainUnlessForced(t *testing.T) {
	s := record(t, serve(rss))
	c := client(t, Options{})
	src := feed.Source{URL: s.URL, State: feed.SourceState{Status: feed.StatusGone}}
	if r := c.Get(t.Context(), src, false); r.Failure != feed.StatusGone || r.Requests != 0 || len(s.seen()) != 0 {
		t.Errorf("%d requests, %+v", len(s.seen()), r)
	}
	if r := c.Get(t.Context(), src, true); r.Kind != Fetched {
		t.Errorf("forced: %v", r.Err)
	}
}

func TestAChallengePageIsBlocked(t *testing.T) {
	html := func(s string) string { return "\n<!DOCTYPE html><html><head>" + s + "</head><body></body></html>" }
	tests := map[string]struct {
		status       int
		header, body string
		want         feed.Status // "": a document
	}{
		"cloudflare's header":           {403, "Cf-Mitigated", html(""), feed.StatusBlocked},
		"its header on a 200":           {200, "Cf-Mitigated", html(""), feed.StatusBlocked},
		"cloudflare, 503":               {503, "", html("<title>Just a moment...</title>"), feed.StatusBlocked},
		"anubis, 200":                   {200, "", html(`<script id="anubis_challenge">`), feed.StatusBlocked},
		"aws, 202":                      {202, "X-Amzn-Waf-Action", "", feed.StatusBlocked},
		"vercel":                        {429, "X-Vercel-Mitigated", html(""), feed.StatusLimited},
		"an ordinary 503":               {503, "", html("maintenance"), feed.StatusFailing},
		"an ordinary page":              {200, "", html(`<script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js">`), ""},
		"a feed labelled HTML":          {200, "", rss, ""},
		"a feed that writes about them": {200, "", rss + "<!-- _cf_chl_opt, <title>Just a moment...</title> -->", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := record(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				if test.header != "" {
					w.Header().Set(test.header, "challenge")
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			r := get(t, client(t, Options{}), s.URL)
			if r.Failure != test.want || (r.Kind == Fetched) != (test.want == "") {
				t.Errorf("%v, %s: %v", r.Kind, r.Failure, r.Err)
			}
			if r.Kind == Fetched && r.Document.MediaType != "text/html; charset=utf-8" {
				t.Errorf("media type %q", r.Document.MediaType)
			}
		})
	}
}

func TestAFailureBeforeAnyAnswerMayBeOurNetwork(t *testing.T) {
	closed := record(t, serve(rss))
	closed.Close()
	down := closed.URL
	c := client(t, Options{Timeout: 5 * time.Second})
	c.dialer.Resolver = names(t, map[string][]string{"known.test.": {"127.0.0.1"}})
	redirect := record(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, down, http.StatusFound) })
	tests := map[string]struct {
		url, words string
		network    bool
	}{
		"refused":                   {down, HostOf(down) + " refused the connection", true},
		"no such name":              {"http://unknown.test/", "could not resolve host unknown.test: is the address right?", true},
		"closed without an answer":  {raw(t, ""), "closed the connection without an answer", true},
		"not HTTP":                  {raw(t, "SSH-2.0-OpenSSH_9.2\r\n\r\n"), "is not HTTP", true},
		"a redirect to a dead host": {redirect.URL, HostOf(down) + " refused the connection", false},
		"HTTP where TLS should be":  {strings.Replace(redirect.URL, "http", "https", 1), "it does not speak TLS there", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := get(t, c, test.url)
			if r.Kind != Failed || r.Failure != feed.StatusFailing || r.Network != test.network || r.Requests == 0 {
				t.Errorf("%+v", r)
			}
			if !strings.Contains(r.Err.Error(), test.words) || strings.Contains(r.Err.Error(), "dial tcp") {
				t.Errorf("%q, want %q", r.Err, test.words)
			}
		})
	}
}

func TestACancelledFetchSaysNothingOfTheSource(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := record(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c := client(t, Options{})
	r := c.Get(ctx, feed.Source{URL: s.URL}, false)
	if !r.Cancelled() || r.Network || !errors.Is(r.Err, context.Canceled) {
		t.Errorf("%+v", r)
	}
	if r := c.Get(ctx, feed.Source{URL: s.URL}, false); !r.Cancelled() {
		t.Errorf("%+v", r)
	}
}

// Redirects.

func TestRedirectsAreFollowedAndOnlyPermanentOnesAreMoves(t *testing.T) {
	tests := map[string]struct {
		chain []int
		moved bool
	}{
		"301":                {[]int{301}, true},
		"308":                {[]int{308}, true},
		"301, 308":           {[]int{301, 308}, true},
		"302":                {[]int{302}, false},
		"303":                {[]int{303}, false},
		"307":                {[]int{307}, false},
		"301, 302":           {[]int{301, 302}, false},
		"307, 301":           {[]int{307, 301}, false},
		"as many as allowed": {[]int{301, 301, 301, 301, 301}, true},
	}
	for name, test := range tests {
		for _, status := range []int{200, 304} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				s := record(t, func(w http.ResponseWriter, r *http.Request) {
					hop := 0
					fmt.Sscanf(r.URL.Path, "/a/%d", &hop)
					if hop < len(test.chain) {
						w.Header().Set("Location", fmt.Sprintf("../a/%d#top", hop+1))
						w.WriteHeader(test.chain[hop])
						return
					}
					w.WriteHeader(status)
					if status == 200 {
						io.WriteString(w, rss)
					}
				})
				r := conditional(t, client(t, Options{}), s.URL+"/a/0", `"x"`, "")
				end := fmt.Sprintf("%s/a/%d", s.URL, len(test.chain))
				if r.Kind == Failed || (r.MovedTo == end) != test.moved || !test.moved && r.MovedTo != "" {
					t.Errorf("%v, moved to %q, want %v: %v", r.Kind, r.MovedTo, test.moved, r.Err)
				}
				if r.Kind == Fetched && r.Document.URL != end {
					t.Errorf("document's URL is %s", r.Document.URL)
				}
				if s.last(t).Header.Get("If-None-Match") != `"x"` || r.Requests != len(test.chain)+1 {
					t.Errorf("the last of %d requests is not conditional", r.Requests)
				}
			})
		}
	}
}

func TestRedirectsThatLeadNowhereAreFailures(t *testing.T) {
	tests := map[string]struct{ location, words string }{
		"to itself":       {"/", "redirects in a circle"},
		"for ever":        {"/x", "redirects more than 5 times"},
		"no target":       {"", "answered 302 Found without saying where to"},
		"another scheme":  {"ftp://example.org/feed", `"ftp:"`},
		"a file":          {"file:///etc/passwd", `"file:"`},
		"not a URL":       {"http://[", "not a URL"},
		"not a host name": {"http://b\u00fccher\u200d.example/", "not the name of a host"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := record(t, func(w http.ResponseWriter, r *http.Request) {
				to := test.location
				if to == "/x" {
					to = r.URL.Path + "x"
				}
				if to != "" {
					w.Header().Set("Location", to)
				}
				w.WriteHeader(http.StatusFound)
			})
			r := get(t, client(t, Options{}), s.URL+"/")
			if r.Kind != Failed || r.Failure != feed.StatusFailing || r.MovedTo != "" || r.Network || len(s.seen()) > 6 {
				t.Errorf("%d requests: %+v", len(s.seen()), r)
			}
			if !strings.Contains(r.Err.Error(), test.words) {
				t.Errorf("%q, want %q", r.Err, test.words)
			}
		})
	}
}

func TestTheAddressOfAPermanentRedirectIsAskedFirst(t *testing.T) {
	s := record(t, serve(rss))
	src := feed.Source{URL: "http://old.invalid/feed", State: feed.SourceState{FetchURL: s.URL + "/new"}}
	if r := client(t, Options{}).Get(t.Context(), src, false); r.Kind != Fetched || s.last(t).URL.Path != "/new" {
		t.Errorf("%+v", r)
	}
}

func TestARedirectTargetThatLimitsPausesItsOwnHostOnly(t *testing.T) {
	tired := record(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) })
	first := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			http.Redirect(w, r, tired.URL, http.StatusFound)
			return
		}
		io.WriteString(w, rss)
	})
	c := client(t, Options{})
	if r := get(t, c, first.URL+"/there"); r.Host != HostOf(tired.URL) || r.Failure != feed.StatusLimited {
		t.Errorf("%+v", r)
	}
	if r := get(t, c, first.URL+"/here"); r.Kind != Fetched {
		t.Errorf("%v", r.Err)
	}
}

// Secrets in addresses.

func TestALoginGoesToItsOwnHostOnly(t *testing.T) {
	other := recordOn(t, "127.0.0.2:0", serve(rss))
	own := record(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/far":
			http.Redirect(w, r, other.URL, http.StatusMovedPermanently)
		case "/near":
			http.Redirect(w, r, "/feed", http.StatusMovedPermanently)
		default:
			io.WriteString(w, rss)
		}
	})
	c := client(t, Options{})
	login := func(path string) string { return strings.Replace(own.URL, "://", "://ann:s%3Acret@", 1) + path }
	near := get(t, c, login("/near"))
	for _, r := range own.seen() {
		if user, password, ok := r.BasicAuth(); !ok || user != "ann" || password != "s:cret" {
			t.Errorf("%s: %q %q", r.URL, user, password)
		}
	}
	far := get(t, c, login("/far"))
	if other.last(t).Header.Get("Authorization") != "" {
		t.Error("the login was shown to another host")
	}
	for _, r := range []Result{near, far} {
		if r.Kind != Fetched || strings.Contains(fmt.Sprintf("%+v", r), "cret") {
			t.Errorf("%+v", r)
		}
	}
	moved := feed.Source{URL: login("/"), State: feed.SourceState{FetchURL: own.URL + "/moved"}}
	c.Get(t.Context(), moved, false)
	if _, _, ok := own.last(t).BasicAuth(); !ok {
		t.Error("the login is forgotten once the feed has moved on its host")
	}
}

func TestErrorsAndTracesTellNoSecrets(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "hunter2"})
		switch r.URL.Path {
		case "/circle":
			http.Redirect(w, r, "/circle?token=hunter2", http.StatusFound)
		case "/far":
			w.Header().Set("Location", "gopher://ann:hunter2@example.org/?hunter2")
			w.WriteHeader(http.StatusFound)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	})
	closed := record(t, serve(rss))
	closed.Close()
	c := client(t, Options{})
	for _, address := range []string{
		s.URL + "/circle?token=hunter2", s.URL + "/far", s.URL + "/?key=hunter2", closed.URL + "/?key=hunter2",
		"http://example.org:hunter2/", "gopher://example.org/?hunter2", "http://%zz/hunter2", "http://?hunter2",
	} {
		address = strings.Replace(address, "://", "://ann:hunter2@", 1)
		r, steps := c.Trace(t.Context(), feed.Source{URL: address})
		if r.Err == nil || strings.Contains(r.Err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, r.Err)
		}
		for _, step := range steps {
			secret := fmt.Sprint(step.Sent, step.Received["Set-Cookie"])
			if strings.Contains(secret, "hunter2") || strings.Contains(step.URL, "ann") || strings.Contains(secret, "YW5u") {
				t.Errorf("%+v", step)
			}
		}
	}
}

func TestTraceTellsEachExchange(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/feed", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, rss)
	})
	r, steps := client(t, Options{}).Trace(t.Context(), feed.Source{URL: s.URL + "/"})
	if r.Kind != Fetched || len(steps) != 2 {
		t.Fatalf("%v, %d steps", r.Err, len(steps))
	}
	first, second := steps[0], steps[1]
	if first.Status != 301 || first.Received.Get("Location") != "/feed" || first.Sent.Get("User-Agent") != "Tributary" {
		t.Errorf("%+v", first)
	}
	if second.URL != s.URL+"/feed" || second.Status != 200 || second.Bytes != int64(len(rss)) || second.Proto != "HTTP/1.1" {
		t.Errorf("%+v", second)
	}
}

// The document.

func TestADocumentIsHandedOnAsItIs(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=KOI8-R")
		w.Header().Set("Last-Modified", "Wed, 04 Mar 2026 11:00:00 GMT")
		w.Header().Set("Cache-Control", "public, max-age=7200")
		io.WriteString(w, " "+rss)
	})
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	r := get(t, client(t, Options{Now: func() time.Time { return now }}), s.URL+"/f")
	want := Result{
		Kind: Fetched, Status: 200, LastModified: "Wed, 04 Mar 2026 11:00:00 GMT", FreshFor: 2 * time.Hour,
		Bytes: int64(len(rss)) + 1, Requests: 1, Host: HostOf(s.URL), At: now, BodyHash: BodyHash([]byte(" " + rss)),
		Document: feed.Document{
			URL: s.URL + "/f", MediaType: "text/xml; charset=KOI8-R", Body: []byte(" " + rss),
			ModTime: time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC),
		},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentsDoNotShareMemory(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat(r.URL.Path, 5000)) })
	c := client(t, Options{})
	a := get(t, c, s.URL+"/a")
	get(t, c, s.URL+"/b")
	if string(a.Document.Body) != strings.Repeat("/a", 5000) {
		t.Error("the next fetch wrote over a document")
	}
}

func TestPageFetchesWhateverIsThere(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
	page, err := client(t, Options{}).Page(t.Context(), s.URL)
	if err != nil || string(page.Body) != "<html>" {
		t.Errorf("%q, %v", page.Body, err)
	}
	if _, err := client(t, Options{}).Page(t.Context(), "example.org"); feed.CodeOf(err) != feed.CodeInvalid {
		t.Errorf("%v", err)
	}
}

func TestAddressesThatCannotBeFetchedAreRefused(t *testing.T) {
	c := client(t, Options{})
	for _, address := range []string{"", "feed.xml", "ftp://example.org/", "file:///etc/passwd", "http://", "https:///x", "http://\x00/", "javascript:alert(1)"} {
		r := get(t, c, address)
		if r.Kind != Failed || r.Failure != feed.StatusFailing || r.Requests != 0 || feed.CodeOf(r.Err) != feed.CodeInvalid || r.Network {
			t.Errorf("%q: %+v", address, r)
		}
	}
}

func TestHTTP2IsSpokenToThoseWhoDo(t *testing.T) {
	plain := record(t, serve(rss))
	s := newRecorder(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/weaker" {
			http.Redirect(w, r, plain.URL, http.StatusMovedPermanently)
			return
		}
		io.WriteString(w, rss)
	})
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	c := client(t, Options{})
	if r := get(t, c, s.URL); r.Kind != Failed || !r.Network || !strings.Contains(r.Err.Error(), "not from an authority that we know") {
		t.Errorf("an unknown authority: %+v", r)
	}
	c = client(t, Options{})
	c.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.transport.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	r := get(t, c, s.URL)
	if r.Kind != Fetched || s.last(t).ProtoMajor != 2 {
		t.Errorf("HTTP/%d: %v", s.last(t).ProtoMajor, r.Err)
	}
	login := strings.Replace(s.URL, "://", "://ann:secret@", 1)
	if r := get(t, c, login+"/weaker"); r.Kind != Fetched || r.MovedTo != "" {
		t.Errorf("a move to less security is believed: %+v", r)
	}
	if plain.last(t).Header.Get("Authorization") != "" {
		t.Error("a login for https was sent in the clear")
	}
}
