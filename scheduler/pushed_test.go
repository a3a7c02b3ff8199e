package scheduler

import (
	"strings"
	"testing"
	"time"

	"tributary/feed"
)

var anHourOn = wednesdayNoon.Add(time.Hour)

func TestAPushPutsThePollOffAndNeverForward(t *testing.T) {
	for name, c := range map[string]struct {
		every string
		due   time.Time
		want  time.Time // zero: as it was
	}{
		"hourly":            {"", anHourOn, wednesdayNoon.Add(pushedWait)},
		"asked to wait":     {"", wednesdayNoon.Add(72 * time.Hour), time.Time{}},
		"as a person says":  {"10m", wednesdayNoon.Add(10 * time.Minute), time.Time{}},
		"due for long":      {"", wednesdayNoon.Add(-time.Hour), wednesdayNoon.Add(pushedWait)},
		"a person, by cron": {"0 5 * * *", wednesdayNoon.Add(17 * time.Hour), time.Time{}},
	} {
		src := aFeed(polledEvery(c.every), inState(feed.SourceState{Status: feed.StatusOK, NextDue: c.due, DueReason: "why", ETag: `"1"`, BodyHash: 1, Failures: 2, RetryAfter: c.due}))
		got := (Policy{}).Pushed(src, false, wednesdayNoon)
		if c.want.IsZero() {
			c.want = c.due
		}
		if !got.NextDue.Equal(c.want) || got.NextDue.After(c.want) || got.Pushed != wednesdayNoon {
			t.Errorf("%s: next %v, want %v", name, got.NextDue, c.want)
		}
		if got.ETag == "" || got.BodyHash == 0 || got.Failures != 2 || got.RetryAfter != c.due || !got.LastFetch.IsZero() {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestASourceIsPolledDailyAsLongAsItsHubTellsAll(t *testing.T) {
	p := Policy{Jitter: DefaultJitter}
	src := aFeed(inState(feed.SourceState{Status: feed.StatusOK, NextDue: anHourOn, ETag: `"1"`}))
	src.State = p.Pushed(src, true, wednesdayNoon)
	if src.State.ETag != "" || src.State.LastChange != wednesdayNoon {
		t.Errorf("%+v", src.State)
	}
	wait := func(now time.Time) time.Duration { return src.State.NextDue.Sub(now).Round(time.Minute) }
	daily := func(when string, now time.Time) {
		t.Helper()
		if w := wait(now); w < pushedWait || w > longestWait || !strings.Contains(src.State.DueReason, "its hub tells of its news") {
			t.Errorf("%s: the next poll is in %v (%s)", when, w, src.State.DueReason)
		}
	}
	daily("after a push", wednesdayNoon)
	now := src.State.NextDue
	src.State = p.After(src, gotDocument(), src.About, false, now)
	daily("after a poll that found nothing", now)

	src.State = p.After(src, failedWith(500, feed.StatusFailing), src.About, false, now)
	if w := wait(now); w > 2*time.Hour {
		t.Errorf("after a failure the next poll is in %v", w)
	}
	src.State = p.After(src, gotDocument(), src.About, true, now)
	if w := wait(now); w > 2*time.Hour || !src.State.Pushed.IsZero() {
		t.Errorf("after news that the hub kept back the next poll is in %v", w)
	}
}
