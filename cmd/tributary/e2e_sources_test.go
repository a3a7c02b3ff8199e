package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tributary/feed"
)

// visitor is a person with a browser that runs no scripts.
type visitor struct {
	*served
	client http.Client
}

// visitor opens the page and logs in.
func (s *served) visitor() *visitor {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	s.check(err)
	v := &visitor{s, http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	v.sends("/login", url.Values{"token": {s.token()}}, http.StatusSeeOther)
	return v
}

func (v *visitor) does(method, path, mediaType string, body io.Reader, status int) answer {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, body)
	v.check(err)
	req.Header.Set("Content-Type", mediaType)
	res, err := v.client.Do(req)
	v.check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	v.check(err)
	if res.StatusCode != status {
		v.t.Fatalf("%s %s: %d, not %d:\n%s", method, path, res.StatusCode, status, text)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// sends sends a form.
func (v *visitor) sends(path string, form url.Values, status int) answer {
	v.t.Helper()
	return v.does(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), status)
}

// sees opens a page and compares what it says.
func (v *visitor) sees(path string, words ...string) answer {
	v.t.Helper()
	a := v.does(http.MethodGet, path, "", nil, http.StatusOK)
	v.says(a, words...)
	return a
}

// says looks for words in an answer.
func (v *visitor) says(a answer, words ...string) {
	v.t.Helper()
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			v.t.Errorf("no “%s” in:\n%s", w, a.body)
		}
	}
}

// goesTo is where an answer leads; the run that it leads to is waited for.
func (v *visitor) goesTo(a answer) string {
	v.t.Helper()
	to := a.header.Get("Location")
	if id, ok := strings.CutPrefix(to, "/runs/"); ok {
		eventually(v.t, patience, "the run ends", func() bool {
			return decode[feed.Report](v.t, ask(v.t, http.MethodGet, v.url+"/api/runs/"+id).body).State == "done"
		})
	}
	return to
}

func sitePage(feeds ...string) string {
	page := "<!doctype html><html><head><title>A site</title>"
	for _, f := range feeds {
		path, title, _ := strings.Cut(f, " ")
		page += `<link rel="alternate" type="application/rss+xml" title="` + title + `" href="` + path + `">`
	}
	return page + "</head><body><p>Hello.</html>"
}

// Whoever has never seen the page adds a site by its address: they see what it
// would bring, add it, and watch it come, and the site is asked once.
func TestASourceIsAddedByTheAddressOfItsSite(t *testing.T) {
	t.Parallel()
	h, site := newHouse(t, ""), newPublisher(t)
	site.publish("/", sitePage("/news.xml The news", "/sport.xml Sport"))
	site.publish("/news.xml", rssOf("River News", one("n1"), one("n2")))
	site.publish("/sport.xml", rssOf("River Sport", one("n2"), one("s1"), one("s2")))
	v := h.serve().visitor()

	v.sees("/sources/new", `name="url"`)
	looked := v.sends("/sources/new", url.Values{"url": {site.URL + "/"}}, http.StatusOK)
	v.says(looked, "River News", "2 new", one("n1").title, "published", "Look at Sport", `value="`+site.URL+`/news.xml"`)
	if _, there := v.item(one("n1").title); there {
		t.Error("looking has published it")
	}
	other := v.sends("/sources/new", url.Values{"url": {site.URL + "/sport.xml"}, "choice": {site.URL + "/news.xml The news", site.URL + "/sport.xml Sport"}}, http.StatusOK)
	v.says(other, "River Sport", "Look at The news")

	added := v.sends("/sources/new", url.Values{"do": {"add"}, "url": {site.URL + "/news.xml"}, "name": {"Our river"}, "tags": {"news, local"}, "every": {"2h"}}, http.StatusSeeOther)
	run := v.goesTo(added)
	v.sees(run, "Our river")
	v.shows(one("n2").title)
	for path, n := range map[string]int{"/": 1, "/news.xml": 1, "/sport.xml": 1} {
		if asked := len(site.requests(path)); asked != n {
			t.Errorf("%s was asked %d times", path, asked)
		}
	}
	v.sees("/sources/our-river", "Our river", "news, local", "<code>2h</code>", "works", one("n1").title, "2 published", "1 fetched (200)")
	v.sees("/sources", "Our river", "2 published")

	v.says(v.sends("/sources/new", url.Values{"url": {site.URL + "/sport.xml"}}, http.StatusOK), "copy of what Our river has", "2 new, 1 also elsewhere")
	v.says(v.sends("/sources/new", url.Values{"url": {site.URL + "/news.xml"}}, http.StatusConflict), "is source our-river already")
}

// Whatever is wrong with an address is told above the form, in which it still is.
func TestAWrongAddressIsToldAboveTheForm(t *testing.T) {
	t.Parallel()
	h, site := newHouse(t, ""), newPublisher(t)
	site.publish("/plain", sitePage())
	site.publish("/page", sitePage("/gone.xml News"))
	site.publish("/feed", rssOf("A", one("a1")))
	site.publish("/text", "just some words")
	site.fail("/down", http.StatusBadGateway)
	site.fail("/locked", http.StatusUnauthorized)
	closed := newPublisher(t)
	closed.Close()
	v := h.serve().visitor()
	for address, c := range map[string]struct {
		status int
		says   string
	}{
		"":                     {400, "There is no address yet"},
		"ftp://example.org/":   {400, "is not http or https; write an absolute one"},
		"no words":             {400, "has no scheme; write an absolute one"},
		site.URL + "/plain":    {400, "names no feed; look for its feed&#39;s address"},
		site.URL + "/text":     {400, "not a feed"},
		site.URL + "/page":     {422, "404 Not Found; look on its site for where the feed is now"},
		site.URL + "/down":     {422, "502 Bad Gateway; the trouble is the server&#39;s: try again later"},
		site.URL + "/locked":   {422, "401 Unauthorized; give user and password"},
		closed.URL + "/":       {422, "refused the connection; is the address right?"},
		"http://$HOME@a.test/": {400, "which only the configuration and the command line may do"},
	} {
		a := v.sends("/sources/new", url.Values{"url": {address}}, c.status)
		v.says(a, `role="alert"`, c.says)
		if !strings.Contains(a.body, `value="`+strings.ReplaceAll(address, "&", "&amp;")+`"`) {
			t.Errorf("%s is not in the form any more", address)
		}
	}
	wrong := v.sends("/sources/new", url.Values{"do": {"add"}, "url": {site.URL + "/feed"}, "every": {"often"}, "name": {"Typed"}}, http.StatusBadRequest)
	v.says(wrong, "every: &#34;often&#34;", `value="Typed"`, `value="often"`, one("a1").title)
	if n := len(site.requests("/feed")); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

// One's own network is not looked at from outside.
func TestAddressesOfOnesOwnNetworkAreNotLookedAt(t *testing.T) {
	t.Parallel()
	h, site := newHouse(t, ""), newPublisher(t)
	h.write("tributary.yaml", strings.ReplaceAll(plain, "allow_private: true", "allow_private: false"))
	v := h.serve().visitor()
	v.says(v.sends("/sources/new", url.Values{"url": {site.URL + "/"}}, http.StatusForbidden), "is not a public address", `value="`+site.URL+`/"`)
	if n := len(site.requests("/")); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestASourceIsChangedFetchedAndRemovedFromThePage(t *testing.T) {
	t.Parallel()
	site := newPublisher(t)
	site.publish("/a", rssOf("A", one("a1")))
	site.publish("/declared", rssOf("Declared", one("d1")))
	h := newHouse(t, "sources:\n  - {url: "+site.URL+"/declared, name: Declared}\n")
	v := h.serve().visitor()
	v.goesTo(v.sends("/sources/new", url.Values{"do": {"add"}, "url": {site.URL + "/a"}}, http.StatusSeeOther))

	v.says(v.sends("/sources/a/edit", url.Values{"every": {"99"}, "name": {"Kept"}, "on": {"1"}}, http.StatusBadRequest), `role="alert"`, `value="99"`, `value="Kept"`)
	a := v.sends("/sources/a/edit", url.Values{"name": {"New name"}, "every": {"3h"}, "tags": {"one,two"}, "private": {"1"}, "allin": {"1"}, "on": {"1"}}, http.StatusSeeOther)
	v.sees(v.goesTo(a), "The changes were saved.", "New name", "<code>3h</code>", "one, two", "named in no public output", "not filtered")
	if a := v.get("/sources/a"); a.status != http.StatusNotFound {
		t.Errorf("strangers see the private one: %d", a.status)
	}
	if strings.Contains(v.get("/sources").body, "New name") {
		t.Error("strangers see the private one in the list")
	}
	v.sees("/sources", "New name", "private")

	site.publish("/a", rssOf("A", one("a1"), one("a2")))
	v.goesTo(v.sends("/sources/a", nil, http.StatusSeeOther))
	v.shows(one("a2").title)

	v.sends("/sources/a/edit", url.Values{"name": {"New name"}}, http.StatusSeeOther)
	v.sees("/sources/a", "switched off")
	if a := v.sees("/sources?show=off", "New name"); strings.Contains(a.body, "Declared") {
		t.Error("the others are shown too")
	}

	v.sees("/sources/declared/edit", "in the configuration file", "<code>every</code>")
	v.says(v.sends("/sources/declared/edit", url.Values{"name": {"x"}}, http.StatusConflict), "is declared in the configuration file; change it there")
	v.says(v.sends("/sources/declared/remove", nil, http.StatusConflict), "remove it there")
	v.sees("/sources/seeds/edit", "by the key “seeds”")
	v.says(v.sends("/sources/seeds/remove", nil, http.StatusConflict), "cannot be removed")

	v.sees("/sources/a/remove", "stays published", `name="purge"`)
	v.sees(v.goesTo(v.sends("/sources/a/remove", url.Values{"purge": {"1"}}, http.StatusSeeOther)), "and its items with it")
	eventually(t, patience, "its items are gone", func() bool { _, there := v.item(one("a1").title); return !there })
	v.does(http.MethodGet, "/sources/a", "", nil, http.StatusNotFound)
}

// upload is a form with a file.
func upload(t *testing.T, document string) (mediaType string, body io.Reader) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	file, err := form.CreateFormFile("file", "sources.opml")
	if err == nil {
		_, err = io.WriteString(file, document)
	}
	if err != nil || form.Close() != nil {
		t.Fatal("the form could not be written")
	}
	return form.FormDataContentType(), &out
}

func TestAListOfSourcesIsImportedAndExported(t *testing.T) {
	t.Parallel()
	v := newHouse(t, "").serve().visitor()
	send := func(document string, status int) answer {
		t.Helper()
		mediaType, body := upload(t, document)
		return v.does(http.MethodPost, "/sources/import", mediaType, body, status)
	}
	list := `<opml version="2.0"><body><outline text="One" type="rss" xmlUrl="https://one.test/feed" category="news"/>
		<outline text="By mail" type="rss" xmlUrl="mailto:list@example.org"/><outline text="Two" xmlUrl="https://two.test/feed"/></body></opml>`
	v.says(send(list, http.StatusOK), "2 sources were added, 0 were there already, 1 was left out", "mailto:list@example.org", "is not http or https", `href="/sources/one"`)
	v.says(send(list, http.StatusOK), "0 sources were added, 2 were there already, 1 was left out")
	v.says(send("<opml><body><outline", http.StatusBadRequest), `role="alert"`, "line 1")
	v.says(send("hello", http.StatusBadRequest), "this is not OPML")
	v.says(send(strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge), "The file is over 5 MB")
	mediaType := "multipart/form-data; boundary=x"
	v.says(v.does(http.MethodPost, "/sources/import", mediaType, strings.NewReader("--x--\r\n"), http.StatusBadRequest), "No file was chosen")

	v.sends("/sources/two/edit", url.Values{"private": {"1"}, "on": {"1"}}, http.StatusSeeOther)
	own := v.sees("/sources.opml", "https://one.test/feed", "https://two.test/feed")
	if !regexp.MustCompile(`^attachment; filename=`).MatchString(own.header.Get("Content-Disposition")) || own.header.Get("Cache-Control") != "no-store" {
		t.Errorf("it came with %v", own.header)
	}
	if list := v.get("/sources.opml").body; !strings.Contains(list, "one.test") || strings.Contains(list, "two.test") {
		t.Errorf("strangers get:\n%s", list)
	}
}
