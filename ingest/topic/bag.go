package topic

import (
	"math"
	"strings"

	"tributary/ingest/words"
)

// How a text is read.
const (
	titleWeight = 2   // a word of the title counts as two of the text
	longest     = 600 // words of a text that are read: what a story is about stands at its beginning
)

// Bag is what a text is compared by: its terms, as they come.
type Bag struct {
	Terms []Term
	// Foreign tells that the text is not in English, so that only its names
	// and numbers were read.
	Foreign bool
	Offices []Office
}

// Term is a word of a text, or a name.
type Term struct {
	Key   string
	Count float64 // how often, a title's words twice
	Names float64 // how often within a sentence and with a capital letter
	Plain float64 // how often within a sentence and without
	Shown string  // as it is written first
}

// Read reads an entry's title and text. Language is what its source says ("de",
// "en-US", "" if it does not): it is believed of short texts only.
func Read(title, text words.Text, language string) Bag {
	r := reader{at: make(map[string]int, 64), terms: make([]Term, 0, 64), foreign: foreign(title, text, language)}
	for _, w := range title.Words {
		r.add(title, w, titleWeight, false)
	}
	for _, w := range text.Words[:min(len(text.Words), longest)] {
		r.add(text, w, 1, !w.Is(words.First))
	}
	return Bag{Terms: r.terms, Foreign: r.foreign, Offices: findOffices(text, text.Words[:min(len(text.Words), longest)])}
}

type reader struct {
	terms   []Term
	at      map[string]int
	foreign bool
}

func (r *reader) add(of words.Text, w words.Word, count float64, telling bool) {
	name := w.Is(words.Capital)
	if r.foreign && !name && !w.Is(words.Number) {
		return
	}
	key := term(w)
	if key == "" || inAddress(of.Source, w) {
		return
	}
	i, ok := r.at[key]
	if !ok {
		i = len(r.terms)
		r.at[key] = i
		r.terms = append(r.terms, Term{Key: key, Shown: of.Source[w.Start:w.End]})
	}
	t := &r.terms[i]
	t.Count += count
	switch {
	case telling && name:
		t.Names++
	case telling:
		t.Plain++
	}
}

// inAddress tells whether a word is a part of an address that was written out,
// as "pic" and "twitter" of pic.twitter.com/x are.
func inAddress(text string, w words.Word) bool {
	before, after := text[:w.Start], text[w.End:]
	joined := func(s string) bool { return len(s) > 1 && (s[0] == '.' || s[0] == '/') && s[1] > ' ' }
	return joined(after) && after[1] != '.' && after[1] != '"' || strings.HasSuffix(before, "/") ||
		strings.HasSuffix(before, ".") && len(before) > 1 && before[len(before)-2] > ' ' && before[len(before)-2] != '.'
}

// foreign tells whether a text is not in English: where there are words enough,
// by the small words that no English text does without, for what sources say of
// their language is often a program's default.
func foreign(title, text words.Text, language string) bool {
	all, small := 0, 0
	for _, ws := range [][]words.Word{title.Words, text.Words[:min(len(text.Words), 30)]} {
		for _, w := range ws {
			all++
			if words.IsStop(w.Text) {
				small++
			}
		}
	}
	if all >= 15 {
		return small*8 < all
	}
	return language != "" && !strings.HasPrefix(strings.ToLower(language), "en")
}

// weight is a term's weight in a text that has it so often: one more than the
// logarithm.
func (t Term) weight() float64 {
	if n := int(t.Count); n < len(logs) {
		return logs[n]
	}
	return 1 + math.Log(t.Count)
}

// logs are the weights of counts from 1 on, all of which are whole.
var logs = func() (w [16]float64) {
	for n := 1; n < len(w); n++ {
		w[n] = 1 + math.Log(float64(n))
	}
	return w
}()
