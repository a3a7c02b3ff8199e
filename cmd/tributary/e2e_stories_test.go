package main

import (
	"cmp"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// newsroom is thirty feeds on two days, as testdata/stories has them.
type newsroom struct {
	t       *testing.T
	site    *publisher
	feeds   []newsFeed
	entries map[string][]story // by feed; in an entry, id is its guid
	label   map[string]string  // feed and address → feed/name
}

// newsFeed is a feed; source is its short name.
type newsFeed struct{ source, format, priority, title string }

func newNewsroom(t *testing.T) *newsroom {
	n := &newsroom{t: t, site: newPublisher(t), entries: map[string][]story{}, label: map[string]string{}}
	for line := range strings.Lines(n.file("feeds.txt")) {
		if f := strings.Fields(line); len(f) > 3 && f[0] != "#" {
			n.feeds = append(n.feeds, newsFeed{f[0], f[1], f[2], strings.Join(f[3:], " ")})
		}
	}
	return n
}

func (n *newsroom) file(name string) string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "stories", name))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}

// publish lets the feeds list a day's entries as well, newest first.
func (n *newsroom) publish(day string) {
	n.t.Helper()
	for _, part := range strings.Split("\n"+n.file(day), "\n=== ")[1:] {
		label, part, _ := strings.Cut(part, "\n")
		n.add(label, part)
	}
	for _, f := range n.feeds {
		entries := n.entries[f.source]
		slices.SortStableFunc(entries, func(a, b story) int { return b.at.Compare(a.at) })
		format := map[string]func(string, ...story) string{"atom": atomOf, "rss": rssOf, "json": jsonOf}[f.format]
		n.site.publish("/"+f.source, format(f.title, entries...))
	}
}

// add reads an entry: its fields, an empty line, its paragraphs. Lines that
// begin with # are about what follows. One of the same name takes its place.
func (n *newsroom) add(label, text string) {
	n.t.Helper()
	source, name, _ := strings.Cut(label, "/")
	s := story{url: "https://" + source + ".example/" + name}
	head, body, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(head) {
		var err error
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "title":
			s.title = value
		case "at":
			s.at, err = time.Parse("2006-01-02 15:04", value)
		case "url":
			s.url = value
		case "guid":
			s.id = value
		default:
			err = fmt.Errorf("%s: %q is no field of an entry", label, line)
		}
		if err != nil {
			n.t.Fatal(err)
		}
	}
	for p := range strings.SplitSeq(body, "\n\n") {
		if p = strings.TrimSpace(p); p != "" && p[0] != '#' {
			s.html += "<p>" + html.EscapeString(p) + "</p>\n"
		}
	}
	s.id = cmp.Or(s.id, s.url)
	n.label[source+" "+s.url] = label
	n.entries[source] = append(slices.DeleteFunc(n.entries[source], func(old story) bool { return old.id == s.id }), s)
}

func (n *newsroom) configuration() string {
	var b strings.Builder
	b.WriteString("sources:\n")
	for _, f := range n.feeds {
		fmt.Fprintf(&b, "  - {url: %s/%s, name: %s, priority: %s}\n", n.site.URL, f.source, f.title, f.priority)
	}
	return b.String()
}

// carried is what is made of the entries: the items, each by the label of its
// lead with those of its copies, and the stories of several items, leading one
// first; otherwise in alphabetical order.
type carried struct {
	Items   map[string][]string
	Stories map[string][]string
}

// expect reads the part of the expectation file that is headed so.
func (n *newsroom) expect(heading string) carried {
	n.t.Helper()
	_, part, found := strings.Cut(n.file("expected.txt"), "\n= "+heading+"\n")
	if !found {
		n.t.Fatalf("nothing is expected %s", heading)
	}
	part, _, _ = strings.Cut(part, "\n= ")
	c := carried{map[string][]string{}, map[string][]string{}}
	for line := range strings.Lines(part) {
		f := strings.Fields(strings.ReplaceAll(line, ":", ""))
		switch {
		case len(f) > 1 && f[0] == "item":
			c.Items[f[1]] = append([]string{}, f[2:]...)
		case len(f) > 1 && f[0] == "story":
			c.Stories[f[1]] = append([]string{}, f[2:]...)
		}
	}
	return c
}

// publishers are the feeds behind some items and their copies.
func (c carried) publishers(leads ...string) int {
	feeds := map[string]bool{}
	for _, lead := range leads {
		for _, label := range append([]string{lead}, c.Items[lead]...) {
			source, _, _ := strings.Cut(label, "/")
			feeds[source] = true
		}
	}
	return len(feeds)
}

// groups are the stories, those of one item too.
func (c carried) groups() [][]string {
	var all [][]string
	seen := map[string]bool{}
	for lead, others := range c.Stories {
		all = append(all, append([]string{lead}, others...))
		for _, label := range all[len(all)-1] {
			seen[label] = true
		}
	}
	for lead := range c.Items {
		if !seen[lead] {
			all = append(all, []string{lead})
		}
	}
	return all
}

// by are the items of stories that at least so many publishers carry.
func (c carried) by(least int) []string {
	var leads []string
	for _, group := range c.groups() {
		if c.publishers(group...) >= least {
			leads = append(leads, group...)
		}
	}
	slices.Sort(leads)
	return leads
}

// newsItem is an item of a JSON document of the program, as far as it is about
// copies and stories.
type newsItem struct {
	published
	Extension struct {
		Source struct{ Title string }
		Copies []struct{ Source, URL string }
		Story  struct {
			ID         string
			Publishers int
		}
		Coverage []struct{ ID, Source, URL string }
	} `json:"_tributary"`
}

func (s *served) news(path string) []newsItem {
	s.t.Helper()
	return decode[struct{ Items []newsItem }](s.t, s.get(path).body).Items
}

// labelled gives the label of what a feed has at an address. The name is a
// title or a slug.
func (n *newsroom) labelled(name, url string) string {
	n.t.Helper()
	for _, f := range n.feeds {
		if label := n.label[f.source+" "+url]; label != "" && (f.title == name || slug(f.title) == name) {
			return label
		}
	}
	n.t.Errorf("%s has nothing at %s", name, url)
	return name + " " + url
}

func (n *newsroom) lead(i newsItem) string { return n.labelled(i.Extension.Source.Title, i.URL) }

// told is what the documents of items and of stories tell.
func (n *newsroom) told(s *served) carried {
	c := carried{map[string][]string{}, map[string][]string{}}
	for _, i := range s.news("/feed.json") {
		copies := []string{}
		for _, x := range i.Extension.Copies {
			copies = append(copies, n.labelled(x.Source, x.URL))
		}
		slices.Sort(copies)
		c.Items[n.lead(i)] = copies
	}
	for _, i := range s.news("/stories.json") {
		others := []string{}
		for _, x := range i.Extension.Coverage {
			others = append(others, n.labelled(x.Source, x.URL))
		}
		slices.Sort(others)
		if len(others) > 0 {
			c.Stories[n.lead(i)] = others
		}
	}
	return c
}

// explained is what `item list` and `item why` tell, each item asked by itself.
func (n *newsroom) explained(h *house) (items map[string][]string, ids map[string]string) {
	items, ids = map[string][]string{}, map[string]string{}
	code, stdout, stderr := h.run("item", "list", "--limit", "1000", "--json")
	if code != exitOK {
		n.t.Fatal(stderr)
	}
	for _, i := range decode[[]itemView](n.t, stdout) {
		lead := n.labelled(i.Source, i.URL)
		ids[lead] = i.ID
		copies := []string{}
		for _, x := range i.AlsoAt {
			copies = append(copies, n.labelled(x.Source, x.URL))
		}
		slices.Sort(copies)
		items[lead] = copies
	}
	return items, ids
}

// why is what `item why` tells of an item.
func (n *newsroom) why(h *house, id string) whyView {
	n.t.Helper()
	code, stdout, stderr := h.run("item", "why", "--json", id)
	if code != exitOK {
		n.t.Fatal(stderr)
	}
	return decode[whyView](n.t, stdout)
}

// check compares what the program tells with what is expected. Where they
// differ it shows how the program explains itself.
func (n *newsroom) check(s *served, heading string) carried {
	n.t.Helper()
	want := n.expect(heading)
	got := n.told(s)
	if diff := gocmp.Diff(want, got); diff != "" {
		n.t.Errorf("%s the documents tell (-want +got):\n%s", heading, diff)
	}
	listed, ids := n.explained(s.house)
	if diff := gocmp.Diff(want.Items, listed); diff != "" {
		n.t.Errorf("%s item list tells (-want +got):\n%s", heading, diff)
	}
	for _, i := range s.news("/feed.json") {
		if id := ids[n.lead(i)]; "urn:uuid:"+id != i.ID {
			n.t.Errorf("%s is %s in the feed and %s in the list", n.lead(i), i.ID, id)
		}
	}
	n.checkReasons(s, want, ids)
	n.checkCarriedBy(s, want)
	return want
}

// checkReasons asks why: each entry of an item has a decision in words, and
// the lead alone is published.
func (n *newsroom) checkReasons(s *served, want carried, ids map[string]string) {
	n.t.Helper()
	for lead, copies := range want.Items {
		if len(copies) == 0 || ids[lead] == "" {
			continue
		}
		v := n.why(s.house, ids[lead])
		var labels []string
		for _, e := range v.Entries {
			label := n.labelled(e.Source, e.URL)
			labels = append(labels, label)
			if (e.Decision == feed.Published) != (label == lead) || !strings.HasSuffix(e.Reason, ".") || e.Rule == "" {
				n.t.Errorf("%s of %s: %s by %q: %q", label, lead, e.Decision, e.Rule, e.Reason)
			}
		}
		slices.Sort(labels)
		all := append([]string{lead}, copies...)
		slices.Sort(all)
		if diff := gocmp.Diff(all, labels); diff != "" {
			n.t.Errorf("%s rests on other entries (-want +got):\n%s", lead, diff)
		}
	}
}

// checkCarriedBy asks for what three publishers carry, and how many that are.
func (n *newsroom) checkCarriedBy(s *served, want carried) {
	n.t.Helper()
	var leads []string
	for _, i := range s.news("/feed.json?min_sources=3") {
		leads = append(leads, n.lead(i))
	}
	slices.Sort(leads)
	if diff := gocmp.Diff(want.by(3), leads); diff != "" {
		n.t.Errorf("other items are carried by three publishers (-want +got):\n%s", diff)
	}
	publishers := map[string]int{}
	for _, i := range s.news("/feed.json") {
		publishers[n.lead(i)] = i.Extension.Story.Publishers
	}
	for _, group := range want.groups() {
		for _, label := range group {
			if got, want := publishers[label], want.publishers(group...); got != want {
				n.t.Errorf("the story of %s is carried by %d publishers, not %d", label, got, want)
			}
		}
	}
}

// TestThirtyFeedsGiveTheItemsAndStoriesThatTheFileStates runs two days of
// news through the program and asks it, by all the ways there are, what it has
// made of them.
func TestThirtyFeedsGiveTheItemsAndStoriesThatTheFileStates(t *testing.T) {
	t.Parallel()
	n := newNewsroom(t)
	h := newHouse(t, n.configuration())
	n.publish("day1.txt")
	h.ingest()
	s := h.serve()
	n.check(s, "after Monday")
	monday, mondayStories := n.byLead(s, "/feed.json"), n.byLead(s, "/stories.json")
	n.checkLines(s)

	n.publish("day2.txt")
	h.ingest("--force")
	eventually(t, patience, "the feed shows Tuesday", func() bool { return len(s.items()) > len(monday) })
	n.check(s, "after Tuesday")
	tuesday := n.byLead(s, "/feed.json")
	n.checkMoved(monday, tuesday)
	n.checkGrown(mondayStories, n.byLead(s, "/stories.json"))

	documents := append(slices.Clone(feedPaths), "/stories.atom", "/stories.rss", "/stories.json", "/feed.atom?min_sources=3")
	before := map[string]string{}
	for _, path := range documents {
		before[path] = s.get(path).body
	}
	if r := h.ingest("--force"); r.Counts.Changed() {
		t.Errorf("a second look at Tuesday changed something: %+v", r.Counts)
	}
	s.stop()
	s = h.serve()
	for _, path := range documents {
		if diff := gocmp.Diff(before[path], s.get(path).body); diff != "" {
			t.Errorf("%s is another document after a second look and a restart:\n%s", path, diff)
		}
	}
}

// byLead are a document's items by the labels of their leads.
func (n *newsroom) byLead(s *served, path string) map[string]newsItem {
	items := map[string]newsItem{}
	for _, i := range s.news(path) {
		items[n.lead(i)] = i
	}
	return items
}

// checkLines looks for the lines that name copies and coverage to a reader.
func (n *newsroom) checkLines(s *served) {
	n.t.Helper()
	atom := html.UnescapeString(s.get("/feed.atom").body)
	for _, line := range []string{
		`Also at: <a href="https://centralwire.example/backstop">Central Wire</a>, <a href="https://europanews.example/backstop">Europa News</a></small>`,
		`Also covered by: <a href="https://eastreview.example/odesa">Odesa in the dark after a night attack on its grid</a> (East Review)</small>`,
		`Also covered by: <a href="https://dniproline.example/odesa">Drones hit a power substation in Odesa, 40,000 homes without light</a> (Dnipro Line)</small>`,
	} {
		if !strings.Contains(atom, line) {
			n.t.Errorf("the Atom document does not say %s", line)
		}
	}
	for _, address := range []string{"https://centralwire.example/backstop", "https://europanews.example/backstop"} {
		if !strings.Contains(atom, `rel="related" href="`+address+`"`) && !strings.Contains(atom, `href="`+address+`" rel="related"`) {
			n.t.Errorf("the Atom document has no related link to %s", address)
		}
	}
}

// checkMoved compares Monday's items with Tuesday's: of those that Tuesday
// changed, updated has moved; of no others, whatever copies and coverage they
// got; and all have kept their ids and dates.
func (n *newsroom) checkMoved(monday, tuesday map[string]newsItem) {
	n.t.Helper()
	now := map[string]string{"shortnews/gripen": "fullread/gripen"} // who leads instead
	changed := []string{"shortnews/gripen", "kyivledger/kharkiv"}
	for lead, was := range monday {
		is, ok := tuesday[cmp.Or(now[lead], lead)]
		switch {
		case !ok:
			n.t.Errorf("%s is gone", lead)
		case is.ID != was.ID || !is.Published.Equal(was.Published) || is.Extension.Story.ID != was.Extension.Story.ID:
			n.t.Errorf("%s has another id, story or date: %+v, was %+v", lead, is, was)
		case slices.Contains(changed, lead) != is.Modified.After(was.Modified):
			n.t.Errorf("%s was modified %v, and is %v", lead, was.Modified, is.Modified)
		}
	}
	if !strings.Contains(tuesday["kyivledger/kharkiv"].Title, "Five") {
		n.t.Errorf("the correction does not show: %s", tuesday["kyivledger/kharkiv"].Title)
	}
	if !strings.Contains(tuesday["fullread/gripen"].Content, "Riksdag") {
		n.t.Errorf("the full text does not show: %s", tuesday["fullread/gripen"].Content)
	}
}

// checkGrown compares the stories of Monday with those of Tuesday: updated has
// moved where a publisher has come, and nowhere else.
func (n *newsroom) checkGrown(monday, tuesday map[string]newsItem) {
	n.t.Helper()
	byID := map[string]newsItem{}
	for _, s := range tuesday {
		byID[s.ID] = s
	}
	for lead, was := range monday {
		is, ok := byID[was.ID]
		grew := is.Extension.Story.Publishers > was.Extension.Story.Publishers
		if !ok || grew != is.Modified.After(was.Modified) {
			n.t.Errorf("the story of %s: there is %v, carried by %d and then %d, modified %v and then %v", lead, ok,
				was.Extension.Story.Publishers, is.Extension.Story.Publishers, was.Modified, is.Modified)
		}
	}
	for _, lead := range []string{"centralwire/pledge", "weatherdesk/storm"} {
		if !tuesday[lead].Modified.After(monday[lead].Modified) {
			n.t.Errorf("the story of %s has more publishers, and does not say so", lead)
		}
	}
}

// TestAMergedItemsPageLeadsToTheOther corrects what a running program shows,
// by the command: a merge, and a split that undoes it.
func TestAMergedItemsPageLeadsToTheOther(t *testing.T) {
	t.Parallel()
	site := newPublisher(t)
	one := func(name, title string, at time.Time) story {
		return story{name, "https://" + name + ".example/1", title, paragraph(title), at}
	}
	site.publish("/a", atomOf("A", one("a", "The older one", storyTime)))
	site.publish("/b", rssOf("B", one("b", "The newer one", storyTime.Add(time.Hour))))
	h := newHouse(t, "sources:\n  - {url: "+site.URL+"/a, name: A}\n  - {url: "+site.URL+"/b, name: B}\n")
	h.ingest()
	s := h.serve()
	older, newer := strings.TrimPrefix(s.shows("The older one").ID, "urn:uuid:"), strings.TrimPrefix(s.shows("The newer one").ID, "urn:uuid:")
	if code, _, stderr := h.run("item", "merge", newer, older); code != exitOK {
		t.Fatal(stderr)
	}
	s.settles(1)
	if left, ok := s.item("The older one"); !ok || left.ID != "urn:uuid:"+older {
		t.Errorf("left is %+v", left)
	}
	s.leadsOn("/items/"+newer, "/items/"+older)
	s.leadsOn("/api/items/"+newer, "/api/items/"+older)

	code, stdout, stderr := h.run("item", "why", "--json", older)
	if code != exitOK {
		t.Fatal(stderr)
	}
	for _, e := range decode[whyView](t, stdout).Entries {
		if e.Title == "The newer one" {
			if code, _, stderr := h.run("item", "split", older, fmt.Sprint(e.Entry)); code != exitOK {
				t.Fatal(stderr)
			}
		}
	}
	s.settles(2)
	if back := s.shows("The newer one"); back.ID != "urn:uuid:"+newer {
		t.Errorf("it comes back as %s, and was %s", back.ID, newer)
	}
	if status := s.get("/items/" + newer).status; status != http.StatusOK {
		t.Errorf("its page answers %d", status)
	}
}

// leadsOn checks that an address redirects for good to another.
func (s *served) leadsOn(from, to string) {
	s.t.Helper()
	client := http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(s.url + from)
	s.check(err)
	res.Body.Close()
	if res.StatusCode != http.StatusPermanentRedirect || !strings.HasSuffix(res.Header.Get("Location"), to) {
		s.t.Errorf("%s answers %s and leads to %q", from, res.Status, res.Header.Get("Location"))
	}
}
