package hub_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tributary/store"
	"tributary/web/hub"
)

// crowd is a server with many subscribers, of which some take their time.
type crowd struct {
	*httptest.Server
	slow   time.Duration
	length atomic.Int64 // that a body must have

	mu   sync.Mutex
	seen map[string]int // how often each has got it

	wrong, inHand, most atomic.Int64
}

func newCrowd(t *testing.T, slow time.Duration) *crowd {
	c := &crowd{slow: slow, seen: map[string]int{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP takes a document in without keeping it.
func (c *crowd) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	n := c.inHand.Add(1)
	defer c.inHand.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	if lengthOf(q.Body) != c.length.Load() || !strings.HasPrefix(q.Header.Get("X-Hub-Signature"), "sha256=") {
		c.wrong.Add(1)
	}
	if strings.HasPrefix(q.URL.Path, "/slow") {
		select {
		case <-time.After(c.slow):
		case <-q.Context().Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[q.URL.Path]++
}

// lengthOf reads all without keeping anything on the heap, which is watched.
func lengthOf(body io.Reader) (length int64) {
	var buffer [32 << 10]byte
	for {
		n, err := body.Read(buffer[:])
		length += int64(n)
		if err != nil {
			return length
		}
	}
}

// got is how many of a kind have got it.
func (c *crowd) got(kind string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path := range c.seen {
		if strings.HasPrefix(path, kind) {
			n++
		}
	}
	return n
}

// waitFor waits until n of a kind have got it, and tells how long that took from
// start on.
func (c *crowd) waitFor(kind string, n int, start time.Time) time.Duration {
	for c.got(kind) < n && time.Since(start) < time.Minute {
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(start).Round(time.Millisecond)
}

// subscribe makes subscriptions, a tenth of them slow and a tenth dead, and tells how
// many live.
func (c *crowd) subscribe(r *rig, topic string, n int) (live int) {
	dead := httptest.NewServer(nil)
	dead.Close()
	for i := range n {
		base, kind := c.URL, "live"
		switch i % 10 {
		case 3:
			base, kind = dead.URL, "dead"
		case 7:
			kind = "slow"
		default:
			live++
		}
		r.insert(topic, fmt.Sprintf("%s/%s/%d", base, kind, i))
	}
	return live
}

// A crowd of subscribers, a tenth of them dead and a tenth slow, gets one new
// item. The log says how long that took and what it needed; what is checked is that each
// live one got the whole document, signed, once.
func TestAThousandSubscribers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const all = 1000
	r := newRig(t, nil)
	r.stop()
	body := strings.Repeat("a line of an item\n", 12_000) // 216 kB
	topic := r.topics.publish("/feed.atom", atomType, body)
	c := newCrowd(t, 5*time.Second)
	c.length.Store(int64(len("new\n" + body)))
	live := c.subscribe(r, topic, all)

	r.start(func(o *hub.Options) { o.Timeout, o.Backoff = 10*time.Second, nil })
	time.Sleep(300 * time.Millisecond)
	heap := watchHeap()
	start := time.Now()
	r.topics.publish("/feed.atom", atomType, "new\n"+body)
	took := c.waitFor("/live", live, start)
	slow := c.waitFor("/slow", all/10, start)
	t.Logf("%d live ones in %v, the %d slow ones in %v; %d requests at a time at most; the heap grew by %.1f MB at most", live, took,
		all/10, slow, c.most.Load(), float64(heap())/(1<<20))
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, n := range c.seen {
		if n != 1 {
			t.Errorf("%s got it %d times", path, n)
		}
	}
	if len(c.seen) != live+all/10 || c.wrong.Load() != 0 {
		t.Errorf("%d of %d got it, %d not as it should be", len(c.seen), live+all/10, c.wrong.Load())
	}
}

// insert makes a subscription as it is after it was verified.
func (r *rig) insert(topic, callback string) {
	r.Helper()
	ctx := context.Background()
	doc, err := r.topics.Topic(ctx, topic)
	if err != nil {
		r.Fatal(err)
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(callback, "http://"), "/")
	w := store.SubscriptionWish{Topic: topic, Callback: callback, Host: host, Secret: "s of " + callback, Lease: time.Hour}
	if err := r.store.Wish(ctx, w, store.TopicState{Topic: topic, Change: doc.Change, Listed: doc.Listed}, time.Now().Add(-time.Second)); err != nil {
		r.Fatal(err)
	}
	wishes, err := r.store.TakeWishes(ctx, 1, nil, time.Now(), time.Now().Add(time.Minute))
	if err != nil || len(wishes) != 1 {
		r.Fatalf("%d wishes (%v)", len(wishes), err)
	}
	if _, err := r.store.Grant(ctx, wishes[0], time.Now()); err != nil {
		r.Fatal(err)
	}
}

// watchHeap watches how far the heap in use grows until the function is called.
func watchHeap() func() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapInuse, m.HeapInuse
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			}
		}
	}()
	return func() uint64 { close(stop); <-done; return most - before }
}
