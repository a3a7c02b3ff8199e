package story

import (
	"strings"
	"unicode/utf8"

	"tributary/ingest/words"
)

// found is a term as it is met in a text.
type found struct {
	hash         uint32
	kind         kind
	n            int
	inTitle      bool
	inLead       bool
	upper, lower int // uses within sentences, with and without a capital
	rarity       float64
	general      float64 // the share of its uses in lower case in general English
	surface      string  // as it is first written
}

// reader finds terms. The maps give places in the list.
type reader struct {
	forms        map[string]int // of words as written
	keys         map[string]int // of stems
	pairs        map[[2]int]int // of two names
	list         []found
	stops, words int
}

// text reads one of the item's texts.
func (r *reader) text(t words.Text, title bool) {
	shouts := title && mostlyCapital(t)
	prev, end := -1, 0 // the name just before the word, or the character
	for i, w := range t.Words {
		r.words++
		if len(w.Text) < 2 && !w.Is(words.Number) || words.IsStop(w.Text) {
			r.stops++
			prev = -1
			continue
		}
		at := r.word(w, t.Source[w.Start:w.End], shouts)
		lead := i < leadLen
		r.list[at].meet(title, lead)
		capital := w.Is(words.Capital)
		if !w.Is(words.First) && !shouts {
			if capital {
				r.list[at].upper++
			} else {
				r.list[at].lower++
			}
		}
		joins := capital && !shouts
		if joins && prev >= 0 && w.Start <= end+1 {
			r.list[r.pair(prev, at)].meet(title, lead)
		}
		prev, end = -1, w.End
		if joins {
			prev = at
		}
	}
}

func (f *found) meet(title, lead bool) {
	f.n++
	f.inTitle = f.inTitle || title
	f.inLead = f.inLead || lead
}

// isName goes by how the text writes the word, and, where it does not tell, by how general
// English does.
func (f *found) isName() bool {
	return f.upper > f.lower || f.upper+f.lower == 0 && f.general < nameBelow
}

// nameBelow: a stem that general English writes less often than so in lower case is a name.
const nameBelow = 0.4

// mostlyCapital tells whether a title writes its words with capitals, so that
// they tell nothing.
func mostlyCapital(t words.Text) bool {
	capital, all := 0, 0
	for _, w := range t.Words {
		if !w.Is(words.Number) && !words.IsStop(w.Text) {
			all++
			if w.Is(words.Capital) {
				capital++
			}
		}
	}
	return 10*capital >= 7*all
}

// isEnglish tells whether general English says how rare the words are: every fifth of
// an English text's words is one that holds sentences together. A text that is
// too short to tell is what its tag says, or English if it has none.
func (r *reader) isEnglish(lang string) bool {
	if r.words < 25 {
		return lang == "" || strings.HasPrefix(strings.ToLower(lang), "en")
	}
	return 5*r.stops >= r.words
}

// word gives the place of a word's term.
func (r *reader) word(w words.Word, surface string, shouts bool) int {
	if at, ok := r.forms[w.Text]; ok {
		return at
	}
	f := found{surface: surface, kind: number}
	key := w.Text
	if w.Is(words.Number) {
		f.surface = key
	} else {
		f.kind = word
		key = words.Stem(key)
		use := words.Usage(key)
		f.rarity, f.general = rarity(use.Share), use.Lower
		unknown := use.Share <= words.Rare && w.Is(words.Capital) && !w.Is(words.First) && !shouts
		if use.Lower >= nameBelow && !unknown {
			key = root(key)
		}
	}
	at, ok := r.keys[key]
	if !ok {
		at = len(r.list)
		r.keys[key] = at
		f.hash = hashOf(key)
		r.list = append(r.list, f)
	}
	r.forms[w.Text] = at
	return at
}

// pair gives the place of the term that two names in a row are.
func (r *reader) pair(a, b int) int {
	at, ok := r.pairs[[2]int{a, b}]
	if !ok {
		at = len(r.list)
		r.pairs[[2]int{a, b}] = at
		x, y := &r.list[a], &r.list[b]
		r.list = append(r.list, found{
			hash: fold(x.hash*0x9E3779B1 ^ y.hash), kind: pair,
			rarity: min(1, x.rarity+y.rarity), surface: x.surface + " " + y.surface,
		})
	}
	return at
}

// root takes the endings of verbs and adverbs off an English stem that is no name:
// "arrested" and "arresting" are "arrest". What it makes of a word need not be one.
func root(w string) string {
	if len(w) >= 6 {
		switch {
		case strings.HasSuffix(w, "ing"):
			w = single(w[:len(w)-3])
		case strings.HasSuffix(w, "ed"):
			w = single(w[:len(w)-2])
		case strings.HasSuffix(w, "ly"):
			w = w[:len(w)-2]
		}
	}
	if len(w) > 4 && w[len(w)-1] == 'e' {
		w = w[:len(w)-1]
	}
	return w
}

// single takes the second of two equal consonants off the end: "stopp" is "stop".
func single(w string) string {
	n := len(w)
	if n > 3 && w[n-1] == w[n-2] && w[n-1] < utf8.RuneSelf && strings.IndexByte("lsaeio", w[n-1]) < 0 {
		return w[:n-1]
	}
	return w
}
