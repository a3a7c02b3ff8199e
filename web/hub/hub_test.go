package hub_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tributary/feed"
	"tributary/store"
	"tributary/web/hub"
)

func TestRequestsThatAreRefused(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.AllowPrivate = false })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	long := strings.Repeat("x", 1000)
	for _, c := range []struct {
		mode, topic, callback, more, value string
		status                             int
		says                               string
	}{
		{"", topic, "https://a.example/", "", "", 400, "hub.mode is missing"},
		{"publish", topic, "https://a.example/", "", "", 400, `hub.mode: "publish" is not understood; it is subscribe or unsubscribe`},
		{"subscribe", "", "https://a.example/", "", "", 400, "hub.topic: give the address"},
		{"subscribe", "https://elsewhere.example/feed", "https://a.example/", "", "", 404, "hub.topic: https://elsewhere.example/feed is no feed of this site"},
		{"subscribe", topic, "", "", "", 400, "hub.callback is missing: give an address like"},
		{"subscribe", topic, "a.example/push", "", "", 400, "hub.callback: this is no http or https address"},
		{"subscribe", topic, "ftp://a.example/", "", "", 400, "hub.callback: this is no http or https address"},
		{"subscribe", topic, "https://a.example/a b", "", "", 400, "hub.callback: this is no http or https address"},
		{"subscribe", topic, "https://a.example/\r\nX: y", "", "", 400, "hub.callback: this is no http or https address"},
		{"subscribe", topic, "https://a.example/" + long, "", "", 400, "at most 1000 bytes"},
		{"subscribe", topic, "https://me:pw@a.example/", "", "", 400, "neither a user nor a fragment"},
		{"subscribe", topic, "https://a.example/#x", "", "", 400, "neither a user nor a fragment"},
		{"subscribe", topic, "http://127.0.0.1:8080/", "", "", 400, "hub.callback: 127.0.0.1 is not a public address, and this hub sends to public addresses only"},
		{"subscribe", topic, "http://[::ffff:169.254.169.254]/", "", "", 400, "is not a public address"},
		{"subscribe", topic, "https://a.example/", "hub.secret", long[:200], 400, "less than 200 bytes"},
		{"subscribe", topic, "https://a.example/", "hub.secret", "\xff", 400, "hub.secret"},
		{"subscribe", topic, "https://a.example/", "hub.lease_seconds", "ten days", 400, `hub.lease_seconds: "ten days" is not a whole number`},
		{"subscribe", topic, "https://a.example/", "hub.lease_seconds", "0", 400, "hub.lease_seconds"},
		{"unsubscribe", topic, "https://a.example/", "", "", 404, "it has no subscription to this hub.topic"},
		{"subscribe", topic, "https://a.example/", "x", strings.Repeat("x", 20000), 413, "longer than"},
	} {
		params := []string{"hub.mode", c.mode, "hub.topic", c.topic, "hub.callback", c.callback}
		if c.more != "" {
			params = append(params, c.more, c.value)
		}
		if status, text := r.post(params...); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%+v: %d %s", c, status, text)
		}
	}
	res, err := http.Post(r.site.URL+"/hub", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("JSON: %d", res.StatusCode)
	}
}

func TestLeasesAreWithinBounds(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	for said, want := range map[string]string{"1": "86400", "100000": "100000", "999999999": "2592000", "99999999999999999999999": "2592000"} {
		s := newSubscriber(t)
		r.subscribe(s, topic, "hub.lease_seconds", said)
		if got := s.gets()[0].url.Query().Get("hub.lease_seconds"); got != want {
			t.Errorf("%s s were asked for and %s given, want %s", said, got, want)
		}
	}
}

func TestALeaseThatRunsOutEndsTheSubscription(t *testing.T) {
	var ahead atomic.Int64
	r := newRig(t, func(o *hub.Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "hub.lease_seconds", "86400")
	ahead.Store(int64(25 * time.Hour))
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.never("a notification after the lease", func() bool { return len(s.posts()) > 0 })
}

func TestOnlyAnExactEchoIsAConfirmation(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	challenge := func(r *http.Request) string { return r.URL.Query().Get("hub.challenge") }
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"nothing":      func(w http.ResponseWriter, r *http.Request) bool { return true },
		"another word": func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, "no"); return true },
		"more":         func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, challenge(r), " yes"); return true },
		"a 404 with the challenge": func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(404)
			fmt.Fprint(w, challenge(r))
			return true
		},
		"a redirect to who would confirm": func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/elsewhere") {
				return false
			}
			http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
			return true
		},
	} {
		s := newSubscriber(t)
		s.answers(answer)
		r.subscribe(s, topic)
		if known, err := r.store.Subscribed(t.Context(), topic, s.callback()); err != nil || known || len(s.gets()) != 1 {
			t.Errorf("%s is taken for a confirmation, or asked again: %d requests (%v)", name, len(s.gets()), err)
		}
	}
}

func TestAFailedVerificationLeavesWhatThereWas(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "hub.secret", "good")
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			http.NotFound(w, r)
		}
		return r.Method == http.MethodGet
	})
	r.subscribe(s, topic, "hub.secret", "of somebody else")
	r.post("hub.mode", "unsubscribe", "hub.topic", topic, "hub.callback", s.callback())
	r.eventually("verification", func() bool { return len(s.gets()) == 3 })
	r.settled()
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.is(r.notified(s, 1), topic, "good")
}

func TestACallbackThatIsDownForAMomentIsAskedAgain(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	var asked atomic.Int32
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	r.subscribe(s, topic)
	if known, _ := r.store.Subscribed(t.Context(), topic, s.callback()); !known || asked.Load() != 3 {
		t.Errorf("subscribed %v after %d requests", known, asked.Load())
	}
}

func TestOnlyNewsAreSent(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one [also at two sites]\nzero\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	r.topics.publish("/feed.atom", atomType, "one [also at three sites]\nzero\n")
	r.topics.publish("/feed.atom", atomType, "one [also at three sites]\n")
	r.topics.publish("/other.atom", atomType, "something\n")
	r.never("a notification without news", func() bool { return len(s.posts()) > 0 })
	r.topics.publish("/feed.atom", atomType, "one, updated\n")
	r.is(r.notified(s, 1), topic, "")
}

// What is no news is noted all the same: what moved up is known when it is updated, and
// what went when it comes back.
func TestWhatMovesUpOrComesBackIsNotSent(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publishFull("/feed.atom", atomType, "four\nthree\ntwo\n", 2)
	s := newSubscriber(t)
	r.subscribe(s, topic)
	r.topics.publishFull("/feed.atom", atomType, "four\ntwo\none\n", 2)
	r.eventually("note of what is listed", func() bool {
		topics, err := r.store.SubscribedTopics(t.Context(), time.Now())
		return err == nil && len(topics[0].Listed.Marks) == 3
	})
	r.topics.publishFull("/feed.atom", atomType, "four\nthree\ntwo\n", 2)
	r.never("a notification without news", func() bool { return len(s.posts()) > 0 })
	r.topics.publishFull("/feed.atom", atomType, "five\ntwo\none\n", 2)
	r.is(r.notified(s, 1), topic, "")
	r.topics.publishFull("/feed.atom", atomType, "five\nfour\nthree\n", 2)
	r.never("a notification of what came back", func() bool { return len(s.posts()) > 1 })
}

// However often something changes, a view is looked at in a while, and the main
// feeds at once.
func TestViewsWaitAndMainFeedsDoNot(t *testing.T) {
	r := newRig(t, nil)
	r.stop()
	main := r.topics.publish("/feed.atom", atomType, "one\n")
	view := r.topics.publish("/feed.atom?limit=2", atomType, "one\n")
	r.start(func(o *hub.Options) { o.Main, o.ViewPause = []string{main}, 700*time.Millisecond })
	s := newSubscriber(t)
	r.subscribe(s, main)
	r.subscribe(s, view)
	of := func(topic string) func() bool {
		return func() bool {
			return slices.ContainsFunc(s.posts(), func(p request) bool { return strings.Contains(p.header.Get("Link"), topic+">") })
		}
	}
	r.topics.publish("/feed.atom?limit=2", atomType, "two\none\n")
	r.eventually("the view's first news", of(view))
	r.settled()
	before := r.topics.reads(view)
	for i := range 10 {
		r.topics.publish("/feed.atom?limit=2", atomType, fmt.Sprintf("%d\ntwo\n", i))
		time.Sleep(10 * time.Millisecond)
	}
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.eventually("the main feed's news", of(main))
	if n := r.topics.reads(view) - before; n != 0 {
		t.Errorf("the view was made %d times within its pause", n)
	}
	r.eventually("the view's second news", func() bool { return strings.Contains(string(s.posts()[len(s.posts())-1].body), "9") })
}

func TestAFailedDeliveryIsTriedAgain(t *testing.T) {
	for name, failure := range map[string]func(w http.ResponseWriter, r *http.Request){
		"a 500":      func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
		"a 404":      func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 308) },
		"no answer":  func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			topic := r.topics.publish("/feed.atom", atomType, "one\n")
			s := newSubscriber(t)
			r.subscribe(s, topic, "hub.secret", "x")
			var posts atomic.Int32
			s.answers(func(w http.ResponseWriter, r *http.Request) bool {
				if posts.Add(1) > 3 {
					return false
				}
				failure(w, r)
				return true
			})
			r.topics.publish("/feed.atom", atomType, "two\n")
			r.is(r.notified(s, 4), topic, "x")
		})
	}
}

func TestADeliveryIsGivenUpAndTheSubscriptionStays(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.GiveUpAfter = 100 * time.Millisecond })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	s.answers(func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(503); return true })
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.eventually("first try", func() bool { return len(s.posts()) > 0 })
	r.settled()
	before := len(s.posts())
	s.answers(nil)
	r.never("a notification that was given up", func() bool { return len(s.posts()) > before })
	r.topics.publish("/feed.atom", atomType, "three\n")
	r.is(r.notified(s, before+1), topic, "")
}

func TestRetryAfterIsKept(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
		return true
	})
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.eventually("a pause of an hour", func() bool {
		at, err := r.store.NextDelivery(t.Context())
		return err == nil && len(s.posts()) == 1 && time.Until(at) > 50*time.Minute
	})
}

func TestGoneEndsTheSubscription(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	s.answers(func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(http.StatusGone); return true })
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.notified(s, 1)
	if known, err := r.store.Subscribed(t.Context(), topic, s.callback()); err != nil || known {
		t.Errorf("subscribed: %v (%v)", known, err)
	}
}

// What waits is sent as it is when its turn comes, signed with the secret of then.
func TestTheNewestDocumentIsSentWithTheNewestSecret(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.Backoff = []time.Duration{300 * time.Millisecond} })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic, "hub.secret", "old")
	var down atomic.Bool
	down.Store(true)
	s.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if down.Load() && r.Method == http.MethodPost {
			w.WriteHeader(500)
			return true
		}
		return false
	})
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.eventually("first try", func() bool { return len(s.posts()) == 1 })
	r.topics.publish("/feed.atom", atomType, "three\n")
	r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", s.callback(), "hub.secret", "new")
	r.eventually("verification", func() bool { return len(s.gets()) == 2 })
	down.Store(false)
	r.is(r.notified(s, 2), topic, "new")
}

func TestATopicThatEndsIsDenied(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/sources/one/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	r.topics.remove(topic)
	r.eventually("denial", func() bool { return len(s.gets()) == 2 })
	r.settled()
	q := s.gets()[1].url.Query()
	if q.Get("hub.mode") != "denied" || q.Get("hub.topic") != topic || q.Get("hub.reason") != "this feed has ended" || q.Get("secret") != "word" {
		t.Errorf("%v", q)
	}
	if known, err := r.store.Subscribed(t.Context(), topic, s.callback()); err != nil || known || len(s.posts()) != 0 {
		t.Errorf("subscribed: %v (%v), %d notifications", known, err, len(s.posts()))
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.PerHost, o.Most, o.MostTopics = 2, 3, 2 })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	second := r.topics.publish("/feed.rss", atomType, "one\n")
	third := r.topics.publish("/feed.json", atomType, "one\n")
	s, other := newSubscriber(t), newSubscriber(t)
	ask := func(s *subscriber, topic, path string) (int, string) {
		return r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", s.URL+path)
	}
	for _, c := range []struct {
		s           *subscriber
		topic, path string
		status      int
		says        string
	}{
		{s, topic, "/1", 202, ""},
		{s, topic, "/2", 202, ""},
		{s, topic, "/3", 429, "there are 2 subscriptions for " + strings.TrimPrefix(s.URL, "http://") + " already"},
		{s, topic, "/2", 202, ""}, // again
		{other, second, "/1", 202, ""},
		{other, topic, "/2", 503, "as many subscriptions as it can take"},
		{other, third, "/2", 503, "as many subscriptions as it can take"},
	} {
		if status, text := ask(c.s, c.topic, c.path); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s for %s: %d %s", c.path, c.topic, status, text)
		}
	}
	r.settled()
}

// The main feeds always have room.
func TestOneHostHasFewViews(t *testing.T) {
	r := newRig(t, nil)
	main := r.topics.publish("/feed.atom", atomType, "one\n")
	r.stop()
	r.start(func(o *hub.Options) { o.Main, o.TopicsHost, o.MostTopics = []string{main}, 2, 3 })
	s, other := newSubscriber(t), newSubscriber(t)
	ask := func(s *subscriber, path string, want int, says string) {
		t.Helper()
		topic := r.topics.publish(path, atomType, "one\n")
		if status, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", s.callback()); status != want || !strings.Contains(text, says) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	ask(s, "/feed.atom?limit=1", 202, "")
	ask(s, "/feed.atom?limit=2", 202, "")
	ask(s, "/feed.atom?limit=3", 429, "have 2 feeds already")
	ask(s, "/feed.atom?limit=2", 202, "") // again
	ask(other, "/feed.atom?limit=3", 202, "")
	ask(other, "/feed.atom?limit=4", 503, "as many subscriptions as it can take")
	ask(s, "/feed.atom", 202, "")
	ask(other, "/feed.atom", 202, "")
	r.settled()
}

func TestWhoAsksTooOftenIsHeldBack(t *testing.T) {
	from := netip.MustParseAddr("2001:db8::1")
	r := newRig(t, func(o *hub.Options) {
		o.PerMinute = 2
		o.From = func(*http.Request) netip.Addr { return from }
	})
	want := func(status int) {
		t.Helper()
		if got, text := r.post("hub.mode", "nonsense"); got != status {
			t.Errorf("%d %s, want %d", got, text, status)
		}
	}
	want(400)
	from = netip.MustParseAddr("2001:db8::2") // the same network
	want(400)
	want(429)
	from = netip.MustParseAddr("2001:db8:0:1::1")
	want(400)
}

// Nobody has us flood a host, however many clients they are.
func TestAHostIsNotAskedTooOften(t *testing.T) {
	client := netip.MustParseAddr("192.0.2.1")
	r := newRig(t, func(o *hub.Options) {
		o.PerMinute = 2
		o.From = func(*http.Request) netip.Addr { client = client.Next(); return client }
	})
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	r.stop() // nobody is asked here
	for i, want := range []int{202, 202, 429} {
		callback := fmt.Sprintf("https://subscriber.example.org/push/%d", i)
		if got, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", callback); got != want {
			t.Errorf("request %d: %d %s, want %d", i+1, got, text, want)
		}
	}
	for callback, want := range map[string]int{"https://subscriber.example.net/": 202, "https://subscriber.example.org:8443/": 429, "http://other.example.org/": 429} {
		if got, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", callback); got != want {
			t.Errorf("%s: %d %s, want %d", callback, got, text, want)
		}
	}
}

// Ports and subdomains are to be had in any number.
func TestLimitsCountByWhatOneHasToGet(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.PerHost = 1 })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	r.stop() // nobody is asked here
	for _, same := range [][]string{
		{"https://one.reader.co.uk/", "https://two.reader.co.uk/", "https://reader.co.uk:8443/", "http://A.B.Reader.co.uk.:81/"},
		{"https://someone.github.io/", "https://someone.github.io:8080/"},
		{"https://else.github.io/"},
		{"http://93.184.215.14/", "http://93.184.215.14:8080/"},
		{"http://93.184.215.15/"},
		{"https://[2606:2800:21f::1]/", "https://[2606:2800:21f::2]:444/"},
		{"https://[2606:2800:21f:1::1]/"},
		{"http://reader.intranet:81/", "http://reader.intranet:82/"},
		{"http://other.intranet/"},
		{"http://one.team.intranet/"},
		{"http://two.team.intranet/"},
		{"http://localhost:81/", "http://localhost:82/"},
		{"http://127.0.0.1:81/"}, // ports of ours are programs of ours
		{"http://127.0.0.1:82/"},
		{"http://[::1]:81/"},
		{"http://[::1]:82/"},
	} {
		for i, callback := range same {
			want := 202
			if i > 0 {
				want = 429
			}
			if got, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", callback); got != want {
				t.Errorf("%s: %d %s, want %d", callback, got, text, want)
			}
		}
	}
}

// Who is asked whether it wants a topic gets what others are sent before it has answered;
// who has it already is sent nothing twice.
func TestNewsWhileASubscriberIsVerifiedReachIt(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	first, second := newSubscriber(t), newSubscriber(t)
	r.subscribe(first, topic)
	asked, release := make(chan struct{}, 2), make(chan struct{})
	hold := func(_ http.ResponseWriter, q *http.Request) bool {
		if q.Method == http.MethodGet {
			asked <- struct{}{}
			<-release
		}
		return false
	}
	for _, s := range []*subscriber{first, second} {
		s.answers(hold)
		if status, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", s.callback(), "hub.secret", "x"); status != 202 {
			t.Fatalf("%d %s", status, text)
		}
		<-asked
	}
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.eventually("notification of the first", func() bool { return len(first.posts()) == 1 })
	close(release)
	r.is(r.notified(second, 1), topic, "x")
	r.never("a second notification", func() bool { return len(first.posts()) > 1 || len(second.posts()) > 1 })
}

// What was known to those who have left is no news to who comes after them.
func TestWhoComesAfterAllHaveLeftIsSentNoOldNews(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	r.post("hub.mode", "unsubscribe", "hub.topic", topic, "hub.callback", s.callback())
	r.eventually("the end of it", func() bool {
		known, err := r.store.Subscribed(t.Context(), topic, s.callback())
		return err == nil && !known
	})
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	next := newSubscriber(t)
	r.subscribe(next, topic)
	r.never("a notification without news", func() bool { return len(next.posts()) > 0 })
	r.topics.publish("/feed.atom", atomType, "three\ntwo\n")
	r.is(r.notified(next, 1), topic, "")
}

// A name can lead to this machine; only when it is connected to this shows.
func TestCallbacksOnThisMachineAreNotAsked(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.AllowPrivate = false })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	callback := strings.Replace(s.callback(), "127.0.0.1", "localhost", 1)
	if status, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", callback); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	r.settled()
	if n := len(s.gets()); n != 0 {
		t.Errorf("%d requests to this machine", n)
	}
}

// Where asking again would come to the same, nobody is asked again.
func TestNobodyIsAskedAgainInVain(t *testing.T) {
	r := newRig(t, func(o *hub.Options) { o.AllowPrivate, o.Backoff = false, []time.Duration{time.Hour} })
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	for _, callback := range []string{"http://localhost:1/", "http://[::ffff:7f00:1]:1/"} {
		w := store.SubscriptionWish{Topic: topic, Callback: callback, Host: callback, Lease: time.Hour}
		if err := r.store.Wish(t.Context(), w, store.TopicState{Topic: topic}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	r.settled()
}

// A feed that cannot be made is its reader's to try again, and no failure of the hub.
func TestAFeedThatCannotBeMadeIsAskedForLater(t *testing.T) {
	var logged bytes.Buffer
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom?limit=2", atomType, "one\n")
	r.stop()
	r.start(func(o *hub.Options) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
	r.topics.fail(feed.Errorf(feed.CodeUnavailable, "too much is asked for at once"))
	status, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", newSubscriber(t).callback())
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "ask again in half a minute") {
		t.Errorf("%d %s", status, text)
	}
	r.stop()
	if strings.Contains(logged.String(), "ERROR") {
		t.Error(logged.String())
	}
}

// Callbacks that hang while they are verified leave room for what there is to send.
func TestHangingVerificationsHoldUpNoDelivery(t *testing.T) {
	const atOnce = 16
	r := newRig(t, func(o *hub.Options) {
		o.Parallel, o.ParallelSlow, o.SlowAfter, o.Timeout = 4, atOnce, 50*time.Millisecond, time.Second
	})
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	release, hanging := make(chan struct{}), newSubscriber(t)
	defer close(release)
	hanging.answers(func(_ http.ResponseWriter, q *http.Request) bool {
		select {
		case <-release:
		case <-q.Context().Done():
		}
		return true
	})
	now := time.Now()
	for i := range 1200 {
		w := store.SubscriptionWish{Topic: topic, Callback: fmt.Sprint(hanging.URL, "/", i), Host: fmt.Sprint("host", i%20, ".example"), Lease: time.Hour}
		if err := r.store.Wish(t.Context(), w, store.TopicState{Topic: topic}, now); err != nil {
			t.Fatal(err)
		}
	}
	r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", hanging.callback())
	r.eventually("nothing but what hangs", func() bool { return len(hanging.gets()) >= atOnce })
	r.topics.publish("/feed.atom", atomType, "two\none\n")
	r.eventually("notification", func() bool { return len(s.posts()) == 1 })
}

func TestMetricsOfTheHub(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	good, bad := newSubscriber(t), newSubscriber(t)
	r.subscribe(good, topic)
	r.subscribe(bad, topic)
	bad.answers(func(w http.ResponseWriter, q *http.Request) bool { w.WriteHeader(http.StatusGone); return true })
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.eventually("notification of both", func() bool { return len(good.posts())+len(bad.posts()) == 2 })
	r.settled()
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.hub)
	all, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range all {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{"tributary_hub_subscriptions": 1, "tributary_hub_unverified": 0, "tributary_hub_deliveries_waiting": 0,
		"tributary_hub_deliveries_total delivered": 1, "tributary_hub_deliveries_total subscription ended": 1, "tributary_hub_deliveries_total failed": 0} {
		if n, ok := got[name]; !ok || n != want {
			t.Errorf("%s is %v, want %v", name, n, want)
		}
	}
}

func TestAHubElsewhereIsTold(t *testing.T) {
	elsewhere := newSubscriber(t)
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	r.stop()
	r.start(func(o *hub.Options) {
		o.URL, o.Notify, o.Main = elsewhere.callback(), elsewhere.callback(), []string{topic}
	})
	r.eventually("set-up", func() bool {
		topics, err := r.store.SubscribedTopics(t.Context(), time.Now())
		return err == nil && len(topics) == 1
	})
	var posts atomic.Int32
	elsewhere.answers(func(w http.ResponseWriter, r *http.Request) bool {
		if posts.Add(1) == 1 {
			w.WriteHeader(http.StatusGone) // it is a hub: there is nothing that could end
			return true
		}
		return false
	})
	r.topics.publish("/feed.atom", atomType, "two\n")
	got := r.notified(elsewhere, 2)
	form, err := url.ParseQuery(string(got.body))
	if err != nil || form.Get("hub.mode") != "publish" || form.Get("hub.url") != topic || got.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("%s %v (%v)", got.body, got.header, err)
	}
}

// What a hub that was stopped in the middle did not send is sent by the next.
func TestWhatWasNotSentIsSentAfterARestart(t *testing.T) {
	r := newRig(t, nil)
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	r.subscribe(s, topic)
	r.stop()
	r.topics.publish("/feed.atom", atomType, "two\n")
	if len(s.posts()) != 0 {
		t.Fatal("it was not stopped")
	}
	r.start(nil)
	r.is(r.notified(s, 1), topic, "")
}

func TestSlowAndDeadSubscribersHoldUpNobody(t *testing.T) {
	const slow, dead, live = 40, 20, 60
	r := newRig(t, func(o *hub.Options) {
		o.Parallel, o.ParallelSlow, o.SlowAfter = 8, 64, 50*time.Millisecond
	})
	topic := r.topics.publish("/feed.atom", atomType, "one\n")
	s := newSubscriber(t)
	s.query = ""
	gone := httptest.NewServer(s)
	release := make(chan struct{})
	var got, waiting atomic.Int32
	s.answers(func(w http.ResponseWriter, q *http.Request) bool {
		switch {
		case q.Method == http.MethodGet:
			return false
		case strings.HasPrefix(q.URL.Path, "/slow"):
			waiting.Add(1)
			select {
			case <-release:
			case <-q.Context().Done():
			}
		default:
			got.Add(1)
		}
		return false
	})
	subscribe := func(base, path string) {
		if status, text := r.post("hub.mode", "subscribe", "hub.topic", topic, "hub.callback", base+path); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, text)
		}
	}
	for i := range slow {
		subscribe(s.URL, fmt.Sprint("/slow/", i))
	}
	for i := range dead {
		subscribe(gone.URL, fmt.Sprint("/dead/", i))
	}
	for i := range live {
		subscribe(s.URL, fmt.Sprint("/live/", i))
	}
	r.settled()
	gone.Close()
	r.topics.publish("/feed.atom", atomType, "two\n")
	r.eventually("notification of all that live", func() bool { return got.Load() == live })
	r.eventually("all slow ones being asked", func() bool { return waiting.Load() >= slow })
	close(release)
}
