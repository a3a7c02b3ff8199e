package fetch

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longest bounds what a header's number of seconds may mean: no source lives
// to see it, and sums with it do not overflow.
const longest = 100 * 365 * 24 * time.Hour

// seconds reads a count of seconds (RFC 9111, 1.2.2): digits only, however
// many.
func seconds(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = math.MaxInt64 // too many digits
	}
	return time.Duration(min(n, int64(longest/time.Second))) * time.Second, true
}

// retryAfter reads Retry-After (RFC 9110, 10.2.3), in seconds or as a date;
// zero if there is none. It is never cut short: a date is taken by the
// server's clock or by ours, whichever is later.
func retryAfter(h http.Header, now time.Time) time.Time {
	said := h.Get("Retry-After")
	if said == "" {
		return time.Time{}
	}
	if d, ok := seconds(said); ok {
		return now.Add(d)
	}
	at, err := httpDate(said)
	if err != nil {
		return time.Time{}
	}
	if theirs, err := httpDate(h.Get("Date")); err == nil {
		if byTheirs := now.Add(at.Sub(theirs)); byTheirs.After(at) {
			at = byTheirs
		}
	}
	if at.After(now.Add(longest)) {
		return now.Add(longest)
	}
	return at
}

// httpDate reads the three forms of RFC 9110, 5.6.7, and what else servers
// write there.
func httpDate(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	t, err := http.ParseTime(s)
	for _, layout := range []string{time.RFC1123Z, time.RFC1123, time.RFC3339} {
		if err == nil {
			break
		}
		t, err = time.Parse(layout, s)
	}
	return t.UTC(), err
}

// freshFor is how long the server says that its answer is fresh: the larger
// of max-age (RFC 9111, 5.2.2.1) and Expires less Date (5.3).
func freshFor(h http.Header) time.Duration {
	var fresh time.Duration
	for _, field := range h["Cache-Control"] {
		for part := range strings.SplitSeq(field, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "max-age") {
				continue
			}
			if d, ok := seconds(strings.Trim(strings.TrimSpace(value), `"`)); ok {
				fresh = max(fresh, d)
			}
		}
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return fresh
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return fresh
	}
	return min(max(fresh, expires.Sub(date)), longest)
}
