package hub_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"tributary/store"
	"tributary/store/pgtest"
	"tributary/web/hub"
)

// Several processes on one PostgreSQL: each subscriber is sent the news by one.
func TestSeveralHubsOfOneDatabaseDeliverOnce(t *testing.T) {
	dsn := pgtest.Start(t)
	r := newRig(t, nil)
	r.stop()
	var stops []func()
	var hubs []*hub.Hub
	for range 3 {
		st, err := store.Open(t.Context(), store.Options{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		r.store = st
		r.start(nil)
		stops, hubs = append(stops, r.stop, func() { st.Close() }), append(hubs, r.hub)
	}
	r.topics.changed = func() {
		for _, h := range hubs {
			h.Changed()
		}
	}
	r.stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	const n = 100
	for i := range n {
		s.query = fmt.Sprintf("?secret=word&a=%%20b&n=%d", i)
		if status, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", s.callback(), "hub.secret", "x"); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
	}
	r.settled()
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.eventually("notification of all", func() bool { return len(s.posts()) >= n })
	r.settled()
	time.Sleep(50 * time.Millisecond)
	seen := map[string]int{}
	for _, p := range s.posts() {
		r.is(p, topic, "x")
		seen[p.url.Query().Get("n")]++
	}
	if len(seen) != n || len(s.posts()) != n {
		t.Errorf("%d notifications of %d subscribers, want one each of %d", len(s.posts()), len(seen), n)
	}
	if topics, err := r.store.SubscribedTopics(context.Background(), time.Now()); err != nil || len(topics) != 1 {
		t.Errorf("topics: %v (%v)", topics, err)
	}
}
