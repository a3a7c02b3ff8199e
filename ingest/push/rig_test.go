package push_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/ingest/push"
	"tributary/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a subscriber that runs, its store, and a site with a hub on loopback.
type rig struct {
	*testing.T
	store  *store.Store
	us     *httptest.Server
	site   *site
	src    feed.Source
	named  chan struct{}
	client *fetch.Client
	stop   func()

	mu         sync.Mutex
	subscriber *push.Subscriber
	taken      []feed.Document
	counted    map[string]int
}

func newRig(t *testing.T, change func(*push.Options)) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r := &rig{T: t, store: st, site: newSite(t), named: make(chan struct{}, 1), counted: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/push/{id}", func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		s := r.subscriber
		r.mu.Unlock()
		s.ServeHTTP(w, q)
	})
	r.us = httptest.NewServer(mux)
	t.Cleanup(r.us.Close)
	r.client = fetch.New(fetch.Options{AllowPrivate: true, HostSpacing: -1})
	t.Cleanup(r.client.Close)
	r.start(change)
	t.Cleanup(func() { r.stop() })
	return r
}

// start starts a subscriber, another one on the same store after a stop.
func (r *rig) start(change func(*push.Options)) {
	transport := fetch.Guarded(true, func(string, bool) {})
	o := push.Options{Base: r.us.URL + "/push/", Store: r.store, Take: r.take, Transport: transport, UserAgent: "Tributary/test", Named: r.named,
		Every: 10 * time.Millisecond, Spacing: -1, Timeout: 2 * time.Second, Shortest: time.Millisecond, Backoff: []time.Duration{50 * time.Millisecond},
		Count: func(result string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.counted[result]++
		}}
	if change != nil {
		change(&o)
	}
	s := push.New(o)
	r.mu.Lock()
	r.subscriber = s
	r.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	r.stop = func() { cancel(); <-done; transport.CloseIdleConnections() }
}

func (r *rig) take(_ context.Context, _ feed.Source, doc feed.Document) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, doc)
	return nil
}

func (r *rig) documents() []feed.Document {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]feed.Document(nil), r.taken...)
}

func (r *rig) count(result string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counted[result]
}

// polls makes a path of the site a source and fetches it, as a run does.
func (r *rig) polls(path string) {
	r.Helper()
	var err error
	if r.src.ID == 0 {
		r.src, err = r.store.AddSource(r.Context(), feed.Source{Slug: "site", Kind: feed.KindFeed, URL: r.site.URL + path, Enabled: true}, time.Now())
		r.must(err)
	}
	res := r.client.Get(r.Context(), r.src, true)
	r.must(res.Err)
	r.src.State.Hub = push.Discover(res.Links, res.Document)
	r.must(r.store.Write(r.Context(), func(t *store.Tx) error { return t.SaveSource(r.Context(), r.src.ID, r.src.About, r.src.State) }))
	select {
	case r.named <- struct{}{}:
	default:
	}
}

// subscribed waits until there is a confirmed subscription, and gives it.
func (r *rig) subscribed(topic string) (p feed.Push) {
	r.Helper()
	r.eventually("subscription to "+topic, func() bool {
		var err error
		p, _, err = r.store.PushOf(r.Context(), r.src.ID)
		r.must(err)
		return p.State == feed.PushActive && p.Hub.Topic == topic
	})
	return p
}

// sends has the hub deliver a body; the header X-Hub-Signature is what sign
// makes of it.
func (r *rig) sends(p feed.Push, body, signature string) int {
	r.Helper()
	q, err := http.NewRequest(http.MethodPost, p.Callback(), strings.NewReader(body))
	r.must(err)
	q.Header.Set("Content-Type", "application/atom+xml")
	if signature != "" {
		q.Header.Set("X-Hub-Signature", signature)
	}
	res, err := http.DefaultClient.Do(q)
	r.must(err)
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	return res.StatusCode
}

func sign(name string, algorithm func() hash.Hash, secret, body string) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write([]byte(body))
	return name + "=" + hex.EncodeToString(mac.Sum(nil))
}

func sha256Of(p feed.Push, body string) string { return sign("sha256", sha256.New, p.Secret, body) }

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatal("there is no " + what)
		}
	}
}

func (r *rig) never(what string, happened func() bool) {
	r.Helper()
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if happened() {
			r.Fatal("there is a " + what)
		}
	}
}

// request is one that a hub got.
type request struct {
	url.Values
	path, agent string
}

// echo is what a callback answered a hub that asked.
type echo struct {
	status          int
	body, mediaType string
}

// site is a publisher with a hub.
type site struct {
	*httptest.Server
	t    *testing.T
	work sync.WaitGroup

	mu       sync.Mutex
	pages    map[string]func(w http.ResponseWriter) // by path
	hubs     map[string]http.HandlerFunc            // by path, in place of the usual
	lease    string                                 // that the hub gives
	silent   bool                                   // it does not ask back
	requests []request
	echoes   []echo
}

func newSite(t *testing.T) *site {
	s := &site{t: t, pages: map[string]func(http.ResponseWriter){}, hubs: map[string]http.HandlerFunc{}, lease: "86400"}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.work.Wait(); s.Close() })
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	page, hub := s.pages[r.URL.Path], s.hubs[r.URL.Path]
	s.mu.Unlock()
	switch {
	case hub != nil:
		hub(w, r)
	case page != nil:
		page(w)
	case strings.HasPrefix(r.URL.Path, "/hub"):
		s.subscribe(w, r)
	default:
		http.NotFound(w, r)
	}
}

// subscribe takes a request as a hub does, and asks back.
func (s *site) subscribe(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		s.t.Errorf("a hub got %s %s", r.Method, r.Header)
	}
	s.mu.Lock()
	s.requests = append(s.requests, request{r.PostForm, r.URL.Path, r.UserAgent()})
	silent := s.silent
	s.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	if !silent {
		form := r.PostForm
		s.work.Go(func() { s.verify(form.Get("hub.callback"), form.Get("hub.mode"), form.Get("hub.topic")) })
	}
}

// verify asks a callback whether it meant it.
func (s *site) verify(callback, mode, topic string, more ...string) echo {
	q := url.Values{"hub.mode": {mode}, "hub.topic": {topic}, "hub.challenge": {"<b>" + mode + "</b>"}}
	s.mu.Lock()
	q.Set("hub.lease_seconds", s.lease)
	s.mu.Unlock()
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	res, err := http.Get(callback + "?" + q.Encode())
	if err != nil {
		s.t.Error(err)
		return echo{}
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	e := echo{res.StatusCode, string(body), res.Header.Get("Content-Type")}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.echoes = append(s.echoes, e)
	return e
}

// asked are the requests that hubs got of a mode.
func (s *site) asked(mode string) (all []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.Get("hub.mode") == mode {
			all = append(all, r)
		}
	}
	return all
}

// page makes a document what there is at a path.
func (s *site) page(path, mediaType, body string, links ...string) {
	s.serve(path, func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", mediaType)
		for _, l := range links {
			w.Header().Add("Link", l)
		}
		io.WriteString(w, body)
	})
}

func (s *site) serve(path string, page func(w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = page
}

func (s *site) hub(path string, answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hubs[path] = answer
}

func (s *site) set(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// atom is a feed that names hub and self.
func (s *site) atom(hub, self string) string {
	return fmt.Sprintf(`<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><link rel="hub" href="%s"/><link rel="self" href="%s"/></feed>`, s.URL+hub, s.URL+self)
}
