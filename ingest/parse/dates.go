package parse

import (
	"strings"
	"time"
)

// maxDate is the longest string that is looked at as a date.
const maxDate = 120

// Date reads a date as feeds write it: RFC 822 and its kin (RSS), RFC 3339 and
// ISO 8601 (Atom, JSON Feed, Dublin Core), and what people and programs put in
// their place: names of months and days in other languages, two-digit years,
// "02.01.2026", "1/2/2006 3:04 PM", epoch seconds, "24:00".
//
// It reads no clock: the same string is the same time on every run. A string
// without zone is taken for UTC. What makes no sense is no date at all, rather
// than some date. The answer is in UTC.
func Date(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 4 || len(s) > maxDate {
		return time.Time{}, false
	}
	if t, ok := date3339(s); ok {
		return t, true
	}
	if t, ok := date822(s); ok {
		return t, true
	}
	return dateLoose(s)
}

// date3339 reads "2006-01-02T15:04:05Z" and "2006-01-02T15:04:05.999+02:00".
func date3339(s string) (time.Time, bool) {
	if len(s) < 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	p := parts{year: digits(s[:4]), month: digits(s[5:7]), day: digits(s[8:10]),
		hour: digits(s[11:13]), minute: digits(s[14:16]), second: digits(s[17:19])}
	rest := s[19:]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		p.nanos = fraction(rest[1:n])
		rest = rest[n:]
	}
	offset, ok := plainOffset(rest)
	p.offset = offset
	if !ok {
		return time.Time{}, false
	}
	return p.time()
}

// date822 reads "Mon, 02 Jan 2006 15:04:05 +0200", also without the day of
// the week, and with GMT, UTC or Z as zone.
func date822(s string) (time.Time, bool) {
	if len(s) > 5 && s[3] == ',' && s[4] == ' ' {
		s = s[5:]
	}
	if len(s) > 1 && s[1] == ' ' { // a day of one digit
		s = "0" + s
	}
	if len(s) < 22 || s[2] != ' ' || s[6] != ' ' || s[11] != ' ' || s[14] != ':' || s[17] != ':' || s[20] != ' ' {
		return time.Time{}, false
	}
	p := parts{year: digits(s[7:11]), month: englishMonth(s[3:6]), day: digits(s[:2]),
		hour: digits(s[12:14]), minute: digits(s[15:17]), second: digits(s[18:20])}
	offset, ok := plainOffset(s[21:])
	p.offset = offset
	if !ok || p.month == 0 {
		return time.Time{}, false
	}
	return p.time()
}

// englishMonth is the number of a month by its three letters, 0 if it is none.
func englishMonth(s string) int {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if i := strings.Index(months, s); i >= 0 && i%3 == 0 {
		return i/3 + 1
	}
	return 0
}

// plainOffset reads Z, GMT, UTC, +0200 and +02:00 as seconds east of UTC.
func plainOffset(s string) (int, bool) {
	switch {
	case s == "Z" || s == "GMT" || s == "UTC":
		return 0, true
	case len(s) == 5 && (s[0] == '+' || s[0] == '-'):
		return offset(s[0], digits(s[1:3]), digits(s[3:5]))
	case len(s) == 6 && (s[0] == '+' || s[0] == '-') && s[3] == ':':
		return offset(s[0], digits(s[1:3]), digits(s[4:6]))
	}
	return 0, false
}

// offset makes seconds of a zone's hours and minutes.
func offset(sign byte, hours, minutes int) (int, bool) {
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	n := hours*3600 + minutes*60
	if sign == '-' {
		n = -n
	}
	return n, true
}

// digits is the number that s spells, -1 if there is anything but digits.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) || n > 1<<40 {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// fraction is the nanoseconds that the digits after a decimal point make.
func fraction(s string) int {
	n := 0
	for i := range 9 {
		n *= 10
		if i < len(s) {
			n += int(s[i] - '0')
		}
	}
	return n
}

// parts are a date taken apart. -1 stands for what made no sense.
type parts struct {
	year, month, day            int
	hour, minute, second, nanos int
	offset                      int // seconds east of UTC
}

// time puts the parts together if they are a time that exists. A leap second
// and 24:00 are the second that follows.
func (p parts) time() (time.Time, bool) {
	if p.year < 1 || p.year > 9999 || p.month < 1 || p.month > 12 || p.day < 1 || p.day > daysIn(p.year, p.month) {
		return time.Time{}, false
	}
	midnight := p.hour == 24 && p.minute == 0 && p.second == 0 && p.nanos == 0
	if p.hour < 0 || p.hour > 23 && !midnight || p.minute < 0 || p.minute > 59 || p.second < 0 || p.second > 60 {
		return time.Time{}, false
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second-p.offset, p.nanos, time.UTC)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t, true
}

// daysIn is the number of days of a month.
func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
