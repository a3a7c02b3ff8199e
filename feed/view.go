package feed

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// view is an item made ready for any of the formats: legal text, absolute
// URLs in ASCII, and nothing in it that is not for the public.
type view struct {
	id         string // URN
	title      string // "" where the source gave none
	heading    string // the title, or what stands for it where a format needs one
	link       string // where the item is to be read
	language   string // "" where it is the feed's
	published  time.Time
	updated    time.Time
	authors    []Person
	categories []string
	summary    string // plain; "" where there is no content it could stand for
	note       string // HTML: why it is held, above the content; "" of what is published
	content    string // HTML, never empty but for what provenance adds
	provenance string // HTML: "via", "also at", "also covered by"
	image      string
	enclosures []Enclosure // each with a type
	comments   string
	inReplyTo  string
	point      string // georss, "lat lon"
	rights     string
	origin     *origin
	copies     []Copy
	story      *storyRef // nil where it is not known
	coverage   []cover   // newest first
	held       *heldRef  // nil of what is published
	incident   *Incident // nil of all else
}

// origin is the feed that an item was taken from, as far as the public may
// know it.
type origin struct {
	id     string
	title  string
	site   string // its page; may be ""
	feed   string // its document; may be ""
	author string
	rights string
}

func (s Site) views(p Page) []view {
	views := make([]view, 0, len(p.Items)+len(p.Stories)+len(p.Held)+len(p.Incidents))
	for i := range p.Items {
		views = append(views, s.view(&p.Items[i]))
	}
	for i := range p.Stories {
		if len(p.Stories[i].Items) > 0 {
			views = append(views, s.storyView(&p.Stories[i]))
		}
	}
	for i := range p.Held {
		views = append(views, s.heldView(&p.Held[i]))
	}
	for i := range p.Incidents {
		views = append(views, s.incidentView(&p.Incidents[i]))
	}
	return views
}

func (s Site) view(i *Item) view {
	e := &i.Entry
	v := view{
		id:         i.URN(),
		title:      line(e.Title),
		link:       cmp.Or(address(e.URL), s.absolute("/items/"+i.ID)),
		language:   s.languageOf(i),
		published:  firstCredible(i.Published, i.Admitted),
		updated:    firstCredible(i.Updated, i.Admitted, earliest.Add(time.Duration(i.Place)*time.Millisecond)),
		categories: categoriesOf(e.Details.Categories),
		image:      address(e.Details.Image),
		enclosures: enclosuresOf(e.Details.Enclosures),
		comments:   address(e.Details.Comments),
		inReplyTo:  e.Details.Extra.InReplyTo,
		point:      pointOf(e.Details.Extra.GeoPoint),
		rights:     line(e.Details.Extra.Rights),
		origin:     originOf(i),
	}
	if !isNormalID(v.inReplyTo) {
		v.inReplyTo = ""
	}
	v.authors = authorsOf(e.Authors, v.origin)
	v.copies = copiesOf(i.Copies, v.link, label(i.Source.Title()))
	if i.Founder != "" {
		v.story = &storyRef{id: Story{Founder: i.Founder}.URN(), publishers: i.Publishers}
	}
	coverage, more := s.coverageOf(i)
	v.coverage = coverage
	v.setText(e)
	v.provenance = v.provenanceHTML() + coverageHTML(coverage, more, s.absolute("/items/"+i.ID))
	return v
}

// html is the content with its provenance: what a reader sees.
func (v *view) html() string { return apart(v.note + v.content + v.provenance) }

// setText chooses summary, content and heading. A source that gave a summary
// only has it shown as content: two equal texts help nobody.
func (v *view) setText(e *Entry) {
	v.summary, v.content = line(e.Summary), strings.TrimSpace(legal(e.Content))
	if v.heading = cmp.Or(v.title, cut(v.summary, 80)); v.heading == "" {
		v.heading = cmp.Or(excerpt(v.content, 80), hostOf(v.link), "Untitled")
	}
	switch {
	case v.content == "" && v.summary != "":
		v.content, v.summary = "<p>"+htmlEscaper.Replace(v.summary)+"</p>", ""
	case v.content == "":
		v.content = "<p>" + htmlEscaper.Replace(v.heading) + "</p>"
	case saysNoMore(v.content, v.summary):
		v.summary = ""
	}
	if v.image != "" && !strings.Contains(v.content, "<img") {
		v.content = `<p><img src="` + htmlEscaper.Replace(v.image) + `" alt=""></p>` + v.content
	}
	if e.Details.Cut {
		v.content += v.readOn()
	}
}

// saysNoMore tells whether the content's text is the summary. Only content of
// about its length is looked at.
func saysNoMore(content, summary string) bool {
	return len(content) < 2*len(summary)+200 && excerpt(content, len(content)) == summary
}

// shorten puts the summary and a link in place of the content and returns the
// bytes saved; nothing happens if there are none to save.
func (v *view) shorten() int {
	brief := "<p>" + htmlEscaper.Replace(cmp.Or(v.summary, excerpt(v.content, 300))) + "</p>" + v.readOn()
	saved := len(v.content) - len(brief)
	if saved <= 0 {
		return 0
	}
	v.content = brief
	return saved
}

// brief shortens the text and leaves it alone to say what it says.
func (v *view) brief() {
	if v.shorten() > 0 {
		v.summary = ""
	}
}

func (v *view) readOn() string { return "<p>" + anchor("Read on", v.link) + "</p>" }

// provenanceHTML says where the item is from: the complaint about aggregators
// is that readers cannot tell, since few programs show atom:source.
func (v *view) provenanceHTML() string {
	var b strings.Builder
	if o := v.origin; o != nil {
		b.WriteString("<p><small>via " + anchor(o.title, cmp.Or(o.site, o.feed)) + "</small></p>")
	}
	if len(v.copies) == 0 {
		return b.String()
	}
	b.WriteString("<p><small>Also at: " + copyLinks(v.copies) + "</small></p>")
	return b.String()
}

func copyLinks(copies []Copy) string {
	links := make([]string, len(copies))
	for i, c := range copies {
		links[i] = anchor(c.Source, c.URL)
	}
	return strings.Join(links, ", ")
}

// anchor is a link, or the bare text where there is nowhere to lead.
func anchor(label, href string) string {
	if href == "" {
		return htmlEscaper.Replace(label)
	}
	return `<a href="` + htmlEscaper.Replace(href) + `">` + htmlEscaper.Replace(label) + "</a>"
}

// originOf is the feed to name as an item's source (RFC 4287, 4.2.11): the one
// that the entry itself named, for who aggregates an aggregate must not hide the
// first publisher; else the source it came by. Nil for a folder, a private
// source and an address with user info.
func originOf(i *Item) *origin {
	src, named := &i.Source, i.Entry.Details.Origin
	if src.Private || src.HasSecrets() || src.Kind != KindFolder && address(src.URL) == "" {
		return nil
	}
	if o := namedOrigin(named); o != nil {
		return o
	}
	if src.Kind == KindFolder {
		return nil
	}
	o := &origin{
		title:  cmp.Or(label(src.Title()), hostOf(src.URL)),
		site:   address(src.About.Link),
		feed:   address(src.URL),
		author: personName(src.About.Author),
		rights: line(src.About.Rights),
	}
	o.id = normalID(cmp.Or(strings.TrimSpace(src.About.ID), o.feed))
	return o
}

func namedOrigin(ref SourceRef) *origin {
	o := &origin{title: label(ref.Title), feed: address(ref.URL)}
	if ref.URL != "" && o.feed == "" || o.title == "" && o.feed == "" {
		return nil
	}
	o.title = cmp.Or(o.title, hostOf(o.feed))
	o.id = normalID(cmp.Or(o.feed, o.title))
	return o
}

var hostIn = regexp.MustCompile(`^https?://(?:www\.)?([^/:]+)`)

func hostOf(raw string) string {
	if m := hostIn.FindStringSubmatch(address(raw)); m != nil {
		return m[1]
	}
	return ""
}

// authorsOf are the entry's authors; where it names none its feed's, or the
// feed itself: otherwise the item would seem to be by us (RFC 4287, 4.2.1).
func authorsOf(named []Person, o *origin) []Person {
	var authors []Person
	for _, p := range named {
		p = Person{Name: personName(p.Name), URL: address(p.URL)}
		if p.Name != "" && !slices.Contains(authors, p) {
			authors = append(authors, p)
		}
	}
	if len(authors) == 0 && o != nil {
		authors = []Person{{Name: cmp.Or(o.author, o.title)}}
	}
	return authors
}

// copiesOf are the copies that the public may know of, each address once. Of
// one at the item's own address only the name is told, if it is another's.
func copiesOf(copies []Copy, link, own string) []Copy {
	var public []Copy
	seen := map[string]bool{own: true}
	for _, c := range copies {
		url := address(c.URL)
		if c.Private || c.URL != "" && url == "" {
			continue
		}
		name := cmp.Or(label(c.Source), hostOf(url))
		if url == link {
			url = ""
		}
		key := cmp.Or(url, name)
		if name == "" || seen[key] {
			continue
		}
		seen[key] = true
		public = append(public, Copy{Source: name, URL: url, Title: line(c.Title)})
	}
	return public
}

// categoriesOf are the categories, each once whatever its case.
func categoriesOf(named []string) []string {
	var categories []string
	seen := map[string]bool{}
	for _, c := range named {
		c = label(c)
		if key := strings.ToLower(c); c != "" && !seen[key] {
			seen[key] = true
			categories = append(categories, c)
		}
	}
	return categories
}

// enclosuresOf are the enclosures that can be fetched, each address once.
func enclosuresOf(said []Enclosure) []Enclosure {
	var enclosures []Enclosure
	seen := map[string]bool{}
	for _, e := range said {
		url := address(e.URL)
		if url == "" || seen[url] {
			continue
		}
		seen[url] = true
		enclosures = append(enclosures, Enclosure{
			URL:      url,
			Type:     cmp.Or(typeOf(e.Type, url), "application/octet-stream"),
			Length:   max(e.Length, 0),
			Duration: max(e.Duration, 0),
			Title:    line(e.Title),
		})
	}
	return enclosures
}

var latLon = regexp.MustCompile(`^([-+]?[0-9]{1,3}(?:\.[0-9]+)?)[\s,]+([-+]?[0-9]{1,3}(?:\.[0-9]+)?)$`)

// pointOf is a place on Earth as GeoRSS writes it, else "".
func pointOf(s string) string {
	m := latLon.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return ""
	}
	lat, _ := strconv.ParseFloat(m[1], 64)
	lon, _ := strconv.ParseFloat(m[2], 64)
	if max(lat, -lat) > 90 || max(lon, -lon) > 180 {
		return ""
	}
	return m[1] + " " + m[2]
}

// languageOf is the item's language where it differs from the feed's.
func (s Site) languageOf(i *Item) string {
	lang := cmp.Or(language(i.Entry.Language), language(i.Source.About.Language))
	if strings.EqualFold(lang, language(s.Language)) {
		return ""
	}
	return lang
}

// firstCredible is the first date that a feed can say, zero if none can. An
// item whose own date cannot be said goes by its admission: a reader that finds
// no date takes the present, anew at each reload.
func firstCredible(dates ...time.Time) time.Time {
	for _, t := range dates {
		if credible(t) {
			return t
		}
	}
	return time.Time{}
}
