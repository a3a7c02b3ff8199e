package parse

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

func at(year, month, day, hour, minute, second int) time.Time {
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
}

func TestDatesAreReadInEveryShapeThatFeedsUse(t *testing.T) {
	noon := at(2026, 1, 2, 12, 0, 0)
	day := at(2026, 1, 2, 0, 0, 0)
	cases := map[string]time.Time{
		// The standards.
		"Fri, 02 Jan 2026 12:00:00 GMT":   noon,
		"Fri, 02 Jan 2026 14:00:00 +0200": noon,
		"2 Jan 2026 12:00:00 UT":          noon,
		"Fri, 2 Jan 26 07:00 EST":         noon,
		"2026-01-02T12:00:00Z":            noon,
		"2026-01-02t12:00:00z":            noon,
		"2026-01-02T12:00:00.000+00:00":   noon,
		"2026-01-02T07:00:00-05:00":       noon,
		"2026-01-02T12:00Z":               noon,
		"20260102T120000Z":                noon,
		"2026-002":                        day,
		"2026002":                         day,
		"2026-01":                         at(2026, 1, 1, 0, 0, 0),
		"Friday, 02-Jan-26 12:00:00 GMT":  noon, // RFC 850
		"Fri Jan  2 12:00:00 2026":        noon, // asctime
		"Fri Jan 02 12:00:00 UTC 2026":    noon, // date(1)
		"Fri Jan 02 2026 12:00:00 GMT+0000 (Coordinated Universal Time)": noon, // JavaScript
		"2026-01-02 12:00:00 +0000 UTC":                                  noon, // Go
		"2026-01-02 12:00:00.123456":                                     noon.Add(123456 * time.Microsecond),
		"1767355200":                                                     noon,
		"1767355200000":                                                  noon,
		"20260102120000":                                                 noon,
		// What people write.
		"02.01.2026":                          day,
		"2.1.2026 12:00":                      noon,
		"02.01.26, 12:00 Uhr":                 noon,
		"02/01/2026":                          day,
		"13/01/2026":                          at(2026, 1, 13, 0, 0, 0),
		"01/13/2026":                          at(2026, 1, 13, 0, 0, 0),
		"1/2/2026 12:00 PM":                   noon,
		"1/2/2026 12:00:00 AM":                day,
		"2026/01/02 12:00":                    noon,
		"2nd January 2026":                    day,
		"January 2nd, 2026":                   day,
		"January 2, 2026 12:00 p.m.":          noon,
		"Jan. 2, 2026, 12:00 PM":              noon,
		"Fri, Jan 2, 2026 at 7:00 am EST":     noon,
		"2 January 2026 12pm":                 noon,
		"Thu, 01 Jan 2026 24:00:00 GMT":       day,
		"Fri, 02 Jan 2026 12:00:00 Z":         noon,
		"Fri, 02 Jan 2026 12:00:00 UTC+0":     noon,
		"Fri, 02 Jan 2026 14:00:00 GMT+2":     noon,
		"Fri, 02 Jan 2026 14:00:00 +02:00":    noon,
		"Fri, 02 Jan 2026 13:00:00 +0100 CET": noon,
		"Fri, 02 Jan 2026 12:00:00 --0000":    noon,
		"Fri, 02 Jan 2026 12:00:00 XYZ":       noon, // no such zone: as good as UTC
		"Mon, 02 Jan 2026 12:00:00 GMT":       noon, // the wrong day of the week
		"Fri , 02 Jan 2026 12:00:00 GMT":      noon,
		"Fri, 02 January, 2026, 12:00:00 GMT": noon,
		"Jan 2026":                            at(2026, 1, 1, 0, 0, 0),
		"Fri, 02 Jan 126 12:00:00 GMT":        at(2026, 1, 2, 12, 0, 0), // counted from 1900
		"Fri, 02 Jan 99 12:00:00 GMT":         at(1999, 1, 2, 12, 0, 0),
		"Wed, 31 Dec 2025 23:59:60 GMT":       at(2026, 1, 1, 0, 0, 0),
		// In other languages.
		"Vie, 02 Ene 2026 12:00:00 +0000":           noon,
		"2 de enero de 2026":                        day,
		"viernes, 2 de enero de 2026 12:00":         noon,
		"Fr, 02 Mai 2025 12:00:00 +0000":            at(2025, 5, 2, 12, 0, 0),
		"2. März 2025":                              at(2025, 3, 2, 0, 0, 0),
		"Freitag, 2. Jänner 2026 12:00 Uhr":         noon,
		"Veröffentlicht am 2. Januar 2026 um 12:00": noon,
		"ven., 02 janv. 2026 12:00:00 +0000":        noon,
		"mar., 03 mars 2026 12:00:00 +0000":         at(2026, 3, 3, 12, 0, 0),
		"1er février 2026":                          at(2026, 2, 1, 0, 0, 0),
		"2 janvier 2026 à 12h00":                    noon,
		"sex, 02 jan 2026 12:00:00 +0000":           noon,
		"2 de março de 2026":                        at(2026, 3, 2, 0, 0, 0),
		"ven, 02 gen 2026 12:00:00 +0000":           noon,
		"2 giugno 2026":                             at(2026, 6, 2, 0, 0, 0),
		"Пт, 02 янв 2026 12:00:00 +0000":            noon,
		"2 января 2026 г., 15:00 MSK":               noon,
		"vr, 02 mrt 2026 12:00:00 +0000":            at(2026, 3, 2, 12, 0, 0),
		"2 października 2026":                       at(2026, 10, 2, 0, 0, 0),
		"Cum, 02 Oca 2026 12:00:00 +0000":           noon,
		"2 Şubat 2026":                              at(2026, 2, 2, 0, 0, 0),
		"Jum, 02 Agu 2026":                          at(2026, 8, 2, 0, 0, 0),
		"2 Agustus 2026":                            at(2026, 8, 2, 0, 0, 0),
		"2026年1月2日":                                 day,
		"2026年1月2日 12:00":                           noon,
		"2026年01月02日 12時00分00秒":                     noon,
		"金, 02 1月 2026 12:00:00 +0000":              noon,
		"周五, 02 1月 2026 12:00:00 +0000":             noon,
		"2026-01-02 下午12:00":                        noon,
		"2026년 1월 2일 오후 9:00":                       noon,
		"금, 02 1월 2026 12:00:00 +0000":              noon,
		"الجمعة, 02 يناير 2026 12:00:00 +0000":      noon,
		"٢ يناير ٢٠٢٦":                              day,
		"2 ژانویه 2026":                             day,
		"Παρ, 02 Ιαν 2026 12:00:00 +0000":           noon,
		"2026-január-2T12:00Z":                      noon,
		// What makes no sense.
		"":                                {},
		"yesterday":                       {},
		"now":                             {},
		"0000-00-00 00:00:00":             {},
		"Thu, 30 Feb 2026 12:00:00 GMT":   {},
		"2026-13-01":                      {},
		"2026-01-32":                      {},
		"2026-01-02T12:00:00+99:00":       {},
		"12:00":                           {},
		"Fri, 02 Jan":                     {},
		"1 2 3 4 5":                       {},
		"version 1.2.3.4":                 {},
		"<b>2026</b>":                     {},
		"2026-01-02T12:00:00Z 2026-01-03": {},
	}
	for in, want := range cases {
		got, ok := Date(in)
		if ok != !want.IsZero() || ok && !got.Equal(want) {
			t.Errorf("Date(%q) = %v, %v; want %v", in, got, ok, want)
		}
		if ok && got.Location() != time.UTC {
			t.Errorf("Date(%q) is not in UTC", in)
		}
	}
}

func TestMonthsAreReadByTheirNamesInManyLanguages(t *testing.T) {
	for name, month := range months {
		for _, s := range []string{"15 " + name + " 2024", name + " 15, 2024", "15-" + name + "-24"} {
			got, ok := Date(s)
			if !ok || !got.Equal(at(2024, month, 15, 0, 0, 0)) {
				t.Errorf("Date(%q) = %v, %v; want month %d", s, got, ok, month)
			}
		}
	}
}

func TestDateStringsOfFeedparser(t *testing.T) {
	data, err := os.ReadFile("../../../shared/corpora/feeds/feedparser/date-strings.json")
	if err != nil {
		t.Skip("the corpus is not here:", err)
	}
	var cases []struct {
		Input  string `json:"input"`
		Expect []int  `json:"expect_utc"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got, ok := Date(c.Input)
		if c.Expect == nil {
			if ok {
				t.Errorf("Date(%q) = %v, want none", c.Input, got)
			}
			continue
		}
		e := c.Expect
		if want := at(e[0], e[1], e[2], e[3], e[4], e[5]); !ok || !got.Truncate(time.Second).Equal(want) {
			t.Errorf("Date(%q) = %v, %v; want %v", c.Input, got, ok, want)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"Fri, 02 Jan 2026 12:00:00 GMT", "2026-01-02T12:00:00.5+01:00", "1/2/2026 3:04 PM", "2026년 1월 2일 오후 9:00",
		"2nd January 2026", "+1-2:3", "T1234", "12:00 am 3", "2004-05-25 오후", "1767355200000", "٢ يناير ٢٠٢٦", "(((", "a.m. 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Date(s)
		again, same := Date(s)
		if ok != same || !got.Equal(again) {
			t.Errorf("Date(%q) is %v, then %v", s, got, again)
		}
		if ok && (got.Year() < 1 || got.Year() > 9999 || got.Location() != time.UTC) {
			t.Errorf("Date(%q) = %v", s, got)
		}
		if !ok && !got.IsZero() {
			t.Errorf("Date(%q) = %v, but no date", s, got)
		}
	})
}

func BenchmarkDate(b *testing.B) {
	for _, s := range []string{"Fri, 02 Jan 2026 12:00:00 GMT", "Fri, 02 Jan 2026 12:00:00 +0200", "2026-01-02T12:00:00Z", "2. März 2025, 12:00 Uhr"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Date(s)
			}
		})
	}
}
