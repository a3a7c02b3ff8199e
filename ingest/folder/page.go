package folder

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits up to which a Markdown paragraph is parsed. The parser's time grows
// with the square of its length, and a table has the first line's cells in each
// row; nobody writes such paragraphs, but data under a wrong name looks like one.
const (
	longest = 32 << 10 // bytes
	cells   = 50_000
)

// tooMuch tells whether a paragraph is beyond what the Markdown parser bears.
func tooMuch(paragraph string) bool {
	rows, columns := 0, 0
	for line := range strings.SplitSeq(paragraph, "\n") {
		rows, columns = rows+1, max(columns, strings.Count(line, "|"))
	}
	return len(paragraph) > longest || rows*columns > cells
}

// readMarkdown reads Markdown (GitHub's) by way of HTML.
func readMarkdown(s string, front meta) (draft, error) {
	for paragraph := range strings.SplitSeq(s, "\n\n") {
		if tooMuch(paragraph) {
			return readText(s, front), nil
		}
	}
	// Raw HTML stays: whatever is unsafe in it is removed when the entry is cleaned.
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(goldhtml.WithUnsafe()))
	var out bytes.Buffer
	if err := md.Convert([]byte(s), &out); err != nil {
		return draft{}, fmt.Errorf("1: Markdown cannot be read: %w", err)
	}
	return readHTML(out.String(), front)
}

// readHTML reads a page, or a fragment of one.
func readHTML(s string, front meta) (draft, error) {
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return draft{}, fmt.Errorf("1: HTML cannot be read: nested too deeply (%w)", err)
	}
	clean(doc)
	d := draft{}
	d.readHead(doc)
	main := mainPart(doc)
	d.addTimes(main)
	d.title = withoutSite(d.title, doc)
	if main.DataAtom == atom.Body && d.title != "" {
		removeAll(main, atom.Header) // the site's, not the article's
	}
	prune(main)
	blocks := pageBlocks(main)
	d.loose = len(textOf(main)) > len(plainOf(blocks))
	rest := d.takeFurniture(blocks, front)
	d.plain, d.rich = textOf(main), find(main, isPicture) != nil
	if d.title == "" {
		d.title = firstSentence(d.plain)
	}
	if d.summary == "" && len(rest) == 0 {
		d.summary = d.plain
	}
	linkTexts(main)
	d.content = inner(main)
	return d, nil
}

// clean removes control characters, which character references (&#1;) smuggle in.
func clean(doc *html.Node) {
	for n := range doc.Descendants() {
		n.Data = strip(lines.Replace(n.Data))
		for i := range n.Attr {
			n.Attr[i].Val = strip(lines.Replace(n.Attr[i].Val))
		}
	}
}

// readHead takes what the page's head says.
func (d *draft) readHead(doc *html.Node) {
	for n := range doc.Descendants() {
		switch n.DataAtom {
		case atom.Html:
			if lang := attr(n, "lang"); languageTag.MatchString(lang) {
				d.language = lang
			}
		case atom.Title:
			if d.title == "" && n.Namespace == "" {
				d.title = textOf(n)
			}
		case atom.Link:
			if strings.EqualFold(attr(n, "rel"), "canonical") && d.url == "" {
				d.url = webURL(attr(n, "href"))
			}
		case atom.Meta:
			d.readMeta(strings.ToLower(attr(n, "name")+attr(n, "property")+attr(n, "itemprop")), tidy(attr(n, "content")))
		}
	}
}

// readMeta takes one <meta>, in the dialects of Open Graph, Dublin Core and plain HTML.
func (d *draft) readMeta(name, content string) {
	switch name {
	case "article:published_time", "datepublished", "date", "dc.date", "dcterms.created", "dcterms.date", "pubdate":
		if at, _, ok := leadingDate(content); ok {
			d.published = append(d.published, dated{at, fromFront})
		}
	case "article:modified_time", "datemodified", "dcterms.modified":
		if at, _, ok := leadingDate(content); ok {
			d.updated = at
		}
	case "description", "og:description":
		if d.summary == "" {
			d.summary = content
		}
	case "author", "article:author", "dc.creator":
		if visible(content) && webURL(content) == "" {
			d.addAuthors([]string{content})
		}
	}
}

// mainPart is the element that holds the text: the only <article>, else
// <main>, else the body.
func mainPart(doc *html.Node) *html.Node {
	var articles []*html.Node
	main := find(doc, isKind(atom.Main))
	scope := doc
	if main != nil {
		scope = main
	}
	for n := range scope.Descendants() {
		if n.DataAtom == atom.Article {
			articles = append(articles, n)
		}
	}
	switch {
	case len(articles) == 1:
		return articles[0]
	case main != nil:
		return main
	}
	return find(doc, isKind(atom.Body))
}

// addTimes takes the dates of <time datetime>, that marked as the publication's first.
func (d *draft) addTimes(main *html.Node) {
	var marked, other []dated
	for n := range main.Descendants() {
		if n.DataAtom != atom.Time {
			continue
		}
		at, _, ok := leadingDate(tidy(attr(n, "datetime")))
		switch {
		case !ok:
		case strings.EqualFold(attr(n, "itemprop"), "datePublished") || hasAttr(n, "pubdate"):
			marked = append(marked, dated{at, fromLine})
		default:
			other = append(other, dated{at, fromLine})
		}
	}
	d.published = slices.Concat(d.published, marked, other)
}

// prune removes what is no part of the text. Of a header inside the article
// the running text stays: the standfirst is often there.
func prune(n *html.Node) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		switch {
		case child.Type == html.CommentNode || isMachinery(child.DataAtom):
			n.RemoveChild(child)
		case child.DataAtom == atom.Header:
			keepProse(child)
		default:
			prune(child)
		}
		child = next
	}
}

func isMachinery(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Nav, atom.Footer, atom.Aside, atom.Noscript, atom.Template,
		atom.Form, atom.Button, atom.Link, atom.Meta, atom.Title, atom.Base:
		return true
	}
	return false
}

// keepProse puts a header's headings and paragraphs in its place.
func keepProse(header *html.Node) {
	var kept []*html.Node
	for n := range header.Descendants() {
		if n.DataAtom == atom.H1 || n.DataAtom == atom.P {
			kept = append(kept, n)
		}
	}
	for _, n := range kept {
		n.Parent.RemoveChild(n)
		header.Parent.InsertBefore(n, header)
	}
	header.Parent.RemoveChild(header)
}

// pageBlocks lists the elements that hold text.
func pageBlocks(main *html.Node) []block {
	var blocks []block
	for n := range main.Descendants() {
		b := block{node: n}
		switch n.DataAtom {
		case atom.H1:
			b.kind, b.main = heading, true
		case atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
			b.kind = heading
		case atom.Li:
			b.kind = bullet
		case atom.Figcaption, atom.Caption:
			b.kind = caption
		case atom.P:
		default:
			if !isBare(n) {
				continue
			}
		}
		if b.text = textOf(n); visible(b.text) && !within(blocks, n) {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// isBare tells of a container that holds words and no paragraphs.
func isBare(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Div, atom.Section, atom.Blockquote, atom.Pre, atom.Td, atom.Dd:
		return find(n, func(child *html.Node) bool { return isBlock(child.DataAtom) }) == nil
	}
	return false
}

// within tells whether n lies inside the block before it: <li><p>…</p></li> is one.
func within(blocks []block, n *html.Node) bool {
	if len(blocks) == 0 {
		return false
	}
	for parent := range n.Ancestors() {
		if parent == blocks[len(blocks)-1].node {
			return true
		}
	}
	return false
}

// remove takes a block's element out of its page; plain text has none.
func (b block) remove() {
	if b.node != nil && b.node.Parent != nil {
		b.node.Parent.RemoveChild(b.node)
	}
}

// withoutSite takes the site's name off a <title>: "Headline | The Courier" is
// shortened where the page's main heading says "Headline".
func withoutSite(title string, doc *html.Node) string {
	for n := range doc.Descendants() {
		if n.DataAtom != atom.H1 {
			continue
		}
		headline := textOf(n)
		rest, isPrefix := strings.CutPrefix(title, headline)
		if r := firstRune(strings.TrimSpace(rest)); headline != "" && isPrefix && strings.ContainsRune("|-:\u00b7\u2013\u2014\u2022\u00ab", r) {
			return headline
		}
	}
	return title
}

// removeAll removes the elements of one kind.
func removeAll(n *html.Node, kind atom.Atom) {
	for child := find(n, isKind(kind)); child != nil; child = find(n, isKind(kind)) {
		child.Parent.RemoveChild(child)
	}
}

func isKind(kind atom.Atom) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.DataAtom == kind }
}

// linkTexts links the addresses in text that is not linked yet.
func linkTexts(n *html.Node) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		switch {
		case child.Type == html.TextNode && address.MatchString(child.Data):
			parts, err := html.ParseFragment(strings.NewReader(linked(child.Data)), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
			if err == nil {
				for _, part := range parts {
					n.InsertBefore(part, child)
				}
				n.RemoveChild(child)
			}
		case child.DataAtom != atom.A && child.DataAtom != atom.Code && child.DataAtom != atom.Pre && !opaque(child.DataAtom):
			linkTexts(child)
		}
		child = next
	}
}

// opaque elements hold text that the parser does not parse.
func opaque(a atom.Atom) bool {
	switch a {
	case atom.Iframe, atom.Noembed, atom.Noframes, atom.Plaintext, atom.Xmp, atom.Textarea, atom.Svg, atom.Math, atom.Select, atom.Object:
		return true
	}
	return false
}

// inner is an element's content as HTML, each line's end trimmed.
func inner(n *html.Node) string {
	var out bytes.Buffer
	for child := range n.ChildNodes() {
		html.Render(&out, child) //nolint:errcheck // a bytes.Buffer does not fail
	}
	return strings.TrimSpace(out.String())
}

// textOf is an element's text in one line.
func textOf(n *html.Node) string {
	var out strings.Builder
	for child := range n.Descendants() {
		switch {
		case child.Type == html.TextNode:
			out.WriteString(child.Data)
		case child.DataAtom == atom.Br || isBlock(child.DataAtom):
			out.WriteByte(' ')
		}
	}
	return tidy(out.String())
}

// isBlock tells of the elements that part words.
func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Td, atom.Th, atom.Tr, atom.Blockquote, atom.Figcaption, atom.Section, atom.Dt, atom.Dd, atom.Pre, atom.Hr:
		return true
	}
	return false
}

func isPicture(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Img, atom.Video, atom.Audio, atom.Picture:
		return true
	}
	return false
}

func find(n *html.Node, is func(*html.Node) bool) *html.Node {
	for child := range n.Descendants() {
		if is(child) {
			return child
		}
	}
	return nil
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}
