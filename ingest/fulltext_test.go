package ingest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/fetch"
	"tributary/ingest/topic"
	"tributary/scheduler"
)

// site is a server of articles that notes what it is asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	pages map[string]http.HandlerFunc // by path
}

func newSite(t *testing.T) *site {
	s := &site{pages: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		page := s.pages[r.URL.Path]
		s.mu.Unlock()
		if page == nil {
			page = http.NotFound
		}
		page(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// says makes the site answer with a text of a type.
func (s *site) says(path, kind, text string) {
	s.answers(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, text)
	})
}

func (s *site) answers(path string, with http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = with
}

// article makes the site have an article.
func (s *site) article(path, title, text string) {
	s.says(path, "text/html; charset=utf-8", "<!doctype html><title>"+title+"</title><nav><a href=/>Home</a></nav><article><h1>"+title+"</h1>"+paragraphs(text)+"</article>")
}

// paragraphs parts a text.
func paragraphs(text string) string {
	var b strings.Builder
	words := strings.Fields(text)
	for len(words) > 0 {
		n := min(30, len(words))
		b.WriteString("<p>" + strings.Join(words[:n], " ") + ",</p>")
		words = words[n:]
	}
	return b.String()
}

// requests are what the site was asked for, and how often.
func (s *site) requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for _, path := range s.asked {
		n[path]++
	}
	return n
}

// declareFull makes these feeds the sources, with the option.
func (r *rig) declareFull(paths ...string) {
	r.t.Helper()
	r.declare(paths...)
	sources, err := r.store.Sources(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range sources {
		sources[i].FullText = sources[i].Kind == feed.KindFeed
	}
	if err := r.store.SyncSources(r.t.Context(), feed.OriginConfig, sources, r.clock()); err != nil {
		r.t.Fatal(err)
	}
}

// teaser is how a text begins.
func teaser(text string) string { return strings.Join(strings.Fields(text)[:20], " ") + " …" }

func note(i feed.Item) string { return i.Entry.Details.FullText.Note }

func TestTheTextOfAnArticleIsTakenFromItsPage(t *testing.T) {
	r, s := newRig(t), newSite(t)
	text := prose("a ferry")
	s.article("/ferry", "The ferry", text)
	p := post{guid: "1", link: s.URL + "/ferry", title: "The ferry", text: teaser(text), date: "Sun, 01 Mar 2026 09:00:00 GMT"}
	r.publish("/a", rss(p))
	r.declareFull("/a")
	r.ingest()
	item := r.item("The ferry")
	if !strings.Contains(item.Entry.Content, lastWords(text)) || note(item) != "taken from the page" {
		t.Fatalf("it says %q (%s)", item.Entry.Content, note(item))
	}
	if !strings.HasPrefix(item.Entry.Summary, "About a ferry") {
		t.Errorf("its summary is %q, which should be the feed's", item.Entry.Summary)
	}

	t.Run("once", func(t *testing.T) {
		r.publish("/a", rss(p)+"<!-- another document -->")
		r.ingest()
		r.ingest()
		if n := s.requests()["/ferry"]; n != 1 {
			t.Errorf("the page was asked for %d times", n)
		}
		if again := r.item("The ferry"); again.Entry.Content != item.Entry.Content || !again.Updated.Equal(item.Updated) {
			t.Error("it changed")
		}
	})
	t.Run("what readers do not see changes nothing", func(t *testing.T) {
		p.date = "Sun, 01 Mar 2026 10:00:00 GMT"
		r.publish("/a", rss(p))
		r.ingest()
		if again := r.item("The ferry"); again.Entry.Content != item.Entry.Content || !again.Updated.Equal(item.Updated) || note(again) != note(item) {
			t.Errorf("it changed to %q (%s)", again.Entry.Content, note(again))
		}
		if n := s.requests()["/ferry"]; n != 1 {
			t.Errorf("the page was asked for %d times", n)
		}
	})
	t.Run("a new id changes nothing", func(t *testing.T) {
		p.guid = "one"
		r.publish("/a", rss(p))
		r.ingest()
		if again := r.item("The ferry"); again.Entry.Content != item.Entry.Content || again.ID != item.ID || s.requests()["/ferry"] != 1 {
			t.Errorf("it changed to %q; %v", again.Entry.Content, s.requests())
		}
	})
	t.Run("a change within a day does not have it read again", func(t *testing.T) {
		p.text = teaser(text) + " 3 comments"
		r.publish("/a", rss(p))
		r.ingest()
		if again := r.item("The ferry"); again.Entry.Content != item.Entry.Content || !again.Updated.Equal(item.Updated) || s.requests()["/ferry"] != 1 {
			t.Errorf("it changed to %q (%s); %v", again.Entry.Content, note(again), s.requests())
		}
	})
	t.Run("a change in the feed has the page read anew, once", func(t *testing.T) {
		r.later(25 * time.Hour)
		p.title = "The ferry, again"
		s.article("/ferry", "The ferry, again", text+" The county has paid for "+prose("the bill"))
		r.publish("/a", rss(p))
		r.ingest()
		r.ingest()
		again := r.item("The ferry, again")
		if !strings.Contains(again.Entry.Content, "The county has paid") || !again.Updated.After(item.Updated) || s.requests()["/ferry"] != 2 {
			t.Errorf("it says %q, updated %s; %v", again.Entry.Content, again.Updated, s.requests())
		}
		item = again
	})
	t.Run("a page that is gone by then takes nothing away", func(t *testing.T) {
		r.later(25 * time.Hour)
		p.title = "The ferry, at last"
		s.answers("/ferry", http.NotFound)
		r.publish("/a", rss(p))
		r.ingest()
		p.date = "Sun, 01 Mar 2026 11:00:00 GMT"
		r.publish("/a", rss(p))
		r.ingest()
		again := r.item("The ferry, at last")
		if again.Entry.Content != item.Entry.Content || !strings.HasPrefix(note(again), "taken from the page before") || s.requests()["/ferry"] != 3 {
			t.Errorf("it says %q (%s); %v", again.Entry.Content, note(again), s.requests())
		}
	})
}

func lastWords(text string) string {
	words := strings.Fields(text)
	return strings.Join(words[len(words)-3:], " ")
}

func TestTheFeedsTextStaysWhereThePageHasNone(t *testing.T) {
	text := prose("a bridge")
	for name, c := range map[string]struct {
		page http.HandlerFunc
		why  string
	}{
		"gone":      {http.NotFound, "not taken: the page could not be had"},
		"broken":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "not taken: the page could not be had"},
		"a picture": {answer("image/png", "<p>"+text), "not taken: the page could not be had: what "},
		"shorter":   {answer("text/html", "<article><p>"+strings.Join(strings.Fields(text)[:20], " ")+" …</p></article>"), "not taken: there is too little text"},
		"huge":      {answer("text/html", "<p>"+strings.Repeat("x, ", 1<<20)), "not taken: the page could not be had: the document of "},
		"slow":      {slow, "not taken: the page could not be had: no answer"},
		"a paywall": {answer("text/html", "<article>"+paragraphs(text)+"<p>Subscribe to continue reading.</p></article>"), "not taken: the page is for those who pay"},
		"consent": {answer("text/html", "<body><p>We value your privacy. We and our partners store what you read, for personalised ads and more.</p><button>Accept all</button>"),
			"not taken: a page that asks for consent"},
		"another subject": {answer("text/html", "<article>"+paragraphs(strings.Repeat("quite unlike what anybody wanted from it here, ", 40))+"</article>"), "not taken: the page does not say what the feed says"},
		"asks to wait": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(503)
		}, "not taken: the page could not be had"},
	} {
		t.Run(name, func(t *testing.T) {
			r, s := newRig(t), newSite(t)
			s.answers("/bridge", c.page)
			r.publish("/a", rss(post{guid: "1", link: s.URL + "/bridge", title: "The bridge", text: teaser(text)}))
			r.declareFull("/a")
			report := r.ingest()
			item := r.item("The bridge")
			if !strings.Contains(item.Entry.Content, "…") || !strings.HasPrefix(note(item), c.why) {
				t.Errorf("it says %q (%s)", item.Entry.Content, note(item))
			}
			for _, src := range report.Sources {
				if src.Outcome == feed.OutcomeFailed {
					t.Errorf("the source failed: %s", src.Error)
				}
			}
			src, err := r.store.Source(t.Context(), "a")
			if err != nil || src.State.Status != feed.StatusOK {
				t.Errorf("the source is %s (%v)", src.State.Status, err)
			}
			if until := src.State.NextDue.Sub(r.clock()); name == "asks to wait" && until < 7190*time.Second {
				t.Errorf("the source is asked again in %s, before its pages' host wants to be", until)
			}
			r.ingest()
			if n := s.requests()["/bridge"]; n != 1 {
				t.Errorf("the page was asked for %d times", n)
			}
		})
	}
}

func answer(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, text)
	}
}

// slow does not answer before it is left.
func slow(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(20 * time.Second):
	}
}

func TestALongerTextOfTheFeedStays(t *testing.T) {
	r, s := newRig(t), newSite(t)
	text := prose("a tunnel")
	s.article("/tunnel", "The tunnel", strings.Join(strings.Fields(text)[:60], " "))
	r.publish("/a", rss(post{guid: "1", link: s.URL + "/tunnel", title: "The tunnel", text: text}))
	r.declareFull("/a")
	r.ingest()
	if item := r.item("The tunnel"); !strings.Contains(item.Entry.Content, lastWords(text)) || note(item) != "not taken: the page has no more text than the feed" {
		t.Errorf("it says %q (%s)", item.Entry.Content, note(item))
	}
}

func TestRobotsTxtIsObeyedAndAskedForOnce(t *testing.T) {
	for name, c := range map[string]struct {
		robots http.HandlerFunc
		pages  int // asked for
		why    string
	}{
		"it permits":          {answer("text/plain", "User-agent: *\nDisallow: /x\n\nUser-agent: test\nAllow: /"), 2, "taken from the page"},
		"it is not there":     {http.NotFound, 2, "taken from the page"},
		"it is for insiders":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, 2, "taken from the page"},
		"it is empty":         {answer("text/plain", ""), 2, "taken from the page"},
		"it forbids us":       {answer("text/plain", "User-agent: test\nDisallow: /x"), 0, "not taken: robots.txt of "},
		"it forbids all":      {answer("text/plain", "User-agent: *\nDisallow: /"), 0, "not taken: robots.txt of "},
		"it is broken":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, 0, "not taken: "},
		"it wants us to wait": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, 0, "not taken: "},
		"it leads elsewhere":  {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other.txt", 301) }, 0, "not taken: robots.txt of "},
		"it asks for hours":   {answer("text/plain", "User-agent: *\nCrawl-delay: 3600"), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, s := newRig(t), newSite(t)
			s.answers("/robots.txt", c.robots)
			s.says("/other.txt", "text/plain", "User-agent: *\nDisallow: /x")
			var posts []post
			for _, about := range []string{"one", "two"} {
				text := prose("number " + about)
				s.article("/x/"+about, about, text)
				posts = append(posts, post{guid: about, link: s.URL + "/x/" + about, title: about, text: teaser(text)})
			}
			r.publish("/a", rss(posts...))
			r.declareFull("/a")
			r.ingest()
			asked := s.requests()
			if asked["/robots.txt"] != 1 || asked["/x/one"]+asked["/x/two"] != c.pages {
				t.Errorf("asked for %v", asked)
			}
			for _, i := range r.items() {
				if !strings.HasPrefix(note(i), c.why) {
					t.Errorf("%s: %s", i.Entry.Title, note(i))
				}
			}
		})
	}
}

func TestWhatIsNotPublishedIsNotAskedFor(t *testing.T) {
	r, s := newRig(t), newSite(t)
	rules, err := topic.ParseRules(nil, []string{"title:off topic"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.filter = ingest.Filter{Mode: ingest.FilterRules, Rules: rules}
	text := prose("a lake")
	r.publish("/first", rss(post{guid: "f", link: s.URL + "/copy", title: "A copy", text: teaser(text)}))
	r.publish("/a", rss(
		post{guid: "1", link: s.URL + "/held", title: "Off topic", text: teaser(text)},
		post{guid: "2", link: s.URL + "/copy", title: "A copy", text: teaser(text)},
		post{guid: "3", link: s.URL + "/shared", title: "One", text: teaser(prose("one"))},
		post{guid: "4", link: s.URL + "/shared", title: "Two", text: teaser(prose("two"))},
		post{guid: "5", link: "", title: "Without an address", text: teaser(prose("three"))},
	))
	r.declare("/first")
	r.ingest()
	r.declareFull("/first", "/a")
	r.ingest()
	if asked := s.requests(); len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
}

func TestARunAsksForSoManyPagesOfASource(t *testing.T) {
	r, s := newRig(t), newSite(t)
	var posts []post
	for i := range 14 {
		name := fmt.Sprintf("number %02d", i)
		text := prose(name)
		s.article(fmt.Sprintf("/%02d", i), name, text)
		posts = append(posts, post{guid: name, link: fmt.Sprintf("%s/%02d", s.URL, i), title: name, text: teaser(text), date: fmt.Sprintf("Sun, 01 Mar 2026 00:%02d:00 GMT", i)})
	}
	r.publish("/a", rss(posts...))
	r.declareFull("/a")
	r.ingest()
	r.ingest()
	if n := len(s.requests()); n != 11 { // with robots.txt
		t.Errorf("%d different requests: %v", n, s.requests())
	}
	if taken, left := note(r.item("number 13")), note(r.item("number 03")); taken != "taken from the page" || !strings.HasPrefix(left, "not taken: more than") {
		t.Errorf("the newest: %s; an older one: %s", taken, left)
	}
}

func TestPagesThatFailOneAfterTheOtherAreLeftAlone(t *testing.T) {
	r, s := newRig(t), newSite(t)
	var posts []post
	for i := range 8 {
		name := fmt.Sprintf("number %02d", i)
		path := fmt.Sprintf("/%02d", i)
		s.answers(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		posts = append(posts, post{guid: name, link: s.URL + path, title: name, text: teaser(prose(name))})
	}
	r.publish("/a", rss(posts...))
	r.declareFull("/a")
	r.ingest()
	if n := len(s.requests()); n != 4 { // with robots.txt
		t.Errorf("%d requests", n)
	}
	if n := len(r.items()); n != 8 {
		t.Errorf("%d items: a page keeps no entry back", n)
	}
}

func TestPagesThatAllSayTheSameAreNoArticles(t *testing.T) {
	r, s := newRig(t), newSite(t)
	text := prose("a wall")
	var posts []post
	for _, name := range []string{"one", "two"} {
		s.article("/"+name, "Stop", text)
		posts = append(posts, post{guid: name, link: s.URL + "/" + name, title: name, text: teaser(text) + " " + name})
	}
	r.publish("/a", rss(posts...))
	r.declareFull("/a")
	r.ingest()
	for _, name := range []string{"one", "two"} {
		if got := note(r.item(name)); got != "not taken: other pages say the same" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestPagesOnPrivateAddressesAreNotAskedFor(t *testing.T) {
	s := newSite(t)
	s.article("/secret", "Secret", prose("a secret"))
	client := fetch.New(fetch.Options{UserAgent: "test"})
	_, err := ingest.NewArticles(client, time.Now).Article(t.Context(), s.URL+"/secret")
	if err == nil || !strings.Contains(err.Error(), "not a public address") || len(s.requests()) > 0 {
		t.Errorf("%v; asked for %v", err, s.requests())
	}
}

func TestAnotherProgramDoesNotAskAgain(t *testing.T) {
	r, s := newRig(t), newSite(t)
	text := prose("a mill")
	s.article("/mill", "The mill", text)
	doc := rss(post{guid: "1", link: s.URL + "/mill", title: "The mill", text: teaser(text)})
	r.publish("/a", doc)
	r.declareFull("/a")
	r.ingest()
	before := r.item("The mill")
	client := fetch.New(fetch.Options{UserAgent: "test", AllowPrivate: true, Now: r.clock})
	t.Cleanup(client.Close)
	next := &ingest.Pipeline{Store: scheduler.ForPipeline(r.store), Fetcher: client, Articles: ingest.NewArticles(client, r.clock), Policy: scheduler.Policy{}, Now: r.clock}
	sources, err := r.store.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.publish("/a", doc+"<!-- -->")
	r.later(time.Hour)
	if err := next.Run(t.Context(), ingest.Run{ID: "next", Now: r.clock(), Force: true}, sources, func(feed.SourceReport) {}); err != nil {
		t.Fatal(err)
	}
	if after := r.item("The mill"); s.requests()["/mill"] != 1 || after.Entry.Content != before.Entry.Content {
		t.Errorf("asked for %v", s.requests())
	}
}
