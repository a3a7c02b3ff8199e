package fetch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStartsAreSpacedAndJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newHosts(time.Second, time.Now)
		var mu sync.Mutex
		var starts []time.Time
		var users sync.WaitGroup
		for range 20 {
			users.Go(func() {
				h, err := gate.enter(t.Context(), "example.org")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				starts = append(starts, time.Now())
				mu.Unlock()
				gate.leave(h)
			})
		}
		users.Wait()
		gaps := map[time.Duration]bool{}
		for i := 1; i < len(starts); i++ {
			gap := starts[i].Sub(starts[i-1])
			gaps[gap] = true
			if gap < time.Second || gap > 1500*time.Millisecond {
				t.Errorf("start %d comes %s after the one before", i, gap)
			}
		}
		if len(gaps) < 10 {
			t.Errorf("%d gaps in 19 starts: no jitter", len(gaps))
		}
	})
}

func TestASlowAnswerIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newHosts(time.Second, time.Now)
		first, err := gate.enter(t.Context(), "example.org")
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		go func() { time.Sleep(10 * time.Second); gate.leave(first) }()
		second, err := gate.enter(t.Context(), "example.org")
		if err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("the turn came after %s: %v", time.Since(begun), err)
		}
		gate.leave(second)
	})
}

func TestNearHostsAndOthersAreNotSpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newHosts(time.Second, time.Now)
		gate.setNear("nas.lan", true)
		begun := time.Now()
		for i := range 50 {
			for _, name := range []string{"nas.lan", fmt.Sprintf("%d.example", i)} {
				h, err := gate.enter(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				gate.leave(h)
			}
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("it took %s", d)
		}
	})
}

func TestWaitingForATurnEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newHosts(time.Second, time.Now)
		h, err := gate.enter(t.Context(), "example.org")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := gate.enter(ctx, "example.org"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while another has the turn: %v", err)
		}
		gate.leave(h)
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := gate.enter(ctx, "example.org"); !errors.Is(err, context.Canceled) {
			t.Errorf("during the spacing: %v", err)
		}
		if h, err := gate.enter(t.Context(), "example.org"); err != nil {
			t.Errorf("the turn was lost: %v", err)
		} else {
			gate.leave(h)
		}
	})
}

func TestAClockThatIsSetBackStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ahead := 365 * 24 * time.Hour
		gate := newHosts(time.Second, func() time.Time { return time.Now().Add(ahead) })
		for range 3 {
			h, err := gate.enter(t.Context(), "example.org")
			if err != nil {
				t.Fatal(err)
			}
			gate.leave(h)
			ahead = 0
		}
		if d := time.Since(begun); d > 5*time.Second {
			t.Errorf("waited %s", d)
		}
	})
}

func TestIdleHostsAreForgottenAndPausedOnesNot(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	gate := newHosts(time.Second, func() time.Time { return now })
	gate.pause("paused.example", now.Add(24*time.Hour))
	busy, err := gate.enter(t.Context(), "busy.example")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		now = now.Add(time.Second)
		h, err := gate.enter(t.Context(), fmt.Sprintf("%d.example", i))
		if err != nil {
			t.Fatal(err)
		}
		gate.leave(h)
	}
	if n := len(gate.byName); n > 2*sweepSize {
		t.Errorf("%d hosts are remembered", n)
	}
	if gate.byName["busy.example"] != busy || gate.byName["paused.example"] == nil {
		t.Error("a host that matters is forgotten")
	}
	gate.leave(busy)
}
