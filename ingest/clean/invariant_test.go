package clean

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const testBase = "https://site.example/dir/page"

// checkHTML holds clean HTML to everything that is promised of it, with two
// libraries as judges, and gives it.
func checkHTML(t testing.TB, in string) string {
	t.Helper()
	out := HTML(in, testBase)
	fail := func(what, diff string) {
		t.Helper()
		t.Fatalf("%s\nin:  %q\nout: %q\n%s", what, short(in), short(out), diff)
	}
	if again := HTML(out, "https://other.example/"); again != out {
		fail("a second pass changes it", cmp.Diff(out, again))
	}
	written := events(html.NewTokenizer(strings.NewReader(out)))
	if parsed := treeEvents(t, out); !slices.Equal(written, parsed) {
		fail("a parser builds another tree", cmp.Diff(written, parsed))
	}
	if bad := forbiddenPart(out); bad != "" {
		fail("it has what is not allowed: "+bad, "")
	}
	kept, judged := names(out), names(referencePolicy.Sanitize(out))
	if !slices.Equal(kept, judged) {
		fail("bluemonday would take something out", cmp.Diff(kept, judged))
	}
	return out
}

func short(s string) string {
	if len(s) > 4000 {
		return s[:4000] + "…"
	}
	return s
}

// referencePolicy is bluemonday's policy for content by strangers with what we
// keep beyond it: names and forms that carry no script.
var referencePolicy = func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(false)
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowElements("nav", "main", "header", "footer", "aside", "section", "article", "address", "picture",
		"u", "span", "bdi", "kbd", "samp", "var", "dfn", "del", "ins", "mark", "wbr", "small", "time", "audio", "video", "source", "code", "pre", "th", "td", "ol", "li", "a")
	p.AllowNoAttrs().OnElements("span", "audio", "video", "a", "td", "th", "code", "pre", "ol", "li", "picture", "time", "img")
	p.AllowAttrs("src", "srcset", "sizes", "alt", "title", "width", "height").OnElements("img")
	p.AllowAttrs("srcset", "sizes", "type", "media", "src").OnElements("source")
	p.AllowAttrs("src", "poster", "width", "height").OnElements("audio", "video")
	p.AllowAttrs("class").OnElements("code", "pre")
	p.AllowAttrs("title").OnElements("a", "abbr", "dfn")
	p.AllowAttrs("lang", "dir").Globally()
	p.AllowAttrs("cite").OnElements("blockquote", "q", "del", "ins")
	p.AllowAttrs("datetime").OnElements("time", "del", "ins")
	p.AllowAttrs("colspan", "rowspan").OnElements("td", "th")
	p.AllowAttrs("scope").OnElements("th")
	p.AllowAttrs("span").OnElements("col", "colgroup")
	p.AllowAttrs("start", "type").OnElements("ol")
	p.AllowAttrs("value").OnElements("li")
	p.AllowAttrs("open").OnElements("details")
	return p
}()

// events gives what a token stream says, one line for each tag and text.
func events(z *html.Tokenizer) []string {
	var list []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.TextToken:
			list = addText(list, string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			list = append(list, startEvent(t.Data, t.Attr))
		case html.EndTagToken:
			t := z.Token()
			list = append(list, "</"+t.Data)
		default:
			list = append(list, "? "+z.Token().String())
		}
	}
}

// names gives the tags and texts of a document, of attributes the names only:
// bluemonday writes addresses in another way.
func names(s string) []string {
	list := events(html.NewTokenizer(strings.NewReader(s)))
	for i, e := range list {
		if e[0] == '<' {
			list[i] = attrValue.ReplaceAllString(e, "")
		}
	}
	return list
}

var attrValue = regexp.MustCompile(`="(\\.|[^"\\])*"`)

func addText(list []string, text string) []string {
	if n := len(list); n > 0 && strings.HasPrefix(list[n-1], "T ") {
		list[n-1] += text
		return list
	}
	return append(list, "T "+text)
}

func startEvent(name string, attrs []html.Attribute) string {
	var b strings.Builder
	b.WriteString("<" + name)
	slices.SortFunc(attrs, func(x, y html.Attribute) int { return strings.Compare(x.Key, y.Key) })
	for _, a := range attrs {
		fmt.Fprintf(&b, " %s=%q", a.Key, a.Val)
	}
	return b.String()
}

var voidElements = []string{"br", "wbr", "hr", "img", "col", "source"}

// treeEvents gives the same of the tree that a browser would build.
func treeEvents(t testing.TB, s string) []string {
	t.Helper()
	context := &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}
	nodes, err := html.ParseFragment(strings.NewReader(s), context)
	if err != nil {
		t.Fatalf("cannot be parsed: %v\n%q", err, short(s))
	}
	var list []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
			list = addText(list, n.Data)
			return
		case html.ElementNode:
			list = append(list, startEvent(n.Data, n.Attr))
		default:
			list = append(list, "? "+n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if !slices.Contains(voidElements, n.Data) {
			list = append(list, "</"+n.Data)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	return list
}

// forbiddenPart names the first thing in clean HTML that must not be there.
func forbiddenPart(s string) string {
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.CommentToken, html.DoctypeToken:
			return "a comment"
		case html.TextToken:
			if i := strings.IndexFunc(string(z.Text()), badRune); i >= 0 {
				return "a control character"
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if element, c := classify(t.Data); element != t.Data || c == classFrame || c == classNone {
				return t.Data
			}
			for _, a := range t.Attr {
				if bad := badAttr(a); bad != "" {
					return t.Data + " " + a.Key + " " + bad
				}
			}
		}
	}
}

func badRune(r rune) bool { return forbidden(r) || r == 0xFFFD || r == '\f' || r == '\r' }

func badAttr(a html.Attribute) string {
	absolute := func(s string) bool {
		return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
	}
	if strings.ContainsFunc(a.Val, badRune) {
		return "control character"
	}
	switch a.Key {
	case "src", "poster", "cite":
		if !absolute(a.Val) {
			return a.Val
		}
	case "href":
		if !absolute(a.Val) && !strings.HasPrefix(a.Val, "mailto:") && !strings.HasPrefix(a.Val, "tel:") {
			return a.Val
		}
	case "srcset":
		for part := range strings.SplitSeq(a.Val, ", ") {
			if !absolute(part) {
				return a.Val
			}
		}
	case "alt", "title", "width", "height", "sizes", "class", "lang", "dir", "datetime", "colspan", "rowspan",
		"scope", "span", "start", "value", "type", "open", "media":
	default:
		return "not in the list"
	}
	return ""
}
