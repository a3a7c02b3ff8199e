package store

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tributary/feed"
)

// longestWord is how many bytes of a word are looked at.
const longestWord = 64

// appendWords appends the words of a plain text, at most so many, each with a
// space after it, as both engines are to find them: compatibility forms and accents are
// folded, capitals are small, English plurals singular. A script that is written without
// spaces gives a word for each character.
func appendWords(dst []byte, text string, most int) []byte {
	w := wordWriter{dst: dst, start: len(dst), most: most}
	if !isASCII(text) {
		text = norm.NFKD.String(text)
	}
	for i := 0; i < len(text) && w.most > 0; {
		c := text[i]
		if c < utf8.RuneSelf {
			w.ascii(text, i)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		w.rune(r)
		i += n
	}
	w.end()
	return w.dst
}

// wordsOf are the words of a text as [appendWords] gives them.
func wordsOf(text string, most int) []string {
	return strings.Fields(string(appendWords(nil, text, most)))
}

type wordWriter struct {
	dst   []byte
	start int // of the word that is being written
	most  int // words yet to come
}

func (w *wordWriter) ascii(text string, i int) {
	switch c := text[i]; {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		w.dst = append(w.dst, c)
	case 'A' <= c && c <= 'Z':
		w.dst = append(w.dst, c+'a'-'A')
	case c == '\'': // "don't" is written "dont", too
	case c == '.' && len(w.dst) > w.start && initial(text[i+1:]) && (i < 2 || !isLetter(text[i-2])): // U.S. is US
	default:
		w.end()
	}
}

// initial tells whether a text begins with a letter that stands alone.
func initial(s string) bool {
	return len(s) > 0 && isLetter(s[0]) && (len(s) == 1 || !isLetter(s[1]) && s[1] < utf8.RuneSelf)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func (w *wordWriter) rune(r rune) {
	switch {
	case unicode.Is(unicode.Mn, r), r == '’', r == 'ʼ', r == '\u00ad', r == '\u200d', r == '\u200c':
	case unicode.In(r, unspaced...):
		w.end()
		w.dst = utf8.AppendRune(w.dst, r)
		w.end()
	case unicode.IsLetter(r):
		r = unicode.ToLower(r)
		if plain, ok := plainer[r]; ok {
			w.dst = append(w.dst, plain...)
		} else {
			w.dst = utf8.AppendRune(w.dst, r)
		}
	case unicode.IsNumber(r), unicode.Is(unicode.Mc, r):
		w.dst = utf8.AppendRune(w.dst, r)
	default:
		w.end()
	}
}

// unspaced are scripts that are written without spaces between words.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// plainer are letters that have no decomposition, but that people without such
// a key write otherwise.
var plainer = map[rune]string{'ß': "ss", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'æ': "ae", 'œ': "oe", 'ı': "i", 'ς': "σ"}

// end finishes a word.
func (w *wordWriter) end() {
	word := w.dst[w.start:]
	switch {
	case len(word) == 0:
		return
	case w.most <= 0:
		w.dst = w.dst[:w.start]
		return
	case len(word) > longestWord:
		n := longestWord
		for !utf8.RuneStart(word[n]) {
			n--
		}
		w.dst = w.dst[:w.start+n]
	case word[len(word)-1] == 's':
		w.dst = append(w.dst[:w.start], feed.Stem(string(word))...)
	}
	w.dst = append(w.dst, ' ')
	w.start = len(w.dst)
	w.most--
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainText is the text of a fragment of HTML that was cleaned.
func plainText(fragment string) string {
	var b strings.Builder
	b.Grow(len(fragment))
	for fragment != "" {
		text, rest, tag := strings.Cut(fragment, "<")
		b.WriteString(text)
		if !tag {
			break
		}
		name, after := cutTag(rest)
		if !withinWords[name] {
			b.WriteByte(' ')
		}
		fragment = after
	}
	if text := b.String(); strings.Contains(text, "&") {
		return html.UnescapeString(text)
	}
	return b.String()
}

// cutTag splits what follows a "<" into the element's name and what follows the tag.
func cutTag(s string) (name, after string) {
	name = strings.TrimPrefix(s, "/")
	name = name[:len(name)-len(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz0123456789"))]
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case c == '>':
			return name, s[i+1:]
		}
	}
	return name, ""
}

// withinWords are elements that may begin or end within a word.
var withinWords = map[string]bool{"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "em": true, "font": true, "i": true, "mark": true,
	"q": true, "s": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "u": true, "wbr": true, "ins": true, "del": true}
