package ingest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/store"
)

// Reports on one fire, each in its writer's own words, and on something else.
const (
	fireOne = "Fire destroyed the timber hall of the Lindqvist shipyard in Karlskrona on Saturday night. Forty firemen fought the flames until five in the morning. " +
		"Nobody was hurt, said fire chief Astrid Malm, but the wooden hull of the school ship Gunilla, which was to be launched in May, is lost. Police are looking at a welding machine that was left under power."
	fireTwo = "The school ship Gunilla will not sail this summer. Her hull burned on Saturday night with the timber hall of the Lindqvist shipyard in Karlskrona, where she was being planked. " +
		"Fire chief Astrid Malm praised her forty firemen, who kept the flames from the slipway. The police suspect a welding machine. Nobody was hurt."
	fireThree = "After the fire at the Lindqvist shipyard in Karlskrona people bring money and oak. The school ship Gunilla, whose hull was lost with the timber hall, is to be built again, say her friends. " +
		"Fire chief Astrid Malm, who led forty firemen on Saturday night, gave a hundred crowns. The police have taken the welding machine away."
	chess = "Ines Caldeira has won the chess tournament of Coimbra with eight points of nine. In the last round the student, who is nineteen, needed a draw against Pavel Horak and had it after ninety moves. " +
		"She will play for Portugal in the team championship in Budapest."
)

func (r *rig) story(item feed.Item) feed.Story {
	r.t.Helper()
	st, err := r.store.StoryOf(r.t.Context(), r.byID(item.ID).StoryRow)
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}

func report(path, title, text, hour string) string {
	return rss(post{"1", "https://" + path[1:] + ".example/1", title, text, "Sun, 01 Mar 2026 " + hour + ":00:00 GMT"})
}

func TestReportsOfOneEventShareAStoryInOneRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b", "/c", "/d")
	r.publish("/a", report("/a", "Friends of the Gunilla want to build again", fireThree, "10"))
	r.publish("/b", report("/b", "No summer for the school ship Gunilla", fireTwo, "09"))
	r.publish("/c", report("/c", "Student wins chess tournament of Coimbra", chess, "08"))
	r.publish("/d", report("/d", "Fire at Lindqvist shipyard in Karlskrona", fireOne, "07"))
	r.ingest()
	st := r.story(r.item("No summer for the school ship Gunilla"))
	var slugs []string
	for _, i := range st.Items {
		slugs = append(slugs, slug(i))
	}
	if !slices.Equal(slugs, []string{"d", "a", "b"}) || st.Publishers != 3 || st.Founder != st.Items[0].ID {
		t.Errorf("the story of the fire is by %q, %d publishers, and began with %s", slugs, st.Publishers, st.Founder)
	}
	if why := r.item("No summer for the school ship Gunilla").StoryWhy; !strings.Contains(why, "Gunilla") {
		t.Errorf("the reason is %q", why)
	}
	if other := r.story(r.item("Student wins chess tournament of Coimbra")); len(other.Items) != 1 || other.Publishers != 1 {
		t.Errorf("the tournament has %d items by %d publishers", len(other.Items), other.Publishers)
	}
}

func TestAStoryGrowsAndItsItemsStay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b", "/c")
	r.publish("/a", report("/a", "Fire at Lindqvist shipyard in Karlskrona", fireOne, "07"))
	r.publish("/b", rss())
	r.publish("/c", rss())
	r.ingest()
	first := r.only()
	began := r.story(first)

	r.publish("/b", report("/b", "No summer for the school ship Gunilla", fireTwo, "08"))
	r.ingest()
	grown := r.story(first)
	if grown.ID() != began.ID() || len(grown.Items) != 2 || !grown.Updated.After(began.Updated) {
		t.Errorf("the story is %s of %d items, updated %v; it was %s, updated %v", grown.ID(), len(grown.Items), grown.Updated, began.ID(), began.Updated)
	}

	// A further article by the same publisher is no news of coverage.
	r.publish("/b", rss(
		post{"1", "https://b.example/1", "No summer for the school ship Gunilla", fireTwo, "Sun, 01 Mar 2026 08:00:00 GMT"},
		post{"2", "https://b.example/2", "Friends of the Gunilla want to build again", fireThree, "Sun, 01 Mar 2026 11:00:00 GMT"}))
	r.ingest()
	again := r.story(first)
	if len(again.Items) != 3 || again.Publishers != 2 || !again.Updated.Equal(grown.Updated) {
		t.Errorf("the story has %d items by %d publishers, updated %v, was %v", len(again.Items), again.Publishers, again.Updated, grown.Updated)
	}

	// A copy by another publisher is.
	r.publish("/c", report("/c", "The fire at Lindqvist shipyard in Karlskrona", fireOne+" From our correspondent.", "12"))
	if c := r.ingest().Counts; c.Copies != 1 {
		t.Fatalf("the copy gave %+v", c)
	}
	carried := r.story(first)
	if carried.Publishers != 3 || !carried.Updated.After(again.Updated) {
		t.Errorf("with a copy the story has %d publishers, updated %v, was %v", carried.Publishers, carried.Updated, again.Updated)
	}
	if now := r.byID(first.ID); !now.Updated.Equal(first.Updated) || now.Place != first.Place {
		t.Errorf("coverage has moved the item: updated %v, was %v", now.Updated, first.Updated)
	}
	if items, err := r.store.Items(t.Context(), store.Query{Limit: 9, MinPublishers: 3}); err != nil || len(items) != 3 {
		t.Errorf("three publishers carry %d items, %v", len(items), err)
	}
}

// What is said again in other markup is not read again, and must not be forgotten.
func TestAnEntryThatReadsAsBeforeKeepsItsStory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b")
	r.publish("/a", report("/a", "Fire at Lindqvist shipyard in Karlskrona", fireOne, "07"))
	r.publish("/b", rss())
	r.ingest()
	r.publish("/a", report("/a", "Fire at Lindqvist shipyard in Karlskrona", strings.ReplaceAll(fireOne, " ", "  "), "07"))
	if c := r.ingest().Counts; c.Changed() {
		t.Fatalf("other spaces gave %+v", c)
	}
	r.publish("/b", report("/b", "No summer for the school ship Gunilla", fireTwo, "08"))
	r.ingest()
	if st := r.story(r.item("No summer for the school ship Gunilla")); len(st.Items) != 2 {
		t.Errorf("the story has %d items", len(st.Items))
	}
}

func TestAReportFindsTheStoryOfAChangedText(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b")
	r.publish("/a", report("/a", "The morning so far", chess, "07"))
	r.publish("/b", rss())
	r.ingest()
	r.publish("/a", report("/a", "The morning so far: fire at a shipyard", fireOne, "07"))
	if c := r.ingest().Counts; c.Updated != 1 {
		t.Fatalf("the change gave %+v", c)
	}
	r.publish("/b", report("/b", "No summer for the school ship Gunilla", fireTwo, "08"))
	r.ingest()
	if st := r.story(r.item("No summer for the school ship Gunilla")); len(st.Items) != 2 {
		t.Errorf("the story has %d items", len(st.Items))
	}
}

func TestAStoryEndsWithTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.declare("/a", "/b")
	r.publish("/a", report("/a", "Fire at Lindqvist shipyard in Karlskrona", fireOne, "07"))
	r.publish("/b", rss())
	r.ingest()
	r.later(60 * 24 * time.Hour)
	r.publish("/b", rss(post{"1", "https://b.example/1", "No summer for the school ship Gunilla", fireTwo, "Thu, 30 Apr 2026 08:00:00 GMT"}))
	r.ingest()
	if st := r.story(r.item("No summer for the school ship Gunilla")); len(st.Items) != 1 {
		t.Errorf("the story has %d items two months later", len(st.Items))
	}
}
