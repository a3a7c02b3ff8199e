package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
)

const sampleBase = "https://guarantees.example"

func withHub(o *Options) {
	o.HubURL, o.Hub = o.Site.BaseURL+"/hub", http.NotFoundHandler()
}

// A hub elsewhere learns of the main feeds only, so that no others may name it.
func TestAHubElsewhereIsNamedByWhatItIsToldOf(t *testing.T) {
	srv := newServer(t, sampleStore(t), func(o *Options) { o.HubURL = "https://hub.example/" })
	for path, want := range map[string]bool{"/feed.atom": true, "/stories.json": true, "/feed.atom?min_sources=2": false} {
		if got := get(t, srv, path).Header.Get("Link"); strings.HasPrefix(got, `<https://hub.example/>; rel="hub"`) != want {
			t.Errorf("%s: Link: %s", path, got)
		}
	}
	for _, topic := range Told(sampleBase) {
		if _, err := srv.Topic(t.Context(), topic); err != nil {
			t.Error(err)
		}
	}
}

func TestFeedsNameTheirHub(t *testing.T) {
	st := sampleStore(t)
	srv, without := newServer(t, st, withHub), newServer(t, st)
	for path, says := range map[string]string{
		"/feed.atom":                 `<link rel="hub" href="https://guarantees.example/hub"`,
		"/stories.atom":              `<link rel="hub" href="https://guarantees.example/hub"`,
		"/feed.rss?min_sources=2":    `rel="hub"`,
		"/stories.json":              `"url":"https://guarantees.example/hub"`,
		"/feed.json?min_sources=007": `"url":"https://guarantees.example/hub"`,
	} {
		a := get(t, srv, path)
		self := sampleBase + strings.Replace(path, "007", "7", 1)
		wantField(t, a, "Link", `<https://guarantees.example/hub>; rel="hub", <`+self+`>; rel="self"`)
		if body := strings.Join(strings.Fields(a.body), " "); !strings.Contains(body, says) && !strings.Contains(strings.ReplaceAll(body, `": "`, `":"`), says) {
			t.Errorf("%s does not say %s", path, says)
		}
		if a := get(t, without, path); a.Header.Get("Link") != "" || strings.Contains(a.body, `"hub"`) {
			t.Errorf("%s names a hub, and there is none", path)
		}
	}
}

func TestTopicsAreFeedsUnderTheirOwnAddress(t *testing.T) {
	st := sampleStore(t)
	for _, base := range []string{sampleBase, sampleBase + "/news"} {
		srv := newServer(t, st, func(o *Options) { o.Site.BaseURL = base }, withHub)
		for _, path := range []string{"/feed.atom", "/feed.rss", "/feed.json", "/stories.atom", "/feed.json?min_sources=2"} {
			topic, err := srv.Topic(t.Context(), base+path)
			a := get(t, srv, path)
			change, _ := st.Change(t.Context())
			if err != nil || string(topic.Body) != a.body || topic.MediaType != a.Header.Get("Content-Type") || topic.Change != change || len(topic.Listed.Marks) == 0 {
				t.Errorf("%s: %d bytes of %s at %d with %d marks (%v)", path, len(topic.Body), topic.MediaType, topic.Change, len(topic.Listed.Marks), err)
			}
		}
		for address, says := range map[string]string{
			base + "/":                           "no feed that can be subscribed to",
			base + "/items/" + borderID:          "no feed that can be subscribed to",
			base + "/held.atom":                  "no feed that can be subscribed to",
			base + "/nothing":                    "no feed that can be subscribed to",
			base + "/feed.atom?min_sources=x":    "no feed that can be subscribed to",
			base + "/a b%zz":                     "no feed that can be subscribed to",
			base + "/feed.atom?utm_source=x":     "subscribe to " + base + "/feed.atom",
			base + "/feed.rss?min_sources=1":     "subscribe to " + base + "/feed.rss",
			"https://elsewhere.example/feed.rss": "is not of this site",
			"":                                   "is not of this site",
		} {
			if _, err := srv.Topic(t.Context(), address); feed.CodeOf(err) != feed.CodeNotFound || !strings.Contains(err.Error(), says) {
				t.Errorf("%q: %v", address, err)
			}
		}
	}
	if _, err := newServer(t, st).Topic(t.Context(), sampleBase+"/feed.atom"); feed.CodeOf(err) != feed.CodeNotFound {
		t.Errorf("without a hub: %v", err)
	}
}

// What is served for want of anything newer is nothing to send: it would be taken for
// delivered, and the news with it.
func TestWhatCannotBeMadeAnewIsNoTopic(t *testing.T) {
	st := &failingStore{Store: sampleStore(t)}
	o := sampleOptions()
	withHub(&o)
	srv := New(o, st, &scheduler{st: st}, catalogue{})
	view, stories := sampleBase+"/feed.atom?limit=2", sampleBase+"/stories.atom"
	for _, address := range []string{view, stories} {
		_, err := srv.Topic(t.Context(), address)
		must(t, err)
	}
	st.stories = errors.New("the disk is gone")
	fill(t, srv.variants.pushed.turns)
	touch(t, st.Store, parisID, noon)
	_, err := srv.refresh(t.Context())
	must(t, err)
	for _, address := range []string{view, stories} {
		if _, err := srv.Topic(t.Context(), address); feed.CodeOf(err) != feed.CodeUnavailable {
			t.Errorf("%s: what was there before is a topic: %v", address, err)
		}
	}
	if _, err := srv.Topic(t.Context(), sampleBase+"/feed.atom"); err != nil {
		t.Error(err)
	}
	empty(srv.variants.pushed.turns)
	st.stories = nil
	change, err := st.Change(t.Context())
	must(t, err)
	for _, address := range []string{view, stories} {
		if topic, err := srv.Topic(t.Context(), address); err != nil || topic.Change != change {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// subscribed knows what a topic's subscribers were told of.
type subscribed struct {
	path  string
	knows store.Listing
}

// told tells whether a document has news for them now, and tells them.
func (s *subscribed) told(t *testing.T, srv *Server) bool {
	t.Helper()
	topic, err := srv.Topic(t.Context(), sampleBase+s.path)
	must(t, err)
	news := topic.Listed.HasNews(s.knows)
	s.knows = topic.Listed.After(s.knows)
	return news
}

// newsRig is a site and who subscribes to its feeds.
type newsRig struct {
	*testing.T
	st      *store.Store
	srv     *Server
	items   []*subscribed
	stories *subscribed
}

// newNewsRig has more of each than its feeds with a limit have room for.
func newNewsRig(t *testing.T) *newsRig {
	st := sampleStore(t)
	r := &newsRig{T: t, st: st, srv: newServer(t, st, withHub), stories: &subscribed{path: "/stories.atom?limit=2"}}
	for _, path := range []string{"/feed.atom", "/feed.json?limit=2", "/feed.rss?limit=3&content=summary", "/tags/harbour/feed.atom?limit=2", "/sources/wire/feed.rss?limit=2"} {
		r.items = append(r.items, &subscribed{path: path})
	}
	for n := range 5 {
		r.publish(n + 1)
	}
	r.look()
	return r
}

func harbourID(n int) string { return fmt.Sprintf("aa000000-0000-5000-8000-00000000000%d", n) }

// publish publishes an item that all feeds list.
func (r *newsRig) publish(n int) {
	r.Helper()
	wire, err := r.st.Source(r.Context(), "wire")
	must(r.T, err)
	addItems(r.T, r.st, map[string]int64{"wire": wire.ID}, []sampleItem{{id: harbourID(n), source: "wire", entry: feed.Entry{
		Title: fmt.Sprint("Harbour ", n), URL: fmt.Sprint("https://wire.example/harbour/", n), Published: noon.Add(time.Duration(n) * time.Second),
		PublishedFrom: "feed", Content: "<p>Ships.</p>", Details: feed.Details{Categories: []string{"Harbour"}},
	}}})
}

func (r *newsRig) hide(n int, hidden bool) {
	r.Helper()
	must(r.T, r.st.Hide(r.Context(), harbourID(n), hidden, noon))
}

// change has a transaction do something with an item.
func (r *newsRig) change(n int, do func(tx *store.Tx, row int64) error) {
	r.Helper()
	item, err := r.st.Item(r.Context(), harbourID(n))
	must(r.T, err)
	must(r.T, r.st.Write(r.Context(), func(tx *store.Tx) error { return do(tx, item.RowID) }))
}

// look tells which feeds have news now.
func (r *newsRig) look() (news []string) {
	r.Helper()
	_, err := r.srv.refresh(r.Context())
	must(r.T, err)
	for _, f := range append(r.items, r.stories) {
		if f.told(r.T, r.srv) {
			news = append(news, f.path)
		}
	}
	return news
}

// none checks that there are no news, and all that there are some of items in each feed.
func (r *newsRig) none(after string) {
	r.Helper()
	if news := r.look(); news != nil {
		r.Errorf("%s: news in %q", after, news)
	}
}

func (r *newsRig) all(after string) {
	r.Helper()
	news := r.look()
	for _, f := range r.items {
		if !slices.Contains(news, f.path) {
			r.Errorf("%s: no news in %s", after, f.path)
		}
	}
}

// What is hidden or withdrawn, what moves up in its place, and what comes back is no
// news, in any feed; what is new or updated is, whatever else happens.
func TestOnlyNewItemsAndUpdatesAreNews(t *testing.T) {
	r := newNewsRig(t)
	r.hide(5, true)
	r.none("one is hidden")
	r.hide(5, false)
	r.none("it is shown again")
	r.change(4, func(tx *store.Tx, row int64) error { return tx.Withdraw(t.Context(), row, noon) })
	r.none("one is withdrawn")
	r.change(4, func(tx *store.Tx, row int64) error { return tx.Restore(t.Context(), row) })
	r.none("it is restored")

	r.hide(5, true)
	r.publish(6)
	r.all("one is new when another is hidden")
	r.hide(5, false)
	r.none("what was hidden before something new is shown again")

	r.hide(6, true)
	r.hide(5, true)
	r.none("two are hidden")
	touch(t, r.st, harbourID(3), noon.Add(time.Hour))
	r.all("what has moved up is updated")
	r.hide(6, false)
	r.hide(5, false)
	r.none("two are shown again")
	touch(t, r.st, harbourID(5), noon.Add(2*time.Hour))
	r.hide(6, true)
	r.all("one is updated when another is hidden")
}

// Who subscribes to items with several publishers, or to a source, is told of an item when
// it gets there, however old it is.
func TestAnOldItemIsNewWhereItComesIn(t *testing.T) {
	r := newNewsRig(t)
	few := &subscribed{path: "/feed.atom?min_sources=2"}
	r.items = []*subscribed{few}
	r.look()
	ministry, err := r.st.Source(t.Context(), "ministry")
	must(t, err)
	r.change(2, func(tx *store.Tx, row int64) error {
		e := feed.Entry{SourceID: ministry.ID, ItemID: row, Title: "Harbour 2", URL: "https://ministry.example/harbour", FirstSeen: noon}
		e.Keys.Identity = key(e.URL)
		e.Decision = feed.Decision{Kind: feed.CopyOf, Rule: "content", Reason: "Its text is equal."}
		if err := tx.InsertEntry(t.Context(), &e); err != nil {
			return err
		}
		return tx.RecountItem(t.Context(), row, noon.Add(time.Hour))
	})
	if news := r.look(); !slices.Equal(news, []string{few.path, r.stories.path}) {
		t.Errorf("news in %q", news)
	}
}

// A view that the hub would not take, for its address is too long, does not name it.
func TestWhatTheHubDoesNotTakeNamesNone(t *testing.T) {
	srv := newServer(t, sampleStore(t), withHub)
	for text, want := range map[string]bool{strings.Repeat("ü", 150): true, strings.Repeat("ა", 200): false} {
		path := "/search/feed.atom?q=" + url.QueryEscape(text)
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusOK)
		_, err := srv.Topic(t.Context(), sampleBase+path)
		for says, is := range map[string]bool{"a header": a.Header.Get("Link") != "", "the body": strings.Contains(a.body, `rel="hub"`), "a topic": err == nil} {
			if is != want {
				t.Errorf("%d bytes: %s: %v", len(sampleBase+path), says, is)
			}
		}
		if fits := len(sampleBase+path) <= store.LongestTopic; fits != want {
			t.Errorf("the hub takes %d bytes: %v", len(sampleBase+path), fits)
		}
	}
}

// What the hub asks for goes to a place of its own: readers find theirs kept.
func TestPushedViewsDriveNoReadersOut(t *testing.T) {
	srv := newServer(t, sampleStore(t), withHub)
	wantStatus(t, get(t, srv, "/feed.atom?limit=3"), http.StatusOK)
	for _, path := range []string{"/feed.atom?limit=3", "/feed.rss?limit=2", "/sources/wire/feed.json"} {
		topic, err := srv.Topic(t.Context(), sampleBase+path)
		must(t, err)
		kept := srv.variants.pushed.last(path)
		if kept == nil || string(topic.Body) != get(t, srv, path).body {
			t.Fatalf("%s is not kept, or is another document", path)
		}
		if kept.zipped.body != nil {
			t.Errorf("%s is compressed, and nobody is sent that", path)
		}
	}
	if n := srv.variants.others.order.Len(); n != 3 {
		t.Errorf("%d documents are kept for readers, want 3", n)
	}
}

func TestNoSearchHasNUL(t *testing.T) {
	srv := newServer(t, sampleStore(t), withHub)
	for _, path := range []string{"/search/feed.atom?q=%00", "/search/feed.json?q=a&source=%00", "/search/feed.rss?tag=%00", "/?q=a%00b"} {
		a := get(t, srv, path)
		wantStatus(t, a, http.StatusBadRequest)
		if !strings.Contains(a.body, "No text has the character NUL") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	if _, err := srv.Topic(t.Context(), sampleBase+"/search/feed.atom?q=%00"); feed.CodeOf(err) != feed.CodeNotFound {
		t.Error(err)
	}
}

func TestSubscribersReachTheHub(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st, withHub, func(o *Options) {
		o.Hub = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusAccepted)
			w.Write(body)
		})
	})
	if a := ask(t, srv, "POST", "/hub", "hub.mode=subscribe"); a.StatusCode != http.StatusAccepted || a.body != "hub.mode=subscribe" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	wantStatus(t, get(t, srv, "/hub"), http.StatusMethodNotAllowed)
	wantStatus(t, ask(t, newServer(t, st), "POST", "/hub", "hub.mode=subscribe"), http.StatusNotFound)
}
