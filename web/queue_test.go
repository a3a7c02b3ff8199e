package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"tributary/feed"
)

// fill takes all places of a queue.
func fill(t *testing.T, q *queue) {
	t.Helper()
	for range cap(q.work) {
		must(t, q.enter(t.Context()))
	}
	for range cap(q.inside) - cap(q.work) {
		q.inside <- struct{}{}
	}
}

// empty has all those leave who came by fill.
func empty(q *queue) {
	for len(q.work) > 0 {
		<-q.work
	}
	for len(q.inside) > 0 {
		<-q.inside
	}
}

// refused tells what is wrong with how somebody was turned away.
func refused(t *testing.T, a answer) {
	t.Helper()
	wantStatus(t, a, http.StatusServiceUnavailable)
	wantField(t, a, "Retry-After", "30")
	if !strings.Contains(a.body, "Too much is asked for at once.") {
		t.Errorf("it does not say why:\n%s", a.body)
	}
}

func TestAQueueIsBoundedInNumberAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2, 3)
		for range 2 {
			must(t, q.enter(t.Context()))
		}
		ctx, cancel := context.WithTimeout(t.Context(), renderTimeout)
		defer cancel()
		var waiting sync.WaitGroup
		late := make(chan error, 3)
		for range 3 {
			waiting.Go(func() { late <- q.enter(ctx) })
		}
		synctest.Wait()
		if err := q.enter(t.Context()); !errors.Is(err, errBusy) {
			t.Errorf("one too many is told %v", err)
		}
		q.leave()
		waiting.Wait() // until their time is over
		close(late)
		entered := 0
		for err := range late {
			if err == nil {
				entered++
			} else if !errors.Is(err, errBusy) {
				t.Error(err)
			}
		}
		if entered != 1 || len(q.inside) != 2 {
			t.Errorf("%d entered, and %d are inside", entered, len(q.inside))
		}
	})
}

func TestManyViewsDoNotKeepOthersFromTheirFeeds(t *testing.T) {
	st := sampleStore(t)
	srv := newServer(t, st)
	before := get(t, srv, "/feed.atom?limit=2")
	fill(t, srv.variants.others.turns)
	refused(t, get(t, srv, "/feed.atom?limit=3"))
	for _, target := range []string{"/feed.atom", "/stories.atom", "/feed.atom?limit=2", "/"} {
		wantStatus(t, get(t, srv, target), http.StatusOK)
	}
	wantStatus(t, get(t, srv, "/archive/9.atom"), http.StatusNotFound)
	wantStatus(t, get(t, srv, "/held.atom"), http.StatusUnauthorized)
	touch(t, st, parisID, noon)
	_, err := srv.refresh(t.Context())
	must(t, err)
	if a := get(t, srv, "/feed.atom?limit=2"); a.body != before.body {
		t.Error("what was rendered before is not served")
	}
	empty(srv.variants.others.turns)
	wantStatus(t, get(t, srv, "/feed.atom?limit=3"), http.StatusOK)
}

func TestManySearchesDoNotKeepOthersFromPages(t *testing.T) {
	srv, _, _ := moderated(t)
	admin := login(t, srv)
	fill(t, srv.finds.turns)
	for _, target := range []string{"/?q=envoys", "/held?find=envoys", "/held?rule=topic", "/?before=3"} {
		refused(t, get(t, srv, target))
		wantStatus(t, get(t, srv, target, admin...), http.StatusOK)
	}
	for _, target := range []string{"/", "/items/" + borderID, "/held", "/sources", "/topic"} {
		wantStatus(t, get(t, srv, target), http.StatusOK)
	}
	empty(srv.finds.turns)
	wantStatus(t, get(t, srv, "/?q=envoys"), http.StatusOK)
	fill(t, srv.turns)
	refused(t, get(t, srv, "/runs"))
}

func TestSearchesDoNotDriveOutPages(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	get(t, srv, "/items/"+borderID)
	for i := range cacheEntries + 1 {
		get(t, srv, "/?q=nonesuch"+strconv.Itoa(i))
	}
	if srv.cache.last("item "+borderID) == nil {
		t.Error("they drove out the page of an item")
	}
}

func TestARuleThatCannotBeIsNotLookedFor(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	for _, rule := range []string{"topic", "a rule that we do not know"} {
		wantStatus(t, get(t, srv, "/held?rule="+url.QueryEscape(rule)), http.StatusOK)
	}
	wantStatus(t, get(t, srv, "/held?rule="+strings.Repeat("x", longestRule+1)), http.StatusBadRequest)
}

func TestASiteThatDoesNotAnswerIsNoFaultOfOurs(t *testing.T) {
	srv := newServer(t, sampleStore(t))
	srv.sources = catalogue{err: feed.Errorf(feed.CodeUnavailable, "https://new.example/ does not answer; try again later")}
	for _, wish := range []string{"", "add"} {
		a := send(t, srv, "/sources/new", url.Values{"url": {"https://new.example/"}, "do": {wish}})
		wantStatus(t, a, http.StatusUnprocessableEntity) // proxies would put a page of theirs in place of a 503
		wantText(t, a, "https://new.example/ does not answer")
	}
}
