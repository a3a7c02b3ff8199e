package clean

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tributary/feed"
)

// Version goes into RawKey: when cleaning changes, known entries are cleaned
// once more.
const Version = 1

// minContent is the length in characters from which a text stands for its
// article. Shorter ones are titles and teasers, which two articles may share.
const minContent = 200

// Key is the first 64 bits of the SHA-256 of s; 0 for "", and only for that.
func Key(s string) int64 {
	if s == "" {
		return 0
	}
	d := newDigest()
	d.bytes(s)
	return d.sum()
}

// RawKey is a key of everything that the source said of an entry, and of
// Version. It is the same on every run and every machine.
func RawKey(raw feed.RawEntry) int64 {
	d := newDigest()
	d.number(Version)
	d.fields(raw.GUID, raw.Link, raw.OrigLink, raw.Base,
		raw.Published, raw.Updated, raw.Language, raw.Image, raw.Comments,
		raw.Origin.Title, raw.Origin.URL,
		raw.Extra.InReplyTo, raw.Extra.GeoPoint, raw.Extra.Rights, raw.PublishedFrom)
	for _, t := range []feed.Text{raw.Title, raw.Summary, raw.Content} {
		d.flag(t.HTML)
		d.flag(t.Cut)
		d.fields(t.Value)
	}
	d.number(int64(len(raw.Authors)))
	for _, p := range raw.Authors {
		d.fields(p.Name, p.URL, p.Email)
	}
	d.number(int64(len(raw.Categories)))
	d.fields(raw.Categories...)
	d.number(int64(len(raw.Enclosures)))
	for _, e := range raw.Enclosures {
		d.fields(e.URL, e.Type, e.Title)
		d.number(e.Length)
		d.number(e.Duration)
	}
	d.time(raw.PublishedAt)
	d.time(raw.UpdatedAt)
	return d.sum()
}

// ContentKey is a key of a body's text that is the same wherever the text
// appears, in whatever markup: only letters and digits count, in lower case and
// in the form NFKC; a leading "date 2025-12-30" and a leading copy of the title
// are left out. It is 0 for a text of under 200 characters, which may be a
// phrase that a site says of everything.
//
// A title that ends in "…" or as a sentence does was made from the text and is
// not taken off.
func ContentKey(title, text string) int64 {
	text = withoutDate(text)
	if !strings.HasSuffix(title, "…") && !strings.HasSuffix(title, ".") {
		text = withoutTitle(title, text)
	}
	if !longEnough(text) {
		return 0
	}
	d := newDigest()
	d.letters(text)
	return d.sum()
}

// withoutDate takes a leading "date 2025-12-30" (a colon allowed) off a text.
func withoutDate(text string) string {
	s := strings.TrimLeftFunc(text, unicode.IsSpace)
	if len(s) < len("date 2025-12-30") || !strings.EqualFold(s[:4], "date") {
		return text
	}
	s = strings.TrimLeft(s[4:], ": \t")
	if len(s) < 10 || s[4] != '-' || s[7] != '-' || len(s) > 10 && isDigit(s[10]) {
		return text
	}
	if _, err := time.Parse(time.DateOnly, s[:10]); err != nil {
		return text
	}
	return s[10:]
}

// withoutTitle takes a leading copy of the title off a text. What goes on in
// lower case is a sentence that begins like the title.
func withoutTitle(title, text string) string {
	rest := text
	for {
		want, size := letter(title)
		if size == 0 {
			break
		}
		have, n := letter(rest)
		if n == 0 || want != have {
			return text
		}
		title, rest = title[size:], rest[n:]
	}
	next, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(rest, unicode.IsSpace))
	if unicode.IsLower(next) {
		return text
	}
	return rest
}

// letter gives the first letter or digit of s in lower case, and how much of s
// it takes up with what is before it; 0 if there is none.
func letter(s string) (r rune, size int) {
	for i, r := range s {
		if low, ok := lowerLetter(r); ok {
			return low, i + utf8.RuneLen(r)
		}
	}
	return 0, 0
}

// longEnough tells whether a text has minContent characters, its white space
// counted as single spaces.
func longEnough(text string) bool {
	if len(text) < minContent {
		return false
	}
	n, space := 0, true
	for _, r := range text {
		blank := r == ' ' || (r < ' ' || r > '~') && unicode.IsSpace(r)
		if blank && space {
			continue
		}
		space = blank
		if n++; n == minContent {
			return true
		}
	}
	return false
}

// shownKey is a key of what a reader sees of an entry: title, text and files.
// White space, markup and tracking parameters do not count.
func shownKey(title, text string, files []feed.Enclosure) int64 {
	d := newDigest()
	d.solid(title)
	d.byte(0)
	d.solid(text)
	for _, f := range files {
		d.byte(0)
		d.bytes(Canonical(f.URL))
	}
	return d.sum()
}

// digest feeds SHA-256 by way of a buffer, so that long texts are hashed as
// they pass by and short fields cost no call each.
type digest struct {
	hash hash.Hash
	buf  []byte
	out  [sha256.Size]byte
	norm []byte
}

var digests = sync.Pool{New: func() any {
	return &digest{hash: sha256.New(), buf: make([]byte, 0, 4096)}
}}

func newDigest() *digest {
	d := digests.Get().(*digest)
	d.hash.Reset()
	d.buf = d.buf[:0]
	return d
}

// sum ends the digest; it must not be used afterwards.
func (d *digest) sum() int64 {
	d.hash.Write(d.buf)
	key := int64(binary.BigEndian.Uint64(d.hash.Sum(d.out[:0])))
	digests.Put(d)
	if key == 0 {
		return 1
	}
	return key
}

func (d *digest) flush() {
	d.hash.Write(d.buf)
	d.buf = d.buf[:0]
}

func (d *digest) byte(c byte) {
	if len(d.buf) == cap(d.buf) {
		d.flush()
	}
	d.buf = append(d.buf, c)
}

func (d *digest) bytes(s string) {
	for len(s) > cap(d.buf)-len(d.buf) {
		n := copy(d.buf[len(d.buf):cap(d.buf)], s)
		d.buf = d.buf[:cap(d.buf)]
		d.flush()
		s = s[n:]
	}
	d.buf = append(d.buf, s...)
}

// fields adds strings so that their borders count.
func (d *digest) fields(list ...string) {
	for _, s := range list {
		d.number(int64(len(s)))
		d.bytes(s)
	}
}

func (d *digest) number(n int64) {
	if cap(d.buf)-len(d.buf) < binary.MaxVarintLen64 {
		d.flush()
	}
	d.buf = binary.AppendVarint(d.buf, n)
}

func (d *digest) flag(b bool) {
	if b {
		d.byte(1)
	} else {
		d.byte(0)
	}
}

func (d *digest) time(t time.Time) {
	d.number(t.Unix())
	d.number(int64(t.Nanosecond()))
}

// solid adds text without its spaces.
func (d *digest) solid(text string) { d.squeeze(text, &notSpace) }

// squeeze adds what a table makes of each byte, and nothing for 0.
func (d *digest) squeeze(s string, table *[256]byte) {
	for s != "" {
		if len(d.buf) == cap(d.buf) {
			d.flush()
		}
		n := min(len(s), cap(d.buf)-len(d.buf))
		room := d.buf[len(d.buf) : len(d.buf)+n]
		k := 0
		for i := range n {
			if c := table[s[i]]; c != 0 {
				room[k] = c
				k++
			}
		}
		d.buf = d.buf[:len(d.buf)+k]
		s = s[n:]
	}
}

var notSpace, lowerAlnum = func() (text, alnum [256]byte) {
	for c := range 256 {
		b := byte(c)
		text[c] = b
		if isLetter(b) {
			alnum[c] = b | 0x20
		} else if isDigit(b) {
			alnum[c] = b
		}
	}
	text[' '] = 0
	return text, alnum
}()

// letters adds the letters and digits of a text, in lower case and NFKC.
func (d *digest) letters(s string) {
	for s != "" {
		n := 0
		for n < len(s) && s[n] < utf8.RuneSelf {
			n++
		}
		punctuation := strings.HasPrefix(s[n:], generalPunctuation)
		if n < len(s) && !punctuation && n > 0 {
			n-- // what follows may join the last one
		}
		d.squeeze(s[:n], &lowerAlnum)
		s = s[n:]
		switch {
		case punctuation:
			s = s[len("\u2019"):]
		case s != "":
			n := foreignRun(s)
			d.foreign(s[:n])
			s = s[n:]
		}
	}
}

// generalPunctuation begins the characters U+2000 to U+203F: dashes, quotation
// marks, spaces. None is a letter or digit, nor becomes or joins one.
const generalPunctuation = "\xE2\x80"

// foreignRun is the length of the first character of s with all those beyond
// ASCII that follow it: what normalisation may join.
func foreignRun(s string) int {
	n := 1
	for n < len(s) && s[n] >= utf8.RuneSelf {
		n++
	}
	return n
}

// foreign is letters for a stretch with characters beyond ASCII.
func (d *digest) foreign(s string) {
	if !isSettled(s) {
		d.norm = norm.NFKC.AppendString(d.norm[:0], s)
		s = string(d.norm)
	}
	for _, r := range s {
		if low, ok := lowerLetter(r); ok {
			if cap(d.buf)-len(d.buf) < utf8.UTFMax {
				d.flush()
			}
			d.buf = utf8.AppendRune(d.buf, low)
		}
	}
}

// isSettled tells, at no cost, of most European text that NFKC does not change
// it: it has letters of Latin-1 and Cyrillic and general punctuation only.
func isSettled(s string) bool {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c < utf8.RuneSelf:
			i++
		case c == 0xC3, c == 0xD0, c == 0xD1:
			i += 2
		case strings.HasPrefix(s[i:], generalPunctuation):
			i += 3
		default:
			return false
		}
	}
	return true
}

// lowerLetter gives a letter or digit in lower case; ok is false for others.
func lowerLetter(r rune) (low rune, ok bool) {
	switch {
	case r < utf8.RuneSelf:
		low = rune(lowerAlnum[r])
		return low, low != 0
	case 0x410 <= r && r <= 0x42F:
		return r + 0x20, true
	case 0x430 <= r && r <= 0x45F, 0x3400 <= r && r <= 0x4DBF, 0x4E00 <= r && r <= 0x9FFF:
		return r, true
	}
	return unicode.ToLower(r), unicode.IsLetter(r) || unicode.IsDigit(r)
}
