package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// namesShown is how many sources of a story's reports are named before they
// are unfolded.
const namesShown = 4

// coverageView is what else a story has, beside the item that leads it.
type coverageView struct {
	Reports []reportView // newest first
	Names   string       // of their sources
	Total   int
	More    int    // reports that are not among these
	Page    string // of the item, where they are
	Latest  moment // the newest report's time, where it is newer than the item
}

// reportView is another item of the story.
type reportView struct {
	Page, Title, Language string
	Via                   link // its source and the original
	When                  moment
}

// byStory puts items of one story together, where the newest of them stands.
// Items of private sources stay alone: nothing may name them as coverage, and
// yet they must be seen.
func byStory(items []feed.Item) [][]feed.Item {
	var groups [][]feed.Item
	of := map[int64]int{}
	for _, item := range items {
		together := item.StoryRow != 0 && isPublic(item.Source)
		if i, ok := of[item.StoryRow]; ok && together {
			groups[i] = append(groups[i], item)
			continue
		}
		if together {
			of[item.StoryRow] = len(groups)
		}
		groups = append(groups, []feed.Item{item})
	}
	return groups
}

// leading is which of a story's items stands for it: the one that it began
// with, else the first that came in. Items are newest first.
func leading(items []feed.Item) int {
	founder := slices.IndexFunc(items, func(i feed.Item) bool { return i.ID == i.Founder })
	if founder < 0 {
		return len(items) - 1
	}
	return founder
}

// groupView shows the leading one of a story's items with the others as its
// coverage, and what else it is known to have.
func (s *Server) groupView(who viewer, items []feed.Item) itemView {
	first := leading(items)
	lead := items[first]
	v := s.itemView(who, lead)
	var others []feed.Cover
	known := map[string]bool{lead.ID: true}
	for i, item := range items {
		if i != first {
			c := item.Cover()
			c.Title, c.Private = titleOf(item), false // the group has public ones only; an address with a password is not linked
			others, known[item.ID] = append(others, c), true
		}
	}
	hidden := 0
	for _, c := range lead.Coverage {
		switch {
		case c.Private && !who.Admin && !known[c.ID]:
			hidden++
		case !known[c.ID]:
			others, known[c.ID] = append(others, c), true
		}
	}
	slices.SortStableFunc(others, func(a, b feed.Cover) int { return b.Published.Compare(a.Published) })
	v.Coverage = s.coverageView(others, max(lead.Covered-hidden, len(others)), lead)
	for i := range v.Coverage.Reports {
		v.Coverage.Reports[i].Language = languageOf(items, others[i].ID)
	}
	return v
}

// languageOf is the language of one of the items; "" (which says that it is
// not known) of any other.
func languageOf(items []feed.Item, id string) string {
	for _, i := range items {
		if i.ID == id {
			return cmp.Or(i.Entry.Language, i.Source.About.Language)
		}
	}
	return ""
}

func (s *Server) coverageView(others []feed.Cover, total int, lead feed.Item) coverageView {
	v := coverageView{Total: total, More: total - len(others), Page: s.root + "/items/" + lead.ID, Names: namesOf(others)}
	latest := time.Time{}
	for _, c := range others {
		v.Reports = append(v.Reports, reportView{
			Page: s.root + "/items/" + c.ID, Title: cmp.Or(c.Title, "Untitled"), Via: link{c.Source, publicURL(c.URL)}, When: s.brief(c.Published),
		})
		if c.Published.After(latest) {
			latest = c.Published
		}
	}
	if latest.After(lead.Published) {
		v.Latest = s.brief(latest)
	}
	return v
}

// namesOf names the sources of reports, each once.
func namesOf(reports []feed.Cover) string {
	var names []string
	for _, c := range reports {
		if !slices.Contains(names, c.Source) {
			names = append(names, c.Source)
		}
	}
	if len(names) > namesShown {
		return strings.Join(names[:namesShown], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
