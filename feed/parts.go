package feed

import (
	"cmp"
	"fmt"
)

// A site has other feeds beside the main one, each with an id and a title of its
// own. They can be parts of parts: the stories that three publishers carry. The
// same steps in another order are another feed, so take them in that of this file.

// Stories is the site of its feed of stories: a feed of its own by the same
// publisher, with an id and a title of its own.
func (s Site) Stories() Site { return s.part("stories", ": stories") }

// From is the site of its feed of what the source with this slug brought.
func (s Site) From(slug, title string) Site {
	return s.part("source="+slug, ": "+cmp.Or(label(title), slug))
}

// Found is the site of its feed of what a search for words finds.
func (s Site) Found(text string) Site {
	return s.part("q="+text, ": search “"+line(text)+"”")
}

// Tagged is the site of its feed of what has a tag.
func (s Site) Tagged(tag string) Site {
	return s.part("tag="+tag, ": tag “"+line(tag)+"”")
}

// CarriedBy is the site of its feed of what at least n publishers carry.
func (s Site) CarriedBy(n int) Site {
	return s.part(fmt.Sprintf("min_sources=%d", n), fmt.Sprintf(" (%d publishers or more)", n))
}

// Newest is the site of its feed of so many items or stories.
func (s Site) Newest(n int) Site {
	return s.part(fmt.Sprintf("limit=%d", n), fmt.Sprintf(" (newest %d)", n))
}

// Summaries is the site of its feed of summaries in place of texts.
func (s Site) Summaries() Site { return s.part("content=summary", " (summaries)") }

// part is a feed with other entries than the site's: readers and aggregators
// that go by the feed's id (RFC 4287, 4.2.6) must not take one for the other.
func (s Site) part(name, suffix string) Site {
	s.Author = cmp.Or(s.Author, s.title())
	s.ID, s.Title = nameUUID(s.urn()+"#"+name), s.title()+suffix
	return s
}
