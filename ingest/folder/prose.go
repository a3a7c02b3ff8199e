package folder

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	titleRunes   = 120
	summaryRunes = 300
)

// cut shortens s to at most limit characters, at a word, ending in " …".
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)[:limit-1] // room for "…"; the space before it is looked for below
	end := len(runes) - 1
	for i := end; i > limit/2; i-- {
		if unicode.IsSpace(runes[i]) {
			end = i
			break
		}
	}
	short := strings.TrimRightFunc(string(runes[:end]), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:–—-([{\"'“‘«„/", r)
	})
	return short + " …"
}

// Abbreviations whose full stop ends no sentence before a capital.
var abbreviations = regexp.MustCompile(`(?i)(?:^|[\s("'“‘])(?:mr|mrs|ms|dr|prof|gen|lt|col|maj|capt|cmdr|adm|sgt|brig|sen|rep|gov|pres|st|no|nos|vs|jr|sr|inc|ltd|corp|co|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|approx|dept|fig|art|e\.g|i\.e|cf|al|op|vol|pp?|(?:\pL\.)*\pL)\.$`)

const (
	enders  = ".!?…。！？"
	closers = "\"'”’»)]"
	openers = "\"'“‘«„([¿¡"
)

// firstSentence is the first sentence of a paragraph; the whole if no end is
// found, or none soon. A very short one takes the next with it: "Enough." is no title.
func firstSentence(s string) string {
	for i, r := range s {
		if i > 2000 {
			break
		}
		if !strings.ContainsRune(enders, r) {
			continue
		}
		end := i + utf8.RuneLen(r)
		end += len(s[end:]) - len(strings.TrimLeft(s[end:], enders+closers))
		if utf8.RuneCountInString(s[:end]) >= 25 && sentenceEnds(s[:end], s[end:], r) {
			return s[:end]
		}
	}
	return s
}

// sentenceEnds judges the place between before, which ends in ender (and
// closing quotes), and after.
func sentenceEnds(before, after string, ender rune) bool {
	if strings.ContainsRune("。！？", ender) {
		return true
	}
	next := strings.TrimLeftFunc(after, unicode.IsSpace)
	if next == "" {
		return true
	}
	if len(next) == len(after) || ender == '.' && abbreviations.MatchString(before) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(next, openers+"-–— "))
	return !unicode.IsLower(r)
}

// endsSentence tells whether s ends as a sentence does.
func endsSentence(s string) bool {
	s = strings.TrimRight(s, closers+" ")
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && strings.ContainsRune(enders, r)
}

// beginsLikeTitle tells whether s begins with a capital, a digit, or a letter of a
// script without capitals; quotes before it do not count. So do "iPhone" and "eBay".
func beginsLikeTitle(s string) bool {
	s = strings.TrimLeft(s, openers+" ")
	r, n := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[n:])
	return unicode.IsDigit(r) || unicode.IsLetter(r) && !unicode.IsLower(r) || unicode.IsLower(r) && unicode.IsUpper(second)
}

// dateline is where wire copy begins: "KYIV, Aug 18 (Reuters) - ",
// "WASHINGTON (AP) — ", "PARIS — ", "(AFP) – ".
var dateline = regexp.MustCompile(`^(?:\p{Lu}[\p{Lu} .'’/-]{2,40}(?:,\s[\p{L} .]{2,30}?)?(?:,?\s+` + monthDay + `)?(?:\s*\([^()]{2,40}\))?|\((?:Reuters|REUTERS|AP|AFP|UPI|dpa|DPA|TASS|Ukrinform)\))\s*[-–—]{1,2}\s+`)

const monthDay = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+\d{1,2}(?:,\s+\d{4})?`

// credit marks a picture's caption: "(AP Photo/Jane Roe)", "Photo: Jane Roe".
var credit = regexp.MustCompile(`\((?:[^()]*(?i:(?:photo|image|picture|courtesy|credit)s?(?:\s|:)|getty|handout|shutterstock)[^()]*|[^()]*\s(?i:photo|image|picture)s?|[^()]*\p{Lu}[\p{L}.]*\s?/\s?\p{Lu}[^()]*)\)\.?$|^(?i:photo|image|picture|caption|photograph)(?i: credit| by)?\s*:|\b(?i:photo|image|credit)(?i: credit)?:\s[^.]{2,60}$|/Getty Images$`)

func isCaption(s string) bool { return len(s) <= 1500 && credit.MatchString(s) }

// byline is a line that names the writers, and what may follow their names.
var byline = regexp.MustCompile(`^(?i:(?:written |reported )?by)[:\s]\s*(\p{Lu}[^|·•]*?)\s*(?:[|·•–—].*)?$`)

// Words that may be lower case inside a name or between names.
var particle = regexp.MustCompile(`^(?:and|&|de|der|den|di|da|del|della|la|le|van|von|zu|bin|al|el|dos|ter|y)$`)

// What ends the names in a byline: "in Kyiv", "for the Courier", ", political editor".
var nameEnd = regexp.MustCompile(`,.*| (?:in|for|at|with|of|on) .*|\.$`)

// authorsIn gives the names in a byline; none if s is not one.
func authorsIn(s string) []string {
	if len(s) > 200 {
		return nil
	}
	m := byline.FindStringSubmatch(s)
	if m == nil || len(datesIn(m[1])) == 0 && strings.ContainsAny(m[1], "0123456789!?:;") {
		return nil
	}
	listed := strings.Contains(m[1], " and ") || strings.Contains(m[1], " & ")
	var names []string
	for name := range strings.SplitSeq(separated(m[1], listed), "\n") {
		name = strings.TrimSpace(nameEnd.ReplaceAllString(name, ""))
		if !isName(name) {
			return nil
		}
		names = append(names, name)
	}
	return names
}

// separated puts names on lines of their own. A comma parts names only where
// an "and" says that there are several: otherwise an office follows it.
func separated(names string, listed bool) string {
	if !listed {
		return names
	}
	return strings.NewReplacer(", and ", "\n", " and ", "\n", " & ", "\n", ", ", "\n").Replace(names)
}

// isName tells whether s is one to five capitalised words.
func isName(s string) bool {
	words := strings.Fields(s)
	for _, word := range words {
		r, _ := utf8.DecodeRuneInString(word)
		if !unicode.IsUpper(r) && !particle.MatchString(word) {
			return false
		}
	}
	return len(words) >= 1 && len(words) <= 5
}

// sameText compares two titles or paragraphs by their letters and digits.
func sameText(a, b string) bool { return bare(a) == bare(b) }

// bare leaves letters and digits, in lower case.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// visible tells whether s shows anything.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsPunct(r) || unicode.IsSymbol(r)
	})
}
