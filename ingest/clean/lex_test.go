package clean

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// FuzzLexer compares the lexer with golang.org/x/net/html's, tag by tag.
func FuzzLexer(f *testing.F) {
	for _, s := range append(soup, newsHTML, `<a b = c d='e f' g="h>i" / j=/>x</a k><b/c=d/>`, "<a =x ==y>", "<!---><!----!><!-- --->", "</><? x?></ y>z", "<a b", "<a b='", "<A\nB\tC\fD=E/>", "<a b=c b=d>") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "<![CDATA[") || strings.ContainsAny(s, "\x00\r") {
			t.Skip("where we differ on purpose, or leave it to the writer")
		}
		ours, theirs := lexed(s), tokenised(s)
		if theirs == nil {
			t.Skip("raw text, of which the writer takes care")
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%q: %s", s, diff)
		}
	})
}

func lexed(s string) []string {
	list := []string{}
	var l lexer
	l.reset(s)
	for {
		switch tok := l.next(); tok.kind {
		case endOfText:
			return list
		case textToken:
			list = addText(list, tok.text)
		case startToken:
			list = append(list, tagEvent("<"+tok.name, l.attrs))
		case endToken:
			list = append(list, "</"+tok.name)
		}
	}
}

func tagEvent(tag string, attrs []attribute) string {
	for _, a := range attrs {
		tag += " " + a.name + "=" + unescape(a.value)
	}
	return tag
}

func tokenised(s string) []string {
	list := []string{}
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.TextToken:
			list = addText(list, string(z.Raw()))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			tag := "<" + string(name)
			switch tag {
			case "<script", "<style", "<title", "<textarea", "<xmp", "<iframe", "<noembed", "<noframes", "<noscript", "<plaintext":
				return nil
			}
			list = append(list, tagEvent(tag, attributesOf(z)))
		case html.EndTagToken:
			name, _ := z.TagName()
			list = append(list, "</"+string(name))
		}
	}
}

func attributesOf(z *html.Tokenizer) []attribute {
	var attrs []attribute
	for more := true; more && len(attrs) < maxAttributes; {
		var key, value []byte
		if key, value, more = z.TagAttr(); len(key) > 0 {
			attrs = append(attrs, attribute{string(key), string(value)})
		}
	}
	return attrs
}
