package web

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tributary/store"
)

// views are feeds of the sample by their own addresses, without the part that says
// the format, with their titles after the site's, and how much they list.
var views = []struct {
	path, query, title string
	items              int
}{
	{"/sources/river-post/feed", "", ": The River Post", 4},
	{"/sources/seeds/feed", "", ": Our own notes", 2},
	{"/sources/river-post/feed", "?min_sources=4&limit=20", ": The River Post (4 publishers or more) (newest 20)", 2},
	{"/tags/poland/feed", "", ": tag “poland”", 1},
	{"/tags/security%20guarantees/feed", "?content=summary", ": tag “security guarantees” (summaries)", 1},
	{"/tags/no%2Fsuch/feed", "", ": tag “no/such”", 0},
	{"/search/feed", "?q=line+of+contact", ": search “line of contact”", 2},
	{"/search/feed", "?q=border&source=river-post&tag=poland&limit=5", ": The River Post: search “border”: tag “poland” (newest 5)", 1},
	{"/search/feed", "?q=%22%3C%2Fxyzzy%3E+%26+%E2%80%9C", ": search “\"</xyzzy> & ““", 0},
	{"/search/feed", "?tag=..", ": tag “..”", 0},
	{"/feed", "?limit=3", " (newest 3)", 3},
	{"/feed", "?limit=100", " (newest 100)", 11},
	{"/feed", "?content=summary", " (summaries)", 11},
	{"/feed", "?min_sources=3&limit=2&content=summary", " (3 publishers or more) (newest 2) (summaries)", 2},
	{"/stories", "?limit=2", ": stories (newest 2)", 2},
	{"/stories", "?content=summary", ": stories (summaries)", 7},
}

func TestEachViewIsAFeedOfItsOwn(t *testing.T) {
	srv := newServer(t, sampleStore(t), withHub)
	ids := map[string]string{between(get(t, srv, "/feed.atom").body, "<id>", "</id>"): "the main feed"}
	for _, v := range views {
		for _, ext := range []string{"atom", "rss", "json"} {
			path := v.path + "." + ext + v.query
			a, parsed := get(t, srv, path), readFeed(t, srv, path)
			if len(parsed.Items) != v.items {
				t.Errorf("%s has %d items, want %d: %v", path, len(parsed.Items), v.items, titles(parsed))
			}
			if want := "Guarantees Watch" + v.title; strings.ReplaceAll(parsed.Title, " >", ">") != strings.ReplaceAll(want, " >", ">") && !strings.Contains(v.title, "<") {
				t.Errorf("%s is called %q, want %q", path, parsed.Title, want)
			}
			if parsed.FeedLink != sampleBase+path {
				t.Errorf("%s says it is at %s", path, parsed.FeedLink)
			}
			wantField(t, a, "Cache-Control", "public, max-age=900")
			wantStatus(t, get(t, srv, path, "If-None-Match", a.Header.Get("ETag")), http.StatusNotModified)
			if _, err := srv.Topic(t.Context(), sampleBase+path); err != nil {
				t.Error(err)
			}
			if olderIn[ext](a) != "" {
				t.Errorf("%s leads to an archive, which is of other things", path)
			}
		}
		id := between(get(t, srv, v.path+".atom"+v.query).body, "<id>", "</id>")
		if other := ids[id]; other != "" {
			t.Errorf("%s%s and %s have one id", v.path, v.query, other)
		}
		ids[id] = v.path + v.query
		home := strings.TrimPrefix(readFeed(t, srv, v.path+".rss"+v.query).Link, sampleBase)
		wantStatus(t, get(t, srv, home), http.StatusOK)
	}
}

// Caches in between, and hubs, know a document by its address: whatever was
// asked for, it names one.
func TestAViewIsOneDocumentHoweverItIsAskedFor(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for own, others := range map[string][]string{
		"/sources/river-post/feed.atom":                {"?utm_source=mail", "?limit=100", "?content=full&min_sources=1&limit=", "?q=ignored&tag=x"},
		"/tags/security%20guarantees/feed.json":        {"/tags/Security%20%20Guarantees/feed.json", "/tags/SECURITY%20GUARANTEES/feed.json?limit=100", "/search/feed.json?tag=Security+guarantees"},
		"/search/feed.rss?q=soldier+border&limit=7":    {"/search/feed.rss?limit=07&q=++soldier++border+&x=y", "/search/feed.rss?q=soldier%20border&limit=7&limit=8&content=full"},
		"/feed.atom?limit=3&content=summary":           {"/feed.atom?content=summary&limit=3", "/feed.atom?content=summary&min_sources=1&limit=3&key=x"},
		"/sources/river-post/feed.json?min_sources=4":  {"/search/feed.json?source=river-post&min_sources=4"},
		"/feed.rss?min_sources=2":                      {"/feed.rss?limit=100&min_sources=2"},
		"/stories.atom":                                {"/stories.atom?limit=100&content=full"},
		"/feed.json":                                   {"/feed.json?content=full&limit="},
		"/search/feed.atom?q=border&source=river-post": {"/search/feed.atom?source=river-post&q=border"},
	} {
		want := get(t, srv, own)
		wantStatus(t, want, http.StatusOK)
		for _, other := range others {
			if strings.HasPrefix(other, "?") {
				other = own + other
			}
			a := get(t, srv, other)
			wantStatus(t, a, http.StatusOK)
			if a.body != want.body || a.Header.Get("ETag") != want.Header.Get("ETag") {
				t.Errorf("%s is another document than %s", other, own)
			}
		}
	}
	if n := len(srv.variants.others.byKey); n != 7 {
		t.Errorf("%d documents are kept for 7 views", n)
	}
}

func TestWhatAViewCannotDoIsToldSo(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	long := strings.Repeat("x", 201)
	for path, c := range map[string]struct {
		status int
		says   string
	}{
		"/feed.atom?limit=0":                     {400, "“limit=0” is not understood: it is a whole number from 1 to 500."},
		"/stories.rss?limit=501":                 {400, "from 1 to 500."},
		"/tags/poland/feed.json?limit=x":         {400, "from 1 to 500."},
		"/sources/wire/feed.json?min_sources=51": {400, "from 1 to 50."},
		"/search/feed.atom?q=x&content=none":     {400, "“content=none” is not understood: it is summary or full."},
		"/feed.atom?limit=5;x=1":                 {400, "The parameters of this address cannot be read"},
		"/feed.json?x=%zz":                       {400, "The parameters of this address cannot be read"},
		"/stories.rss?a;b":                       {400, "The parameters of this address cannot be read"},
		"/tags/poland/feed.rss?limit=5;x=1":      {400, "The parameters of this address cannot be read"},
		"/search/feed.rss?q=a;b":                 {400, "write name=value, & between them, and %26, %3B and %25 for &, ; and % in a value."},
		"/archive/1.atom?x;y":                    {400, "The parameters of this address cannot be read"},
		"/search/feed.atom":                      {400, "give q=WORDS"},
		"/search/feed.atom?q=+&utm=x":            {400, "give q=WORDS"},
		"/search/feed.rss?q=" + long:             {400, "give 200 characters at most"},
		"/tags/" + long + "/feed.rss":            {400, "give 200 characters at most"},
		"/search/feed.rss?q=" + manyWords(65):    {400, "too long to search for"},
		"/sources/nobody/feed.atom":              {404, "There is no source “nobody” here"},
		"/sources/letter/feed.atom":              {404, "There is no source “letter” here"}, // private
		"/sources/paid/feed.atom":                {404, "There is no source “paid” here"},   // has a password
		"/search/feed.atom?q=x&source=letter":    {404, "There is no source “letter” here"},
		"/sources/The%20River%20Post/feed.atom":  {404, "There is no source"}, // by its slug only
		"/sources/river-post/feed.xml":           {404, "no page at this address"},
		"/search":                                {404, "no page at this address"},
		"/tags/poland":                           {404, "no page at this address"},
	} {
		a := get(t, srv, path)
		if a.StatusCode != c.status || !strings.Contains(html.UnescapeString(a.body), c.says) {
			t.Errorf("%s: %d, want %d and %q:\n%s", path, a.StatusCode, c.status, c.says, a.body)
		}
		if strings.Contains(a.body, "Secret Letter") || strings.Contains(a.body, "Paid Paper") {
			t.Errorf("%s tells of a private source", path)
		}
	}
	if len(srv.variants.others.byKey) != 0 {
		t.Error("what there is not is kept")
	}
}

func manyWords(n int) string {
	var words []string
	for i := range n {
		words = append(words, fmt.Sprint(i%10))
	}
	return strings.Join(words, "+")
}

func TestARemovedOrPrivateSourceHasNoFeedAnyMore(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	wantStatus(t, get(t, srv, "/sources/wire/feed.atom"), http.StatusOK)
	wantStatus(t, get(t, srv, "/sources/abendblatt/feed.atom"), http.StatusOK)
	must(t, st.RemoveSource(t.Context(), "wire", false, noon))
	src, err := st.Source(t.Context(), "abendblatt")
	must(t, err)
	src.Private = true
	must(t, st.UpdateSource(t.Context(), src))
	_, err = srv.refresh(t.Context())
	must(t, err)
	wantStatus(t, get(t, srv, "/sources/wire/feed.atom"), http.StatusNotFound)
	wantStatus(t, get(t, srv, "/sources/abendblatt/feed.atom"), http.StatusNotFound)
	if _, err := srv.Topic(t.Context(), sampleBase+"/sources/wire/feed.atom"); err == nil {
		t.Error("it can be subscribed to")
	}
}

func TestPagesNameTheFeedOfWhatTheyShow(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	admin := login(t, srv)
	for path, feedPath := range map[string]string{
		"/sources/river-post":            "/sources/river-post/feed.atom",
		"/?tag=Poland":                   "/tags/poland/feed.atom",
		"/?source=river-post":            "/sources/river-post/feed.atom",
		"/?q=line+of+contact":            "/search/feed.atom?q=line&#43;of&#43;contact",
		"/?q=border&source=river-post":   "/search/feed.atom?q=border&amp;source=river-post",
		"/?q=border&day=2025-12-30":      "", // it would end
		"/":                              "",
		"/sources":                       "",
		"/sources/letter (an admin)":     "",
		"/?source=letter (an admin)":     "",
		"/?source=river-post (an admin)": "/sources/river-post/feed.atom",
	} {
		page, asAdmin := strings.CutSuffix(path, " (an admin)")
		header := map[bool][]string{true: admin}[asAdmin]
		a := get(t, srv, page, header...)
		wantStatus(t, a, http.StatusOK)
		if feedPath == "" {
			if strings.Contains(a.body, "Subscribe to this") {
				t.Errorf("%s offers a feed of it", path)
			}
			continue
		}
		if !strings.Contains(a.body, `<link rel="alternate" type="application/atom+xml" title="Guarantees Watch: `) || strings.Count(a.body, `href="`+feedPath+`"`) != 2 {
			t.Errorf("%s does not name %s in its head and in its text:\n%s", path, feedPath, a.body)
		}
		wantStatus(t, get(t, srv, strings.NewReplacer("&amp;", "&", "&#43;", "+").Replace(feedPath)), http.StatusOK)
	}
	if a := get(t, srv, "/sources"); !strings.Contains(a.body, `<link rel="alternate" type="text/x-opml" title="Guarantees Watch: sources (OPML)" href="/sources.opml">`) {
		t.Error("the page of sources does not name their list")
	}
	for ext, mediaType := range map[string]string{"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"} {
		for page, feedPath := range map[string]string{"/login": "/stories." + ext, "/fetching": "/feed." + ext, "/?tag=Poland": "/tags/poland/feed." + ext} {
			if a := get(t, srv, page); !regexp.MustCompile(`<link rel="alternate" type="` + regexp.QuoteMeta(mediaType) + `" title="[^"]+" href="` + feedPath + `">`).MatchString(a.body) {
				t.Errorf("the head of %s does not name %s as %s", page, feedPath, mediaType)
			}
		}
	}
	closed := newServer(t, st, func(o *Options) { o.Private = true })
	a := get(t, closed, "/sources/river-post", login(t, closed)...)
	if strings.Contains(a.body, `rel="alternate"`) || !strings.Contains(a.body, "need a key of their own") {
		t.Errorf("a private site does not say that its feeds need a key:\n%s", a.body)
	}
}

func TestViewsOfAPrivateSiteNeedAKey(t *testing.T) {
	srv := private(t)
	for _, v := range views {
		path := v.path + ".atom" + v.query
		wantStatus(t, get(t, srv, path), http.StatusUnauthorized)
		srv.guard = newGuard(sampleToken, srv.opt.Now)
		a := get(t, srv, path, "Authorization", "Bearer "+readerKey)
		wantStatus(t, a, http.StatusOK)
		wantField(t, a, "Cache-Control", "private, max-age=900")
	}
}

// The W3C's validator must have nothing to say of any view, nor of any archive,
// as they are served. See package feed's test for where it is.
func TestTheW3CValidatorFindsNothingInAnyView(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has the validator's libraries
	checkout := os.Getenv("VALIDATOR")
	if checkout == "" {
		t.Skip("VALIDATOR does not name a checkout of the W3C feed validator (make validate VALIDATOR=path)")
	}
	if !filepath.IsAbs(checkout) {
		checkout = filepath.Join("..", checkout)
	}
	st := archiveStore(t)
	all, err := st.Items(t.Context(), store.Query{Before: 101, Limit: 50}) // an archive without live items
	must(t, err)
	for _, it := range all {
		must(t, st.Hide(t.Context(), it.ID, true, noon))
	}
	var srv *Server
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { srv.Handler().ServeHTTP(w, r) }))
	defer site.Close()
	srv = newServer(t, st, withHub, func(o *Options) { o.Site.BaseURL, o.HubURL = site.URL, site.URL+"/hub" })
	paths := []string{"/feed.", "/stories.", "/archive/1.", "/archive/2.", "/archive/3."}
	for _, v := range views {
		paths = append(paths, v.path+".")
		if v.query != "" {
			paths[len(paths)-1] += v.query
		}
	}
	for _, path := range paths {
		for _, ext := range []string{"atom", "rss"} {
			name, query, _ := strings.Cut(path, "?")
			address := strings.TrimSuffix(site.URL+name+ext+"?"+query, "?")
			t.Run(address[len(site.URL):], func(t *testing.T) {
				c := exec.CommandContext(t.Context(), python, "demo.py", address)
				c.Dir = filepath.Join(checkout, "src")
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}
