package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"tributary/feed"
	"tributary/ingest/fetch"
)

var wednesdayNoon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday

func aFeed(change ...func(*feed.Source)) feed.Source {
	src := feed.Source{Kind: feed.KindFeed, URL: "https://example.org/feed.xml", Enabled: true}
	for _, c := range change {
		c(&src)
	}
	return src
}

func polledEvery(s string) func(*feed.Source) { return func(src *feed.Source) { src.Every = s } }

func inState(s feed.SourceState) func(*feed.Source) { return func(src *feed.Source) { src.State = s } }

func gotDocument(change ...func(*fetch.Result)) fetch.Result {
	return aResult(fetch.Result{Kind: fetch.Fetched, Status: 200, ETag: `"1"`, BodyHash: 1, Bytes: 1000}, change)
}

func got304(change ...func(*fetch.Result)) fetch.Result {
	return aResult(fetch.Result{Kind: fetch.NotModified, Status: 304}, change)
}

func failedWith(status int, f feed.Status, change ...func(*fetch.Result)) fetch.Result {
	return aResult(fetch.Result{Status: status, Failure: f, Err: fmt.Errorf("example.org answered %d", status)}, change)
}

func aResult(r fetch.Result, change []func(*fetch.Result)) fetch.Result {
	r.Requests, r.Host = 1, "example.org"
	for _, c := range change {
		c(&r)
	}
	return r
}

func freshFor(d time.Duration) func(*fetch.Result) { return func(r *fetch.Result) { r.FreshFor = d } }

// run takes a source through answers, each asked for when it is due.
func takenThrough(p Policy, src feed.Source, answers ...fetch.Result) (feed.Source, time.Time) {
	now := wednesdayNoon
	for i, r := range answers {
		if i > 0 && src.State.NextDue.After(now) {
			now = src.State.NextDue
		}
		src.State = p.After(src, r, src.About, false, now)
	}
	return src, now
}

func times(r fetch.Result, n int) []fetch.Result {
	var all []fetch.Result
	for range n {
		all = append(all, r)
	}
	return all
}

func TestAFreshDocumentReplacesBothValidators(t *testing.T) {
	old := feed.SourceState{ETag: `"old"`, LastModified: "Mon, 02 Mar 2026 00:00:00 GMT", ValidatorsSince: wednesdayNoon.Add(-time.Hour), BodyHash: 7}
	for name, r := range map[string]fetch.Result{
		"body changed":     gotDocument(func(r *fetch.Result) { r.ETag, r.BodyHash = `W/"new"`, 8 }),
		"body as it was":   gotDocument(func(r *fetch.Result) { r.ETag, r.BodyHash = `W/"new"`, 7 }),
		"both sent":        gotDocument(func(r *fetch.Result) { r.ETag, r.LastModified = `W/"new"`, "today" }),
		"only one is left": gotDocument(func(r *fetch.Result) { r.ETag, r.LastModified = "", "today" }),
		"none is left":     gotDocument(func(r *fetch.Result) { r.ETag = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			got := Policy{}.After(aFeed(inState(old)), r, feed.Channel{}, false, wednesdayNoon)
			want := []any{r.ETag, r.LastModified, wednesdayNoon}
			if diff := cmp.Diff(want, []any{got.ETag, got.LastModified, got.ValidatorsSince}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestA304ThatOmitsValidatorsKeepsTheOldOnes(t *testing.T) {
	old := feed.SourceState{ETag: `"a"`, LastModified: "then", ValidatorsSince: wednesdayNoon.Add(-time.Hour)}
	for name, test := range map[string]struct {
		etag, modified string
		want           []string
	}{
		"neither":       {"", "", []string{`"a"`, "then"}},
		"etag":          {`"b"`, "", []string{`"b"`, "then"}},
		"last-modified": {"", "now", []string{`"a"`, "now"}},
		"both":          {`"b"`, "now", []string{`"b"`, "now"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := got304(func(r *fetch.Result) { r.ETag, r.LastModified = test.etag, test.modified })
			got := Policy{}.After(aFeed(inState(old)), r, feed.Channel{}, false, wednesdayNoon)
			if diff := cmp.Diff(test.want, []string{got.ETag, got.LastModified}); diff != "" {
				t.Error(diff)
			}
			if !got.ValidatorsSince.Equal(old.ValidatorsSince) {
				t.Error("a 304 renewed the age of the validators: they would never be dropped")
			}
		})
	}
}

func TestAFailureKeepsTheValidatorsOfTheLastDocument(t *testing.T) {
	old := feed.SourceState{ETag: `"a"`, LastModified: "then", ValidatorsSince: wednesdayNoon, BodyHash: 5}
	r := gotDocument().Fail(feed.StatusNotFeed, errors.New("not a feed"))
	got := Policy{}.After(aFeed(inState(old)), r, feed.Channel{}, false, wednesdayNoon)
	if got.ETag != `"a"` || got.LastModified != "then" || got.BodyHash != 5 {
		t.Errorf("validators of a document that was not taken are kept: %+v", got)
	}
}

func TestABrokenOffDocumentLeavesNoValidators(t *testing.T) {
	r := gotDocument(func(r *fetch.Result) { r.Failure = feed.StatusTruncated })
	got := Policy{}.After(aFeed(), r, feed.Channel{}, true, wednesdayNoon)
	if got.ETag != "" || got.Status != feed.StatusTruncated || got.Failures != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAFeedIsPolledHourlyAtMost(t *testing.T) {
	for _, schedule := range []string{"", "* * * * *", "*/15 * * * *", "0 * * * *"} {
		p := Policy{Jitter: DefaultJitter}
		if schedule != "" {
			p.Default = mustParseEvery(t, schedule)
		}
		for name, r := range map[string]fetch.Result{"fetched": gotDocument(), "not modified": got304(), "failed": failedWith(500, feed.StatusFailing)} {
			src, _ := takenThrough(p, aFeed(), r)
			if wait := src.State.NextDue.Sub(wednesdayNoon); wait < time.Hour || wait > 63*time.Minute {
				t.Errorf("schedule %q, %s: next poll after %s", schedule, name, wait)
			}
		}
	}
}

func TestASlowerScheduleIsKeptTo(t *testing.T) {
	p := Policy{Default: mustParseEvery(t, "0 6 * * *")}
	src, _ := takenThrough(p, aFeed(), gotDocument())
	if want := wednesdayNoon.Add(18 * time.Hour); !src.State.NextDue.Equal(want) {
		t.Errorf("due %s, want %s", src.State.NextDue, want)
	}
}

func TestTheHourCountsFromTheAnswer(t *testing.T) {
	answered := wednesdayNoon.Add(7 * time.Minute) // the run is at its 400th source by then
	src, _ := takenThrough(Policy{}, aFeed(), gotDocument(func(r *fetch.Result) { r.At = answered }))
	if !src.State.NextDue.Equal(answered.Add(time.Hour)) || !src.State.LastFetch.Equal(answered) {
		t.Errorf("fetched %s, due %s", src.State.LastFetch, src.State.NextDue)
	}
}

func TestThreeEqualBodiesWithoutValidatorsMeanADailyPoll(t *testing.T) {
	bare := gotDocument(func(r *fetch.Result) { r.ETag = "" })
	for n, want := range map[int]time.Duration{1: time.Hour, 2: time.Hour, 3: 24 * time.Hour, 9: 24 * time.Hour} {
		src, now := takenThrough(Policy{Jitter: DefaultJitter}, aFeed(), times(bare, n)...)
		if wait := src.State.NextDue.Sub(now); wait < want || wait > want+want/20 {
			t.Errorf("after %d bodies: %s, want %s (%s)", n, wait, want, src.State.DueReason)
		}
	}
	other := bare
	other.BodyHash = 2
	src, now := takenThrough(Policy{}, aFeed(), append(times(bare, 5), other)...)
	if wait := src.State.NextDue.Sub(now); wait != time.Hour {
		t.Errorf("after another body: %s", wait)
	}
	src, _ = takenThrough(Policy{}, aFeed(), times(gotDocument(), 5)...)
	if src.State.SameBodies != 0 {
		t.Error("equal bodies count where there is a validator")
	}
}

func TestThePublisherMayAskForLessUpToADay(t *testing.T) {
	tests := map[string]struct {
		fresh  time.Duration
		about  feed.Channel
		want   time.Duration
		reason string
	}{
		"nothing":                 {want: time.Hour, reason: "one hour"},
		"max-age below the floor": {fresh: 5 * time.Minute, want: time.Hour, reason: "one hour"},
		"max-age":                 {fresh: 3 * time.Hour, want: 3 * time.Hour, reason: "fresh for 3 hours"},
		"ttl":                     {about: feed.Channel{MinInterval: 2 * time.Hour}, want: 2 * time.Hour, reason: "ttl"},
		"the larger of both":      {fresh: 2 * time.Hour, about: feed.Channel{MinInterval: 4 * time.Hour}, want: 4 * time.Hour, reason: "ttl"},
		"a year of max-age":       {fresh: 365 * 24 * time.Hour, want: 24 * time.Hour, reason: "365 days (Cache-Control or Expires), cut to 24 hours"},
		"a month of ttl":          {about: feed.Channel{MinInterval: 720 * time.Hour}, want: 24 * time.Hour, reason: "cut to 24 hours"},
		"skipped hours":           {about: feed.Channel{SkipHours: []int{13, 14, 15}}, want: 4 * time.Hour, reason: "skip"},
		"other hours":             {about: feed.Channel{SkipHours: []int{3, 4}}, want: time.Hour, reason: "one hour"},
		"a skipped day":           {about: feed.Channel{SkipDays: []time.Weekday{time.Wednesday}}, want: 12 * time.Hour, reason: "skip"},
		"every day skipped":       {about: feed.Channel{SkipDays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}}, want: 24 * time.Hour, reason: "cut to 24 hours"},
		"hour and day":            {about: feed.Channel{SkipDays: []time.Weekday{time.Wednesday}, SkipHours: []int{0, 1}}, want: 14 * time.Hour, reason: "skip"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, jitter := range []float64{0, DefaultJitter} {
				got := Policy{Jitter: jitter}.After(aFeed(), gotDocument(freshFor(test.fresh)), test.about, false, wednesdayNoon)
				wait := got.NextDue.Sub(wednesdayNoon)
				if wait < test.want || wait > 24*time.Hour || wait > test.want+test.want/10 || jitter == 0 && wait != test.want {
					t.Errorf("jitter %v: next poll after %s, want %s", jitter, wait, test.want)
				}
				if !strings.Contains(got.DueReason, test.reason) {
					t.Errorf("reason %q does not say %q", got.DueReason, test.reason)
				}
			}
		})
	}
}

func TestA304KeepsToWhatTheFeedAskedFor(t *testing.T) {
	src := aFeed(inState(feed.SourceState{ETag: `"1"`}))
	src.About.MinInterval = 6 * time.Hour
	got := Policy{}.After(src, got304(), feed.Channel{}, false, wednesdayNoon)
	if wait := got.NextDue.Sub(wednesdayNoon); wait != 6*time.Hour {
		t.Errorf("next poll after %s", wait)
	}
}

func TestAPersonsIntervalWinsOverWishesButNotOverRetryAfterAndBackOff(t *testing.T) {
	wishes := feed.Channel{MinInterval: 12 * time.Hour, SkipHours: []int{12, 13}}
	got := Policy{}.After(aFeed(polledEvery("10m")), gotDocument(freshFor(3*time.Hour)), wishes, false, wednesdayNoon)
	if wait := got.NextDue.Sub(wednesdayNoon); wait != 10*time.Minute {
		t.Errorf("wishes: next poll after %s", wait)
	}
	bare := gotDocument(func(r *fetch.Result) { r.ETag = "" })
	src, now := takenThrough(Policy{}, aFeed(polledEvery("10m")), times(bare, 5)...)
	if wait := src.State.NextDue.Sub(now); wait != 10*time.Minute {
		t.Errorf("no validators: next poll after %s", wait)
	}
	until := wednesdayNoon.Add(5 * time.Hour)
	told := failedWith(503, feed.StatusLimited, func(r *fetch.Result) { r.RetryAfter = until })
	src, _ = takenThrough(Policy{}, aFeed(polledEvery("10m")), told)
	if src.State.NextDue.Before(until) {
		t.Errorf("polled at %s, within its Retry-After", src.State.NextDue)
	}
	src, now = takenThrough(Policy{}, aFeed(polledEvery("10m")), times(failedWith(500, feed.StatusFailing), 4)...)
	if wait := src.State.NextDue.Sub(now); wait != 80*time.Minute {
		t.Errorf("four failures: next poll after %s", wait)
	}
	src, _ = takenThrough(Policy{}, aFeed(polledEvery("168h")), gotDocument())
	if wait := src.State.NextDue.Sub(wednesdayNoon); wait != 168*time.Hour {
		t.Errorf("weekly: next poll after %s", wait)
	}
}

func TestAPersonsCronLineIsKeptToTheMinute(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	p := Policy{Location: berlin, Jitter: DefaultJitter}
	src, _ := takenThrough(p, aFeed(polledEvery("30 6 * * *")), gotDocument())
	if want := time.Date(2026, 3, 5, 5, 30, 0, 0, time.UTC); !src.State.NextDue.Equal(want) {
		t.Errorf("due %s, want %s", src.State.NextDue, want)
	}
	src, now := takenThrough(p, aFeed(polledEvery("*/10 * * * *")), times(failedWith(500, feed.StatusFailing), 4)...)
	wait := src.State.NextDue.Sub(now)
	if wait < 80*time.Minute || wait > 90*time.Minute || src.State.NextDue.Minute()%10 != 0 {
		t.Errorf("four failures: next poll after %s at %s", wait, src.State.NextDue)
	}
}

func TestAnUnreadableIntervalFallsBackToTheDefault(t *testing.T) {
	src, _ := takenThrough(Policy{}, aFeed(polledEvery("often")), gotDocument())
	if wait := src.State.NextDue.Sub(wednesdayNoon); wait != time.Hour {
		t.Errorf("next poll after %s", wait)
	}
}

func TestNothingIsPolledBeforeItsRetryAfterNotEvenByForce(t *testing.T) {
	for _, wait := range []time.Duration{time.Minute, 3 * time.Hour, 60 * 24 * time.Hour} {
		for _, status := range []int{429, 503} {
			until := wednesdayNoon.Add(wait)
			r := failedWith(status, feed.StatusLimited, func(r *fetch.Result) { r.RetryAfter = until })
			src, _ := takenThrough(Policy{Jitter: DefaultJitter}, aFeed(), r)
			if src.State.NextDue.Before(until) || !src.State.RetryAfter.Equal(until) || src.State.Status != feed.StatusLimited {
				t.Errorf("%d, %s: %+v", status, wait, src.State)
			}
			for _, force := range []bool{false, true} {
				if ok, why := (Policy{}).Due(src, force, until.Add(-time.Millisecond)); ok {
					t.Errorf("%d, %s: polled inside its Retry-After: %s", status, wait, why)
				}
			}
			if ok, why := (Policy{}).Due(src, true, until); !ok {
				t.Errorf("%d, %s: not polled after its Retry-After: %s", status, wait, why)
			}
		}
	}
}

func TestA429PausesTheHostAlsoAfterARestart(t *testing.T) {
	until := wednesdayNoon.Add(3 * time.Hour)
	limited := failedWith(429, feed.StatusLimited, func(r *fetch.Result) { r.RetryAfter = until })
	short := failedWith(429, feed.StatusLimited, func(r *fetch.Result) { r.RetryAfter = wednesdayNoon.Add(time.Minute) })
	unavailable := failedWith(503, feed.StatusLimited, func(r *fetch.Result) { r.RetryAfter = until })
	at := func(url string, r fetch.Result) feed.Source {
		src, _ := takenThrough(Policy{Jitter: DefaultJitter}, aFeed(func(s *feed.Source) { s.URL = url }), r)
		return src
	}
	sources := []feed.Source{
		at("https://a.example/one", limited), at("https://a.example/two", short),
		at("https://b.example/", short), at("https://c.example/", unavailable), at("https://d.example/", gotDocument()),
	}
	want := map[string]time.Time{"a.example": until, "b.example": wednesdayNoon.Add(time.Minute)}
	if diff := cmp.Diff(want, HostPauses(sources, wednesdayNoon)); diff != "" {
		t.Error(diff)
	}
	if left := HostPauses(sources, until); len(left) != 0 {
		t.Errorf("pauses that are over: %v", left)
	}
}

func TestASourceOfAPausedHostWaitsWithItAndCountsNothing(t *testing.T) {
	until := wednesdayNoon.Add(2 * time.Hour)
	before := feed.SourceState{Status: feed.StatusOK, ETag: `"1"`, Fetches: 4, LastFetch: wednesdayNoon.Add(-time.Hour), Failures: 0}
	r := failedWith(0, feed.StatusLimited, func(r *fetch.Result) { r.Requests, r.RetryAfter = 0, until })
	src := aFeed(inState(before))
	got := Policy{}.After(src, r, feed.Channel{}, false, wednesdayNoon)
	want := before
	want.Status, want.Error, want.RetryAfter = feed.StatusLimited, r.Err.Error(), until
	want.NextDue, want.DueReason = until, hostPauseReason
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	src.State = got
	if len(HostPauses([]feed.Source{src}, wednesdayNoon)) != 1 {
		t.Error("the pause does not survive a restart")
	}
}

func TestFailuresBackOffExponentiallyADayAtMostAndNeverForEver(t *testing.T) {
	src, now := aFeed(), wednesdayNoon
	var waits []time.Duration
	for range 40 {
		src.State = Policy{}.After(src, failedWith(500, feed.StatusFailing), feed.Channel{}, false, now)
		waits = append(waits, src.State.NextDue.Sub(now))
		now = src.State.NextDue
		if ok, why := (Policy{}).Due(src, false, now); !ok {
			t.Fatalf("not due when it said: %s", why)
		}
	}
	h := time.Hour
	if diff := cmp.Diff([]time.Duration{h, 2 * h, 4 * h, 8 * h, 16 * h, 24 * h, 24 * h}, waits[:7]); diff != "" {
		t.Error(diff)
	}
	if waits[39] != 24*h || src.State.Failures != 40 {
		t.Errorf("after 40 failures: %s", waits[39])
	}
	got := Policy{}.After(src, gotDocument(), feed.Channel{}, false, now)
	if got.Failures != 0 || got.Error != "" || got.NextDue.Sub(now) != h {
		t.Errorf("one success does not end it: %+v", got)
	}
}

func TestEveryFailureBacksOff(t *testing.T) {
	for _, test := range []struct {
		code   int
		status feed.Status
	}{
		{404, feed.StatusFailing}, {403, feed.StatusBlocked}, {200, feed.StatusNotFeed}, {0, feed.StatusFailing}, {429, feed.StatusLimited},
	} {
		src, now := takenThrough(Policy{}, aFeed(), times(failedWith(test.code, test.status), 3)...)
		if wait := src.State.NextDue.Sub(now); wait < 4*time.Hour || src.State.Status != test.status || src.State.Error == "" {
			t.Errorf("%d: next poll after %s: %+v", test.code, wait, src.State)
		}
	}
}

func TestASlowScheduleIsNotSpedUpByBackOff(t *testing.T) {
	p := Policy{Default: mustParseEvery(t, "0 0 * * 0")} // weekly
	src, _ := takenThrough(p, aFeed(), failedWith(500, feed.StatusFailing))
	if want := time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC); !src.State.NextDue.Equal(want) {
		t.Errorf("due %s", src.State.NextDue)
	}
}

func TestGoneStopsUntilForced(t *testing.T) {
	src, _ := takenThrough(Policy{}, aFeed(), failedWith(410, feed.StatusGone))
	if ok, why := (Policy{}).Due(src, false, wednesdayNoon.Add(1000*24*time.Hour)); ok || !strings.Contains(why, "410") {
		t.Errorf("due: %v, %s", ok, why)
	}
	if ok, _ := (Policy{}).Due(src, true, wednesdayNoon); !ok {
		t.Error("force does not ask again")
	}
	if src.State.Status != feed.StatusGone || !strings.Contains(src.State.DueReason, "gone") {
		t.Errorf("not shown: %+v", src.State)
	}
	src.State = Policy{}.After(src, gotDocument(), feed.Channel{}, true, wednesdayNoon)
	if ok, _ := (Policy{}).Due(src, false, src.State.NextDue); !ok {
		t.Error("it came back, and is still not polled")
	}
}

func TestAPermanentRedirectIsBelievedAfterFiveEqualAnswersOverThreeDays(t *testing.T) {
	moved := func(to string) fetch.Result {
		return got304(func(r *fetch.Result) { r.MovedTo = to })
	}
	const a, b = "https://example.org/a", "https://example.org/b"
	day := 24 * time.Hour
	tests := map[string]struct {
		step    time.Duration
		answers []fetch.Result
		want    string
	}{
		"five over four days":       {day, times(moved(a), 5), a},
		"four over four days":       {32 * time.Hour, times(moved(a), 4), ""},
		"many in one day":           {time.Hour, times(moved(a), 24), ""},
		"five, exactly three days":  {18 * time.Hour, times(moved(a), 5), a},
		"five, short of three days": {17 * time.Hour, times(moved(a), 5), ""},
		"not equal":                 {day, append(times(moved(a), 4), moved(b)), ""},
		"interrupted":               {day, append(append(times(moved(a), 4), got304()), times(moved(a), 4)...), ""},
		"a failure between":         {day, append(append(times(moved(a), 4), failedWith(0, feed.StatusFailing)), moved(a)), a},
		"not a feed between":        {day, append(append(times(moved(a), 4), failedWith(200, feed.StatusNotFeed)), moved(a)), ""},
		"leads to what is no feed":  {day, times(moved(a).Fail(feed.StatusNotFeed, errors.New("HTML")), 9), ""},
		"temporary":                 {day, times(got304(), 9), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			src, now := aFeed(), wednesdayNoon
			for _, r := range test.answers {
				src.State = Policy{}.After(src, r, feed.Channel{}, false, now)
				now = now.Add(test.step)
			}
			if src.State.FetchURL != test.want || src.URL != aFeed().URL {
				t.Errorf("fetched from %q now, want %q: %+v", src.State.FetchURL, test.want, src.State)
			}
		})
	}
}

func TestARedirectTargetThatDiesIsGivenUp(t *testing.T) {
	moved := inState(feed.SourceState{FetchURL: "https://example.org/a"})
	src, _ := takenThrough(Policy{}, aFeed(moved), times(failedWith(404, feed.StatusFailing), 4)...)
	if src.State.FetchURL == "" {
		t.Error("given up too soon")
	}
	src, _ = takenThrough(Policy{}, aFeed(moved), times(failedWith(404, feed.StatusFailing), 5)...)
	if src.State.FetchURL != "" {
		t.Error("still fetched from where nothing is")
	}
	src, _ = takenThrough(Policy{}, aFeed(moved), times(failedWith(429, feed.StatusLimited), 9)...)
	if src.State.FetchURL == "" {
		t.Error("given up though it only wants us to be slower")
	}
}

func TestOurNetworkIsBlamedOnlyWhenThreeHostsAndAllFail(t *testing.T) {
	down := func(host string) fetch.Result {
		return failedWith(0, feed.StatusFailing, func(r *fetch.Result) { r.Host, r.Network = host, true })
	}
	cancelled := fetch.Result{Host: "x", Requests: 1, Err: context.Canceled}
	paused := fetch.Result{Host: "y", Failure: feed.StatusLimited}
	tests := map[string]struct {
		results []fetch.Result
		want    bool
	}{
		"none":                  {nil, false},
		"two hosts":             {[]fetch.Result{down("a"), down("b"), down("b")}, false},
		"three hosts":           {[]fetch.Result{down("a"), down("b"), down("c")}, true},
		"one answered 500":      {[]fetch.Result{down("a"), down("b"), down("c"), failedWith(500, feed.StatusFailing)}, false},
		"one came":              {[]fetch.Result{down("a"), down("b"), down("c"), gotDocument()}, false},
		"others not asked":      {[]fetch.Result{down("a"), down("b"), down("c"), cancelled, paused}, true},
		"too few of them asked": {[]fetch.Result{down("a"), down("b"), cancelled, paused}, false},
	}
	for name, test := range tests {
		if got := (Policy{}).OurNetwork(test.results); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestACancelledFetchChangesNothing(t *testing.T) {
	before := feed.SourceState{Status: feed.StatusOK, ETag: `"1"`, Fetches: 3, NextDue: wednesdayNoon}
	r := fetch.Result{Requests: 1, Host: "example.org", Err: context.Canceled}
	if diff := cmp.Diff(before, Policy{}.After(aFeed(inState(before)), r, feed.Channel{}, false, wednesdayNoon)); diff != "" {
		t.Error(diff)
	}
}

func TestAfterKeepsTheBooks(t *testing.T) {
	src := aFeed()
	src.State = Policy{}.After(src, gotDocument(), feed.Channel{}, true, wednesdayNoon)
	later := wednesdayNoon.Add(2 * time.Hour)
	src.State = Policy{}.After(src, got304(), feed.Channel{}, false, later)
	want := feed.SourceState{
		Status: feed.StatusOK, ETag: `"1"`, ValidatorsSince: wednesdayNoon, BodyHash: 1,
		LastFetch: later, LastSuccess: later, LastChange: wednesdayNoon,
		NextDue: later.Add(time.Hour), DueReason: "one hour after the last poll",
		Fetches: 2, NotModified: 1, BytesIn: 1000, BytesSaved: 1000, LastSize: 1000,
	}
	if diff := cmp.Diff(want, src.State); diff != "" {
		t.Error(diff)
	}
	refused := failedWith(0, feed.StatusFailing, func(r *fetch.Result) { r.Requests = 0 })
	if got := (Policy{}).After(src, refused, feed.Channel{}, false, later); got.Fetches != 2 || got.Failures != 1 {
		t.Errorf("a request that was never made: %+v", got)
	}
}

func TestJitterIsTheSameEachTimeAndSpreadsSources(t *testing.T) {
	p := Policy{Jitter: DefaultJitter}
	seen := map[time.Time]bool{}
	for i := range 100 {
		src := aFeed(func(s *feed.Source) { s.URL = fmt.Sprintf("https://example.org/%d", i) })
		one := p.After(src, failedWith(500, feed.StatusFailing), feed.Channel{}, false, wednesdayNoon)
		two := p.After(src, failedWith(500, feed.StatusFailing), feed.Channel{}, false, wednesdayNoon)
		if !one.NextDue.Equal(two.NextDue) {
			t.Fatal("not the same twice")
		}
		seen[one.NextDue.Truncate(time.Second)] = true
	}
	if len(seen) < 50 {
		t.Errorf("100 failures come back at %d moments", len(seen))
	}
}

func TestDueSaysWhy(t *testing.T) {
	waiting := inState(feed.SourceState{Status: feed.StatusFailing, Failures: 3, LastFetch: wednesdayNoon, NextDue: wednesdayNoon.Add(time.Hour), DueReason: "backing off: 3 failures in a row"})
	disabled := func(s *feed.Source) { s.Enabled = false }
	folder := func(s *feed.Source) { s.Kind = feed.KindFolder }
	tests := map[string]struct {
		src   feed.Source
		force bool
		want  bool
		why   string
	}{
		"new":                      {aFeed(), false, true, "never polled"},
		"waiting":                  {aFeed(waiting), false, false, "due at 2026-03-04 13:00 UTC: backing off"},
		"waiting, forced":          {aFeed(waiting), true, true, "forced"},
		"disabled":                 {aFeed(disabled), false, false, "disabled"},
		"disabled, forced":         {aFeed(disabled), true, false, "disabled"},
		"a folder":                 {aFeed(folder, waiting), false, true, "folder"},
		"its time has come":        {aFeed(inState(feed.SourceState{LastFetch: wednesdayNoon.Add(-time.Hour), NextDue: wednesdayNoon, DueReason: "one hour after the last poll"})), false, true, "one hour"},
		"its time came long since": {aFeed(inState(feed.SourceState{LastFetch: wednesdayNoon.Add(-time.Hour)})), false, true, ""},
	}
	for name, test := range tests {
		ok, why := Policy{}.Due(test.src, test.force, wednesdayNoon)
		if ok != test.want || !strings.Contains(why, test.why) {
			t.Errorf("%s: %v, %q", name, ok, why)
		}
	}
}

func TestParseEveryReads(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"2h": 2 * time.Hour, "90m": 90 * time.Minute, "1m": time.Minute, " 36h ": 36 * time.Hour, "1h0m0.5s": time.Hour + 500*time.Millisecond,
		"@every 3h": 3 * time.Hour, "@daily": 12 * time.Hour, "@hourly": time.Hour,
		"*/15 * * * *": 15 * time.Minute, "0 6 * * *": 18 * time.Hour, "0 0 * * sun": 84 * time.Hour, "0 0 29 2 *": 17436 * time.Hour,
		"*/7 * * * *": 7 * time.Minute,
	} {
		schedule, err := ParseEvery(s, nil)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got := schedule.Next(wednesdayNoon).Sub(wednesdayNoon); got != want {
			t.Errorf("%q: next after %s, want %s", s, got, want)
		}
	}
	if schedule, err := ParseEvery("", nil); schedule != nil || err != nil {
		t.Errorf("nothing: %v, %v", schedule, err)
	}
}

func TestParseEveryRefusesAndSaysWhatWouldBeRight(t *testing.T) {
	for s, want := range map[string]string{
		"often":                    "neither a duration",
		"30s":                      "shortest interval",
		"0":                        "shortest interval",
		"-2h":                      "shortest interval",
		"@every 0s":                "shortest interval",
		"@every 59s":               "shortest interval",
		"@every soon":              "@every 2h",
		"@fortnightly":             "not a cron line",
		"TZ=UTC":                   "time_zone",
		"TZ=":                      "time_zone",
		"CRON_TZ=UTC 0 6 * * *":    "time_zone",
		"tz=Europe/Rome 0 6 * * *": "time_zone",
		"0 0 31 2 *":               "never comes",
		", * * * *":                "a field is empty",
		"0 0 * * 7":                "Sunday is 0",
		"0 0 * * 1-7":              "Sunday is 0",
		"0 0 * * 5,7":              "Sunday is 0",
		"0 0 0 * * *":              "five fields",
		"0 6 * *":                  "five fields",
		"60 * * * *":               "not a cron line",
		"1d":                       "neither a duration",
	} {
		_, err := ParseEvery(s, nil)
		if err == nil || !strings.Contains(err.Error(), want) || feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("%q: %v, want it to say %q", s, err, want)
		}
	}
}

func FuzzParseEvery(f *testing.F) {
	for _, s := range []string{"", "2h", "*/15 * * * *", "TZ=UTC", "@every 1m", "0 0 31 2 *", "1-5/2 * * jan mon", ", , , , ,", "0 0 * * 7", "@", "* * * * */7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		schedule, err := ParseEvery(s, time.UTC)
		if err != nil || schedule == nil {
			return
		}
		if next := schedule.Next(wednesdayNoon); next.Before(wednesdayNoon.Add(time.Second)) && !next.Equal(wednesdayNoon.Add(time.Minute)) {
			t.Errorf("%q: next after %s is %s", s, wednesdayNoon, next)
		}
	})
}

func mustParseEvery(t *testing.T, s string) cron.Schedule {
	t.Helper()
	schedule, err := ParseEvery(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return schedule
}
