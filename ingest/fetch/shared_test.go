package fetch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tributary/feed"
)

// others plays the other processes: it says what they know, and notes what it is told.
type others struct {
	mu       sync.Mutex
	standing Standing
	taken    bool // by another process
	checks   int  // that are passed before the right is lost; -1: it is not
	entered  int
	patience time.Duration
	left     []Standing
	pauses   []int // limited of each
	hangUp   func()
}

func (o *others) Enter(_ context.Context, _ string, patience time.Duration, hangUp func()) (Standing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.entered++
	o.patience, o.hangUp = patience, hangUp
	if o.taken {
		return Standing{}, errors.New("another process has it")
	}
	return o.standing, nil
}

func (o *others) Check(string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.checks == 0 {
		return errors.New("others may have taken it over")
	}
	o.checks--
	return nil
}

func (o *others) Leave(_ string, s Standing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left = append(o.left, s)
	o.standing = s
}

func (o *others) Pause(_ string, _ time.Time, limited int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pauses = append(o.pauses, limited)
}

// connections counts those that were opened.
func (r *recorder) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opened
}

func (o *others) lose() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.checks = 0
}

func TestNothingIsSentToAHostThatOthersHave(t *testing.T) {
	s := record(t, serve(rss))
	o := &others{checks: -1, taken: true}
	r := get(t, client(t, Options{Hosts: o}), s.URL)
	if !r.Cancelled() || r.Network || r.Requests != 0 || len(s.seen()) != 0 || !strings.Contains(r.Err.Error(), "another process has it") {
		t.Errorf("%d requests, %+v", len(s.seen()), r)
	}
	if o.patience > patience || o.patience < patience/2 || len(o.left) != 0 {
		t.Errorf("waited for %s; left %d times", o.patience, len(o.left))
	}
}

func TestARightThatIsLostStopsTheRequestAtTheConnection(t *testing.T) {
	t.Run("before one is made", func(t *testing.T) {
		s := record(t, serve(rss))
		c := client(t, Options{Hosts: &others{}})
		if r := get(t, c, s.URL); !r.Cancelled() || len(s.seen()) != 0 || s.connections() != 0 {
			t.Errorf("%d requests, %+v", len(s.seen()), r)
		}
	})
	t.Run("on a new one", func(t *testing.T) {
		s := record(t, serve(rss))
		c := client(t, Options{Hosts: &others{checks: 1}})
		if r := get(t, c, s.URL); !r.Cancelled() || len(s.seen()) != 0 {
			t.Errorf("%d requests, %+v", len(s.seen()), r)
		}
	})
	t.Run("on one that was kept open", func(t *testing.T) {
		s := record(t, serve(rss))
		o := &others{checks: -1}
		c := client(t, Options{Hosts: o})
		if r := get(t, c, s.URL); r.Kind != Fetched {
			t.Fatal(r.Err)
		}
		o.lose()
		if r := get(t, c, s.URL); !r.Cancelled() || len(s.seen()) != 1 {
			t.Errorf("%d requests, %+v", len(s.seen()), r)
		}
	})
	t.Run("when one that was kept open has broken", func(t *testing.T) {
		s := record(t, serve(rss))
		o := &others{checks: -1}
		c := client(t, Options{Hosts: o})
		if r := get(t, c, s.URL); r.Kind != Fetched {
			t.Fatal(r.Err)
		}
		s.CloseClientConnections()
		o.mu.Lock()
		o.checks = 1 // for the attempt on the old one
		o.mu.Unlock()
		if r := get(t, c, s.URL); r.Kind != Fetched && !r.Cancelled() || len(s.seen()) != 1 {
			t.Errorf("%d requests, %+v", len(s.seen()), r)
		}
	})
}

func TestAnAnswerThatBreaksOffWhenTheRightIsLostSaysNothingOfTheSource(t *testing.T) {
	o := &others{checks: -1}
	s := record(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(rss))
		o.lose()
		panic(http.ErrAbortHandler)
	})
	if r := get(t, client(t, Options{Hosts: o}), s.URL); !r.Cancelled() {
		t.Errorf("%+v", r)
	}
}

func TestPausesOfOthersAreKept(t *testing.T) {
	s := record(t, serve(rss))
	until := time.Now().Add(time.Hour)
	o := &others{checks: -1, standing: Standing{Until: until, Limited: 2}}
	c := client(t, Options{Hosts: o})
	for range 2 {
		if r := get(t, c, s.URL); r.Failure != feed.StatusLimited || !r.RetryAfter.Equal(until) || r.Requests != 0 {
			t.Errorf("%+v", r)
		}
	}
	if o.entered != 1 || len(o.left) != 1 || o.left[0].Limited != 2 || !o.left[0].Until.Equal(until) {
		t.Errorf("entered %d times, left %+v", o.entered, o.left)
	}
}

func TestOthersAreToldOfA429AndOfItsEnd(t *testing.T) {
	limit := true
	s := record(t, func(w http.ResponseWriter, _ *http.Request) {
		if limit {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	now := time.Now()
	o := &others{checks: -1, standing: Standing{Limited: 1}}
	c := client(t, Options{Hosts: o, Now: func() time.Time { return now }})
	if r := get(t, c, s.URL); !r.RetryAfter.Equal(now.Add(2 * time.Hour)) {
		t.Errorf("the pause does not grow with the 429s that others have had: %s", r.RetryAfter.Sub(now))
	}
	if len(o.pauses) != 1 || o.pauses[0] != 2 || o.left[0].Limited != 2 || !o.left[0].Until.Equal(now.Add(2*time.Hour)) {
		t.Errorf("told of %v, left %+v", o.pauses, o.left)
	}
	limit, now = false, now.Add(3*time.Hour)
	get(t, c, s.URL)
	if len(o.left) != 2 || o.left[1].Limited != 0 {
		t.Errorf("left %+v", o.left)
	}
}

func TestStartsAreSpacedFromThoseOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &others{checks: -1, standing: Standing{Next: time.Now().Add(1300 * time.Millisecond)}}
		gate := newHosts(time.Second, time.Now)
		gate.shared = o
		begun := time.Now()
		h, err := gate.enter(t.Context(), "example.org")
		if err != nil || time.Since(begun) != 1300*time.Millisecond {
			t.Errorf("started after %s: %v", time.Since(begun), err)
		}
		gate.leave(h)
		if gap := time.Until(o.left[0].Next); gap < time.Second || gap > 1500*time.Millisecond {
			t.Errorf("the next is told to start after %s", gap)
		}
	})
}

func TestThoseWhoWaitTogetherGiveUpTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newHosts(time.Second, time.Now)
		gate.shared = &stubborn{}
		var waiting sync.WaitGroup
		begun := time.Now()
		for range 10 {
			waiting.Go(func() {
				var away *errNotOurs
				if _, err := gate.enter(t.Context(), "example.org"); !errors.As(err, &away) {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		if d := time.Since(begun); d != patience {
			t.Errorf("it took %s", d)
		}
	})
}

// stubborn never gives a host.
type stubborn struct{ others }

func (*stubborn) Enter(_ context.Context, _ string, patience time.Duration, _ func()) (Standing, error) {
	time.Sleep(max(patience, 0))
	return Standing{}, errors.New("another process has it")
}

func TestNoConnectionIsKeptToAHostThatIsGivenBack(t *testing.T) {
	s := record(t, serve(rss))
	o := &others{checks: -1}
	c := client(t, Options{Hosts: o})
	for range 3 {
		if r := get(t, c, s.URL); r.Kind != Fetched {
			t.Fatal(r.Err)
		}
	}
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections for three requests on end", n)
	}
	o.hangUp()
	c.hosts.calls.mu.Lock()
	if len(c.hosts.calls.byHost) != 0 {
		t.Error("a connection is left")
	}
	c.hosts.calls.mu.Unlock()
	if r := get(t, c, s.URL); r.Kind != Fetched {
		t.Errorf("after that: %v", r.Err)
	}
	if n := s.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestEachHopOfARedirectEntersItsHost(t *testing.T) {
	s := record(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/feed", http.StatusFound)
			return
		}
		serve(rss)(w, r)
	})
	o := &others{checks: -1}
	if r := get(t, client(t, Options{Hosts: o}), s.URL); r.Kind != Fetched || o.entered != 2 || len(o.left) != 2 {
		t.Errorf("entered %d times, left %d times: %v", o.entered, len(o.left), r.Err)
	}
}
