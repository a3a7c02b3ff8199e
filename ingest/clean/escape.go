package clean

import (
	"html"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// plainByte marks the bytes that are written to HTML as they are. The others
// are escaped, or begin a character that may not stand in a document.
var plainByte = func() (t [256]bool) {
	for c := 0x20; c < 0x100; c++ {
		t[c] = true
	}
	t['\t'], t['\n'] = true, true
	for _, c := range []byte{'&', '<', '>', '"', 0x7F, 0xC2, 0xEF, 0xF0, 0xF1, 0xF2, 0xF3, 0xF4} {
		t[c] = false
	}
	return t
}()

// appendHTML appends text, escaped for an element's content and, where quoted,
// for an attribute's value in double quotes. Characters that XML 1.0 (2.2)
// forbids or discourages are left out.
func appendHTML(out []byte, s string, quoted bool) []byte {
	from := 0
	for i := 0; i < len(s); {
		if plainByte[s[i]] {
			i++
			continue
		}
		repl, size := escapeAt(s[i:], quoted)
		if repl != keepRune {
			out = append(out, s[from:i]...)
			out = append(out, repl...)
			from = i + size
		}
		i += size
	}
	return append(out, s[from:]...)
}

// keepRune is escapeAt's word for a character that stands for itself.
const keepRune = "\x00"

// escapeAt gives what the first character of s is written as, and its size.
func escapeAt(s string, quoted bool) (repl string, size int) {
	switch s[0] {
	case '&':
		return "&amp;", 1
	case '<':
		return "&lt;", 1
	case '>':
		return "&gt;", 1
	case '"':
		if quoted {
			return "&#34;", 1
		}
		return keepRune, 1
	case '\r':
		if len(s) > 1 && s[1] == '\n' {
			return "", 1
		}
		return "\n", 1
	case '\f':
		return " ", 1
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case 0x80 <= r && r <= 0x9F:
		return windows1252(r), size
	case r == utf8.RuneError: // the W3C feed validator warns of it
		return "?", size
	case forbidden(r):
		return "", size
	}
	return keepRune, size
}

// forbidden tells whether a character may not stand in a document: controls,
// and those that Unicode has set aside. (A byte order mark inside a text is a
// leftover.)
func forbidden(r rune) bool {
	switch {
	case r < 0x20:
		return r != '\t' && r != '\n' && r != '\r' && r != '\f'
	case r < 0x7F:
		return false
	}
	return r <= 0x9F || r == 0xFEFF || 0xFDD0 <= r && r <= 0xFDEF || r&0xFFFE == 0xFFFE
}

// windows1252 is what the author of a C1 control meant: HTML reads them so
// (13.2.5.80), and they come from text in that charset that was taken for
// Latin-1. "" where that charset has no character either.
func windows1252(r rune) string {
	if m := charmap.Windows1252.DecodeByte(byte(r)); m != r && m != utf8.RuneError {
		return string(m)
	}
	return ""
}

// reference decodes the character reference that s ("&…") begins with; n is 0
// if it is none. In an attribute less is one: "?a=1&copy=2" (13.2.5.73).
func reference(s string, inAttr bool) (text string, n int) {
	end := 1
	for end < len(s) && end < 40 && (isLetter(s[end]) || isDigit(s[end]) || s[end] == '#' && end == 1) {
		end++
	}
	if end == 1 {
		return "", 0
	}
	closed := end < len(s) && s[end] == ';'
	if closed {
		end++
	}
	switch s[:end] {
	case "&amp;":
		return "&", end
	case "&lt;":
		return "<", end
	case "&gt;":
		return ">", end
	case "&quot;":
		return `"`, end
	case "&nbsp;", "&#160;":
		return "\u00A0", end
	case "&#8217;", "&rsquo;":
		return "’", end
	}
	decoded := html.UnescapeString(s[:end])
	if decoded == s[:end] || inAttr && s[1] != '#' && !wholeName(decoded, closed, s[end:]) {
		return "", 0
	}
	return decoded, end
}

// wholeName tells whether a named reference in an attribute was one from its
// "&" to its end: only its beginning may not be, and one without ";" is none
// before a "=".
func wholeName(decoded string, closed bool, rest string) bool {
	if closed {
		return len(decoded) == 1 || !strings.HasSuffix(decoded, ";")
	}
	return utf8.RuneCountInString(decoded) == 1 && !strings.HasPrefix(rest, "=")
}

// unescape decodes all character references of an attribute's value.
func unescape(s string) string {
	i := strings.IndexByte(s, '&')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for ; i >= 0; i = strings.IndexByte(s, '&') {
		b.WriteString(s[:i])
		text, n := reference(s[i:], true)
		if n == 0 {
			text, n = "&", 1
		}
		b.WriteString(text)
		s = s[i+n:]
	}
	b.WriteString(s)
	return b.String()
}

// valid is s with a question mark for each stretch that is no UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "?")
}
