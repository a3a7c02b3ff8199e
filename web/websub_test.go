package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
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
			if err != nil || string(topic.Body) != a.body || topic.MediaType != a.Header.Get("Content-Type") || topic.Change != change || len(topic.Marks) == 0 {
				t.Errorf("%s: %d bytes of %s at %d with %d marks (%v)", path, len(topic.Body), topic.MediaType, topic.Change, len(topic.Marks)/8, err)
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
	fill(t, srv.variants.others.turns)
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
	empty(srv.variants.others.turns)
	st.stories = nil
	change, err := st.Change(t.Context())
	must(t, err)
	for _, address := range []string{view, stories} {
		if topic, err := srv.Topic(t.Context(), address); err != nil || topic.Change != change {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestOnlyNewsMoveTheMarks(t *testing.T) {
	st := sampleStore(t)
	changes := 0
	srv := newServer(t, st, withHub, func(o *Options) { o.Changed = func() { changes++ } })
	look := func() Topic {
		t.Helper()
		if _, err := srv.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		topic, err := srv.Topic(t.Context(), sampleBase+"/feed.atom")
		must(t, err)
		return topic
	}
	before := look()
	join(t, st, parisID, borderID) // more coverage, told beside both
	beside := look()
	if !slices.Equal(before.Marks, beside.Marks) || string(before.Body) == string(beside.Body) || changes != 2 {
		t.Errorf("coverage moved the marks, or did not show; Changed was called %d times", changes)
	}
	touch(t, st, parisID, at(time.July, 30, 12, 0))
	after, moved := look(), 0
	for i := 0; i < len(after.Marks); i += 8 {
		known := false
		for j := 0; j < len(before.Marks); j += 8 {
			known = known || slices.Equal(before.Marks[j:j+8], after.Marks[i:i+8])
		}
		if !known {
			moved++
		}
	}
	if moved != 1 || len(after.Marks) != len(before.Marks) {
		t.Errorf("%d marks of one updated item moved", moved)
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
