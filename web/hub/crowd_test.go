package hub_test

import (
	"context"
	"fmt"
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

// A crowd of subscribers, a tenth of them dead and a tenth slow, gets one new
// item. The log says how long that took and what it needed; what is checked is that each
// live one got the whole document, signed, once.
func TestAThousandSubscribers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const crowd, slowFor = 1000, 5 * time.Second
	r := newRig(t, nil)
	r.stop()
	body := strings.Repeat("a line of an item\n", 12_000) // 216 kB
	topic := r.topics.publish("/feed.atom", atomType, body)

	var mu sync.Mutex
	seen := map[string]int{}
	var wrong, inHand, most atomic.Int64
	count := func(q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[q.URL.Path]++
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n := inHand.Add(1)
		defer inHand.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		var buffer [32 << 10]byte
		length := 0
		for {
			n, err := q.Body.Read(buffer[:])
			length += n
			if err != nil {
				break
			}
		}
		if length != len(body)+4 || !strings.HasPrefix(q.Header.Get("X-Hub-Signature"), "sha256=") {
			wrong.Add(1)
		}
		if strings.HasPrefix(q.URL.Path, "/slow") {
			select {
			case <-time.After(slowFor):
			case <-q.Context().Done():
			}
		}
		count(q)
	}))
	defer server.Close()
	dead := httptest.NewServer(nil)
	dead.Close()
	live := 0
	for i := range crowd {
		base, kind := server.URL, "live"
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

	r.start(func(o *hub.Options) { o.Timeout, o.Backoff = 10*time.Second, nil })
	time.Sleep(300 * time.Millisecond)
	heap := watchHeap()
	start := time.Now()
	r.topics.publish("/feed.atom", atomType, "new\n"+body)
	all := func(kind string) int {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for path := range seen {
			if strings.HasPrefix(path, kind) {
				n++
			}
		}
		return n
	}
	for all("/live") < live && time.Since(start) < time.Minute {
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(start)
	for all("/slow") < crowd/10 && time.Since(start) < time.Minute {
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%d live ones in %v, the %d slow ones in %v; %d requests at a time at most; the heap grew by %.1f MB at most", live, took.Round(time.Millisecond),
		crowd/10, time.Since(start).Round(time.Millisecond), most.Load(), float64(heap())/(1<<20))
	mu.Lock()
	defer mu.Unlock()
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s got it %d times", path, n)
		}
	}
	if len(seen) != live+crowd/10 || wrong.Load() != 0 {
		t.Errorf("%d of %d got it, %d not as it should be", len(seen), live+crowd/10, wrong.Load())
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
	if err := r.store.Wish(ctx, w, store.TopicState{Topic: topic, Change: doc.Change, Marks: doc.Marks}, time.Now().Add(-time.Second)); err != nil {
		r.Fatal(err)
	}
	wishes, err := r.store.TakeWishes(ctx, 1, time.Now(), time.Now().Add(time.Minute))
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
