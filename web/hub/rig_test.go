package hub_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tributary/feed"
	"tributary/store"
	"tributary/web/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a site with a hub that runs, and its store.
type rig struct {
	*testing.T
	store  *store.Store
	hub    *hub.Hub
	site   *httptest.Server
	topics *topics
	stop   func()
}

// newRig starts a hub whose subscribers may be on this machine.
func newRig(t *testing.T, change func(*hub.Options)) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r := &rig{T: t, store: st}
	r.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.hub.ServeHTTP(w, q) }))
	t.Cleanup(r.site.Close)
	r.topics = &topics{base: r.site.URL, docs: map[string]hub.Document{}, places: map[string]int64{}, read: map[string]int{}}
	r.start(change)
	t.Cleanup(func() { r.stop() })
	return r
}

// start starts another hub on the same store.
func (r *rig) start(change func(*hub.Options)) {
	o := hub.Options{URL: r.site.URL + "/hub", Store: r.store, Topics: r.topics, UserAgent: "Tributary/test", AllowPrivate: true,
		Logger: slog.New(slog.DiscardHandler), PerMinute: -1, ViewPause: time.Nanosecond, Backoff: []time.Duration{20 * time.Millisecond}, Timeout: 2 * time.Second}
	if change != nil {
		change(&o)
	}
	r.hub = hub.New(o)
	r.topics.changed = r.hub.Changed
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.hub.Run(ctx) }()
	r.stop = func() { cancel(); <-done }
}

// topics are documents that tests make.
type topics struct {
	base    string
	changed func()

	mu     sync.Mutex
	change int64
	places map[string]int64 // of items, by their text
	docs   map[string]hub.Document
	read   map[string]int // how often, by address
	err    error
}

func (t *topics) Topic(_ context.Context, address string) (hub.Document, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read[address]++
	doc, ok := t.docs[address]
	switch {
	case t.err != nil:
		return hub.Document{}, t.err
	case !ok:
		return hub.Document{}, feed.Errorf(feed.CodeNotFound, "%s is no feed of this site", address)
	}
	doc.Change = t.change
	return doc, nil
}

// publish makes a document what there is at a path. Each line of its body is an
// item, the newest first; what is in brackets is not news.
func (t *topics) publish(path, mediaType, body string) (topic string) {
	return t.publishFull(path, mediaType, body, 0)
}

// publishFull is publish for a document that has room for so many items.
func (t *topics) publishFull(path, mediaType, body string, most int) (topic string) {
	t.mu.Lock()
	t.change++
	var listed store.Listing
	var items []string
	for line := range strings.Lines(body) {
		line, _, _ = strings.Cut(line, "[")
		items = append(items, strings.TrimSpace(line))
	}
	items = slices.Compact(items)
	for _, item := range slices.Backward(items) {
		if t.places[item] == 0 {
			t.places[item] = int64(len(t.places) + 1)
		}
	}
	for _, item := range items {
		listed.Marks = append(listed.Marks, store.Mark{Order: t.places[item]})
	}
	if n := len(listed.Marks); most > 0 && n >= most {
		listed.Marks = listed.Marks[:most]
		listed.Floor = listed.Marks[most-1].Order
	}
	topic = t.base + path
	t.docs[topic] = hub.Document{Body: []byte(body), MediaType: mediaType, Listed: listed}
	t.mu.Unlock()
	if t.changed != nil {
		t.changed()
	}
	return topic
}

// reads is how often a document was asked for.
func (t *topics) reads(topic string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read[topic]
}

// fail has no document be had.
func (t *topics) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

func (t *topics) remove(topic string) {
	t.mu.Lock()
	t.change++
	delete(t.docs, topic)
	t.mu.Unlock()
	t.changed()
}

// post sends the hub a form; it gives the status and the answer's text.
func (r *rig) post(params ...string) (int, string) {
	r.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	res, err := http.PostForm(r.site.URL+"/hub", form)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// subscribe asks for a topic and waits until it is verified.
func (r *rig) subscribe(s *subscriber, topic string, more ...string) {
	r.Helper()
	before := len(s.gets())
	status, text := r.post(append([]string{"hub.mode", "subscribe", "hub.topic", topic, "hub.callback", s.callback()}, more...)...)
	if status != http.StatusAccepted {
		r.Fatalf("asked to subscribe: %d %s", status, text)
	}
	r.eventually("verification", func() bool { return len(s.gets()) > before })
	r.settled()
}

// settled waits until nothing is due any more.
func (r *rig) settled() {
	r.Helper()
	r.eventually("an empty queue", func() bool {
		at, err := r.store.NextDelivery(context.Background())
		return err == nil && at.IsZero()
	})
}

func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("no %s within 10 s", what)
		}
	}
}

// never checks for a moment that something does not happen.
func (r *rig) never(what string, happened func() bool) {
	r.Helper()
	for end := time.Now().Add(150 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if happened() {
			r.Fatalf("%s", what)
		}
	}
}

// subscriber is a callback that confirms everything and takes everything in.
type subscriber struct {
	*httptest.Server
	query string // of the callback
	// answer, unless nil, answers in its place; false: it does after all.
	answer func(w http.ResponseWriter, r *http.Request) bool

	mu   sync.Mutex
	seen []request
}

type request struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
}

func newSubscriber(t *testing.T) *subscriber {
	s := &subscriber{query: "?secret=word&a=%20b"}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *subscriber) callback() string { return s.URL + "/callback" + s.query }

func (s *subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen = append(s.seen, request{r.Method, r.URL, r.Header, body})
	answer := s.answer
	s.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	if r.Method == http.MethodGet {
		fmt.Fprint(w, r.URL.Query().Get("hub.challenge"))
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *subscriber) answers(with func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = with
}

func (s *subscriber) requests(method string) (all []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		if r.method == method {
			all = append(all, r)
		}
	}
	return all
}

func (s *subscriber) gets() []request  { return s.requests(http.MethodGet) }
func (s *subscriber) posts() []request { return s.requests(http.MethodPost) }

// notified waits for so many notifications in all, and gives the last one.
func (r *rig) notified(s *subscriber, n int) request {
	r.Helper()
	r.eventually(fmt.Sprint(n, " notifications"), func() bool { return len(s.posts()) >= n })
	r.settled()
	posts := s.posts()
	if len(posts) != n {
		r.Fatalf("%d notifications, want %d", len(posts), n)
	}
	return posts[n-1]
}

// is checks that a notification is a document, as the hub must send it.
func (r *rig) is(got request, topic, secret string) {
	r.Helper()
	doc, err := r.topics.Topic(r.Context(), topic)
	if err != nil {
		r.Fatal(err)
	}
	signed := ""
	if secret != "" {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(doc.Body)
		signed = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	link := fmt.Sprintf(`<%s/hub>; rel="hub", <%s>; rel="self"`, r.site.URL, topic)
	for name, want := range map[string]string{"Content-Type": doc.MediaType, "X-Hub-Signature": signed, "Link": link, "User-Agent": "Tributary/test"} {
		if got.header.Get(name) != want || len(got.header[name]) > 1 {
			r.Errorf("%s: %q, want %q", name, got.header[name], want)
		}
	}
	if !bytes.Equal(got.body, doc.Body) {
		r.Errorf("the body is %q, want %q", got.body, doc.Body)
	}
	if !strings.HasPrefix(got.url.RequestURI(), "/callback?secret=word&a=%20b") {
		r.Errorf("sent to %s", got.url)
	}
}
