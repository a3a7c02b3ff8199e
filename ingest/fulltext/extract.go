package fulltext

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// Page is an answer to a request for an article.
type Page struct {
	Asked     string // its address
	URL       string // where redirects have led
	MediaType string // as the server said
	Body      []byte
}

const (
	// maxElements is how many elements a page may have: what finds the text
	// walks over them several times.
	maxElements = 20_000
	// maxText is how much HTML an article may have: as much as a feed's content.
	maxText = 2 << 20
	// little is how many letters a text has at least that stands for an article.
	little = 200
)

// Why a page's text is not taken. A [Refusal] may say more.
var (
	errNoText     = errors.New("no article was found in the page")
	errTooLittle  = errors.New("there is too little text in the page")
	errTooMany    = fmt.Errorf("the page has more than %d elements", maxElements)
	errTooLong    = errors.New("the page's text is too long")
	errUnreadable = errors.New("the page cannot be read")
)

// Extract gives the main text of a page as HTML with absolute addresses, not
// cleaned, or why there is none to take: a sentence's end for people.
func Extract(p Page) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			text, err = "", fmt.Errorf("%w: a defect stopped it: %v", errUnreadable, r)
		}
	}()
	at, err := url.Parse(p.URL)
	if err != nil {
		return "", errUnreadable
	}
	if err := elsewhere(p.Asked, at); err != nil {
		return "", err
	}
	in, err := charset.NewReader(bytes.NewReader(p.Body), p.MediaType)
	if err != nil {
		return "", errUnreadable
	}
	doc, err := html.Parse(in)
	if err != nil {
		return "", errUnreadable
	}
	seen := look(doc)
	switch {
	case seen.elements > maxElements:
		return "", errTooMany
	case seen.paid:
		return "", errPaywall
	}
	parser := readability.NewParser()
	article, err := parser.ParseAndMutate(doc, at)
	if err != nil || article.Node == nil {
		return "", errors.Join(seen.gate(""), errNoText)
	}
	plain := textOf(article.Node)
	if err := seen.gate(plain); err != nil {
		return "", err
	}
	if letters(plain) < little {
		return "", errTooLittle
	}
	var out bytes.Buffer
	if err := article.RenderHTML(&out); err != nil {
		return "", errUnreadable
	}
	if out.Len() > maxText {
		return "", errTooLong
	}
	return out.String(), nil
}

// sight is what a page's markup tells before its text is looked for.
type sight struct {
	elements int
	paid     bool   // it says by itself that it is for those who pay
	text     string // all of it
}

// look walks over a page once.
func look(doc *html.Node) sight {
	var s sight
	var text strings.Builder
	for n := range doc.Descendants() {
		switch n.Type {
		case html.ElementNode:
			s.elements++
			s.paid = s.paid || saysPaid(n)
		case html.TextNode:
			if shown(n.Parent) {
				text.WriteString(n.Data)
				text.WriteByte(' ')
			}
		}
	}
	s.text = text.String()
	return s
}

// shown tells whether an element's text is for people.
func shown(n *html.Node) bool {
	return n == nil || n.DataAtom != atom.Script && n.DataAtom != atom.Style && n.DataAtom != atom.Noscript && n.DataAtom != atom.Template
}

// textOf is the text of an element and all in it.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && shown(d.Parent) {
			b.WriteString(d.Data)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// letters counts the letters and digits of a text.
func letters(text string) (n int) {
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
