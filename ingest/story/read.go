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
	upper, lower int // uses within sentences, with and without a capital
	first        int // uses with a capital at the beginning of a sentence
	rarity       float64
	general      float64 // the share of its uses in lower case in general English
	unknown      bool    // general English does not have it
	surface      string  // as it is first written
}

// reader finds terms. The maps give places in the list, by 32 bits of hash: two words of a
// text have the same in one of ten thousand texts.
type reader struct {
	forms        map[uint32]int // of words as written
	keys         map[uint32]int // of stems, and of pairs of names
	list         []found
	stops, words int
}

// maxWords is how many words of a text are read at most.
const maxWords = 2000

// text reads one of the item's texts.
func (r *reader) text(t words.Text, title bool) {
	shouts := title && mostlyCapital(t)
	prev, end := -1, 0 // the name just before the word, or the character
	for _, w := range t.Words[:min(len(t.Words), maxWords)] {
		r.words++
		stop := words.IsStop(w.Text)
		r.stops += int(bit(stop))
		if stop || len(w.Text) < 2 && !w.Is(words.Number) {
			prev = -1
			continue
		}
		at := r.word(w, t.Source[w.Start:w.End], shouts)
		r.list[at].meet(title)
		capital := w.Is(words.Capital)
		if !shouts {
			r.list[at].write(capital, w.Is(words.First))
		}
		joins := capital && !shouts
		if joins && prev >= 0 && w.Start <= end+1 {
			r.list[r.pair(prev, at)].meet(title)
		}
		prev, end = -1, w.End
		if joins {
			prev = at
		}
	}
}

func (f *found) write(capital, first bool) {
	switch {
	case !capital:
		f.lower++
	case first:
		f.first++
	default:
		f.upper++
	}
}

func (f *found) meet(title bool) {
	f.n++
	f.inTitle = f.inTitle || title
}

// isName goes by how the text writes the word, and, where it does not tell, by how general
// English does.
func (f *found) isName() bool {
	if f.upper+f.lower > 0 {
		return f.upper > f.lower
	}
	return f.general < nameBelow
}

// leads tells whether the title has it and it is a name, or may be one: a word that is rare,
// and that only stands at the beginning of sentences.
func (f *found) leads() bool {
	return f.inTitle && f.kind != number && (f.kind == name || f.first > 0 && f.upper+f.lower == 0 && f.unknown)
}

// nameBelow: a stem that general English writes less often than so in lower case is a name.
const nameBelow = 0.4

// nameShare is what the share of texts counts that a name is in: who was in the
// news when the table was made may be rare by now.
const nameShare = 0.1

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

// isEnglish tells whether general English says how rare the words are: at least every seventh of
// an English text's words is one that holds sentences together. A text that is
// too short to tell is what its tag says, or English if it has none.
func (r *reader) isEnglish(lang string) bool {
	if r.words < 25 {
		return lang == "" || strings.HasPrefix(strings.ToLower(lang), "en")
	}
	return 7*r.stops >= r.words
}

// word gives the place of a word's term.
func (r *reader) word(w words.Word, surface string, shouts bool) int {
	form := fnv(w.Text)
	if at, ok := r.forms[form]; ok {
		return at
	}
	f := found{surface: unowned(surface), kind: number}
	key := w.Text
	if w.Is(words.Number) {
		f.surface = key
	} else {
		f.kind = word
		key = words.Stem(key)
		use := words.Usage(key)
		if use.Lower < nameBelow {
			use.Share *= nameShare
		}
		f.rarity, f.general, f.unknown = rarity(use.Share), use.Lower, use.Share <= words.Rare
		unknown := use.Share <= words.Rare && w.Is(words.Capital) && !w.Is(words.First) && !shouts
		if use.Lower >= nameBelow && !unknown {
			key = root(key)
		}
	}
	hash := fnv(key)
	at, ok := r.keys[hash]
	if !ok {
		at = len(r.list)
		r.keys[hash] = at
		f.hash = fold(hash)
		r.list = append(r.list, f)
	}
	r.forms[form] = at
	return at
}

// unowned takes the "'s" of possession off.
func unowned(w string) string {
	return strings.TrimSuffix(strings.TrimSuffix(w, "'s"), "’s")
}

// pair gives the place of the term that two names in a row are.
func (r *reader) pair(a, b int) int {
	x, y := &r.list[a], &r.list[b]
	hash := x.hash*0x9E3779B1 ^ y.hash
	at, ok := r.keys[hash]
	if !ok {
		at = len(r.list)
		r.keys[hash] = at
		r.list = append(r.list, found{
			hash: fold(hash), kind: pair,
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
