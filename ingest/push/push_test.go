package push_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/push"
)

func TestWhatAHubIsAskedFor(t *testing.T) {
	r, p := delivered(t)
	asked := r.site.asked("subscribe")[0]
	if asked.agent != "Tributary/test" || asked.Get("hub.lease_seconds") != "864000" || asked.Get("hub.secret") != p.Secret || len(p.Secret) != 64 || len(p.ID) != 64 || p.ID == p.Secret {
		t.Errorf("%v", asked)
	}
	if left := time.Until(p.Until); left > 24*time.Hour || left < 23*time.Hour {
		t.Errorf("it holds until %v", p.Until)
	}
	if left := time.Until(p.Next); left > 18*time.Hour || left < 16*time.Hour {
		t.Errorf("it is renewed at %v", p.Next)
	}
}

func TestAllNamedAlgorithmsAreTaken(t *testing.T) {
	r, p := delivered(t)
	n := 0
	for name, algorithm := range map[string]func() hash.Hash{"sha1": sha1.New, "sha384": sha512.New384, "sha512": sha512.New} {
		n++
		if status := r.sends(p, "<feed/>", sign(name, algorithm, p.Secret, "<feed/>")); status != http.StatusAccepted {
			t.Errorf("%s: answered %d", name, status)
		}
		r.eventually("document", func() bool { return len(r.documents()) == n })
	}
}

func TestASubscriptionIsRenewedBeforeItEnds(t *testing.T) {
	r := newRig(t, nil)
	r.site.set(func() { r.site.lease = "1" })
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	p := r.subscribed(r.site.URL + "/topic")
	r.eventually("renewal", func() bool { return len(r.site.asked("subscribe")) >= 2 })
	if time.Now().After(p.Until) {
		t.Error("it is renewed after its end")
	}
	again := r.site.asked("subscribe")[1]
	if again.Get("hub.callback") != p.Callback() || again.Get("hub.secret") != p.Secret {
		t.Errorf("the renewal is another subscription: %v", again)
	}
	r.eventually("longer lease", func() bool { return r.subscribed(p.Hub.Topic).Until.After(p.Until) })
}

func TestASubscriptionThatRanOutIsNone(t *testing.T) {
	var ahead atomic.Int64
	r := newRig(t, func(o *push.Options) { o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	r.subscribed(r.site.URL + "/topic")
	r.site.set(func() { r.site.silent = true })
	ahead.Store(int64(25 * time.Hour))
	r.eventually("end", func() bool {
		p, found, err := r.store.PushOf(t.Context(), r.src.ID)
		return err == nil && found && p.State == feed.PushAsked
	})
	r.site.set(func() { r.site.silent = false })
	r.subscribed(r.site.URL + "/topic")
}

func TestAHubThatFailsIsAskedAgain(t *testing.T) {
	r := newRig(t, nil)
	var asked atomic.Int32
	r.site.hub("/hub", func(w http.ResponseWriter, q *http.Request) {
		if asked.Add(1) < 3 {
			http.Error(w, "not\x00 now,\nlater", http.StatusServiceUnavailable)
			return
		}
		r.site.subscribe(w, q)
	})
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	r.eventually("error", func() bool {
		p, _, err := r.store.PushOf(t.Context(), r.src.ID)
		return err == nil && strings.HasSuffix(p.Error, "answered 503 Service Unavailable: not now, later")
	})
	if p := r.subscribed(r.site.URL + "/topic"); p.Error != "" || p.Attempts != 0 {
		t.Errorf("%+v", p)
	}
}

// What a hub says at the callback before it answers stands, whatever it answers.
func TestAHubThatRefusesBeforeItAnswersIsLeftAlone(t *testing.T) {
	r := newRig(t, nil)
	var asked atomic.Int32
	r.site.hub("/hub", func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		r.site.verify(q.FormValue("hub.callback"), "denied", q.FormValue("hub.topic"))
		w.WriteHeader(http.StatusForbidden)
	})
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	r.eventually("request", func() bool { return asked.Load() > 0 })
	r.never("second request", func() bool { return asked.Load() > 1 })
	if p, _, err := r.store.PushOf(t.Context(), r.src.ID); err != nil || p.State != feed.PushRefused || p.Error != "it refuses" {
		t.Errorf("%+v (%v)", p, err)
	}
}

func TestAHubIsLeftAloneAsLongAsItSays(t *testing.T) {
	r := newRig(t, nil)
	var asked atomic.Int32
	r.site.hub("/hub", func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	r.eventually("request", func() bool { return asked.Load() > 0 })
	r.never("second request", func() bool { return asked.Load() > 1 })
}

func TestARedirectLosesNoEncryption(t *testing.T) {
	moves := roundTripper(func(q *http.Request) (*http.Response, error) {
		if q.URL.Scheme != "https" {
			t.Errorf("%s was asked", q.URL)
		}
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://hub.example/"}}, Body: http.NoBody}, nil
	})
	r := newRig(t, func(o *push.Options) { o.Transport = moves })
	r.site.page("/topic", "application/atom+xml", `<feed><link rel="hub" href="https://hub.example/"/></feed>`)
	r.polls("/topic")
	r.eventually("error", func() bool {
		p, _, err := r.store.PushOf(t.Context(), r.src.ID)
		return err == nil && strings.Contains(p.Error, "redirects from https to http")
	})
}

type roundTripper func(q *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

func TestADenialEndsASubscription(t *testing.T) {
	r, p := delivered(t)
	if e := r.site.verify(p.Callback(), "denied", p.Hub.Topic, "hub.reason", "not for you"); e.status != 200 || e.body != "" {
		t.Errorf("%+v", e)
	}
	got, _, err := r.store.PushOf(t.Context(), r.src.ID)
	if err != nil || got.State != feed.PushRefused || got.Error != "it refuses: not for you" {
		t.Errorf("%+v (%v)", got, err)
	}
	if e := r.site.verify(p.Callback(), "subscribe", p.Hub.Topic); e.status != 404 {
		t.Errorf("it is confirmed afterwards: %+v", e)
	}
	if status := r.sends(p, "<feed/>", sha256Of(p, "<feed/>")); status != http.StatusGone {
		t.Errorf("a document is answered %d", status)
	}
	r.never("new request", func() bool { return len(r.site.asked("subscribe")) > 1 })
}

// Nobody fills our log, but hubs that we know.
func TestStrangersDoNotWriteToTheLog(t *testing.T) {
	var said strings.Builder
	r := newRig(t, func(o *push.Options) { o.Logger = slog.New(slog.NewTextHandler(&said, nil)) })
	if e := r.site.verify(r.us.URL+"/push/unknown", "subscribe", strings.Repeat("x", 1000)); e.status != http.StatusNotFound {
		t.Errorf("%+v", e)
	}
	r.stop()
	if said.Len() > 0 {
		t.Error(said.String())
	}
}

func TestASubscriptionEndsWithItsReason(t *testing.T) {
	for name, end := range map[string]func(r *rig){
		"the source is removed": func(r *rig) { r.must(r.store.RemoveSource(r.Context(), "site", false, time.Now())) },
		"the source is purged":  func(r *rig) { r.must(r.store.RemoveSource(r.Context(), "site", true, time.Now())) },
		"the source is off": func(r *rig) {
			r.src.Enabled = false
			r.must(r.store.UpdateSource(r.Context(), r.src))
		},
		"no hub is named any more": func(r *rig) {
			r.site.page("/topic", "application/atom+xml", "<feed/>")
			r.polls("/topic")
		},
		"we are not to subscribe": func(r *rig) {
			r.stop()
			r.start(func(o *push.Options) { o.Base = "" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, p := delivered(t)
			end(r)
			r.eventually("request to end it", func() bool { return len(r.site.asked("unsubscribe")) == 1 })
			if asked := r.site.asked("unsubscribe")[0]; asked.Get("hub.callback") != p.Callback() || asked.Get("hub.topic") != p.Hub.Topic || asked.Has("hub.secret") {
				t.Errorf("%v", asked)
			}
			r.eventually("end", func() bool {
				_, found, err := r.store.Push(t.Context(), p.ID)
				return err == nil && !found
			})
			if status := r.sends(p, "<feed/>", sha256Of(p, "<feed/>")); status != http.StatusGone {
				t.Errorf("a document is answered %d", status)
			}
		})
	}
}

func TestAnotherHubGetsAnotherSubscription(t *testing.T) {
	r, p := delivered(t)
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub/two", "/topic"))
	r.polls("/topic")
	r.eventually("new subscription", func() bool { return r.subscribed(p.Hub.Topic).Hub.URL == r.site.URL+"/hub/two" })
	second := r.subscribed(p.Hub.Topic)
	if second.ID == p.ID || second.Secret == p.Secret {
		t.Error("the second hub knows what the first one knew")
	}
	r.eventually("end of the first", func() bool { return len(r.site.asked("unsubscribe")) == 1 })
	if asked := r.site.asked("unsubscribe")[0]; asked.path != "/hub" {
		t.Errorf("%s was told that we leave", asked.path)
	}
}

func TestAHubThatDoesNotLetUsGoIsForgotten(t *testing.T) {
	r, p := delivered(t)
	r.site.set(func() { r.site.silent = true })
	r.must(r.store.RemoveSource(t.Context(), "site", false, time.Now()))
	r.eventually("end", func() bool {
		_, found, err := r.store.Push(t.Context(), p.ID)
		return err == nil && !found
	})
	if n := len(r.site.asked("unsubscribe")); n != 3 {
		t.Errorf("it was told %d times", n)
	}
}

func TestASubscriptionSurvivesARestart(t *testing.T) {
	r, p := delivered(t)
	r.stop()
	r.start(nil)
	r.never("second request", func() bool { return len(r.site.asked("subscribe"))+len(r.site.asked("unsubscribe")) > 1 })
	r.sends(p, "<feed/>", sha256Of(p, "<feed/>"))
	r.eventually("document", func() bool { return len(r.documents()) == 1 })
}

func TestWhatCameIsTakenBeforeTheEnd(t *testing.T) {
	release := make(chan struct{})
	var r *rig
	r = newRig(t, func(o *push.Options) {
		o.Take = func(ctx context.Context, src feed.Source, doc feed.Document) error {
			<-release
			return r.take(ctx, src, doc)
		}
	})
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	p := r.subscribed(r.site.URL + "/topic")
	room := 0
	for i := range 30 {
		body := fmt.Sprint(i)
		switch status := r.sends(p, body, sha256Of(p, body)); status {
		case http.StatusAccepted:
			room++
		case http.StatusServiceUnavailable:
		default:
			t.Errorf("answered %d", status)
		}
	}
	if room < 16 || room > 17 {
		t.Errorf("there was room for %d", room)
	}
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	r.mu.Lock()
	s := r.subscriber
	r.mu.Unlock()
	s.Drain(t.Context())
	docs := r.documents()
	for i, doc := range docs {
		if string(doc.Body) != fmt.Sprint(i) {
			t.Errorf("document %d is %s", i, doc.Body)
		}
	}
	if len(docs) != room {
		t.Errorf("%d of %d were taken", len(docs), room)
	}
	if status := r.sends(p, "late", sha256Of(p, "late")); status != http.StatusServiceUnavailable {
		t.Errorf("what comes afterwards is answered %d", status)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	r := newRig(t, func(o *push.Options) { o.MaxBytes = 100 })
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	p := r.subscribed(r.site.URL + "/topic")
	long := strings.Repeat("x", 101)
	if status := r.sends(p, long, sha256Of(p, long)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long document is answered %d", status)
	}
	if status := r.sends(p, "  ", sha256Of(p, "  ")); status != http.StatusAccepted {
		t.Errorf("an empty document is answered %d", status)
	}
	q, err := http.NewRequest(http.MethodPost, p.Callback(), strings.NewReader("x"))
	r.must(err)
	q.Header.Set("Content-Encoding", "gzip")
	res, err := http.DefaultClient.Do(q)
	r.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a packed document is answered %d", res.StatusCode)
	}
	p.ID += "0"
	if status := r.sends(p, "x", ""); status != http.StatusGone {
		t.Errorf("an unknown callback answers %d", status)
	}
	r.never("document", func() bool { return len(r.documents()) > 0 })
	http.DefaultClient.CloseIdleConnections()
}

func TestWithoutABaseNothingIsAskedFor(t *testing.T) {
	r := newRig(t, func(o *push.Options) { o.Base = "" })
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	r.never("request", func() bool { return len(r.site.asked("subscribe")) > 0 })
}
