package feed

import (
	"cmp"
	"fmt"
	"strings"
)

// covers is how many other items of its story an item names. A story names all
// that it has.
const covers = 5

// cover is another item of the same story, as the public may know it.
type cover struct {
	id     string // URN of the item
	title  string // the source's name where it has none
	source string // may be ""
	url    string // where it is to be read; never ""
	copies []Copy // where else it was found; told with a story only
}

// storyRef names the story that an item belongs to.
type storyRef struct {
	id         string // URN
	publishers int
}

// Cover is how the item is named with the other items of its story.
func (i Item) Cover() Cover {
	return Cover{
		ID:        i.ID,
		Title:     cmp.Or(line(i.Entry.Title), cut(line(i.Entry.Summary), 80)),
		Source:    i.Source.Title(),
		URL:       i.Entry.URL,
		Published: i.Published,
		Private:   i.Source.Private || i.Source.HasSecrets() || hasUserInfo(i.Entry.URL),
	}
}

// cover is c for the public, false if that may not know of it.
func (s Site) cover(c Cover) (cover, bool) {
	url := address(c.URL)
	if c.Private || c.URL != "" && url == "" {
		return cover{}, false
	}
	source := cmp.Or(label(c.Source), hostOf(url))
	return cover{
		id:     Item{ID: c.ID}.URN(),
		title:  cmp.Or(line(c.Title), source, "Untitled"),
		source: source,
		url:    cmp.Or(url, s.absolute("/items/"+c.ID)),
	}, true
}

// coverageOf are the newest of the item's story that the public may know of,
// and how many more there are.
func (s Site) coverageOf(i *Item) (shown []cover, more int) {
	more = max(i.Covered, len(i.Coverage))
	for _, c := range i.Coverage {
		if public, ok := s.cover(c); !ok {
			more--
		} else if len(shown) < covers {
			shown = append(shown, public)
			more--
		}
	}
	return shown, more
}

// coverageHTML says who else reports. It is one line, for it stands below
// every entry; the rest is on the item's page.
func coverageHTML(shown []cover, more int, page string) string {
	if len(shown) == 0 {
		return ""
	}
	reports := make([]string, len(shown))
	for i, c := range shown {
		reports[i] = c.html()
	}
	line := "<p><small>Also covered by: " + strings.Join(reports, "; ")
	if more > 0 {
		line += "; and " + anchor(fmt.Sprintf("%d more", more), page)
	}
	return line + "</small></p>"
}

// html is the report as a link, with its source where that is not the title.
func (c *cover) html() string {
	if c.source == "" || c.source == c.title {
		return anchor(c.title, c.url)
	}
	return anchor(c.title, c.url) + " (" + htmlEscaper.Replace(c.source) + ")"
}

// storyView is the story as an entry: that of its leading item, with all other
// items named below it. It is dated by when its coverage grew.
func (s Site) storyView(st *Story) view {
	lead := st.Items[0]
	lead.Coverage, lead.Covered = nil, 0
	v := s.view(&lead)
	v.id = st.URN()
	v.story = &storyRef{id: v.id, publishers: st.Publishers}
	v.updated = firstCredible(st.Updated, v.updated)
	seen := map[string]bool{lead.ID: true, v.link: true}
	for i := 1; i < len(st.Items); i++ {
		item := &st.Items[i]
		c, ok := s.cover(item.Cover())
		if !ok || seen[item.ID] || seen[c.url] {
			continue
		}
		seen[item.ID], seen[c.url] = true, true
		c.copies = copiesOf(item.Copies, c.url, c.source)
		v.coverage = append(v.coverage, c)
	}
	v.provenance += reportsHTML(v.coverage)
	return v
}

// reportsHTML lists the reports of a story.
func reportsHTML(reports []cover) string {
	if len(reports) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<p>Also covered by:</p><ul>")
	for i := range reports {
		b.WriteString("<li>" + reports[i].html())
		if copies := reports[i].copies; len(copies) > 0 {
			b.WriteString(" <small>also at " + copyLinks(copies) + "</small>")
		}
		b.WriteString("</li>")
	}
	b.WriteString("</ul>")
	return b.String()
}
