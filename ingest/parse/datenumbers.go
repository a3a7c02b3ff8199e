package parse

import "strings"

// number is a number of a date, and what is around it.
type number struct {
	token
	sign byte // what stands between the number before it and it: '-', '/', '.', ' '
	unit byte // 'y', 'm' or 'd' if a word behind it says so
}

// takeDate makes a date of what is left when time and zone are gone.
func (l *loose) takeDate() bool {
	numbers, month, before, ok := l.sort()
	if !ok {
		return false
	}
	p, ok := byUnits(numbers)
	switch {
	case ok:
	case month > 0:
		p, ok = withMonth(numbers, month, before)
	default:
		p, ok = l.numeric(numbers)
	}
	l.parts.year, l.parts.month, l.parts.day = p.year, p.month, p.day
	return ok
}

// sort goes over the tokens: the numbers, the month's name (its number, and
// how many numbers stand before it). Words that mean nothing are passed over;
// others make the string no date, but for one or two in front, which are a day
// of the week in some language.
func (l *loose) sort() (numbers []number, month, before int, ok bool) {
	sign, strange := byte(' '), 0
	for i, t := range l.tokens {
		switch {
		case t.kind == '0':
			numbers = append(numbers, number{token: t, sign: sign})
			sign = ' '
		case t.kind != 'a':
			sign = t.kind
			if t.kind >= 0x7F || strings.IndexByte("-/.,'\"|·:", t.kind) < 0 {
				return nil, 0, 0, false
			}
		case l.unit(t.text, numbers):
		case months[t.text] > 0 && (month == 0 || len(numbers) > 0):
			month, before = months[t.text], len(numbers)
			sign = ' '
		case noise[t.text], l.word(i) == "t" && i > 0:
		case len(numbers) == 0 && month == 0 && strange < 2:
			strange++
		default:
			return nil, 0, 0, false
		}
	}
	return numbers, month, before, strange == 0 || month > 0 || len(numbers) == 3
}

// unit notes that the last number is a year, month or day.
func (l *loose) unit(word string, numbers []number) bool {
	if len(numbers) == 0 {
		return false
	}
	last := &numbers[len(numbers)-1]
	switch word {
	case "년", "월", "일":
		l.korean = true
	}
	switch word {
	case "年", "년", "г", "год", "года", "р":
		last.unit = 'y'
	case "月", "월":
		last.unit = 'm'
	case "日", "일":
		last.unit = 'd'
	default:
		return false
	}
	return true
}

// byUnits makes a date of numbers that say what they are: 2024年5月3日. With the
// month alone ("5月"), the number before it is the day and the one after it the
// year.
func byUnits(numbers []number) (parts, bool) {
	var p parts
	for i, n := range numbers {
		switch {
		case n.unit == 'y':
			p.year = century(n.text)
		case n.unit == 'm':
			p.month = n.n
		case n.unit == 'd' || p.day == 0 && len(n.text) <= 2 && i == 0:
			p.day = n.n
		case p.year == 0 && len(n.text) == 4:
			p.year = n.n
		}
	}
	return p, p.year > 0 && p.month > 0 && p.day > 0 && len(numbers) == 3
}

// withMonth makes a date of a month's name and a day and a year around it.
func withMonth(numbers []number, month, before int) (parts, bool) {
	switch len(numbers) {
	case 1: // "December 2003"
		if len(numbers[0].text) == 4 {
			return parts{year: numbers[0].n, month: month, day: 1}, true
		}
	case 2:
		day, year := numbers[0], numbers[1]
		if len(day.text) > 2 || day.n > 31 || before == 2 {
			day, year = year, day
		}
		if len(day.text) <= 2 && len(year.text) <= 4 && len(year.text) >= 2 {
			return parts{year: century(year.text), month: month, day: day.n}, true
		}
	}
	return parts{}, false
}

// numeric makes a date of numbers only.
func (l *loose) numeric(n []number) (parts, bool) {
	switch len(n) {
	case 1:
		if n[0].sign == '-' && len(n[0].text) == 4 { // ISO 8601: -YYMM
			return parts{year: century(n[0].text[:2]), month: digits(n[0].text[2:]), day: 1}, true
		}
		p := compact(n[0].text)
		return p, p.year > 0
	case 2:
		return two(n[0], n[1])
	case 3:
		return l.three(n)
	}
	return parts{}, false
}

// two reads YYYY-MM, YYYY-DDD, -YY-MM and MM/YYYY.
func two(a, b number) (parts, bool) {
	switch {
	case len(a.text) == 4 && len(b.text) == 3:
		p := ordinal(a.n, b.n)
		return p, p.year > 0
	case len(a.text) == 4 && len(b.text) <= 2:
		return parts{year: a.n, month: b.n, day: 1}, true
	case len(a.text) == 2 && len(b.text) == 2 && a.sign == '-':
		return parts{year: century(a.text), month: b.n, day: 1}, true
	case len(b.text) == 4 && len(a.text) <= 2:
		return parts{year: b.n, month: a.n, day: 1}, true
	}
	return parts{}, false
}

// three reads a day, a month and a year. A year of four digits is known by
// them. With it behind, the day comes before the month, but where both can
// be months, a slash with "am" or "pm" is America's order. Two digits each:
// the year first after a hyphen (ISO 8601), else last.
func (l *loose) three(n []number) (parts, bool) {
	a, b, c := n[0], n[1], n[2]
	if len(b.text) > 3 || len(b.text) == 3 && b.text[0] != '0' {
		return parts{}, false
	}
	switch {
	case len(a.text) == 4 && len(c.text) <= 2:
		return parts{year: a.n, month: b.n, day: c.n}, true
	case len(a.text) > 2:
		return parts{}, false
	case len(c.text) == 2 && len(a.text) == 2 && b.sign == '-' && b.n <= 12 && c.n <= 31:
		return parts{year: century(a.text), month: b.n, day: c.n}, true
	case len(c.text) != 4 && len(c.text) != 2:
		return parts{}, false
	}
	day, month := a.n, b.n
	if month > 12 || b.sign == '/' && l.half != "" && day <= 12 {
		day, month = month, day
	}
	return parts{year: century(c.text), month: month, day: day}, true
}
