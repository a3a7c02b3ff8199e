package scheduler

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"tributary/feed"
	"tributary/ingest/fetch"
)

const (
	// pollFloor is the least time between two polls of a feed for which nobody
	// has said otherwise (rachelbythebay.com's feed reader notes).
	pollFloor = time.Hour
	// longestWait caps what publishers ask for, and backing off. Only a person
	// or a Retry-After makes us wait longer.
	longestWait = 24 * time.Hour
	// sameBodiesSlow is the number of equal bodies in a row after which a feed
	// without validators is polled daily (likewise).
	sameBodiesSlow = 3

	// A permanent redirect replaces the address once that many answers in a
	// row said the same over that time: many are mistakes, or captive portals.
	redirectAnswers = 5
	redirectDays    = 3 * 24 * time.Hour
	// redirectGiveUp is the number of failures in a row after which an address
	// that came from a redirect is dropped for the declared one.
	redirectGiveUp = 5

	// DefaultJitter is the share of a wait that sources are spread over.
	DefaultJitter = 0.05
	longestJitter = 15 * time.Minute
)

// Policy says what a fetch means for its source: the state to keep, and when
// to ask next. It is pure: it reads no clock and rolls no dice.
type Policy struct {
	// Default is when to poll sources that name no interval of their own, an
	// hour apart at least; nil: hourly.
	Default cron.Schedule
	// Location is the time zone of the cron lines of sources; nil: UTC.
	Location *time.Location
	// Jitter is the largest share of a wait that is added to it, 0 to 1; which
	// part of it depends on the source's address, so that sources that were
	// fetched together are not for ever (see DefaultJitter).
	Jitter float64
}

// After is the state of src after a fetch. about is what the document said of
// itself, if r brought one; changed tells whether it brought anything new; now
// is the run's time. A document that did not parse is to be handed in as
// r.Fail(…), one that broke off with r.Failure = feed.StatusTruncated.
//
// A fetch that its caller cancelled changes nothing. Of fetches that failed
// for our own network (see OurNetwork), After is not to be called.
func (p Policy) After(src feed.Source, r fetch.Result, about feed.Channel, changed bool, now time.Time) feed.SourceState {
	if r.Cancelled() || r.Requests == 0 && r.Failure == feed.StatusGone {
		return src.State
	}
	at := now
	if r.At.After(now) {
		at = r.At // intervals count from when the server had answered
	}
	if r.Requests == 0 && r.Failure == feed.StatusLimited {
		return p.paused(src, r, at)
	}
	s := src.State
	s.LastFetch = at
	if r.Kind != fetch.Failed || r.Requests > 0 {
		s.Fetches++
	}
	s.BytesIn += r.Bytes
	s.RetryAfter = r.RetryAfter
	if r.Kind == fetch.Failed {
		failed(&s, r)
	} else {
		succeeded(&s, r, changed, at)
		if changed {
			s.Pushed = time.Time{} // a hub that tells of all would have told of this
		}
	}
	if r.Kind != fetch.Fetched {
		about = src.About
	}
	s.NextDue, s.DueReason = p.next(src, s, r, about, at)
	return s
}

// Pushed is the state of src after its hub has sent a document; brought tells
// whether that held anything we did not know.
//
// The poll that follows makes sure of it, within a day. It comes no sooner than it
// would have, and where a person has said how often to ask, just then. What was
// new to us was new at the source as well, so that our validators are those of
// an older document: without them the next answer is the whole one, and what a
// hub sent late, or somebody sent again, is put right.
func (p Policy) Pushed(src feed.Source, brought bool, now time.Time) feed.SourceState {
	s := src.State
	s.Pushed = now
	if brought {
		s.LastChange = now
		s.ETag, s.LastModified, s.BodyHash = "", "", 0
	}
	if every, err := ParseEvery(src.Every, p.Location); err == nil && every != nil || s.Status == feed.StatusGone {
		return s
	}
	w := wait{from: now, due: s.NextDue, reason: s.DueReason}
	p.trust(&w, src)
	s.NextDue, s.DueReason = w.due, w.reason
	return s
}

// pushedWait is how long a source whose hub tells of its news is not polled.
const pushedWait = longestWait - longestJitter

// trust puts the poll of a source off whose hub tells of its news.
func (p Policy) trust(w *wait, src feed.Source) {
	w.notBefore(w.from.Add(pushedWait).Add(p.jitter(src.URL, pushedWait)), "its hub tells of its news: a poll a day makes sure of it")
}

// paused is the state of a source whose host was not to be asked: it waits
// with its host, and nothing else is known of it.
func (p Policy) paused(src feed.Source, r fetch.Result, at time.Time) feed.SourceState {
	s := src.State
	s.Status, s.Error, s.RetryAfter = feed.StatusLimited, r.Err.Error(), r.RetryAfter
	w := wait{from: at, due: at, reason: hostPauseReason}
	p.retryAfter(&w, src, s.RetryAfter, hostPauseReason)
	s.NextDue, s.DueReason = w.due, w.reason
	return s
}

// failed counts a failure. Validators and body stay: they belong to the last
// document that was taken.
func failed(s *feed.SourceState, r fetch.Result) {
	s.Failures++
	s.Status, s.Error = r.Failure, r.Err.Error()
	if r.Failure == feed.StatusNotFeed {
		s.RedirectTo, s.RedirectSince, s.RedirectSeen = "", time.Time{}, 0
	}
	if s.Failures >= redirectGiveUp && s.Status != feed.StatusLimited {
		s.FetchURL = ""
	}
}

// succeeded takes over what a 200 or 304 said.
func succeeded(s *feed.SourceState, r fetch.Result, changed bool, at time.Time) {
	s.Status, s.Error, s.Failures = feed.StatusOK, "", 0
	s.LastSuccess = at
	if changed {
		s.LastChange = at
	}
	if r.Kind == fetch.NotModified {
		notModified(s, r)
	} else {
		replaced(s, r, at)
	}
	observeRedirect(s, r.MovedTo, at)
}

// notModified keeps the validators that a 304 leaves out (RFC 9111, 4.3.4).
func notModified(s *feed.SourceState, r fetch.Result) {
	if r.ETag != "" {
		s.ETag = r.ETag
	}
	if r.LastModified != "" {
		s.LastModified = r.LastModified
	}
	s.NotModified++
	s.BytesSaved += s.LastSize
}

// replaced takes over a new document's validators, both of them, also where
// the body is the same or one is missing now. A document that broke off has
// none: a 304 for it would keep its rest from us.
func replaced(s *feed.SourceState, r fetch.Result, at time.Time) {
	s.ETag, s.LastModified, s.ValidatorsSince = r.ETag, r.LastModified, at
	if r.Failure == feed.StatusTruncated {
		s.Status, s.ETag, s.LastModified = feed.StatusTruncated, "", ""
	}
	switch {
	case s.ETag != "" || s.LastModified != "":
		s.SameBodies = 0
	case r.BodyHash == s.BodyHash:
		s.SameBodies++
	default:
		s.SameBodies = 1
	}
	s.BodyHash, s.LastSize = r.BodyHash, r.Bytes
}

// observeRedirect counts equal permanent redirects, and believes them at last.
func observeRedirect(s *feed.SourceState, to string, at time.Time) {
	switch {
	case to == "":
		s.RedirectTo, s.RedirectSince, s.RedirectSeen = "", time.Time{}, 0
		return
	case to != s.RedirectTo:
		s.RedirectTo, s.RedirectSince, s.RedirectSeen = to, at, 0
	}
	s.RedirectSeen++
	if s.RedirectSeen >= redirectAnswers && at.Sub(s.RedirectSince) >= redirectDays {
		s.FetchURL = to
		s.RedirectTo, s.RedirectSince, s.RedirectSeen = "", time.Time{}, 0
	}
}

// wait is a next poll being worked out.
type wait struct {
	from   time.Time
	due    time.Time
	reason string
}

// notBefore moves the poll to t if it is earlier.
func (w *wait) notBefore(t time.Time, reason string) {
	if t.After(w.due) {
		w.due, w.reason = t, reason
	}
}

// next works out when to ask again, and says why then.
func (p Policy) next(src feed.Source, s feed.SourceState, r fetch.Result, about feed.Channel, at time.Time) (time.Time, string) {
	if s.Status == feed.StatusGone {
		return time.Time{}, "never: the server says that the feed is gone (410); edit its address, or force it to ask once more"
	}
	every, err := ParseEvery(src.Every, p.Location)
	persons := err == nil && every != nil
	w := wait{from: at}
	if persons {
		w.due, w.reason = every.Next(at), "as its own interval says: "+src.Every
	} else {
		p.byDefault(&w)
		publisherWishes(&w, s, r, about)
	}
	backOff(&w, s, every)
	if _, fixed := every.(interval); fixed || !persons {
		p.spread(&w, src)
	}
	if !persons {
		p.skip(&w, src, about)
	}
	if !persons && s.Failures == 0 && !s.Pushed.IsZero() {
		p.trust(&w, src)
	}
	reason := "the server asked to wait that long (Retry-After)"
	if r.Status == http.StatusTooManyRequests {
		reason = hostPauseReason
		w.reason = hostPauseReason + "; " + w.reason
	}
	p.retryAfter(&w, src, s.RetryAfter, reason)
	return w.due, w.reason
}

// byDefault is the main schedule's next time, an hour from now at least.
func (p Policy) byDefault(w *wait) {
	w.due, w.reason = w.from.Add(pollFloor), "one hour after the last poll"
	if p.Default != nil {
		w.notBefore(p.Default.Next(w.from), "at the schedule's next time")
	}
}

// publisherWishes puts the poll off for as long as server and feed ask, up to
// a day.
func publisherWishes(w *wait, s feed.SourceState, r fetch.Result, about feed.Channel) {
	ask := func(d time.Duration, reason string) {
		if d > longestWait {
			d, reason = longestWait, fmt.Sprintf("%s, cut to %s", reason, words(longestWait))
		}
		w.notBefore(w.from.Add(d), reason)
	}
	if r.Kind != fetch.Failed {
		ask(r.FreshFor, "the server calls its answer fresh for "+words(r.FreshFor)+" (Cache-Control or Expires)")
	}
	ask(about.MinInterval, "the feed asks for "+words(about.MinInterval)+" between polls (ttl or updatePeriod)")
	if s.SameBodies >= sameBodiesSlow {
		ask(longestWait, fmt.Sprintf("no ETag or Last-Modified, and the same body %d times: daily", s.SameBodies))
	}
}

// backOff doubles the wait with each failure after the first, up to a day. own
// is the source's own schedule: its times are kept to.
func backOff(w *wait, s feed.SourceState, own cron.Schedule) {
	if s.Failures == 0 {
		return
	}
	unit := w.due.Sub(w.from)
	whole := longestWait
	if doublings := s.Failures - 1; doublings < 32 && unit < longestWait>>doublings {
		whole = unit << doublings
	}
	times := "after a failure"
	if s.Failures > 1 {
		times = fmt.Sprintf("backing off: %d failures in a row", s.Failures)
	}
	w.reason = times + "; " + w.reason
	if whole <= unit {
		return
	}
	w.due, w.reason = w.from.Add(whole), times
	if _, fixed := own.(interval); own != nil && !fixed {
		w.due = own.Next(w.due.Add(-unit))
	}
}

// skip moves the poll out of the hours and days (UTC) in which the feed wants
// none (RSS skipHours, skipDays), by a day at most.
func (p Policy) skip(w *wait, src feed.Source, about feed.Channel) {
	if len(about.SkipHours) == 0 && len(about.SkipDays) == 0 {
		return
	}
	last := w.from.Add(longestWait)
	t := w.due.UTC()
	for t.Before(last) && skipped(t, about) {
		t = t.Truncate(time.Hour).Add(time.Hour)
	}
	switch {
	case t.Equal(w.due):
	case t.Before(last):
		w.due, w.reason = t.Add(p.jitter(src.URL, time.Hour)), "after the hours or days that the feed tells to skip"
	default:
		w.due, w.reason = last, "the feed tells to skip hours or days for longer, cut to "+words(longestWait)
	}
}

func skipped(t time.Time, about feed.Channel) bool {
	return slices.Contains(about.SkipHours, t.Hour()) || slices.Contains(about.SkipDays, t.Weekday())
}

// retryAfter never lets the poll come before the time that the server named.
// Sources of one host were all told the same: they come back spread out.
func (p Policy) retryAfter(w *wait, src feed.Source, until time.Time, reason string) {
	if until.After(w.due) {
		w.due, w.reason = until.Add(p.jitter(src.URL, until.Sub(w.from))), reason
	}
}

// hostPauseReason begins a source's DueReason where the pause holds for its
// whole host. HostPauses reads it back.
const hostPauseReason = "its host asked for a pause (429 Too Many Requests)"

// spread adds jitter to a wait, but carries none beyond the day that caps it.
func (p Policy) spread(w *wait, src feed.Source) {
	length := w.due.Sub(w.from)
	add := p.jitter(src.URL, length)
	if length <= longestWait {
		add = min(add, longestWait-length)
	}
	w.due = w.due.Add(add)
}

// jitter is what to add to a wait of a length: a share that depends on the
// source's address only, so that the same is worked out each time.
func (p Policy) jitter(address string, length time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(address))
	share := float64(binary.BigEndian.Uint64(sum[:8])) / math.MaxUint64
	add := time.Duration(p.Jitter * share * float64(length))
	return min(add, longestJitter).Truncate(time.Millisecond)
}

// Due tells whether src may be polled now, and in words why, or why not.
// force skips our own interval, backing off and a 410, but never a
// Retry-After, and polls nothing that is disabled.
func (p Policy) Due(src feed.Source, force bool, now time.Time) (ok bool, why string) {
	s := src.State
	switch {
	case !src.Enabled:
		return false, "it is disabled"
	case src.Kind == feed.KindFolder:
		return true, "folders are read every time"
	case now.Before(s.RetryAfter):
		return false, "the server asked not to be asked before " + clock(s.RetryAfter)
	case force:
		return true, "forced"
	case s.Status == feed.StatusGone:
		return false, "the server says that the feed is gone (410): edit its address, or force it to ask once more"
	case now.Before(s.NextDue):
		return false, fmt.Sprintf("due at %s: %s", clock(s.NextDue), s.DueReason)
	case s.LastFetch.IsZero():
		return true, "never polled before"
	}
	return true, s.DueReason
}

// HostPauses are the hosts (as fetch.HostOf names them) that asked for a pause
// which lasts at a time, and until when: for a fetch.Client that is new.
func HostPauses(sources []feed.Source, now time.Time) map[string]time.Time {
	pauses := map[string]time.Time{}
	for _, src := range sources {
		s := src.State
		if s.Status != feed.StatusLimited || !strings.HasPrefix(s.DueReason, hostPauseReason) || !s.RetryAfter.After(now) {
			continue
		}
		address := src.URL
		if s.FetchURL != "" {
			address = s.FetchURL
		}
		if host := fetch.HostOf(address); s.RetryAfter.After(pauses[host]) {
			pauses[host] = s.RetryAfter
		}
	}
	return pauses
}

// ourNetworkHosts is how many hosts must all be silent before it is us.
const ourNetworkHosts = 3

// OurNetwork tells whether a run's results say that our own network is down:
// three hosts or more were asked, and not one gave an HTTP answer. Nothing is
// counted against the sources then.
func (Policy) OurNetwork(results []fetch.Result) bool {
	hosts := map[string]bool{}
	for _, r := range results {
		switch {
		case r.Cancelled(), r.Requests == 0 && !r.Network:
			continue // nobody was asked
		case !r.Network:
			return false
		}
		hosts[r.Host] = true
	}
	return len(hosts) >= ourNetworkHosts
}

// interval is a fixed time between polls. Unlike cron's own it is not rounded
// to seconds, so that it is never short.
type interval time.Duration

func (d interval) Next(t time.Time) time.Time { return t.Add(time.Duration(d)) }

// shortestEvery is what people may ask for at most.
const shortestEvery = time.Minute

// ParseEvery reads an interval as people write it: a duration ("2h", "90m"), a
// five-field cron line ("0 6 * * *"), or one of cron's names ("@daily",
// "@every 2h"). Cron lines are of the zone loc; nil is UTC. "" is nil: the
// default. Errors have feed.CodeInvalid and say what would be right.
func ParseEvery(s string, loc *time.Location) (cron.Schedule, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	duration, every := strings.CutPrefix(s, "@every")
	if d, err := time.ParseDuration(strings.TrimSpace(duration)); err == nil {
		return parseInterval(s, d)
	}
	if every {
		return nil, feed.Errorf(feed.CodeInvalid, `%q: write "@every 2h", or just "2h"`, s)
	}
	return parseCron(s, loc)
}

func parseInterval(s string, d time.Duration) (cron.Schedule, error) {
	if d < shortestEvery {
		return nil, feed.Errorf(feed.CodeInvalid, "%q is too often: %s is the shortest interval", s, words(shortestEvery))
	}
	return interval(d), nil
}

// parseCron reads a cron line. The library panics on some lines that begin
// with a time zone, takes Sunday as 0 only, and accepts lines that never fire.
func parseCron(s string, loc *time.Location) (cron.Schedule, error) {
	upper := strings.ToUpper(s)
	if strings.HasPrefix(upper, "TZ=") || strings.HasPrefix(upper, "CRON_TZ=") {
		return nil, feed.Errorf(feed.CodeInvalid, "%q: the time zone does not stand here, but in the key time_zone", s)
	}
	fields := strings.Fields(s)
	if !strings.HasPrefix(s, "@") && len(fields) != 5 {
		return nil, feed.Errorf(feed.CodeInvalid,
			`%q is neither a duration such as "2h" nor a cron line of five fields (minute hour day month weekday) such as "*/15 * * * *"`, s)
	}
	if len(fields) == 5 && namesSeven(fields[4]) {
		return nil, feed.Errorf(feed.CodeInvalid, "%q: Sunday is 0, not 7, in the fifth field", s)
	}
	for _, field := range fields {
		if strings.Trim(field, ",") == "" { // the library takes it, and looks for its time for long
			return nil, feed.Errorf(feed.CodeInvalid, "%q is not a cron line: a field is empty", s)
		}
	}
	schedule, err := cron.ParseStandard(s)
	if err != nil {
		return nil, feed.Errorf(feed.CodeInvalid, "%q is not a cron line: %w", s, err)
	}
	if spec, ok := schedule.(*cron.SpecSchedule); ok {
		spec.Location = time.UTC
		if loc != nil {
			spec.Location = loc
		}
	}
	if schedule.Next(someDay).IsZero() {
		return nil, feed.Errorf(feed.CodeInvalid, "%q never comes: there is no such day", s)
	}
	return schedule, nil
}

// someDay is a day from which on every cron line that ever fires does within
// the five years that the library looks ahead.
var someDay = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// namesSeven tells whether a weekday field has a 7 in it, a step apart.
func namesSeven(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		days, _, _ := strings.Cut(part, "/")
		from, to, _ := strings.Cut(days, "-")
		if from == "7" || to == "7" {
			return true
		}
	}
	return false
}

// clock is a moment, for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// words is a duration, for people.
func words(d time.Duration) string {
	d = d.Round(time.Second)
	unit := func(n time.Duration, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	const day = 24 * time.Hour
	switch {
	case d >= 2*day && d%day == 0:
		return unit(d/day, "day")
	case d >= time.Hour && d%time.Hour == 0:
		return unit(d/time.Hour, "hour")
	case d >= time.Minute && d%time.Minute == 0:
		return unit(d/time.Minute, "minute")
	case d < time.Minute:
		return unit(d/time.Second, "second")
	}
	return d.String()
}
