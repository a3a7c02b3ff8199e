package parse

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// token is a number, a word or a sign in a date string.
type token struct {
	kind  byte // '0' number, 'a' word, else the sign itself
	text  string
	n     int  // the number
	space bool // white space before it
	upper bool // a word all in capitals
}

// maxTokens bounds what a date is made of.
const maxTokens = 40

// loose reads a date string of unknown shape: it takes out the time of day,
// then the zone, then makes a date of the numbers and names that are left.
type loose struct {
	tokens []token
	parts  parts
	half   string // "am", "pm" or ""
	timed  bool   // has a time of day
	zoned  bool   // has a zone
	korean bool
}

// dateLoose reads what is not in one of the two standard shapes.
func dateLoose(s string) (time.Time, bool) {
	var l loose
	var ok bool
	if l.tokens, ok = tokenize(s); !ok {
		return time.Time{}, false
	}
	if t, ok := l.single(); ok {
		return t, true
	}
	for _, step := range []func() bool{l.takeTime, l.takeZone, l.takeDate} {
		if !step() {
			return time.Time{}, false
		}
	}
	if l.korean && !l.zoned { // onblog, nate: always local time
		l.parts.offset = 9 * 3600
	}
	return l.parts.time()
}

// tokenize splits s; what is in parentheses repeats the zone and is left out.
func tokenize(s string) ([]token, bool) {
	var out []token
	space, paren := false, 0
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '(':
			paren++
		case r == ')':
			paren = max(paren-1, 0)
		case paren > 0:
		case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
			space = true
		default:
			t, size := nextToken(s, r, n)
			t.space, n, space = space, size, false
			if out = append(out, t); len(out) > maxTokens {
				return nil, false
			}
		}
		s = s[n:]
	}
	return out, len(out) > 0
}

// nextToken is the token that s begins with, and its length. Its first
// character has that width in bytes.
func nextToken(s string, first rune, width int) (token, int) {
	if digitOf(first) >= 0 {
		return numberToken(s)
	}
	if !isWord(first) {
		if first == '−' || first == '–' {
			first = '-'
		}
		return token{kind: byte(min(first, 0x7F)), n: -1}, width
	}
	end := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) })
	if end < 0 {
		end = len(s)
	}
	if n := cjkUnit(s); n > 0 {
		end = n
	}
	word := s[:end]
	return token{kind: 'a', text: strings.ToLower(word), upper: word == strings.ToUpper(word)}, end
}

// isWord tells of letters and the marks on them.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.M, r) || r == 'º' || r == 'ª'
}

// cjkUnit is the length of the character for year, month, day, hour, minute
// or second that s begins with; these stand between numbers without a space.
func cjkUnit(s string) int {
	for _, unit := range []string{"年", "月", "日", "時", "时", "分", "秒", "년", "월", "일", "시", "분", "초", "오전", "오후", "上午", "下午", "午前", "午後"} {
		if strings.HasPrefix(s, unit) {
			return len(unit)
		}
	}
	return 0
}

// numberToken reads a number in the digits of any script.
func numberToken(s string) (token, int) {
	t, at := token{kind: '0'}, 0
	for at < len(s) {
		r, n := utf8.DecodeRuneInString(s[at:])
		d := digitOf(r)
		if d < 0 {
			break
		}
		t.text += string(rune('0' + d))
		at += n
	}
	t.n = digits(t.text)
	return t, at
}

// digitOf is the value of a decimal digit of a script that feeds are written
// in, -1 if r is none.
func digitOf(r rune) int {
	for _, zero := range [...]rune{'0', '٠', '۰', '०', '０'} {
		if r >= zero && r <= zero+9 {
			return int(r - zero)
		}
	}
	return -1
}

// single reads what is one number: epoch seconds or milliseconds, or a date
// without separators (ISO 8601, 4.1.2), maybe with a time after a T.
func (l *loose) single() (time.Time, bool) {
	if len(l.tokens) == 1 && l.tokens[0].kind == '0' {
		switch t := l.tokens[0]; len(t.text) {
		case 10:
			return time.Unix(int64(t.n), 0).UTC(), true
		case 13:
			return time.UnixMilli(int64(t.n)).UTC(), true
		case 12, 14:
			p := compact(t.text[:8])
			p.hour, p.minute, p.second = digits(t.text[8:10]), digits(t.text[10:12]), digits(t.text[12:])
			return p.time()
		}
	}
	return time.Time{}, false
}

// compact reads digits without separators: YYYYMMDD, YYYYDDD, YYMMDD, YYDDD,
// YYYY. Five digits that end in a year of our time are a mistyped year.
func compact(s string) parts {
	ours := func(year string) bool { return strings.HasPrefix(year, "19") || strings.HasPrefix(year, "20") }
	switch {
	case len(s) == 8:
		return parts{year: digits(s[:4]), month: digits(s[4:6]), day: digits(s[6:])}
	case len(s) == 7:
		return ordinal(digits(s[:4]), digits(s[4:]))
	case len(s) == 6:
		return parts{year: century(s[:2]), month: digits(s[2:4]), day: digits(s[4:])}
	case len(s) == 5 && !ours(s[1:]):
		return ordinal(century(s[:2]), digits(s[2:]))
	case len(s) == 4:
		return parts{year: digits(s), month: 1, day: 1}
	}
	return parts{}
}

// ordinal is the day of a year by its number.
func ordinal(year, day int) parts {
	if year < 1 || day < 1 || day > 365+daysIn(year, 2)-28 {
		return parts{}
	}
	month := 1
	for day > daysIn(year, month) {
		day -= daysIn(year, month)
		month++
	}
	return parts{year: year, month: month, day: day}
}

// century is the year that s stands for. Two digits: 1970 to 2069; three
// digits count from 1900 (RFC 2822, 4.3).
func century(s string) int {
	n := digits(s)
	switch {
	case n < 0 || len(s) > 4:
		return -1
	case len(s) == 4:
		return n
	case len(s) == 3:
		return 1900 + n
	case n < 70:
		return 2000 + n
	}
	return 1900 + n
}

// remove takes n tokens out at i.
func (l *loose) remove(i, n int) { l.tokens = append(l.tokens[:i:i], l.tokens[i+n:]...) }

// is tells whether token i is of that kind.
func (l *loose) is(i int, kind byte) bool {
	return i >= 0 && i < len(l.tokens) && l.tokens[i].kind == kind
}

func (l *loose) word(i int) string {
	if l.is(i, 'a') {
		return l.tokens[i].text
	}
	return ""
}

// takeTime takes the time of day out. No time is no fault; two are.
func (l *loose) takeTime() bool {
	l.takeHalf()
	for i := 0; i+2 < len(l.tokens); i++ {
		if l.is(i, '0') && isTimeSign(l.tokens[i+1]) && l.is(i+2, '0') && !l.afterZone(i) {
			return l.clock(i)
		}
	}
	l.compactTime()
	if l.half != "" && !l.timed { // "3 pm"
		for i := range l.tokens {
			if l.is(i, 'h') {
				l.parts.hour, l.timed = l.tokens[i].n, true
				l.remove(i, 1)
				return l.halve()
			}
		}
		return false
	}
	return true
}

// isTimeSign tells of what stands between hours and minutes.
func isTimeSign(t token) bool {
	switch t.text {
	case "h", "ч", "時", "时", "시":
		return t.kind == 'a'
	}
	return t.kind == ':'
}

// afterZone tells whether the number at i belongs to a zone: "+02:00".
func (l *loose) afterZone(i int) bool {
	return l.timed || i > 0 && (l.is(i-1, '+') || l.is(i-1, '-') && i > 2 && l.tokens[i-1].space)
}

// takeHalf takes "am" and "pm" out, in the forms of several languages. The
// number before it, if it is alone, is the hour.
func (l *loose) takeHalf() {
	for i := range l.tokens {
		half, n := halfOf(l, i)
		if half == "" {
			continue
		}
		behind := isASCII(l.word(i)) // the hour; East Asian ones stand before it
		l.half = half
		l.remove(i, n)
		if behind && l.is(i-1, '0') && (i < 2 || l.tokens[i-2].kind != ':') && len(l.tokens[i-1].text) <= 2 {
			l.tokens[i-1].kind = 'h'
		}
		return
	}
}

// halfOf tells whether token i begins a word for a half of the day, and of how
// many tokens it is made.
func halfOf(l *loose, i int) (string, int) {
	switch w := l.word(i); w {
	case "오전", "上午", "午前":
		l.korean = l.korean || w == "오전"
		return "am", 1
	case "오후", "下午", "午後":
		l.korean = l.korean || w == "오후"
		return "pm", 1
	case "am", "pm": // "am" is a German word, too
		if l.is(i-1, '0') {
			return w, 1
		}
	case "a", "p": // "a.m.", "p. m."
		if l.is(i+1, '.') && l.word(i+2) == "m" && l.is(i-1, '0') {
			n := 3
			if l.is(i+3, '.') {
				n = 4
			}
			return w + "m", n
		}
	}
	return "", 0
}

// clock reads the time of day that begins at token i.
func (l *loose) clock(i int) bool {
	if len(l.tokens[i].text) > 2 || len(l.tokens[i+2].text) > 2 {
		return false
	}
	l.parts.hour, l.parts.minute, l.timed = l.tokens[i].n, l.tokens[i+2].n, true
	n := 3
	if l.word(i+n) == "分" || l.word(i+n) == "분" {
		n++
		if l.is(i+n, '0') && !l.is(i+n+1, '0') {
			l.parts.second = l.tokens[i+n].n
			n++
		}
	} else if l.is(i+n, ':') && l.is(i+n+1, '0') {
		if len(l.tokens[i+n+1].text) > 2 {
			return false
		}
		l.parts.second = l.tokens[i+n+1].n
		n += 2
		if (l.is(i+n, '.') || l.is(i+n, ',')) && l.is(i+n+1, '0') && !l.tokens[i+n+1].space {
			l.parts.nanos = fraction(l.tokens[i+n+1].text)
			n += 2
		}
	}
	if l.is(i+n, ':') {
		return false // four parts
	}
	for w := l.word(i + n); w == "秒" || w == "초" || w == "uhr"; w = l.word(i + n) {
		n++
	}
	l.tokens[i] = token{kind: 't'} // the zone is looked for behind it
	l.remove(i+1, n-1)
	if l.word(i-1) == "t" {
		l.remove(i-1, 1)
	}
	return l.halve()
}

// compactTime reads "T101455" of a date without separators.
func (l *loose) compactTime() {
	for i := 1; i+1 < len(l.tokens); i++ {
		if l.word(i) != "t" || !l.is(i-1, '0') || !l.is(i+1, '0') {
			continue
		}
		if s := l.tokens[i+1].text; len(s) == 4 || len(s) == 6 {
			l.parts.hour, l.parts.minute, l.parts.second, l.timed = digits(s[:2]), digits(s[2:4]), digits(s[4:]), true
			l.tokens[i] = token{kind: 't'}
			l.remove(i+1, 1)
			return
		}
	}
}

// halve turns an hour of the twelve-hour clock into one of twenty-four. An
// hour above twelve is left: it was one already.
func (l *loose) halve() bool {
	switch {
	case l.half == "am" && l.parts.hour == 12:
		l.parts.hour = 0
	case l.half == "pm" && l.parts.hour < 12:
		l.parts.hour += 12
	}
	return true
}

// takeZone takes the zone out: what stands behind the time, or a zone's name
// at the end. "GMT+2", "UTC-01:01" and "+0100 CET" are one zone each.
func (l *loose) takeZone() bool {
	at := -1
	for i := range l.tokens {
		if l.is(i, 't') {
			at = i
			l.remove(i, 1)
			break
		}
	}
	if at < 0 {
		return true
	}
	for at < len(l.tokens) {
		n, ok := l.zoneAt(at)
		if !ok {
			return false
		}
		if n == 0 {
			break
		}
		l.remove(at, n)
	}
	return true
}

// zoneAt reads a zone that begins at token i: how many tokens it is; not ok
// if it makes no sense.
func (l *loose) zoneAt(i int) (int, bool) {
	if l.is(i, '+') || l.is(i, '-') {
		if l.is(i+1, '-') || l.is(i+1, '+') { // "--0700"
			return 1, true
		}
		return l.offsetAt(i)
	}
	if l.is(i, ',') || l.is(i, ':') && (l.is(i+1, '+') || l.is(i+1, '-')) {
		return 1, true
	}
	w := l.word(i)
	if w == "" {
		return 0, true
	}
	if w == "etc" && l.is(i+1, '/') {
		return 2, true
	}
	hours, known := zones[w]
	switch {
	case known && l.zoned, known && i > 0 && w == "at" && l.is(i+1, '0'):
		return 1, true // "+0100 CET": the number is the better
	case known:
		l.parts.offset, l.zoned = int(hours*3600), true
		return 1, true
	case l.tokens[i].upper && isASCII(w) && len(w) >= 2 && len(w) <= 5 && months[w] == 0 && i == len(l.tokens)-1:
		return 1, true // a zone that nobody knows: as good as UTC
	}
	return 0, true
}

// offsetAt reads "+0200", "+02:00", "+2" and "+02" at token i.
func (l *loose) offsetAt(i int) (int, bool) {
	if !l.is(i+1, '0') {
		return 0, false
	}
	sign, s := l.tokens[i].kind, l.tokens[i+1].text
	hours, minutes, n := s, "0", 2
	switch {
	case len(s) == 3 || len(s) == 4:
		hours, minutes = s[:len(s)-2], s[len(s)-2:]
	case len(s) > 4:
		return 0, false
	case l.is(i+2, ':') && l.is(i+3, '0'):
		minutes, n = l.tokens[i+3].text, 4
	case l.is(i+2, ':'):
		return 0, false
	}
	seconds, ok := offset(sign, digits(hours), digits(minutes))
	l.parts.offset, l.zoned = seconds, true
	return n, ok
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
