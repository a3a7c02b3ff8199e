package parse

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// maxSample is how many bytes the encoding is guessed from.
const maxSample = 64 << 10

// detect guesses the encoding of bytes that are not UTF-8 and whose encoding
// nobody names, or names wrongly: by the language that the feed says it is in,
// by the pairs that encodings of East Asia are made of, by which letters are
// frequent. Western European text is what is left.
func detect(b []byte) encoding.Encoding {
	lang := statedLanguage(b)
	if i := firstHigh(b); i >= 0 {
		b = b[i:]
	}
	b = b[:min(len(b), maxSample)]
	if isThai(b) {
		return charmap.Windows874
	}
	if enc := byPairs(b, lang); enc != nil {
		return enc
	}
	if enc := byLanguage(lang); enc != nil {
		return enc
	}
	return byLetters(b)
}

func firstHigh(b []byte) int {
	for i, c := range b {
		if c >= 0x80 {
			return i
		}
	}
	return -1
}

// statedLanguage is the primary subtag of the language element or xml:lang.
func statedLanguage(b []byte) string {
	b = b[:min(len(b), 8<<10)]
	for _, before := range []string{"<language>", "<dc:language>", `xml:lang="`, `xml:lang='`} {
		if i := bytes.Index(b, []byte(before)); i >= 0 {
			rest := bytes.TrimLeft(b[i+len(before):], " \t\r\n")
			if len(rest) > 2 && (rest[2] < 'a' || rest[2] > 'z') {
				return strings.ToLower(string(rest[:2]))
			}
		}
	}
	return ""
}

// byLanguage is the legacy encoding of a language that has only one in use.
func byLanguage(lang string) encoding.Encoding {
	switch lang {
	case "pl", "cs", "sk", "hu", "sl", "hr", "ro", "sq":
		return charmap.Windows1250
	case "el":
		return charmap.Windows1253
	case "tr", "az":
		return charmap.Windows1254
	case "he", "yi":
		return charmap.Windows1255
	case "ar", "fa", "ur":
		return charmap.Windows1256
	case "lt", "lv", "et":
		return charmap.Windows1257
	case "vi":
		return charmap.Windows1258
	case "th":
		return charmap.Windows874
	}
	return nil
}

// pairs counts how bytes look as pairs, read as EUC (GB 2312, EUC-KR, EUC-JP),
// as Big5 and as Shift_JIS.
type pairs struct {
	euc, eucBad   int // pairs of two bytes above 0xA0
	hangul, kana  int // of these in the rows of EUC-KR's syllables, of kana
	big5, big5Bad int
	big5Low       int // with a second byte that EUC has not
	sjis, sjisBad int
	sjisKana      int
}

// byPairs recognises the encodings of East Asia, nil if it is none of them.
func byPairs(b []byte, lang string) encoding.Encoding {
	var p pairs
	p.readEUC(b)
	p.readBig5(b)
	p.readShiftJIS(b)
	few := func(bad, good int) bool { return good >= 4 && bad*25 <= good }
	switch {
	case few(p.sjisBad, p.sjis) && p.sjisKana*5 >= p.sjis && p.sjisBad <= p.eucBad:
		return japanese.ShiftJIS
	case few(p.eucBad, p.euc) && p.kana*5 >= p.euc:
		return japanese.EUCJP
	case few(p.eucBad, p.euc) && (p.hangul*100 >= p.euc*85 || lang == "ko"):
		return korean.EUCKR
	case few(p.eucBad, p.euc) && p.hangul*3 >= p.euc:
		return simplifiedchinese.GB18030
	case few(p.big5Bad, p.big5) && p.big5Low*8 >= p.big5 && lang != "ko":
		return traditionalchinese.Big5
	case lang == "zh" && few(p.big5Bad, p.big5) && p.eucBad > 0:
		return simplifiedchinese.GB18030
	}
	return nil
}

// readEUC counts pairs of EUC. Letters of Europe stand alone, so an odd run of
// high bytes is a fault.
func (p *pairs) readEUC(b []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] < 0x80 {
			continue
		}
		if i+1 >= len(b) || b[i] < 0xA1 || b[i+1] < 0xA1 || b[i] == 0xFF || b[i+1] == 0xFF {
			p.eucBad++
			continue
		}
		switch row := b[i]; {
		case row <= 0xA3: // punctuation, full-width letters: of all
		case row == 0xA4 || row == 0xA5:
			p.kana++
			p.euc++
		case row >= 0xB0 && row <= 0xC8:
			p.hangul++
			p.euc++
		default:
			p.euc++
		}
		i++
	}
}

func (p *pairs) readBig5(b []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] < 0x80 {
			continue
		}
		if i+1 >= len(b) || b[i] < 0xA1 || b[i] > 0xF9 || b[i+1] < 0x40 || b[i+1] > 0x7E && b[i+1] < 0xA1 {
			p.big5Bad++
			continue
		}
		p.big5++
		if b[i+1] <= 0x7E {
			p.big5Low++
		}
		i++
	}
}

func (p *pairs) readShiftJIS(b []byte) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c < 0x80 || c >= 0xA1 && c <= 0xDF { // half-width kana stand alone
			continue
		}
		if i+1 >= len(b) || c == 0x80 || c == 0xA0 || c > 0xFC || b[i+1] < 0x40 || b[i+1] == 0x7F || b[i+1] > 0xFC {
			p.sjisBad++
			continue
		}
		p.sjis++
		if c == 0x82 || c == 0x83 {
			p.sjisKana++
		}
		i++
	}
}

// histogram counts bytes.
type histogram [256]int

func count(b []byte) (n histogram) {
	for _, c := range b {
		n[c]++
	}
	return n
}

// in is the number of bytes from one to another.
func (n *histogram) in(from, to int) (sum int) {
	for c := from; c <= to; c++ {
		sum += n[c]
	}
	return sum
}

// isThai recognises TIS-620, which as pairs looks like an encoding of East
// Asia: consonants, vowels behind and vowels in front or tones have a share
// each, four bytes in the middle and the last ones none.
func isThai(b []byte) bool {
	n := count(b)
	high := n.in(0x80, 0xFF)
	return high >= 20 && n.in(0xA1, 0xCE)*5 > high*2 && n.in(0xD0, 0xDA)*8 > high && n.in(0xE0, 0xEC)*8 > high &&
		(n.in(0xDB, 0xDE)+n.in(0xFC, 0xFF))*200 < high && n[0xA4]*7 < high
}

// byLetters tells alphabets apart by which bytes are letters in them. Where
// most high bytes stand beside another one, the script is not Latin.
func byLetters(b []byte) encoding.Encoding {
	n := count(b)
	high, joined := n.in(0x80, 0xFF), 0
	for i := 1; i < len(b); i++ {
		if b[i] >= 0x80 && b[i-1] >= 0x80 {
			joined++
		}
	}
	switch {
	case high == 0 || joined*2 < high:
		return latin(n)
	case n.in(0xE0, 0xFA)*10 > high*9 && n.in(0xFB, 0xFF)*50 < high && n[0xE9]+n[0xE5]+n[0xE4] > high/8:
		return charmap.Windows1255 // alef to tav and nothing else
	case (n[0xC7]+n[0xE1])*5 > high:
		return charmap.Windows1256 // alef and lam
	case (n.in(0xDC, 0xDF)+n.in(0xFC, 0xFE))*20 > high && n[0xFF]*100 < high:
		return charmap.Windows1253 // vowels with tonos
	case n.in(0xC0, 0xDF) > n.in(0xE0, 0xFF):
		return charmap.KOI8R // small letters come first
	}
	return charmap.Windows1251
}

// latin tells Central European text from Western by its letters.
func latin(n histogram) encoding.Encoding {
	central, western := 0, 0
	for _, c := range []byte{0x8A, 0x8E, 0x9A, 0x9C, 0x9E, 0x9F, 0xB3, 0xB9, 0xBF, 0xEC, 0xF8, 0xF9} {
		central += n[c]
	}
	for _, c := range []byte{0xE0, 0xE4, 0xE5, 0xE7, 0xE8, 0xEA, 0xF1, 0xF6, 0xFC, 0xDF} {
		western += n[c]
	}
	if central > 4 && central > 2*western {
		return charmap.Windows1250
	}
	return charmap.Windows1252
}
