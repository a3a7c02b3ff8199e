package story

import (
	"math"
	"strings"
)

// Likeness is a mean of cosines: of all terms together, and of words, names,
// numbers, and pairs of names by themselves, so that neither a long list of names
// nor a common vocabulary is enough alone.
var (
	ofKind = [kinds]float32{word: 0.3, name: 0.25, number: 0.1, pair: 0.05}
	ofAll  = float32(1 - 0.3 - 0.25 - 0.1 - 0.05)
)

const (
	decayDays  = 5    // after so many days likeness counts exp(-decayRate)
	decayRate  = 0.5  //
	sameSource = 0.85 // what likeness counts between items of one source that are a column's distance apart
	columnGap  = 16   // hours
)

// product is a scalar product, by kind.
type product [kinds]float32

// likeness of two items whose vectors have the product p, 0 to 1.
func likeness(a, b *Item, p product) float32 {
	var s float32
	if sameLanguage(a, b) {
		s = cosines(&a.Terms, &b.Terms, p)
	} else {
		s = abroad(&a.Terms, &b.Terms)
	}
	hours := math.Abs(a.When.Sub(b.When).Hours())
	if a.SourceID != 0 && a.SourceID == b.SourceID && hours > columnGap {
		s *= sameSource
	}
	return s * float32(math.Exp(-decayRate*hours/24/decayDays))
}

func cosines(a, b *Terms, p product) float32 {
	all, s := float32(0), float32(0)
	for k, dot := range p {
		if dot > 0 {
			all += dot
			s += ofKind[k] * min(1, dot/sqrt(max(1e-4, a.norm[k]*b.norm[k])))
		}
	}
	return s + ofAll*all
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

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

// abroadTerms is how many names and numbers two items of different languages must share.
const abroadTerms = 4

// abroad is the likeness of items of different languages, by names and numbers
// alone: what part of the poorer item's the other has. A number must be among those.
func abroad(a, b *Terms) float32 {
	shared, numbers := 0, 0
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
			if side == 0 {
				shared++
				if x.kind == number {
					numbers++
				}
			}
		}
	}
	if shared < abroadTerms || numbers == 0 {
		return 0
	}
	return 0.5 * max(got[0]/all[0], got[1]/all[1])
}
