package hub_test

import (
	"net/http"
	"strings"
	"testing"
)

const (
	atomType = "application/atom+xml; charset=utf-8"
	jsonType = "application/feed+json; charset=utf-8"
)

// The hub's part of the public test suite (websub.rocks), case by case.

func Test100TypicalSubscriberRequest(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	asked := s.gets()[0]
	q := asked.url.Query()
	for name, want := range map[string]string{"hub.mode": "subscribe", "hub.topic": topic, "hub.lease_seconds": "864000", "secret": "word", "a": " b"} {
		if q.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, q.Get(name), want)
		}
	}
	if len(q.Get("hub.challenge")) < 16 || !strings.HasPrefix(asked.url.RequestURI(), "/callback?secret=word&a=%20b&hub.mode=") {
		t.Errorf("asked at %s", asked.url)
	}
	r.never("a notification without news", func() bool { return len(s.posts()) > 0 })
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.is(r.notified(s, 1), topic, "")
}

func Test101SubscriptionWithSecret(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "hub.secret", "a word of Ours: ü")
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.is(r.notified(s, 1), topic, "a word of Ours: ü")
}

func Test102SubscriberSendsAdditionalParameters(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "foo", "bar", "hub.foo", "hub.bar", "hub.verify", "sync")
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.is(r.notified(s, 1), topic, "")
}

func Test103ResubscribesBeforeExpiration(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "hub.secret", "first")
	r.subscribe(s, topic, "hub.secret", "second", "hub.lease_seconds", "172800")
	if got := s.gets()[1].url.Query().Get("hub.lease_seconds"); got != "172800" {
		t.Errorf("a lease of %s s", got)
	}
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.is(r.notified(s, 1), topic, "second")
	r.subscribe(s, topic)
	r.topics.publish("/feed.atom", atomType, "three\ntwo\n")
	r.is(r.notified(s, 2), topic, "")
}

func Test104Unsubscription(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s, other := newSubscriber(t), newSubscriber(t)
	r.subscribe(s, topic)
	r.subscribe(other, topic)
	if status, text := r.post("hub.mode", "unsubscribe", "hub.topic", topic, "hub.callback", s.callback(), "hub.lease_seconds", "nonsense"); status != http.StatusAccepted {
		t.Fatalf("asked to unsubscribe: %d %s", status, text)
	}
	r.eventually("verification", func() bool { return len(s.gets()) == 2 })
	r.settled()
	if q := s.gets()[1].url.Query(); q.Get("hub.mode") != "unsubscribe" || q.Get("hub.topic") != topic || q.Has("hub.lease_seconds") {
		t.Errorf("asked: %v", q)
	}
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.is(r.notified(other, 1), topic, "")
	if n := len(s.posts()); n != 0 {
		t.Errorf("%d notifications after it unsubscribed", n)
	}
}

func Test105PlaintextTopic(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/notes.txt", "text/plain", "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	r.topics.publish("/notes.txt", "text/plain", "one\n\n  two <&>  \n")
	r.is(r.notified(s, 1), topic, "")
}

func Test106JSONTopic(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.json?min_sources=2", jsonType, "{}\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "hub.secret", "x")
	r.topics.publish("/feed.json?min_sources=2", jsonType, `{"items": ["two"]}`)
	r.is(r.notified(s, 1), topic, "x")
}
