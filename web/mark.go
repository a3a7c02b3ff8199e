package web

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tributary/ingest/words"
)

// piece is a part of a text: Hit if it is a word that was searched for.
type piece struct {
	Text string
	Hit  bool
}

// marker marks the words of a search in what it found.
type marker map[string]bool

// newMarker makes a marker of the words of a search, but for those that were to
// be absent. Words of phrases are marked wherever they stand.
func newMarker(search string) marker {
	m := marker{}
	for _, part := range strings.Fields(search) {
		if strings.HasPrefix(part, "-") {
			continue
		}
		for part != "" {
			word, rest := cutWord(part)
			if word == "" {
				_, part = cutGap(part)
				continue
			}
			m[folded(word)] = true
			part = rest
		}
	}
	return m
}

// pieces takes a text apart at the words that are marked; the pieces together are the text.
func (m marker) pieces(text string) []piece {
	if text == "" {
		return nil
	}
	if len(m) == 0 {
		return []piece{{Text: text}}
	}
	var out []piece
	add := func(text string, hit bool) {
		if last := len(out) - 1; last >= 0 && !out[last].Hit && !hit {
			out[last].Text += text
		} else {
			out = append(out, piece{text, hit})
		}
	}
	for text != "" {
		word, rest := cutWord(text)
		if word != "" {
			add(word, m[folded(word)])
			text = rest
			continue
		}
		gap, rest := cutGap(text)
		add(gap, false)
		text = rest
	}
	return out
}

// cutWord cuts the word off that a text begins with; "" if it begins with none.
func cutWord(text string) (word, rest string) {
	end := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

// cutGap cuts off what stands before the next word.
func cutGap(text string) (gap, rest string) {
	end := strings.IndexFunc(text, inWord)
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }

// folded is a word about as the search compares it: small, without accents, singular.
func folded(word string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(word) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return words.Stem(b.String())
}
