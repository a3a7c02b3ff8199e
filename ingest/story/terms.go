package story

import (
	"cmp"
	"math"
	"slices"

	"tributary/ingest/words"
)

// maxTerms is how many terms of an item are kept at most, and keptNumbers how many
// figures of three digits or more are among them at least if it has so many.
const (
	maxTerms    = 60
	keptNumbers = 3
)

// An item that has fewer telling terms than so says too little to be compared: one
// flash is like another of its kind.
const (
	fewTelling = 6
	tellFrom   = 0.4 // rarity of a telling word: not one of forty texts has it
)

// What a term weighs, in parts of what a rare word weighs that is used once.
const (
	inTitle = 1.2 // times, if the title has it
	aName   = 1.1
	aPair   = 0.6
	aNumber = 0.6  // of two digits or more
	aDigit  = 0.16 // a number of one digit
	aYear   = 1.1  // 1900 to 2099: a report that names another year is of another event
)

// kind is what a term is.
type kind uint8

const (
	word kind = iota
	name      // a word that the text writes with a capital within its sentences
	number
	pair  // two names in a row
	kinds = 4
)

// term is a term of an item.
type term struct {
	hash   uint32 // of hashBits bits
	kind   kind
	leads  bool // a name that the title has
	weight float32
}

// Terms are what an item is compared by: its most telling words, names and
// numbers, each with a weight; together a vector of length 1. The zero value is of
// an item that says nothing.
type Terms struct {
	list    []term // by hash
	clear   []spoken
	english bool
	led     bool           // its title has a name
	little  bool           // it says too little to be compared
	series  uint32         // of the title without figures and dates; 0: it has no title
	scaled  [kinds]float32 // by what each kind's part is to be multiplied to have length 1, ten at most
}

// spoken is one of the strongest terms, as its text writes it.
type spoken struct {
	at   uint8 // its place in the list
	text string
}

// How many terms are kept in clear at most, and how many bytes they have together.
const (
	maxSpoken      = 10
	maxSpokenBytes = 96
)

// hashBits is how many bits of a term's hash are kept. Two items of sixty terms
// have a pair that is equal by chance in two of ten thousand cases.
const hashBits = 24

// fnv is the hash FNV-1a.
func fnv(s string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

func fold(h uint32) uint32 { return (h>>hashBits ^ h) & (1<<hashBits - 1) }

// Read takes an item's terms out of its title and its text. The language is a
// BCP 47 tag or "".
func Read(title, body words.Text, lang string) Terms {
	r := reader{
		forms: make(map[uint32]int, 128),
		keys:  make(map[uint32]int, 128),
		list:  make([]found, 0, 128),
	}
	r.text(title, true)
	r.text(body, false)
	t := r.terms(r.isEnglish(lang))
	t.series = series(title)
	return t
}

// weigh gives a term's weight: the more, the rarer it is in general, the more often
// it is used, and more if the title has it.
func (f *found) weigh(english bool) float32 {
	w := math.Sqrt(float64(f.n))
	if f.inTitle {
		w *= inTitle
	}
	switch f.kind {
	case number:
		w *= f.numberWeight()
	case pair:
		w *= aPair * f.rarity
	case name:
		w *= aName * f.rarity
	default:
		w *= f.rarity
		if !english {
			w *= lengthWeight(f.surface)
		}
	}
	return float32(w)
}

func (f *found) numberWeight() float64 {
	n := f.surface
	switch {
	case len(n) < 2:
		return aDigit
	case len(n) == 4 && (n[:2] == "19" || n[:2] == "20"):
		return aYear
	}
	return aNumber
}

// lengthWeight stands in for the rarity of words of which we have no table: in most
// languages those that hold sentences together are short.
func lengthWeight(w string) float64 {
	return min(1, max(0.05, float64(len(w)-3)/7))
}

// rarity is 0 for a stem that all texts have, and 1 for one that hardly any has.
func rarity(share float64) float64 {
	return min(1, -math.Log10(max(share, words.Rare))/4)
}

// weighed is a term with its place in the reader's list.
type weighed struct {
	term
	at int
}

// isFigure tells whether it is a number that few texts have.
func (t *term) isFigure() bool { return t.kind == number && worth(t.hash) > 1 }

// strongest cuts a list, strongest first, to what is kept. The weakest give way to some figures:
// these are rare, and what a report has in common with one in another language.
func strongest(list []weighed) []weighed {
	if len(list) <= maxTerms {
		return list
	}
	numbers := 0
	for _, w := range list[:maxTerms] {
		if w.isFigure() {
			numbers++
		}
	}
	at := maxTerms - 1
	for _, w := range list[maxTerms:] {
		if !w.isFigure() {
			continue
		}
		for numbers < keptNumbers && list[at].isFigure() {
			at--
		}
		if numbers >= keptNumbers {
			break
		}
		list[at] = w
		at--
		numbers++
	}
	return list[:maxTerms]
}

// terms keeps the strongest of what was found.
func (r *reader) terms(english bool) Terms {
	list := make([]weighed, 0, len(r.list))
	telling := 0
	for i := range r.list {
		f := &r.list[i]
		if f.kind == word && f.isName() {
			f.kind = name
		}
		list = append(list, weighed{term{f.hash, f.kind, f.leads(), f.weigh(english)}, i})
		if f.tells() {
			telling++
		}
	}
	slices.SortFunc(list, func(a, b weighed) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.hash, b.hash))
	})
	list = strongest(list)
	t := Terms{english: english, little: telling < fewTelling, list: make([]term, 0, len(list))}
	for _, w := range list {
		t.list = append(t.list, w.term)
	}
	t.order()
	bytes := 0
	for _, w := range list {
		text := r.list[w.at].surface
		if len(t.clear) < maxSpoken && bytes+len(text) <= maxSpokenBytes {
			t.clear = append(t.clear, spoken{uint8(t.find(w.hash)), text})
			bytes += len(text)
		}
	}
	return t
}

// order sorts the terms by hash and makes the vector's length 1.
func (t *Terms) order() {
	slices.SortFunc(t.list, func(a, b term) int { return cmp.Compare(a.hash, b.hash) })
	t.list = slices.CompactFunc(t.list, func(a, b term) bool { return a.hash == b.hash })
	t.scale()
}

func (t *Terms) scale() {
	sum := float32(0)
	for _, x := range t.list {
		sum += x.weight * x.weight
	}
	if sum == 0 {
		return
	}
	f := float32(1 / math.Sqrt(float64(sum)))
	var parts [kinds]float32
	for i := range t.list {
		x := &t.list[i]
		x.weight *= f
		t.led = t.led || x.leads
		parts[x.kind] += x.weight * x.weight
	}
	for k, sum := range parts {
		t.scaled[k] = float32(1 / math.Sqrt(max(0.01, float64(sum))))
	}
}

// find gives a term's place in the list, or -1.
func (t *Terms) find(hash uint32) int {
	at, ok := slices.BinarySearchFunc(t.list, hash, func(x term, h uint32) int { return cmp.Compare(x.hash, h) })
	if !ok {
		return -1
	}
	return at
}

// tells tells whether a term is rare enough to say what an item is about.
func (f *found) tells() bool {
	switch f.kind {
	case pair:
		return false
	case number:
		return f.numberWeight() > aDigit
	}
	return f.rarity >= tellFrom
}
