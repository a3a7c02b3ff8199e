package feed

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/charmap"
)

// legal is s with nothing in it that an XML 1.0 document may not carry
// (section 2.2) or that a validator complains about: control characters and
// noncharacters go, carriage returns become line feeds, the C1 controls become
// the Windows-1252 characters they were meant as (as in HTML), text that was
// encoded to UTF-8 twice is decoded once, and what could not be decoded (U+FFFD)
// shows as a question mark. legal(legal(s)) = legal(s).
func legal(s string) string {
	for !isLegal(s) {
		better := mended(decodedOnce(s))
		if better == s {
			break
		}
		s = better // which may show what to mend next, but is shorter or has fewer faults
	}
	return s
}

func mended(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r == '\r':
			if !strings.HasPrefix(s[i:], "\r\n") {
				b.WriteByte('\n')
			}
		case r >= 0x80 && r <= 0x9F:
			if r = charmap.Windows1252.DecodeByte(byte(r)); r > 0x9F && r != utf8.RuneError {
				b.WriteRune(r)
			}
		case r == utf8.RuneError:
			b.WriteByte('?')
		case allowed(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isLegal tells, in one pass over the bytes, that legal has nothing to do. It
// says no too often: a capital A with tilde may be one half of a fault.
func isLegal(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' || c == 0x7F {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r < 0xA0 || r == 'Â' || r == 'Ã' || r == utf8.RuneError || !allowed(r) {
			return false
		}
		i += n
	}
	return true
}

// allowed tells whether XML and HTML both take the character.
func allowed(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n'
	case r == 0x7F, r >= 0xFDD0 && r <= 0xFDEF, r&0xFFFE == 0xFFFE:
		return false
	}
	return true
}

var twice = regexp.MustCompile("[\u00C2\u00C3][\u0080-\u00BF]")

// decodedOnce undoes "CafÃ©": it reads s as Latin-1 bytes if the whole of it
// can be read so, holds such a pair, and is valid UTF-8 then.
func decodedOnce(s string) string {
	for twice.MatchString(s) {
		b, err := charmap.ISO8859_1.NewEncoder().String(s)
		if err != nil || !utf8.ValidString(b) {
			break
		}
		s = b
	}
	return s
}

// apart writes the second half of what still looks encoded twice as a reference:
// the same HTML, and no validator stumbles over an article on mojibake.
func apart(html string) string {
	if !strings.Contains(html, "Â") && !strings.Contains(html, "Ã") {
		return html
	}
	return twice.ReplaceAllStringFunc(html, func(pair string) string {
		first, n := utf8.DecodeRuneInString(pair)
		second, _ := utf8.DecodeRuneInString(pair[n:])
		return fmt.Sprintf("%c&#%d;", first, second)
	})
}

// line is s as one legal line: white space collapsed, none at the ends.
func line(s string) string {
	return strings.Join(strings.Fields(legal(s)), " ")
}

var endTag = regexp.MustCompile(`</[\pL\pN_]+>`)

// speaksOfHTML tells that plain text holds what makes a validator take it for
// HTML: an end tag.
func speaksOfHTML(s string) bool {
	return strings.Contains(s, "</") && endTag.MatchString(s)
}

// label is s as a short name that no reader can mistake for HTML.
func label(s string) string {
	for s = legal(s); speaksOfHTML(s); {
		s = endTag.ReplaceAllString(s, " ")
	}
	return line(s)
}

var mailAddress = regexp.MustCompile(`[<(\[]?[\pL\pN.!#$%&'*+/=?^_{|}~-]+@[\pL\pN-]+(\.[\pL\pN-]+)+[>)\]]?`)

// personName is a person's name without the e-mail address that feeds often
// put there: those are not ours to spread.
func personName(s string) string {
	if s = label(s); !strings.Contains(s, "@") {
		return s
	}
	return strings.Trim(label(mailAddress.ReplaceAllString(s, " ")), " ,;<>()[]")
}

// attribute is s for an XML attribute, "" where it looks like HTML: unlike
// element text, an attribute cannot show that it is not.
func attribute(s string) string {
	s = line(s)
	if speaksOfHTML(s) || entity.MatchString(s) {
		return ""
	}
	return s
}

var entity = regexp.MustCompile(`&[#\pL\pN_]`)

var (
	htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")
	hexEscaper  = strings.NewReplacer("&", "&#x26;", "<", "&#x3C;", ">", "&gt;")
)

// text is an element of text. Plain text goes out with & and < as hexadecimal
// references: the RSS profile's way to say that this is not HTML.
type text struct {
	Type string `xml:"type,attr,omitempty"` // Atom's: "" is plain text
	Raw  string `xml:",innerxml"`
}

// plain is one legal line as an element of text.
func plain(line string) text { return text{Raw: hexEscaper.Replace(line)} }

// cdata is an element of HTML.
type cdata struct {
	Type string `xml:"type,attr,omitempty"`
	HTML string `xml:",cdata"`
}

// excerpt is the first limit characters of an HTML fragment's text, cut at a
// word.
func excerpt(fragment string, limit int) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(fragment))
	for b.Len() < 8*limit {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		if kind == html.TextToken {
			b.Write(z.Text())
		} else {
			b.WriteByte(' ')
		}
	}
	return cut(line(html.UnescapeString(b.String())), limit)
}

// cut shortens a line to limit characters, at a word where there is one in
// the second half.
func cut(s string, limit int) string {
	r := []rune(s)
	if len(r) <= limit {
		return s
	}
	s = string(r[:limit-1])
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = s[:i]
	}
	return strings.TrimRight(s, " ,;:–—-") + "…"
}
