package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Word is a word of a text.
type Word struct {
	// Text is the word in lower case and in the form NFKC, without "'s". A
	// number is in plain digits: "1,200.50" is "1200.5".
	Text string
	Flags
	Start, End int // its bytes in Text.Source
}

// Flags tell how a word was written.
type Flags uint8

// The flags.
const (
	Number  Flags = 1 << iota // begins with a digit
	Capital                   // begins with a capital letter
	Upper                     // has two letters or more, all of them capitals
	First                     // is the first of a sentence, so that its capital says nothing
)

// Is tells whether all of the flags are set.
func (f Flags) Is(flags Flags) bool { return f&flags == flags }

// Text is a text with its words.
type Text struct {
	Source string // in the form NFKC
	Words  []Word
}

// Split reads a text. Scripts that are written without spaces give a word for
// each character.
func Split(text string) Text {
	s := splitter{src: norm.NFKC.String(text), first: true}
	s.lower = lowerASCII(s.src)
	s.words = make([]Word, 0, len(text)/6+1)
	s.run()
	return Text{Source: s.src, Words: s.words}
}

type splitter struct {
	src   string
	lower string // src with its ASCII letters in lower case, so that most words' texts are parts of it
	words []Word
	at    int
	first bool // the next word begins a sentence
}

// lowerASCII leaves all but the letters A to Z alone.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c-'A' < 26 {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// class is what an ASCII character is to a word.
type class uint8

const (
	other class = iota
	small
	big
	digit
)

var classes = func() (all [256]class) {
	for c := range utf8.RuneSelf {
		switch r := rune(c); {
		case isUpper(r):
			all[c] = big
		case isLetter(r):
			all[c] = small
		case isDigit(r):
			all[c] = digit
		}
	}
	return all
}()

func (s *splitter) run() {
	for s.at < len(s.src) {
		c := s.src[s.at]
		switch classes[c] {
		case small, big:
			s.word(rune(c))
			continue
		case digit:
			s.number()
			continue
		}
		if c == ' ' {
			s.at++
			continue
		}
		s.rune()
	}
}

// rune goes on from a character that begins no ASCII word.
func (s *splitter) rune() {
	r, n := rune(s.src[s.at]), 1
	if r >= utf8.RuneSelf {
		r, n = utf8.DecodeRuneInString(s.src[s.at:])
	}
	switch {
	case isDigit(r):
		s.number()
	case unspaced(r):
		s.add(s.at, s.at+n, 0, false)
		s.at += n
	case isLetter(r):
		s.word(r)
	default:
		s.mark(r)
		s.at += n
	}
}

// mark notes what punctuation says about sentences.
func (s *splitter) mark(r rune) {
	switch r {
	case '\n', '!', '?', '。', '！', '？', '•':
		s.first = true
	case '.', ':', '…':
		if !s.first && !s.afterAbbreviation() && s.spaceAhead() {
			s.first = true
		}
	}
}

func (s *splitter) spaceAhead() bool {
	rest := strings.TrimLeft(s.src[s.at+1:], `"')`+"”’")
	return rest == "" || rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\t'
}

// afterAbbreviation tells whether the last word is one that a full stop
// belongs to: an initial, a title.
func (s *splitter) afterAbbreviation() bool {
	if len(s.words) == 0 || s.src[s.at] != '.' {
		return false
	}
	last := &s.words[len(s.words)-1]
	return last.End == s.at && len(last.Text) <= longestAbbreviation && (last.End-last.Start == 1 || abbreviations[last.Text])
}

var abbreviations = setOf("mr mrs ms dr st sen rep gov gen col lt sgt capt prof jr sr no vs inc corp co ltd jan feb mar apr jun jul aug sep sept oct nov dec")

const longestAbbreviation = 4

func setOf(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// number reads digits with the points and commas between them.
func (s *splitter) number() {
	start, i := s.at, s.at
	for i < len(s.src) && (s.src[i] >= '0' && s.src[i] <= '9' ||
		(s.src[i] == '.' || s.src[i] == ',') && i+1 < len(s.src) && s.src[i+1] >= '0' && s.src[i+1] <= '9') {
		i++
	}
	if i == start { // a digit of another script
		_, n := utf8.DecodeRuneInString(s.src[i:])
		i += n
	}
	s.add(start, i, Number, false)
	w := &s.words[len(s.words)-1]
	w.Text = plainNumber(w.Text)
	s.at = i
}

// plainNumber takes what parts thousands and needless zeros out of a number, as
// English writes it or as most of Europe does: "15.000" is 15000, "3,5" is 3.5.
func plainNumber(n string) string {
	at := strings.LastIndexByte(n, '.')
	if comma := strings.LastIndexByte(n, ','); comma > at {
		at = comma
	}
	switch {
	case at < 0:
		return n
	case isPoint(n, at):
		n = thousands.Replace(n[:at]) + "." + n[at+1:]
		return strings.TrimSuffix(strings.TrimRight(n, "0"), ".")
	case inThousands(n):
		return thousands.Replace(n)
	}
	return strings.ReplaceAll(n, ",", "") // a date, a version, lakhs
}

var thousands = strings.NewReplacer(".", "", ",", "")

// isPoint tells whether the last point or comma of a number, at at, begins its fraction:
// it is the first of its sign, and what follows, or what goes before, is no group of thousands.
func isPoint(n string, at int) bool {
	whole, fraction := n[:at], n[at+1:]
	if strings.IndexByte(whole, n[at]) >= 0 {
		return false
	}
	return len(fraction) != 3 || len(whole) > 3 || whole[0] == '0'
}

// inThousands tells whether a number is groups of three digits, but for its first.
func inThousands(n string) bool {
	for i := len(n) - 4; i >= 0; i -= 4 {
		if n[i] != '.' && n[i] != ',' || strings.ContainsAny(n[i+1:i+4], ".,") {
			return false
		}
		if i <= 3 {
			return i > 0
		}
	}
	return false
}

// word reads letters and digits, with apostrophes between them, and with the
// points of "U.S.".
func (s *splitter) word(first rune) {
	start, i := s.at, s.at
	letters, capitals, plain := 0, 0, true
	for n := 1; n > 0 && i < len(s.src); i += n {
		switch n = 1; classes[s.src[i]] {
		case small:
			letters++
		case big:
			capitals++
			letters++
		case digit:
		default:
			if n = 0; s.src[i] == ' ' || s.src[i] == ',' {
				break // as most words end
			}
			var r rune
			if r, n = s.within(start, i); n > 0 {
				plain = false
			}
			if isLetter(r) {
				letters++
			}
			if isUpper(r) {
				capitals++
			}
		}
	}
	var flags Flags
	if isUpper(first) {
		flags |= Capital
	}
	if letters > 1 && capitals == letters {
		flags |= Upper
	}
	s.add(start, i, flags, plain)
	if !plain {
		w := &s.words[len(s.words)-1]
		w.Text = plainWord(w.Text)
	}
	s.at = i
}

// within gives the character at i of the word that begins at start, and how
// many bytes it takes; none if it is no part of the word.
func (s *splitter) within(start, i int) (rune, int) {
	r, n := rune(s.src[i]), 1
	if r >= utf8.RuneSelf {
		r, n = utf8.DecodeRuneInString(s.src[i:])
	}
	switch {
	case unspaced(r):
	case isLetter(r), isDigit(r), unicode.Is(unicode.Mn, r):
		return r, n
	case isApostrophe(r) && letterAt(s.src, i+n):
		return r, n
	case r == '.' && i == start+1 && initials(s.src[i:]) || r == '.' && i > start+2 && s.src[i-2] == '.' && initials(s.src[i:]):
		return r, n
	}
	return 0, 0
}

// initials tells whether a point is followed by one capital letter alone: the
// rest of "U.S." or of "U.N.-led".
func initials(s string) bool {
	return len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' && !letterAt(s, 2)
}

// plainWord drops "'s" and the points of initials.
func plainWord(w string) string {
	for _, suffix := range [...]string{"'s", "’s", "'", "’"} {
		w = strings.TrimSuffix(w, suffix)
	}
	if strings.IndexByte(w, '.') >= 0 {
		w = strings.ReplaceAll(w, ".", "")
	}
	return w
}

// add adds a word; a plain one is of ASCII letters and digits.
func (s *splitter) add(start, end int, flags Flags, plain bool) {
	if s.first {
		flags |= First
		s.first = false
	}
	text := s.lower[start:end]
	if !plain {
		text = strings.ToLower(s.src[start:end])
	}
	s.words = append(s.words, Word{Text: text, Flags: flags, Start: start, End: end})
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' }

func letterAt(s string, i int) bool {
	if i >= len(s) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return isLetter(r)
}

func isLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	return unicode.IsLetter(r)
}

func isUpper(r rune) bool {
	if r < utf8.RuneSelf {
		return 'A' <= r && r <= 'Z'
	}
	return unicode.IsUpper(r)
}

func isDigit(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9'
	}
	return unicode.IsDigit(r)
}

// unspaced tells whether a character is of a script that has no spaces between
// words.
func unspaced(r rune) bool {
	return r >= 0x0E00 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar))
}

// Sentence is the sentence of the text in which the byte at lies, at most max bytes of
// it around there, cut at words.
func (t Text) Sentence(at, max int) string {
	start, end := 0, len(t.Source)
	for i, w := range t.Words {
		if w.Start <= at && w.Is(First) {
			start = w.Start
		}
		if w.Start > at && w.Is(First) {
			end = t.Words[i].Start
			break
		}
	}
	sentence := strings.TrimSpace(t.Source[start:end])
	if i := strings.IndexByte(sentence, '\n'); i > 0 {
		sentence = sentence[:i]
	}
	if len(sentence) <= max {
		return sentence
	}
	cut := strings.LastIndexByte(sentence[:max], ' ')
	if cut <= 0 {
		cut = max
		for cut > 0 && !utf8.RuneStart(sentence[cut]) {
			cut--
		}
	}
	return sentence[:cut] + " …"
}
