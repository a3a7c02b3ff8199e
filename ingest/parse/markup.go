package parse

import (
	"bytes"
	"strings"
)

// Lexical parts of XML, shared by the scan, the repair and the texts.

var (
	cdataStart   = []byte("<![CDATA[")
	cdataEnd     = []byte("]]>")
	commentStart = []byte("<!--")
	commentEnd   = []byte("-->")
	doctypeStart = []byte("<!DOCTYPE")
)

// isNameStart tells whether a tag's name can begin with c. Any byte of a
// character beyond ASCII is let through.
func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == ':' || c >= 0x80
}

// isSpace is white space of XML.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// tagName is the name in a start tag that b begins with.
func tagName(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return nameAt(b[1:])
}

// nameAt is the name that b begins with.
func nameAt(b []byte) []byte {
	for i, c := range b {
		if isSpace(c) || c == '>' || c == '/' {
			return b[:i]
		}
	}
	return b
}

// splitName splits prefix:local.
func splitName(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return nil, name
}

// tagEnd is the index of the ">" that ends the tag which b begins with, or -1
// if there is none or another "<" comes first. Quoted values may hold ">".
func tagEnd(b []byte) int {
	var quote byte
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '<':
			return -1
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// asideLen is the length of the comment, CDATA section, instruction or
// declaration that b begins with, or -1 if it does not end.
func asideLen(b []byte) int {
	until := func(from int, end string) int {
		if i := bytes.Index(b[min(from, len(b)):], []byte(end)); i >= 0 {
			return from + i + len(end)
		}
		return -1
	}
	switch {
	case bytes.HasPrefix(b, commentStart):
		return until(len(commentStart), "-->")
	case bytes.HasPrefix(b, cdataStart):
		return until(len(cdataStart), "]]>")
	case len(b) > 1 && b[1] == '?':
		return until(2, "?>")
	}
	return declarationLen(b)
}

// declarationLen is the length of a <!…> declaration, with its internal
// subset in brackets.
func declarationLen(b []byte) int {
	var quote byte
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			if bytes.HasPrefix(b[i:], commentStart) {
				end := bytes.Index(b[i:], commentEnd)
				if end < 0 {
					return -1
				}
				i += end + len(commentEnd) - 1
				continue
			}
			depth++
		case c == '>':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// eachAttr calls f with the attributes of a start tag, values as written.
func eachAttr(tag []byte, f func(name, value []byte)) {
	b := tag[min(len(tag), 1+len(tagName(tag))):]
	for {
		b = bytes.TrimLeft(b, " \t\r\n/>")
		n := bytes.IndexAny(b, "= \t\r\n>")
		if n <= 0 {
			return
		}
		name := b[:n]
		b = bytes.TrimLeft(b[n:], " \t\r\n")
		if len(b) == 0 || b[0] != '=' {
			f(name, nil)
			continue
		}
		var value []byte
		value, b = attrValue(bytes.TrimLeft(b[1:], " \t\r\n"))
		f(name, value)
	}
}

// attrValue splits a value, quoted or bare, from what follows it.
func attrValue(b []byte) (value, rest []byte) {
	if len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
		if end := bytes.IndexByte(b[1:], b[0]); end >= 0 {
			return b[1 : 1+end], b[2+end:]
		}
		return bytes.TrimRight(b[1:], "/>"), nil
	}
	end := bytes.IndexAny(b, " \t\r\n>")
	if end < 0 {
		end = len(b)
	}
	return b[:end], b[end:]
}

// attr is an attribute's value as written; name is compared exactly.
func attr(tag []byte, name string) (value []byte, ok bool) {
	if !bytes.Contains(tag, []byte(name)) {
		return nil, false
	}
	eachAttr(tag, func(n, v []byte) {
		if !ok && string(n) == name {
			value, ok = v, true
		}
	})
	return value, ok
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// escape makes s fit for an attribute's value or a text.
func escape(s string) string { return xmlEscaper.Replace(s) }
