package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/store"
)

// crowd is a number of WebSub subscribers, each with a secret of its own.
type crowd struct {
	*httptest.Server
	t     *testing.T
	takes func(path string) time.Duration // to take a document in

	mu     sync.Mutex
	asked  map[string]int      // path → how often it confirmed
	bodies map[string][]string // path → documents that came whole
}

func newCrowd(t *testing.T, takes func(path string) time.Duration) *crowd {
	c := &crowd{t: t, takes: takes, asked: map[string]int{}, bodies: map[string][]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func secretOf(path string) string { return "secret of " + path }

// ServeHTTP confirms what the hub asks, and takes in what it sends, which takes
// some longer than others.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if r.Method == http.MethodGet {
		io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked[path]++
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off: nothing that counts
	}
	mac := hmac.New(sha256.New, []byte(secretOf(path)))
	mac.Write(body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Hub-Signature") != want {
		c.t.Errorf("%s was sent %d bytes signed %q, want %q", path, len(body), r.Header.Get("X-Hub-Signature"), want)
	}
	select {
	case <-time.After(c.takes(path)):
	case <-r.Context().Done():
		return // who sent it has died: nobody learned that it was taken in
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies[path] = append(c.bodies[path], string(body))
}

// subscribe asks the hub for a topic on behalf of n subscribers.
func (c *crowd) subscribe(s *served, topic string, n int) {
	c.t.Helper()
	for i := range n {
		path := fmt.Sprintf("/%d", i)
		res, err := http.PostForm(s.url+"/hub", url.Values{"hub.mode": {"subscribe"}, "hub.topic": {topic}, "hub.callback": {c.URL + path},
			"hub.secret": {secretOf(path)}})
		if err != nil {
			c.t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusAccepted {
			c.t.Fatalf("subscribing: %d %s", res.StatusCode, text)
		}
	}
	eventually(c.t, patience, "all subscribers are asked whether they meant it", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.asked) == n
	})
}

// got is how many subscribers under a path were sent a document with this in it, and how many
// documents that were.
func (c *crowd) got(under, text string) (subscribers, documents int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, bodies := range c.bodies {
		if !strings.HasPrefix(path, under) {
			continue
		}
		before := documents
		for _, body := range bodies {
			if strings.Contains(body, text) {
				documents++
			}
		}
		if documents > before {
			subscribers++
		}
	}
	return subscribers, documents
}

// A hub that is killed while it delivers has, after its restart, delivered to
// every subscriber, and never under a wrong signature.
func TestKilledHubDeliversToAll(t *testing.T) {
	t.Parallel()
	const subscribers = 50
	h := newHouse(t, "hub: own\n")
	h.write("seeds/one.md", "# The first document\n\nIts text.\n")
	s := h.serve()
	s.settles(1)
	c := newCrowd(t, func(path string) time.Duration {
		n, _ := strconv.Atoi(path[1:])
		return time.Duration(n) * 30 * time.Millisecond
	})
	c.subscribe(s, "http://feeds.test/feed.atom", subscribers)
	time.Sleep(200 * time.Millisecond) // what was confirmed is being stored

	h.write("seeds/two.md", "# The second document\n\nIts text.\n")
	eventually(t, patience, "the first subscribers are sent the news", func() bool {
		n, _ := c.got("/", "The second document")
		return n >= 10
	})
	s.check(s.cmd.Process.Kill())
	<-s.ended
	before, _ := c.got("/", "The second document")

	began := time.Now()
	s = h.serve()
	eventually(t, 2*patience, "all subscribers have the news", func() bool {
		n, _ := c.got("/", "The second document")
		return n == subscribers
	})
	n, documents := c.got("/", "The second document")
	t.Logf("killed when %d of %d had it; all had it %v after the restart, %d of them twice", before, n, time.Since(began).Round(time.Second), documents-n)
	if before == subscribers {
		t.Error("it was killed too late to tell")
	}
	if _, old := c.got("/", "The first document"); old != documents {
		t.Errorf("%d documents with the first item, want %d", old, documents)
	}
	s.stop()
}

// A thousand subscribers, a tenth of them dead and a tenth slow, are sent one new
// item, and then another by a hub that is killed in the middle of it. How long it takes and
// what memory it needs is told, not checked.
func TestAThousandSubscribersOfAKilledHub(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	const all, live = 1000, 800
	h := newHouse(t, "hub: own\n")
	h.write("seeds/one.md", "# The first document\n\nIts text.\n")
	s := h.serve()
	s.settles(1)
	s.stop()
	c := newCrowd(t, func(path string) time.Duration {
		if strings.HasPrefix(path, "/slow") {
			return 5 * time.Second
		}
		return 0
	})
	dead := httptest.NewServer(nil)
	dead.Close()
	const topic = "http://feeds.test/feed.atom"
	h.subscribed(topic, all, func(i int) (base, path string) {
		switch i % 10 {
		case 3:
			return dead.URL, fmt.Sprintf("/dead/%d", i)
		case 7:
			return c.URL, fmt.Sprintf("/slow/%d", i)
		}
		return c.URL, fmt.Sprintf("/live/%d", i)
	})

	s = h.serve()
	time.Sleep(time.Second) // its first run is over
	before := s.memory()
	h.write("seeds/two.md", "# The second document\n\nIts text.\n")
	eventually(t, patience, "the first of them has the second document", func() bool { n, _ := c.got("/live", "The second document"); return n > 0 })
	began := time.Now()
	eventually(t, patience, "all live ones have the second document", func() bool { n, _ := c.got("/live", "The second document"); return n == live })
	took := time.Since(began)
	eventually(t, patience, "all slow ones have the second document", func() bool { n, _ := c.got("/slow", "The second document"); return n == all/10 })
	t.Logf("%d live ones within %v; %d kB of memory before, %d kB at most", live, took.Round(time.Millisecond), before, s.memory())

	h.write("seeds/three.md", "# The third document\n\nIts text.\n")
	eventually(t, patience, "the first of them have the third document", func() bool { n, _ := c.got("/live", "The third document"); return n > live/4 })
	s.check(s.cmd.Process.Kill())
	<-s.ended
	killed, _ := c.got("/", "The third document")
	began = time.Now()
	h.serve()
	eventually(t, 3*patience, "all live ones have the third document", func() bool { n, _ := c.got("/live", "The third document"); return n == live })
	eventually(t, patience, "all slow ones have the third document", func() bool { n, _ := c.got("/slow", "The third document"); return n == all/10 })
	n, documents := c.got("/", "The third document")
	t.Logf("killed when %d had it; all %d had it %v after the restart, %d of them twice", killed, n, time.Since(began).Round(time.Second), documents-n)
	if killed == n {
		t.Error("it was killed too late to tell")
	}
}

// Who subscribed to a hub that is turned off is sent nothing more, not even when it is turned
// on again: what waited, and was asked for, is forgotten.
func TestNothingIsLeftOfAHubThatIsTurnedOff(t *testing.T) {
	elsewhere := httptest.NewServer(nil)
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		config string
		left   int // hubs elsewhere are told of this many feeds
	}{
		"off":             {"hub: off\n", 0},
		"private":         {"private: true\n", 0},
		"a hub elsewhere": {"hub: " + elsewhere.URL + "/\n", 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "hub: own\n")
			h.write("seeds/one.md", "# The first document\n\nIts text.\n")
			h.ingest()
			crowd := newCrowd(t, func(string) time.Duration { return 0 })
			h.subscribed("http://feeds.test/feed.atom", 3, func(i int) (base, path string) { return crowd.URL, fmt.Sprintf("/%d", i) })
			h.write("tributary.yaml", plain+c.config)
			h.write("seeds/two.md", "# The second document\n\nIts text.\n")
			s := h.serve()
			eventually(t, patience, "nothing is left of its subscribers", func() bool { return h.hubTotals().Subscriptions == c.left })
			s.stop()
			h.write("tributary.yaml", plain+"hub: own\n")
			h.write("seeds/three.md", "# The third document\n\nIts text.\n")
			s = h.serve()
			eventually(t, patience, "hubs elsewhere are told no more", func() bool { return h.hubTotals() == store.HubTotals{} })
			s.stop()
			if n, documents := crowd.got("/", ""); n+documents > 0 {
				t.Errorf("%d documents were sent to %d", documents, n)
			}
		})
	}
}

func TestTheHubIsNamedAndCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "hub: own\n")
	h.write("seeds/one.md", "# The first document\n\nIts text.\n")
	s := h.serve()
	said, err := os.ReadFile(h.path("serve.out"))
	h.check(err)
	if !strings.Contains(string(said), "\n  hub    http://feeds.test/hub\n") {
		t.Errorf("the greeting is\n%s", said)
	}
	res, err := http.Get(s.url + "/metrics")
	h.check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	h.check(err)
	for _, want := range []string{"tributary_hub_subscriptions 0\n", "tributary_hub_deliveries_waiting 0\n", `tributary_hub_deliveries_total{result="failed"} 0`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %s", want)
		}
	}
}

func (h *house) hubTotals() store.HubTotals {
	h.t.Helper()
	ctx := context.WithoutCancel(h.t.Context())
	st, err := store.Open(ctx, store.Options{Path: h.path("data/tributary.db")})
	h.check(err)
	defer st.Close()
	n, err := st.HubTotals(ctx, time.Now())
	h.check(err)
	return n
}

// subscribed makes subscriptions as they are after they were verified. The
// program must not run.
func (h *house) subscribed(topic string, n int, callback func(i int) (base, path string)) {
	h.t.Helper()
	ctx := context.WithoutCancel(h.t.Context())
	st, err := store.Open(ctx, store.Options{Path: h.path("data/tributary.db")})
	h.check(err)
	defer st.Close()
	now := time.Now()
	change, err := st.Change(ctx)
	h.check(err)
	for i := range n {
		base, path := callback(i)
		h.check(st.Wish(ctx, store.SubscriptionWish{Topic: topic, Callback: base + path, Host: strings.TrimPrefix(base, "http://"),
			Secret: secretOf(path), Lease: 24 * time.Hour}, store.TopicState{Topic: topic, Change: change}, now))
	}
	wishes, err := st.TakeWishes(ctx, n, nil, now, now.Add(time.Minute))
	h.check(err)
	for _, w := range wishes {
		_, err := st.Grant(ctx, w, now)
		h.check(err)
	}
}

// memory is the most that the program has had resident, in kB.
func (s *served) memory() (kB int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if _, rest, found := strings.Cut(string(status), "VmHWM:"); found {
		fmt.Sscan(rest, &kB)
	}
	return kB
}
