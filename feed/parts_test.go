package feed

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mmcdole/gofeed"
)

func TestEachPartIsAFeedOfItsOwn(t *testing.T) {
	s := fixtureSite(base)
	titles := map[string]string{}
	for _, part := range []Site{
		s, s.Stories(), s.From("weir", "Weir Times"), s.From("quay", "Weir Times"), s.Found("eels"), s.Tagged("eels"), s.Found("eels").Tagged("eels"),
		s.CarriedBy(2), s.Newest(2), s.Newest(20), s.Summaries(), s.Newest(20).Summaries(), s.Stories().CarriedBy(2).Newest(20).Summaries(),
	} {
		if other, taken := titles[part.ID]; taken || !isNormalID(part.urn()) {
			t.Errorf("%q and %q have the id %s", part.Title, other, part.ID)
		}
		titles[part.ID] = part.Title
		if part.author() != s.author() {
			t.Errorf("%q is by %v", part.Title, part.author())
		}
	}
	for _, c := range []struct{ got, want string }{
		{s.From("weir", "Weir Times").Title, s.Title + ": Weir Times"},
		{s.From("weir", "").Title, s.Title + ": weir"},
		{s.Found("quay \x00berth").title(), s.title() + ": search “quay berth”"},
		{s.Tagged("eels").Newest(20).Summaries().Title, s.Title + ": tag “eels” (newest 20) (summaries)"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	// The id is the slug's, whatever the source calls itself now.
	if s.From("weir", "Weir Times").ID != s.From("weir", "The Weir").ID {
		t.Error("a source's title moves the id of its feed")
	}
}

func guids(items []*gofeed.Item) (all []string) {
	for _, i := range items {
		all = append(all, i.GUID)
	}
	return all
}

// A reader that follows the archives needs to know where each stands (RFC 5005, 4).
func TestAnArchiveSaysWhereItStands(t *testing.T) {
	for _, f := range formats[:2] {
		p := fixtureArchive(base, f.file)
		document := f.page(t, fixtureSite(base), p)
		for rel, to := range map[string]string{"current": p.Current, "prev-archive": p.Older, "next-archive": p.Newer} {
			if !strings.Contains(document, `rel="`+rel+`" href="`+to+`"`) {
				t.Errorf("%s: no %s to %s", f.name, rel, to)
			}
		}
		if !strings.Contains(document, "<fh:archive></fh:archive>") || !strings.Contains(document, `xmlns:fh="http://purl.org/syndication/history/1.0"`) {
			t.Errorf("%s is not marked as an archive", f.name)
		}
		main := f.page(t, fixtureSite(base), Page{Items: p.Items, Older: p.Older})
		if strings.Contains(main, "fh:") || strings.Contains(main, `rel="current"`) || !strings.Contains(main, `rel="prev-archive"`) {
			t.Errorf("%s: the main document is taken for an archive, or leads to none", f.name)
		}
		if before, after := parse(t, main), parse(t, document); !cmp.Equal(guids(before.Items), guids(after.Items)) {
			t.Errorf("%s: the items have other ids in an archive", f.name)
		}
	}
}

func TestSummariesStandForTexts(t *testing.T) {
	items := longItems(3, 4000)
	items[1].Entry.Summary = ""
	items[2].Entry.Content = "<p>Short.</p>"
	for _, f := range formats {
		full, brief := f.must(t, fixtureSite(base), items), f.page(t, fixtureSite(base), Page{Items: items, Brief: true})
		if len(brief) > len(full)/2 {
			t.Errorf("%s: %d bytes in place of %d", f.name, len(brief), len(full))
		}
		if n := strings.Count(brief, "is read each hour"); n != 2 {
			t.Errorf("%s: two summaries are told %d times", f.name, n)
		}
		if strings.Count(brief, "Read on") != 2 || !strings.Contains(brief, "Short.") {
			t.Errorf("%s: there is no way to the whole text, or one where it is there:\n%s", f.name, brief)
		}
	}
}
