package feed

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits of what ParseOPML reads. The largest list known to us has some
// thousand sources in half a megabyte.
const (
	maxOPML      = 10 << 20 // bytes
	maxOPMLDepth = 64       // outlines within outlines
)

type (
	opmlDocument struct {
		XMLName struct{} `xml:"opml"`
		Version string   `xml:"version,attr"`
		XmlnsT  string   `xml:"xmlns:t,attr,omitempty"`
		Title   text     `xml:"head>title"`
		Created string   `xml:"head>dateCreated,omitempty"`
		Body    opmlBody `xml:"body"`
	}

	opmlBody struct {
		Outlines []opmlOutline `xml:"outline"`
	}

	opmlOutline struct {
		Type     string `xml:"type,attr"`
		Text     string `xml:"text,attr"`
		Title    string `xml:"title,attr"`
		XMLURL   string `xml:"xmlUrl,attr"`
		HTMLURL  string `xml:"htmlUrl,attr,omitempty"`
		Category string `xml:"category,attr,omitempty"`
		Private  string `xml:"t:private,attr,omitempty"` // "true"
	}
)

// OPML renders the sources as a subscription list (OPML 2.0), media type
// text/x-opml, in the order given; tags become categories. Folders and
// sources that are private or have secrets are left out. created is the list's
// date; zero: none. The same input gives the same bytes.
func OPML(title string, sources []Source, created time.Time) ([]byte, error) {
	public := slices.DeleteFunc(slices.Clone(sources), func(s Source) bool { return s.Private })
	return WholeOPML(title, public, created)
}

// nsOPML is the namespace of what the list says that OPML has no word for.
const nsOPML = "urn:tributary:opml"

// WholeOPML is [OPML] for who keeps the sources: private ones are in it, marked as
// such, so that they stay private where the list is imported.
func WholeOPML(title string, sources []Source, created time.Time) ([]byte, error) {
	doc := opmlDocument{
		Version: "2.0",
		Title:   plain(cmp.Or(label(title), "Tributary")),
		Created: mailDate(created),
	}
	for _, s := range sources {
		if s.Kind != KindFeed || s.HasSecrets() || address(s.URL) == "" {
			continue
		}
		o := outlineOf(s)
		if s.Private {
			doc.XmlnsT, o.Private = nsOPML, "true"
		}
		doc.Body.Outlines = append(doc.Body.Outlines, o)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return nil, Errorf(CodeInternal, "the OPML document could not be written: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func outlineOf(s Source) opmlOutline {
	name := cmp.Or(label(s.Title()), hostOf(s.URL))
	var tags []string
	for _, tag := range s.Tags {
		// A comma parts categories, so no category can hold one.
		if tag = label(strings.ReplaceAll(tag, ",", " ")); tag != "" {
			tags = append(tags, tag)
		}
	}
	return opmlOutline{
		Type:     "rss",
		Text:     name,
		Title:    name,
		XMLURL:   s.URL, // as declared: an import must find the same source
		HTMLURL:  address(s.About.Link),
		Category: strings.Join(tags, ","),
	}
}

// ParseOPML reads a subscription list. It takes what programs really write:
// any case of names, any declared encoding, feeds without a type, undefined
// entities. Outlines around a feed and its categories become its tags; a feed
// listed twice is one source with the tags of both. Sources come enabled,
// OriginAdded, without a slug. Feeds whose address is not http or https are
// others, with no more than that address and a name: they cannot be fetched,
// and whoever imports the list should hear of them.
//
// Errors: CodeInvalid, with the line where one is to blame; CodeTooLarge over
// 10 MB.
func ParseOPML(r io.Reader) (sources, others []Source, err error) {
	body, err := io.ReadAll(io.LimitReader(r, maxOPML+1))
	switch {
	case err != nil:
		return nil, nil, Errorf(CodeUnavailable, "the OPML file cannot be read: %w", err)
	case len(body) > maxOPML:
		return nil, nil, Errorf(CodeTooLarge, "the OPML file is over %d MB: split it", maxOPML>>20)
	}
	p := opmlParser{decoder: newOPMLDecoder(body), at: map[string]int{}}
	err = p.read()
	switch {
	case err != nil:
		return nil, nil, err
	case !p.opml:
		return nil, nil, Errorf(CodeInvalid, "this is not OPML: there is no <opml> element in it; give the file that a feed reader exports")
	case len(p.sources)+len(p.others) == 0:
		return nil, nil, Errorf(CodeInvalid, "the OPML file lists no feeds: no outline in it has an xmlUrl with an address")
	}
	return p.sources, p.others, nil
}

var declaresEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*encoding`)

// newOPMLDecoder forgives what the XML rules don't. A byte order mark outranks
// the declared encoding, and is the only way that UTF-16 comes; undeclared
// bytes that are not UTF-8 are Windows-1252.
func newOPMLDecoder(body []byte) *xml.Decoder {
	fallback := transform.Transformer(transform.Nop)
	if !utf8.Valid(body) && !declaresEncoding.Match(body) {
		fallback = charmap.Windows1252.NewDecoder()
	}
	d := xml.NewDecoder(transform.NewReader(bytes.NewReader(body), unicode.BOMOverride(fallback)))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(name string, in io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(name), "utf-16") {
			return in, nil
		}
		return charset.NewReaderLabel(name, in)
	}
	return d
}

// opmlParser collects sources on the way through the document. open holds, for
// each outline that the current place is in, its name if it is a group.
type opmlParser struct {
	decoder *xml.Decoder
	opml    bool
	comment int // outlines open since a commented one began
	open    []string
	sources []Source
	others  []Source
	at      map[string]int // URL → place in sources
}

func (p *opmlParser) read() error {
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := p.start(t); err != nil {
				return err
			}
		case xml.EndElement:
			p.end(t)
		}
	}
}

func (p *opmlParser) broken(err error) error {
	row, column := p.decoder.InputPos()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return Errorf(CodeInvalid, "the OPML file is damaged at line %d, column %d: %s; export it again", row, column, syntax.Msg)
	}
	return Errorf(CodeInvalid, "the OPML file cannot be read at line %d: %w", row, err)
}

func (p *opmlParser) start(e xml.StartElement) error {
	switch strings.ToLower(e.Name.Local) {
	case "opml":
		p.opml = true
	case "outline":
		return p.outline(attributesOf(e))
	}
	return nil
}

func (p *opmlParser) outline(attrs map[string]string) error {
	if len(p.open) >= maxOPMLDepth {
		row, _ := p.decoder.InputPos()
		return Errorf(CodeInvalid, "the OPML file nests outlines more than %d deep at line %d: it is damaged; export it again", maxOPMLDepth, row)
	}
	name := line(cmp.Or(attrs["title"], attrs["text"]))
	url, web := feedURL(attrs)
	if url != "" {
		// A feed's outline groups nothing: what is within gets no tag from it.
		p.open = append(p.open, "")
	} else {
		p.open = append(p.open, name)
	}
	if p.comment > 0 || strings.EqualFold(attrs["iscomment"], "true") {
		p.comment++
		return nil
	}
	switch {
	case web:
		p.add(url, name, attrs)
	case url != "":
		p.others = append(p.others, Source{Kind: KindFeed, URL: url, Name: name})
	}
	return nil
}

func (p *opmlParser) end(e xml.EndElement) {
	if !strings.EqualFold(e.Name.Local, "outline") || len(p.open) == 0 {
		return
	}
	p.open = p.open[:len(p.open)-1]
	p.comment = max(p.comment-1, 0)
}

func (p *opmlParser) add(url, name string, attrs map[string]string) {
	tags := slices.Clone(p.open)
	for _, category := range strings.Split(attrs["category"], ",") {
		tags = append(tags, strings.Trim(line(category), "/"))
	}
	i, known := p.at[url]
	if !known {
		i = len(p.sources)
		p.at[url] = i
		p.sources = append(p.sources, Source{
			Kind:    KindFeed,
			URL:     url,
			Name:    name,
			Enabled: true,
			Origin:  OriginAdded,
			Private: attrs["private"] == "true",
			About:   Channel{Link: address(attrs["htmlurl"])},
		})
	}
	for _, tag := range tags {
		if s := &p.sources[i]; tag != "" && !slices.Contains(s.Tags, tag) {
			s.Tags = append(s.Tags, tag)
		}
	}
}

// attributesOf are an element's attributes by lower-case name.
func attributesOf(e xml.StartElement) map[string]string {
	attrs := make(map[string]string, len(e.Attr))
	for _, a := range e.Attr {
		attrs[strings.ToLower(a.Name.Local)] = strings.TrimSpace(a.Value)
	}
	return attrs
}

// feedURL is the address that an outline subscribes to, "" if it is no feed's,
// and whether it is http or https. A list for one's own use may have addresses
// with user info.
func feedURL(attrs map[string]string) (url string, web bool) {
	raw := attrs["xmlurl"]
	if raw == "" && strings.EqualFold(attrs["type"], "rss") {
		raw = attrs["url"]
	}
	if rest, ok := cutPrefixFold(raw, "feed:"); ok {
		if raw = rest; strings.HasPrefix(rest, "//") {
			raw = "http:" + rest
		}
	}
	_, plain := cutPrefixFold(raw, "http://")
	_, secure := cutPrefixFold(raw, "https://")
	return raw, plain || secure
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
