package parse

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"golang.org/x/net/html"

	"tributary/feed"
)

// parseXML scans the document and has gofeed read it; what fails is repaired
// and tried once more.
func parseXML(body []byte, doc feed.Document, lim Limits) (Feed, error) {
	out, err := readXML(body, doc, lim)
	if err == nil || errors.Is(err, ErrHTML) || errors.Is(err, errDeep) {
		return out, err
	}
	fixed, truncated, ok := repair(body, lim)
	if !ok {
		if feed.CodeOf(err) == feed.CodeInvalid {
			return Feed{}, err
		}
		return Feed{}, notFeed(looksLike(body))
	}
	out, again := readXML(fixed, doc, lim)
	if again != nil {
		if feed.CodeOf(again) == feed.CodeInvalid {
			return Feed{}, again
		}
		return Feed{}, notFeed("it is not well-formed, and could not be repaired: " + again.Error())
	}
	out.Truncated = truncated
	return out, nil
}

// readXML is one scan and one pass of gofeed. It is two scans if the document
// holds something like our marks: of its own digest it can hold nothing.
func readXML(body []byte, doc feed.Document, lim Limits) (Feed, error) {
	out, forged, err := readMarked(body, doc, lim, "")
	if forged {
		sum := sha256.Sum256(body)
		out, _, err = readMarked(body, doc, lim, hex.EncodeToString(sum[:8]))
	}
	return out, err
}

func readMarked(body []byte, doc feed.Document, lim Limits, secret string) (out Feed, forged bool, err error) {
	s := newScan(body, doc, lim, secret)
	defer s.release()
	if err := s.run(); err != nil {
		return Feed{}, false, err
	}
	if secret == "" && s.forged() {
		return Feed{}, true, nil
	}
	if s.root == "feed" {
		out, err = s.readAtom()
	} else {
		out, err = s.readRSS()
	}
	return out, false, err
}

// documentBase is the xml:base of the feed or channel element.
func (s *scan) documentBase() string { return s.scopes[s.document].base }

func (s *scan) documentLanguage() string { return s.scopes[s.document].lang }

// absolute resolves an address of the channel against xml:base, else the
// document's own.
func (s *scan) absolute(ref string) string {
	return resolve(firstOf(s.documentBase(), s.docURL), strings.TrimSpace(ref))
}

// plainOf is a text as plain text on one line: tags left out, entities
// decoded.
func plainOf(t feed.Text) string {
	if !t.HTML {
		return strings.Join(strings.Fields(t.Value), " ")
	}
	var out strings.Builder
	for z := html.NewTokenizer(strings.NewReader(t.Value)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(out.String()), " ")
		case html.TextToken:
			out.WriteString(string(z.Text()))
		}
	}
}
