package story

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Likeness is a mean of cosines: of all terms together, and of words, names,
// numbers, and pairs of names by themselves, so that neither a long list of names
// nor a common vocabulary is enough alone.
var (
	ofKind = [kinds]float32{word: 0.3, name: 0.25, number: 0.1, pair: 0.05}
	ofAll  = float32(1 - 0.3 - 0.25 - 0.1 - 0.05)
)

const (
	decay      = 0.1  // likeness counts exp(-decay) for each day between: 0.61 after the five of which most stories are
	sameSource = 0.85 // what it counts between items of one source that are an issue apart: columns, tables
	issueHours = 16
)

// product is a scalar product, by kind.
type product [kinds]float32

// age is what an item's time contributes to the decay: that between two items is the
// smaller of their ages by the greater.
func age(x *Item, since time.Time) float32 {
	days := x.When.Sub(since).Hours() / 24
	return float32(math.Exp(decay * max(-90, min(90, days))))
}

// likeness of two items whose vectors have the product p, at the same time, 0 to 1.
func likeness(a, b *Item, p *product) float32 {
	if !sameLanguage(a, b) {
		return abroad(&a.Terms, &b.Terms)
	}
	if p[word] == 0 && p[number] == 0 && p[pair] == 0 {
		return 0 // a name that both say, and nothing else: it is in other news too
	}
	all, s := float32(0), float32(0)
	for k, dot := range p {
		if dot > 0 {
			all += dot
			s += ofKind[k] * min(1, dot*a.Terms.scaled[k]*b.Terms.scaled[k])
		}
	}
	s += ofAll * all
	if a.SourceID != 0 && a.SourceID == b.SourceID && a.When.Sub(b.When).Abs() > issueHours*time.Hour {
		s *= sameSource
	}
	return s
}

// sameLanguage tells whether the words of two items can be compared. Whether a text is
// English it says itself.
func sameLanguage(a, b *Item) bool {
	if a.Terms.english || b.Terms.english {
		return a.Terms.english == b.Terms.english
	}
	return a.Language == "" || b.Language == "" || primary(a.Language) == primary(b.Language)
}

// primary is a language tag's first part.
func primary(tag string) string {
	tag, _, _ = strings.Cut(tag, "-")
	return strings.ToLower(tag)
}

// How many names two items of different languages must share, and how much their shared
// numbers must be worth: a figure of three digits, or two of two.
const (
	abroadNames   = 3
	abroadNumbers = 2
)

// abroad is the likeness of items of different languages, by names and numbers
// alone: what part of the poorer item's the other has.
func abroad(a, b *Terms) float32 {
	names, numbers := 0, 0
	var got, all [2]float32
	for side, t := range [...][2]*Terms{{a, b}, {b, a}} {
		for _, x := range t[0].list {
			if x.kind != name && x.kind != number {
				continue
			}
			all[side] += x.weight
			at := t[1].find(x.hash)
			if at < 0 || t[1].list[at].kind == pair {
				continue
			}
			got[side] += x.weight
			switch {
			case side == 1:
			case x.kind == name:
				names++
			default:
				numbers += worth(x.hash)
			}
		}
	}
	if names < abroadNames || numbers < abroadNumbers {
		return 0
	}
	return 0.5 * max(got[0]/all[0], got[1]/all[1])
}

// worth is what a number says of an event: 0 if it has one digit or may be a year, 1 if it
// has two, and 2 if it has more.
func worth(hash uint32) int {
	if digits, ok := commonNumbers[hash]; ok {
		return int(digits)
	}
	return 2
}

// commonNumbers have the worth of those numbers that are in many texts, by hash.
var commonNumbers = func() map[uint32]uint8 {
	common := map[uint32]uint8{}
	for n := range 100 {
		common[fold(fnv(strconv.Itoa(n)))] = uint8(min(1, n/10))
	}
	for year := 1900; year < 2100; year++ {
		common[fold(fnv(strconv.Itoa(year)))] = 0
	}
	return common
}()
