package folder

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
)

// decode makes clean text of a file's bytes: UTF-8, lines ended by \n alone,
// no byte order mark, no control characters but \n and \t. Bytes that are no
// text in any encoding are errNoText.
func decode(b []byte, isHTML bool) (string, error) {
	enc, err := encodingOf(b, isHTML)
	if err != nil {
		return "", err
	}
	if enc != nil {
		if decoded, err := enc.NewDecoder().Bytes(b); err == nil {
			b = decoded
		}
	}
	return strip(lines.Replace(strings.ToValidUTF8(string(b), "\uFFFD"))), nil
}

// errNoText: a picture, an archive, a database with a document's name.
var errNoText = errors.New("is not text: save it as UTF-8 text, or remove or rename it if it is another kind of file")

// lines makes every kind of line end a \n.
var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\f", "\n", "\v", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// encodingOf tells how bytes are encoded; nil: UTF-8. A byte order mark counts
// most, then the bytes: text in another encoding is not UTF-8 by chance, while
// pages that editors have saved as UTF-8 often declare what they once were.
// Then what an HTML page declares; what is nothing else is windows-1252, as
// browsers take it (WHATWG Encoding Standard). In windows-1252 any bytes mean
// something, so what nobody types is looked for first.
func encodingOf(b []byte, isHTML bool) (encoding.Encoding, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return nil, nil
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM), nil
	case halfZero(b, 1):
		return xunicode.UTF16(xunicode.LittleEndian, xunicode.IgnoreBOM), nil
	case halfZero(b, 0):
		return xunicode.UTF16(xunicode.BigEndian, xunicode.IgnoreBOM), nil
	}
	good, bad := sequences(b)
	switch {
	case good > 4*bad: // a few broken bytes are forgiven: a text cut off or glued together
		return nil, nil
	case bad > 0 && isBinary(b):
		return nil, errNoText
	case isHTML:
		enc, _, _ := charset.DetermineEncoding(b, "text/html")
		return enc, nil
	case bad == 0:
		return nil, nil
	}
	return charmap.Windows1252, nil
}

// isBinary tells whether b has bytes that no text has: a zero, or more control
// characters than one in fifty (and one: DOS programs end a text with 0x1A).
func isBinary(b []byte) bool {
	controls := 0
	for _, c := range b {
		switch {
		case c == 0:
			return true
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f':
			controls++
		}
	}
	return controls > 1+len(b)/50
}

// halfZero tells whether most bytes at even (0) or odd (1) places are zero and
// few others: UTF-16 of a European text that lost its mark.
func halfZero(b []byte, place int) bool {
	b = b[:min(len(b), 1024)]
	var zero [2]int
	for i, c := range b {
		if c == 0 {
			zero[i%2]++
		}
	}
	return len(b) >= 4 && zero[place] > len(b)*3/10 && zero[1-place] <= len(b)/20
}

// sequences counts what is UTF-8 beyond ASCII in b, and bytes that are not UTF-8.
func sequences(b []byte) (good, bad int) {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		b = b[n:]
	}
	return good, bad
}

// strip removes control characters (RFC 4287 documents may not hold them), the
// noncharacters that XML 1.0 forbids, and marks of no width that hide in copied
// text. Line feeds and tabs stay.
func strip(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r == '\uFFFE', r == '\uFFFF', r == '\uFEFF', r == '\u200B', r == '\u2060':
			return -1
		}
		return r
	}, s)
}

// tidy makes one clean line of s.
func tidy(s string) string {
	return strings.Join(strings.Fields(strip(lines.Replace(s))), " ")
}
