package parse

import (
	"bytes"
	"html"
	"strings"
)

// maxEntity is the length within which the ";" of an entity is looked for.
const maxEntity = 40

// decodeEntities replaces character references and the entities of XML, HTML
// and own by their characters. What is none, as in "AT&T" or "?a=1&copy=2",
// stays as it is.
func decodeEntities(b []byte, own map[string]string) string {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b))
	for i >= 0 {
		out.Write(b[:i])
		b = b[i:]
		n, text := entity(b, own)
		out.WriteString(text)
		b = b[n:]
		i = bytes.IndexByte(b, '&')
	}
	out.Write(b)
	return out.String()
}

// entity decodes the entity that b begins with: its length there, its text.
func entity(b []byte, own map[string]string) (int, string) {
	end := bytes.IndexByte(b[:min(len(b), maxEntity)], ';')
	if end < 2 {
		return 1, "&"
	}
	name := b[1:end]
	switch string(name) {
	case "lt":
		return end + 1, "<"
	case "gt":
		return end + 1, ">"
	case "amp":
		return end + 1, "&"
	case "quot":
		return end + 1, `"`
	case "apos":
		return end + 1, "'"
	}
	if v, ok := own[string(name)]; ok {
		return end + 1, v
	}
	ref := string(b[:end+1])
	text := html.UnescapeString(ref)
	switch {
	case text == ref, name[0] != '#' && strings.HasSuffix(text, ";") && ref != "&semi;":
		return 1, "&" // unknown, or only its beginning is known
	case len(text) == 1 && text[0] < ' ' && !isSpace(text[0]):
		return end + 1, "" // a control character
	}
	return end + 1, text
}

// maxExpansion is the longest value of an entity that a document declares:
// what stands for itself a million times must stay short.
const maxExpansion = 24

// declaredEntities reads <!ENTITY name "value"> from a document type. A value
// that refers to others is left out: expansion must not grow.
func declaredEntities(doctype []byte) map[string]string {
	var own map[string]string
	for {
		i := bytes.Index(doctype, []byte("<!ENTITY"))
		if i < 0 || len(own) >= 300 {
			return own
		}
		doctype = doctype[i+len("<!ENTITY"):]
		decl := bytes.TrimLeft(doctype, " \t\r\n")
		n := bytes.IndexAny(decl, " \t\r\n>")
		if n <= 0 || decl[0] == '%' {
			continue
		}
		rest := bytes.TrimLeft(decl[n:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			continue // external
		}
		value, _ := attrValue(rest)
		text := decodeEntities(value, nil)
		if len(text) <= maxExpansion && !strings.Contains(text, "&") {
			if own == nil {
				own = map[string]string{}
			}
			own[string(decl[:n])] = text
		}
	}
}
