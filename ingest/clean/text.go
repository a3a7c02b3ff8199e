package clean

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"tributary/feed"
)

const (
	// maxSummary is the length of a summary in characters.
	maxSummary = 300
	// maxHeadline is the length of a title that is made from an entry's text.
	maxHeadline = 120
	// maxTitle is the length beyond which a title is cut.
	maxTitle = 500
)

// Plain gives text without markup on one line: tags gone, blocks set apart by
// a space, character references decoded (twice, where a source escaped twice:
// "AT&amp;amp;T"), white space folded, controls and direction overrides gone.
// A text that says it is plain keeps its "<", unless it has whole pairs of
// common tags ("<em>so</em>"), which no author of a plain text means.
func Plain(t feed.Text) string {
	s := t.Value
	if (t.HTML || hasTagPair(s)) && strings.ContainsAny(s, "<&") {
		m := machines.Get().(*machine)
		m.run(s)
		s = string(m.text.buf)
		m.release()
	}
	if strings.IndexByte(s, '&') >= 0 && strings.IndexByte(s, ';') >= 0 {
		s = html.UnescapeString(s)
	}
	return fold(s)
}

// hasTagPair tells whether a text has a start tag and, after it, the end tag
// of one of the elements that titles are dressed with.
func hasTagPair(s string) bool {
	if len(s) > 4*maxTitle { // not a title, and each "</" looks back to the beginning
		return false
	}
	for at := 0; ; {
		i := strings.Index(s[at:], "</")
		if i < 0 {
			return false
		}
		at += i
		name, _, closed := strings.Cut(s[at+2:], ">")
		name = lower(name)
		at += 2
		if !closed {
			return false
		}
		switch name {
		case "b", "i", "em", "strong", "a", "span", "p", "div", "sup", "sub", "u", "s", "q", "cite", "code", "small", "font", "mark", "abbr":
			before := lower(s[:at-2])
			if strings.Contains(before, "<"+name+">") || strings.Contains(before, "<"+name+" ") {
				return true
			}
		}
	}
}

// shorten cuts text to a number of characters, at a word, with " …" after it.
func shorten(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	end, room := 0, limit-len(" .")
	for i := range s {
		if room--; room < 0 {
			end = i
			break
		}
	}
	if s[end] != ' ' { // in a word
		if space := strings.LastIndexByte(s[:end], ' '); space > end/2 {
			end = space
		}
	}
	return strings.TrimRightFunc(s[:end], func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:-–—(", r)
	}) + " …"
}

// headline makes a title of a text: its first sentence, cut at a word.
func headline(text string) string {
	text = text[:min(len(text), 8*maxHeadline)]
	text = strings.ToValidUTF8(text, "")
	return shorten(text[:sentence(text)], maxHeadline)
}

// sentence is the length of the first sentence of a text, or of the text.
func sentence(text string) int {
	word := 0 // where the word begins
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		switch r {
		case '。', '！', '？':
			return end
		case ' ':
			word = end
		case '!', '?', '.':
			ends := end == len(text) || text[end] == ' '
			if ends && (r != '.' || !isAbbreviation(text[word:i])) {
				return end
			}
		}
	}
	return len(text)
}

// isAbbreviation tells whether a full stop after the word ends no sentence:
// initials ("J", "U.S"), titles, months, and a few more.
func isAbbreviation(word string) bool {
	word = strings.TrimLeft(word, "(\"'“‘«")
	if utf8.RuneCountInString(word) < 2 || strings.Contains(word, ".") && !isDigit(word[0]) {
		return true
	}
	switch word {
	case "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Sen", "Rep", "Gov", "Gen", "Col", "Lt", "Sgt", "Capt", "Jr", "Sr",
		"Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec", "No", "vs", "Inc", "Ltd", "Co", "Corp":
		return true
	}
	return false
}

// appendText appends plain text as HTML: a paragraph for each stretch between
// blank lines, line ends kept, addresses linked, all escaped.
func appendText(out []byte, s string) []byte {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	open := false
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			if open {
				out = append(out, "</p>\n"...)
			}
			open = false
			continue
		case open:
			out = append(out, "<br/>\n"...)
		default:
			out = append(out, "<p>"...)
		}
		open = true
		out = appendLinked(out, line)
	}
	if open {
		out = append(out, "</p>"...)
	}
	return out
}

// appendLinked appends a line of text with its web addresses linked.
func appendLinked(out []byte, line string) []byte {
	for {
		i := addressAt(line)
		if i < 0 {
			return appendHTML(out, line, false)
		}
		n := addressLen(line[i:])
		out = appendHTML(out, line[:i], false)
		out = append(out, `<a href="`...)
		out = appendHTML(out, line[i:i+n], true)
		out = append(out, `">`...)
		out = appendHTML(out, line[i:i+n], false)
		out = append(out, "</a>"...)
		line = line[i+n:]
	}
}

// addressAt is where the first web address of a line begins, -1 if it has none.
func addressAt(line string) int {
	for at := 0; ; {
		i := strings.Index(line[at:], "://")
		if i < 0 {
			return -1
		}
		at += i + len("://")
		scheme := len("http://")
		if strings.HasSuffix(line[:at], "https://") {
			scheme++
		} else if !strings.HasSuffix(line[:at], "http://") {
			continue
		}
		if start := at - scheme; start > 0 && (isLetter(line[start-1]) || isDigit(line[start-1])) {
			continue
		}
		end := addressEnd(line[at:])
		if end <= maxURL/2 && withoutPunctuation(line[at:at+end]) != "" {
			return at - scheme
		}
		at += end
	}
}

// addressLen is the length of the address that s begins with.
func addressLen(s string) int {
	return len(withoutPunctuation(s[:addressEnd(s)]))
}

// addressEnd is where an address must have ended: at a space or a mark that no
// address has. One that is too long is not followed to its end.
func addressEnd(s string) int {
	s = s[:min(len(s), maxURL)]
	end := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7F || strings.ContainsRune("<>\"“”‘’«»", r) || unicode.IsSpace(r)
	})
	if end < 0 {
		end = len(s)
	}
	return end
}

// withoutPunctuation takes off what belongs to the sentence that an address
// stands in, and a bracket that was opened before it.
func withoutPunctuation(s string) string {
	for s != "" {
		last, size := utf8.DecodeLastRuneInString(s)
		switch {
		case strings.ContainsRune(".,;:!?'*_…", last):
		case last == ')' && strings.Count(s, "(") < strings.Count(s, ")"):
		case last == ']' && strings.Count(s, "[") < strings.Count(s, "]"):
		default:
			return s
		}
		s = s[:len(s)-size]
	}
	return s
}
