package ingest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/fetch"
)

// elsewhere are the hosts that another process speaks to.
type elsewhere struct {
	mu    sync.Mutex
	hosts map[string]bool
}

func (e *elsewhere) set(url string, taken bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hosts = map[string]bool{fetch.HostOf(url): taken}
}

func (e *elsewhere) Enter(_ context.Context, host string, _ time.Duration, _ func()) (fetch.Standing, error) {
	return fetch.Standing{}, e.Check(host)
}

func (e *elsewhere) Check(host string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.hosts[host] {
		return errors.New("another process has it")
	}
	return nil
}

func (*elsewhere) Leave(string, fetch.Standing) {}
func (*elsewhere) Pause(string, time.Time, int) {}

func TestASourceWhoseHostAnotherProcessHasIsLeftAsItWas(t *testing.T) {
	r := newRig(t)
	r.publish("/a", rss(post{guid: "1", link: "https://a.example/1", title: "One", text: "One."}))
	r.declare("/a")
	r.ingest()
	before, err := r.store.Source(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r.publish("/a", rss(post{guid: "2", link: "https://a.example/2", title: "Two", text: "Two."}))
	r.elsewhere.set(r.server.URL, true)
	for _, s := range r.ingest().Sources {
		if s.Source == "a" && (s.Outcome != feed.OutcomeNotDue || s.Error != "" || !strings.Contains(s.DueReason, "another process has it")) {
			t.Errorf("%+v", s)
		}
	}
	after, err := r.store.Source(t.Context(), "a")
	if err != nil || after.State != before.State {
		t.Errorf("was %+v, is %+v: %v", before.State, after.State, err)
	}
	days, err := r.store.SourceDays(t.Context(), before.ID, r.clock().AddDate(0, 0, -1))
	if err != nil || len(days) != 1 || days[0].Failed != 0 {
		t.Errorf("%+v: %v", days, err)
	}
	r.elsewhere.set(r.server.URL, false)
	r.ingest()
	r.item("Two")
}

func TestNoPageIsReadWhileRobotsTxtIsOutOfReach(t *testing.T) {
	r, s := newRig(t), newSite(t)
	text := prose("a lake")
	s.article("/lake", "The lake", text)
	r.publish("/a", rss(post{guid: "1", link: s.URL + "/lake", title: "The lake", text: teaser(text)}))
	r.declareFull("/a")
	r.elsewhere.set(s.URL, true)
	r.ingest()
	if asked := s.requests(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
	if n := note(r.item("The lake")); !strings.HasPrefix(n, "not taken: robots.txt could not be had: ") {
		t.Errorf("%q", n)
	}
}
