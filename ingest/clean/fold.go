package clean

import (
	"unicode"
	"unicode/utf8"
)

// folder collects plain text: white space folded to single spaces, without
// controls and invisible marks.
type folder struct {
	buf []byte
	gap bool // a space is due before the next character
}

func (f *folder) reset() { f.buf, f.gap = f.buf[:0], false }

func (f *folder) gapIf(yes bool) { f.gap = f.gap || yes }

// add takes decoded text.
func (f *folder) add(s string) {
	for i := 0; i < len(s); {
		if n := foldedRun(s[i:]); n > 0 {
			f.word(s[i : i+n])
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == ' ':
			f.gap = true
		case 0x80 <= r && r <= 0x9F && r != 0x85:
			f.word(windows1252(r))
		case unicode.IsSpace(r):
			f.gap = true
		case r == utf8.RuneError:
			f.word("?")
		case !unseen(r):
			f.word(s[i : i+n])
		}
		i += n
	}
}

// foldedRun is how much of s needs no look: words, with single spaces between.
func foldedRun(s string) int {
	i := 0
	for i < len(s) && (wordByte[s[i]] || s[i] == ' ' && i > 0 && i+1 < len(s) && wordByte[s[i+1]]) {
		i++
	}
	return i
}

func (f *folder) word(s string) {
	if s == "" {
		return
	}
	if f.gap && len(f.buf) > 0 {
		f.buf = append(f.buf, ' ')
	}
	f.gap = false
	f.buf = append(f.buf, s...)
}

// wordByte has the bytes that begin no space, control or invisible mark.
var wordByte = func() (t [256]bool) {
	for c := 0x21; c < 0x100; c++ {
		t[c] = true
	}
	for _, c := range []byte{0x7F, 0xC2, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4} {
		t[c] = false
	}
	for c := 0x80; c < 0xC0; c++ { // inside a character: never first in valid text
		t[c] = true
	}
	return t
}()

// unseen tells whether a character is left out of plain text: controls, soft
// hyphens, zero-width spaces, and the marks that turn the direction of what
// follows, a title's neighbours included (CVE-2021-42574). The joiners, which
// Persian and pictographs need, and the marks without reach stay.
func unseen(r rune) bool {
	switch {
	case r == 0xAD, r == 0x200B, r == 0x2060,
		0x202A <= r && r <= 0x202E, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return forbidden(r)
}

// fold is text with its white space folded; the text itself where nothing is
// to be done.
func fold(s string) string {
	if isFolded(s) {
		return s
	}
	var f folder
	f.buf = make([]byte, 0, len(s))
	f.add(valid(s))
	return string(f.buf)
}

// isFolded tells whether s is plain ASCII without a needless space.
func isFolded(s string) bool {
	space := true // at the beginning
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			if space {
				return false
			}
			space = true
		case c < ' ' || c >= 0x7F:
			return false
		default:
			space = false
		}
	}
	return !space || s == ""
}
