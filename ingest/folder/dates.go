package folder

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Where a date came from, in the words that readers see.
const (
	fromFront = "front matter" // also an HTML page's head
	fromLine  = "date line"    // a line, or <time>, that is there to give the date
	fromText  = "text"         // a caption, a dateline, a sentence among the first
	fromFile  = "file time"
)

// dated is a date and where it came from.
type dated struct {
	at   time.Time
	from string
}

const (
	monthName = `(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)`
	clockTime = `(?:(?:t|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?:\s?(z|utc|gmt|[+-]\d{2}:?\d{2})\b)?)?`
)

// fullDate is a day with its year in the shapes of English texts, with a time
// of day that may follow. Not 08/09/2025: that is two days, by country.
var fullDate = regexp.MustCompile(`(?i)\b(?:` +
	`(\d{4})[-/](\d{1,2})[-/](\d{1,2})|` + // 1–3
	monthName + `\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})|` + // 4–6
	`(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?[\s-]+` + monthName + `\.?,?[\s-]+(\d{4})|` + // 7–9
	`(\d{1,2})\.(\d{1,2})\.(\d{4})` + // 10–12
	`)` + clockTime) // 13–16: hours, minutes, seconds, zone

// span is a date found in a text, and its place there.
type span struct {
	at         time.Time
	start, end int
}

// datesIn finds the full dates in a text, in order. UTC, unless a zone is said.
func datesIn(s string) []span {
	var all []span
	if !hasYear(s) {
		return nil
	}
	for _, m := range fullDate.FindAllStringSubmatchIndex(s, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return s[m[2*i]:m[2*i+1]]
		}
		day, ok := dayOf(group)
		if !ok || m[1] < len(s) && s[m[1]] >= '0' && s[m[1]] <= '9' {
			continue
		}
		all = append(all, span{day.Add(timeOfDay(group)), m[0], m[1]})
	}
	return all
}

// hasYear tells whether s has four digits in a row, without which there is no full date.
func hasYear(s string) bool {
	run := 0
	for i := 0; i < len(s) && run < 4; i++ {
		if run++; s[i] < '0' || s[i] > '9' {
			run = 0
		}
	}
	return run == 4
}

// dayOf reads the day of a match. 31 February is none; years are those of newspapers.
func dayOf(group func(int) string) (time.Time, bool) {
	year, month, day := group(1)+group(6)+group(9)+group(12), group(2)+group(11), group(3)+group(5)+group(7)+group(10)
	if name := strings.ToLower(group(4) + group(8)); name != "" {
		month = strconv.Itoa(strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", name[:3])/3 + 1)
	}
	y, m, d := number(year), number(month), number(day)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return t, y >= 1600 && y <= 2999 && int(t.Month()) == m && t.Day() == d && m > 0
}

// timeOfDay reads the time of a match, as the distance from midnight UTC.
func timeOfDay(group func(int) string) time.Duration {
	h, m, s := number(group(13)), number(group(14)), number(group(15))
	if h > 23 || m > 59 || s > 60 {
		return 0
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	zone := strings.ReplaceAll(group(16), ":", "")
	if len(zone) != 5 {
		return d
	}
	offset := time.Duration(number(zone[1:3]))*time.Hour + time.Duration(number(zone[3:]))*time.Minute
	if zone[0] == '+' {
		offset = -offset
	}
	return d + offset
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) //nolint:errcheck // digits by the pattern; "" is 0
	return n
}

var weekday = regexp.MustCompile(`(?i)^\s*(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,?\s+)?`)

// leadingDate reads the date with which s begins, a weekday before it allowed,
// and what follows it.
func leadingDate(s string) (at time.Time, rest string, ok bool) {
	start := len(weekday.FindString(s))
	found := datesIn(s[start:min(len(s), start+80)])
	if len(found) == 0 || found[0].start != 0 {
		return time.Time{}, s, false
	}
	return found[0].at, s[start+found[0].end:], true
}

// Words that may stand beside the date in a line that is there for it alone.
var dateWords = regexp.MustCompile(`(?i)\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b|` +
	`\b(?:date|dated|published|posted|updated|last|first|modified|created|on|at|and|time|local|eastern|min|read|hrs|uk)\b|` +
	`\b\d*(?:[ap]\.?\s?m?\b\.?|z\b|utc\b|gmt\b|msk\b|c?est\b|[a-z]{0,3}[ds]t\b|[ecmp]t\b)`)

// isDateLine tells whether a line gives a date and nothing else.
func isDateLine(s string) bool {
	if len(s) > 100 {
		return false
	}
	found := datesIn(s)
	for i := len(found) - 1; i >= 0; i-- {
		s = s[:found[i].start] + " " + s[found[i].end:]
	}
	return len(found) > 0 && !letters.MatchString(dateWords.ReplaceAllString(s, " "))
}

var letters = regexp.MustCompile(`\p{L}`)

// What makes a date in a sentence an older event's, not the document's own.
var backReference = regexp.MustCompile(`(?i)\b(?:since|until|till|before|after|from|between|by|through|to|of|the|due|ended|ending|effective|expires?|(?:born|founded|died)\b.{0,40})\s*$`)

const (
	datedBlocks = 8    // blocks among which a caption, dateline or the like is looked for …
	datedProse  = 4    // … and sentences with a date
	datedRunes  = 2000 // both within this length
)

// datesOf finds candidates for the document's date in its first blocks, the
// better ones first: lines there for the date, then captions, datelines and
// other short lines, then sentences. Of several in sentences the latest is the
// best guess: a text is not older than what it tells.
func datesOf(blocks []block) []dated {
	var line, short, prose []dated
	length := 0
	for i, b := range blocks[:min(len(blocks), datedBlocks)] {
		if length += len(b.text); length > datedRunes && i > 0 {
			break
		}
		text := address.ReplaceAllStringFunc(cut(b.text, datedRunes), blanks)
		found := datesIn(text)
		switch lead := len(dateline.FindString(b.text)); {
		case len(found) == 0 || archive.MatchString(text):
		case isDateLine(text):
			line = append(line, dated{found[0].at, fromLine})
		case found[0].start < lead || isCaption(b.text) || !endsSentence(b.text) && len(b.text) <= 200:
			short = append(short, dated{found[0].at, fromText})
		case i < datedProse:
			prose = append(prose, ownDates(text, found)...)
		}
	}
	slices.SortStableFunc(prose, func(a, b dated) int { return b.at.Compare(a.at) })
	return slices.Concat(line, short, prose)
}

// archive marks a caption whose picture, and date, is an old one.
var archive = regexp.MustCompile(`(?i)\b(?:file|archive) (?:photo|picture|image)|^file\s*[-–—:]`)

// ownDates leaves out dates that a sentence looks back to.
func ownDates(s string, found []span) []dated {
	var own []dated
	for _, f := range found {
		if !backReference.MatchString(weekdayBefore.ReplaceAllString(s[:f.start], "")) {
			own = append(own, dated{f.at, fromText})
		}
	}
	return own
}

var weekdayBefore = regexp.MustCompile(`(?i)(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s*$`)

// blanks keeps the length of what it hides.
func blanks(s string) string { return strings.Repeat(" ", len(s)) }
