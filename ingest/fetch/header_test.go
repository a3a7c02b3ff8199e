package fetch

import (
	"net/http"
	"testing"
	"time"
)

func TestFreshnessIsTheLargerOfMaxAgeAndExpires(t *testing.T) {
	const date = "Wed, 04 Mar 2026 12:00:00 GMT"
	tests := map[string]struct {
		control       []string
		expires, date string
		want          time.Duration
	}{
		"nothing":             {date: date},
		"max-age":             {control: []string{"public, max-age=600"}, want: 10 * time.Minute},
		"any case":            {control: []string{"Public,MAX-AGE=600"}, want: 10 * time.Minute},
		"quoted":              {control: []string{`max-age="600"`}, want: 10 * time.Minute},
		"several fields":      {control: []string{"public", "max-age=600"}, want: 10 * time.Minute},
		"for shared caches":   {control: []string{"s-maxage=600"}},
		"negative":            {control: []string{"max-age=-1"}},
		"nonsense":            {control: []string{"max-age=soon, max-age"}},
		"very long":           {control: []string{"max-age=99999999999999999999"}, want: longest},
		"expires":             {expires: "Wed, 04 Mar 2026 13:00:00 GMT", date: date, want: time.Hour},
		"the larger: expires": {control: []string{"max-age=600"}, expires: "Wed, 04 Mar 2026 13:00:00 GMT", date: date, want: time.Hour},
		"the larger: max-age": {control: []string{"max-age=7200"}, expires: "Wed, 04 Mar 2026 13:00:00 GMT", date: date, want: 2 * time.Hour},
		"expired":             {expires: "Thu, 01 Jan 1970 00:00:00 GMT", date: date},
		"expires at once":     {expires: "0", date: date},
		"no date to go by":    {expires: "Wed, 04 Mar 2026 13:00:00 GMT"},
		"in a thousand years": {expires: "Wed, 04 Mar 3026 13:00:00 GMT", date: date, want: longest},
	}
	for name, test := range tests {
		h := http.Header{"Cache-Control": test.control}
		h.Set("Expires", test.expires)
		h.Set("Date", test.date)
		if got := freshFor(h); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("120", "max-age=600", "Wed, 04 Mar 2026 12:00:00 GMT", "Wed, 04 Mar 2026 12:00:00 GMT")
	f.Add("Thu, 05 Mar 2026 12:00:00 GMT", "max-age=\"1\", public", "0", "")
	f.Add("9999999999999999999", "=,=,max-age", "Thursday, 05-Mar-26 12:00:00 GMT", "Wed Mar  4 12:00:00 2026")
	f.Add("0001-01-01T00:00:00Z", "", "", "Fri, 31 Dec 9999 23:59:59 GMT")
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, control, expires, date string) {
		h := http.Header{"Retry-After": {after}, "Cache-Control": {control}, "Expires": {expires}, "Date": {date}}
		if d := freshFor(h); d < 0 || d > longest {
			t.Errorf("fresh for %s", d)
		}
		until := retryAfter(h, now)
		if until.After(now.Add(longest)) {
			t.Errorf("until %s", until)
		}
		if at, err := httpDate(after); err == nil && until.Before(at) && at.Before(now.Add(longest)) {
			t.Errorf("%q was cut to %s", after, until)
		}
	})
}
