package parse

import (
	"bytes"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// decode gives the document in UTF-8 without byte order mark and without
// control characters. What the bytes themselves say goes before what is said
// of them: a byte order mark, the pattern of "<" in UTF-16 and UTF-32, and
// bytes that are valid UTF-8 (other encodings hardly ever are, by chance).
// Then come the charset of HTTP and that of the XML declaration (RFC 7303,
// 3.2), if the bytes fit it, then what the bytes look like.
//
// A document that needs nothing done is returned as it is, not copied.
func decode(b []byte, mediaType string) []byte {
	text, _ := decodeNamed(b, mediaType)
	return text
}

// decodeNamed is decode, and names the encoding that it took.
func decodeNamed(b []byte, mediaType string) (text []byte, charset string) {
	if enc, skip := unicodeForm(b); enc != nil {
		return dropControls(transcode(b[skip:], enc)), nameOf(enc)
	} else if skip > 0 {
		b = b[skip:] // UTF-8 with its mark
	}
	labels := []string{httpCharset(mediaType), xmlEncoding(b)}
	if utf8.Valid(b) {
		charset = utf8Name
		if enc := sevenBit(b, labels); enc != nil {
			b, charset = transcode(b, enc), nameOf(enc)
		}
		return dropControls(b), charset
	}
	b, charset = decodeLegacy(b, labels)
	return dropControls(b), charset
}

const utf8Name = "utf-8"

// nameOf is an encoding's name, as web pages write it where they know it.
func nameOf(enc encoding.Encoding) string {
	if name, err := htmlindex.Name(enc); err == nil {
		return name
	}
	name, _, _ := strings.Cut(fmt.Sprint(enc), " (") // some say what they do with a mark
	return strings.ToLower(name)
}

// unicodeForm recognises UTF-16 and UTF-32 (and EBCDIC) by mark or by the
// form of "<" and "<?" (XML 1.0, appendix F). A nil encoding with skip 3 is
// UTF-8 with a mark.
func unicodeForm(b []byte) (enc encoding.Encoding, skip int) {
	starts := func(prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }
	utf16 := func(e unicode.Endianness) encoding.Encoding { return unicode.UTF16(e, unicode.IgnoreBOM) }
	utf32 := func(e utf32.Endianness) encoding.Encoding { return utf32.UTF32(e, utf32.IgnoreBOM) }
	switch {
	case starts("\xEF\xBB\xBF"):
		return nil, 3
	case starts("\xFF\xFE\x00\x00"):
		return utf32(utf32LE), 4
	case starts("\x00\x00\xFE\xFF"):
		return utf32(utf32BE), 4
	case starts("\xFF\xFE"):
		return utf16(unicode.LittleEndian), 2
	case starts("\xFE\xFF"):
		return utf16(unicode.BigEndian), 2
	case starts("<\x00\x00\x00"), starts("\n\x00\x00\x00"):
		return utf32(utf32LE), 0
	case starts("\x00\x00\x00<"), starts("\x00\x00\x00\n"):
		return utf32(utf32BE), 0
	case starts("<\x00"), starts("\n\x00"), starts("\r\x00"), starts("{\x00"):
		return utf16(unicode.LittleEndian), 0
	case starts("\x00<"), starts("\x00\n"), starts("\x00\r"), starts("\x00{"):
		return utf16(unicode.BigEndian), 0
	case starts("\x4C\x6F\xA7\x94"):
		return charmap.CodePage037, 0
	}
	return nil, 0
}

const (
	utf32LE = utf32.LittleEndian
	utf32BE = utf32.BigEndian
)

// httpCharset is the charset parameter of a Content-Type, or "". The us-ascii
// that old rules gave to text/xml by default is never what is meant.
func httpCharset(mediaType string) string {
	if mediaType == "" {
		return ""
	}
	_, params, err := mime.ParseMediaType(mediaType)
	label := params["charset"]
	if err != nil || label == "" { // a broken header may still name one
		_, after, _ := strings.Cut(strings.ToLower(mediaType), "charset=")
		label, _, _ = strings.Cut(after, ";")
		label, _, _ = strings.Cut(label, ",")
	}
	return strings.Trim(strings.TrimSpace(label), `"'`)
}

// xmlEncoding is the encoding that an XML declaration names, or "".
func xmlEncoding(b []byte) string {
	b = bytes.TrimLeft(b[:min(len(b), 1024)], " \t\r\n")
	if !bytes.HasPrefix(b, []byte("<?xml")) {
		return ""
	}
	end := bytes.Index(b, []byte("?>"))
	if end < 0 {
		return ""
	}
	v, _ := attr(b[:end], "encoding")
	return strings.TrimSpace(string(v))
}

// sevenBit is the encoding of a document that is ASCII by its bytes but not by
// its meaning: ISO-2022-JP with its escape sequences, HZ with its tildes.
func sevenBit(b []byte, labels []string) encoding.Encoding {
	if bytes.IndexByte(b, 0x1B) >= 0 {
		for _, escape := range []string{"\x1B$B", "\x1B$@", "\x1B(J", "\x1B(I"} {
			if bytes.Contains(b, []byte(escape)) {
				return japanese.ISO2022JP
			}
		}
	}
	for _, l := range labels {
		if l = strings.ToLower(l); (l == "hz-gb-2312" || l == "hz") && bytes.Contains(b, []byte("~{")) {
			return simplifiedchinese.HZGB2312
		}
	}
	return nil
}

// lookup finds an encoding by its label, nil for UTF-8 and unknown ones. As
// browsers do, it takes ISO-8859-1 for windows-1252 and GB2312 for GB18030.
func lookup(label string) encoding.Encoding {
	label = strings.ToLower(strings.TrimSpace(label))
	switch label {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "u8", "utf_8", "unicode", "utf-16", "utf16", "utf-32":
		return nil
	case "gb2312", "gbk", "gb_2312-80", "gb18030", "x-gbk", "cp936":
		return simplifiedchinese.GB18030
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		enc, err = htmlindex.Get(strings.ReplaceAll(label, "_", "-"))
	}
	if err != nil && strings.HasPrefix(label, "windows12") {
		enc, err = htmlindex.Get("windows-" + label[len("windows"):])
	}
	if name, _ := htmlindex.Name(enc); err != nil || name == "utf-8" || name == "replacement" || strings.HasPrefix(name, "utf-16") {
		return nil
	}
	return enc
}

// decodeLegacy decodes bytes that are not UTF-8, and names what they are.
func decodeLegacy(b []byte, labels []string) (text []byte, charset string) {
	valid, invalid := countUTF8(b)
	if valid > 2*invalid { // UTF-8 with a few bytes of another encoding pasted in
		return mendUTF8(b), utf8Name + " with bytes of windows-1252 in it"
	}
	for _, label := range labels {
		if enc := lookup(label); enc != nil {
			if out, fits := tryDecode(b, enc); fits {
				return out, nameOf(enc)
			}
		}
	}
	enc := detect(b)
	return transcode(b, enc), nameOf(enc)
}

// countUTF8 counts the characters beyond ASCII, and the bytes that belong to
// none.
func countUTF8(b []byte) (valid, invalid int) {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			invalid++
		} else {
			valid++
		}
		i += n
	}
	return valid, invalid
}

// mendUTF8 reads the bytes that are not UTF-8 as windows-1252. A character
// that breaks off at the very end of the document is dropped.
func mendUTF8(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r != utf8.RuneError || n > 1:
			out = append(out, b[i:i+n]...)
		case !utf8.FullRune(b[i:]):
			return out
		default:
			out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(b[i]))
		}
		i += n
	}
	return out
}

// transcode decodes b; bytes that mean nothing become U+FFFD.
func transcode(b []byte, enc encoding.Encoding) []byte {
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return out
}

// tryDecode decodes b and tells whether it fits the encoding: at most one
// character in fifty beyond ASCII means nothing.
func tryDecode(b []byte, enc encoding.Encoding) ([]byte, bool) {
	out := transcode(b, enc)
	bad := bytes.Count(out, []byte("\uFFFD"))
	if bad == 0 {
		return out, true
	}
	foreign, _ := countUTF8(out)
	return out, bad*50 <= foreign
}

// dropControls removes the characters that XML 1.0 does not allow (2.2). They
// would fail the parser, and our output.
func dropControls(b []byte) []byte {
	if !hasControls(b) {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, n := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(b[i:])
		}
		if r >= ' ' && r != 0xFFFE && r != 0xFFFF || r == '\t' || r == '\n' || r == '\r' {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return out
}

// hasControls looks at eight bytes at a time: this walks over every document.
func hasControls(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := uint64(b[i]) | uint64(b[i+1])<<8 | uint64(b[i+2])<<16 | uint64(b[i+3])<<24 |
			uint64(b[i+4])<<32 | uint64(b[i+5])<<40 | uint64(b[i+6])<<48 | uint64(b[i+7])<<56
		if (w-ones*' ')&^w&highs != 0 && anyControl(b[i:i+8]) {
			return true
		}
	}
	return anyControl(b[i:]) || hasNoncharacter(b)
}

// hasNoncharacter looks for U+FFFE and U+FFFF.
func hasNoncharacter(b []byte) bool {
	for {
		i := bytes.Index(b, []byte("\xEF\xBF"))
		if i < 0 || i+2 >= len(b) {
			return false
		}
		if b[i+2] >= 0xBE {
			return true
		}
		b = b[i+3:]
	}
}

func anyControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' && !isSpace(c) {
			return true
		}
	}
	return false
}
