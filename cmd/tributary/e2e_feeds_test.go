package main

import (
	"cmp"
	"html"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var feedPaths = []string{"/feed.atom", "/feed.rss", "/feed.json"}

// overlapping gives an installation three publishers with a feed each, in three
// formats, that carry some of the same articles, and one of them the text of a
// document of the seeds. titles are those that the combined feed is to have.
func overlapping(h *house) (atom, rss, json *publisher, titles []string) {
	atom, rss, json = newPublisher(h.t), newPublisher(h.t), newPublisher(h.t)
	one := func(id, url, title, about string) story { return story{id, url, title, paragraph(about), storyTime} }
	h.write("seeds/plan.txt", "Date: 2026-01-05\n\nA plan that everybody carries\n\n"+strings.Repeat("The plan names four stages, and says of none how long it lasts. ", 6)+"\n")
	carried := one("plan", "https://third.example/plan", "A plan, as carried elsewhere", "")
	carried.html = "<p>" + strings.Repeat("The plan names four stages, and says of none how long it lasts. ", 6) + "</p>"

	atom.publish("/feed", atomOf("First",
		one("a1", "https://news.example/one?utm_source=atom&utm_medium=feed", "Same address, other parameters", "one"),
		one("a2", "https://news.example/two", "Same address, another guid", "two"),
		one("a3", "https://first.example/three", "Equal text everywhere", "three"),
		one("a4", "https://news.example/show?id=1", "A parameter that selects", "four, the first"),
		one("a5", "https://first.example/five", "Talks go on", "five, by the first"),
		one("a6", "https://first.example/six", "The first's own", "six")))
	rss.publish("/feed", rssOf("Second",
		one("r1", "http://www.news.example/one/?fbclid=abc", "Same address, other parameters", "one, cut short"),
		one("r2", "https://news.example/two", "Same address, another guid", "two, retold"),
		one("r3", "https://second.example/drei", "Equal text, another title", "three"),
		one("r4", "https://news.example/show?id=2", "Another that it selects", "four, the second"),
		one("r5", "https://second.example/five", "Talks go on", "five, by the second"),
		one("r6", "https://second.example/six", "The second's own", "seven")))
	json.publish("/feed", jsonOf("Third",
		one("j1", "https://news.example/one?utm_campaign=x#part", "Same address, other parameters", "one, longer"),
		one("j3", "https://third.example/3", "Equal text everywhere", "three"),
		carried,
		one("j6", "https://third.example/six", "The third's own", "eight")))
	h.write("tributary.yaml", plain+"sources:\n"+
		"  - {url: "+atom.URL+"/feed, name: First}\n  - {url: "+rss.URL+"/feed, name: Second}\n  - {url: "+json.URL+"/feed, name: Third}\n")
	titles = []string{"A plan that everybody carries", "Same address, other parameters", "Same address, another guid", "Equal text everywhere",
		"A parameter that selects", "Another that it selects", "Talks go on", "Talks go on", "The first's own", "The second's own", "The third's own"}
	slices.Sort(titles)
	return atom, rss, json, titles
}

// Where the same article came from is named: a copy at the very same address
// by its name alone.
func TestEachArticleOfOverlappingFeedsShowsOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	_, _, _, titles := overlapping(h)
	h.ingest()
	s := h.serve()
	for _, path := range feedPaths {
		if diff := gocmp.Diff(titles, titlesIn(t, s.get(path).body)); diff != "" {
			t.Errorf("%s has other articles (-want +got):\n%s", path, diff)
		}
	}
	for title, places := range map[string][]string{
		"A plan that everybody carries":  {"Third"},
		"Same address, other parameters": {"First", "Second", "Third"},
		"Same address, another guid":     {"First", "Second"},
		"Equal text everywhere":          {"First", "Second", "Third"},
		"The third's own":                {"Third"},
	} {
		item, _ := s.item(title)
		for _, place := range places {
			if !regexp.MustCompile(`<small>.*\b` + place + `\b.*</small>`).MatchString(item.Content) {
				t.Errorf("%s does not name %s:\n%s", title, place, item.Content)
			}
		}
	}
	for _, path := range feedPaths {
		if n := strings.Count(s.get(path).body, "Also at: "); n != 4 {
			t.Errorf("%s says “Also at” %d times, not once for each of the 4 articles that have copies", path, n)
		}
	}
	if n := strings.Count(s.get("/feed.atom").body, `rel="related"`); n != 1+2+2 {
		t.Errorf("the Atom document has %d related links, not one for each other address", n)
	}

	// Nothing changes when all is fetched again.
	before := s.get("/feed.atom")
	if r := h.ingest("--force"); r.Counts.Changed() {
		t.Errorf("a second look changed something: %+v", r.Counts)
	}
	if again := s.get("/feed.atom"); again.body != before.body {
		t.Errorf("a second look gave another document:\n%s", gocmp.Diff(before.body, again.body))
	}
}

// The two documents that were given with the task, and a feed that carries one
// of them, are two items: whichever it is, and however the feed puts it.
func TestAFeedThatCarriesASeedAddsNoItem(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs(filepath.Join(sharedFiles, "seeds"))
	if err != nil {
		t.Fatal(err)
	}
	needFolder(t, folder)
	const dated, titled = "000_e3a0e206cf63d5d6.txt", "002_b0d05918960f3062.txt"
	for name, c := range map[string]struct {
		file   string
		title  string // "": a headline of its own
		format func(title string, stories ...story) string
		form   func(text string) string
	}{
		"dated, paragraphs":                  {dated, "", rssOf, paragraphs},
		"dated, without its date":            {dated, "", atomOf, func(text string) string { return paragraphs(strings.TrimPrefix(text, " date 2025-12-30 ")) }},
		"dated, plain text":                  {dated, "", rssOf, html.EscapeString},
		"dated, first sentence as title":     {dated, "Ukrainian President Volodymyr Zelensky has newly claimed", jsonOf, paragraphs},
		"titled, whole":                      {titled, "POLITICO: US has no 'red line' on sending troops to Ukraine", atomOf, paragraphs},
		"titled, text without the title":     {titled, "POLITICO: US has no 'red line' on sending troops to Ukraine", rssOf, belowTitle},
		"titled, another title in its place": {titled, "", jsonOf, belowTitle},
		"titled, plain text":                 {titled, "POLITICO: US has no 'red line' on sending troops to Ukraine", rssOf, html.EscapeString},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t)
			item := story{"c", "https://carrier.example/c", cmp.Or(c.title, "A headline of its own"), c.form(get(t, folder, c.file)), storyTime}
			p.publish("/carrier", c.format("Carrier", item))
			r := newHouse(t, "sources:\n  - {url: "+p.URL+"/carrier, name: Carrier}\n").ingest("--seeds", folder)
			if r.Counts.Published != 2 || r.Counts.Copies != 1 {
				t.Errorf("%+v, not 2 items and 1 copy", r.Counts)
			}
		})
	}
}

// paragraphs is a text in HTML, a paragraph for each of its lines.
func paragraphs(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line != "-" {
			b.WriteString("<p>" + html.EscapeString(line) + "</p>\n")
		}
	}
	return b.String()
}

func belowTitle(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return paragraphs(rest)
}

// A server that takes long to answer, or never does, holds nobody else up.
func TestASlowSourceDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	h, _, b := twoFeeds(t)
	release := b.hold("/feed")
	s := h.serve()
	for _, title := range []string{"A document", "Story a1"} {
		eventually(t, patience/3, title+" shows although B does not answer", func() bool {
			_, ok := s.item(title)
			return ok
		})
	}
	h.write("seeds/two.md", "# Another document\n\nIts text.\n")
	eventually(t, patience/3, "a new document shows although B does not answer", func() bool {
		_, ok := s.item("Another document")
		return ok
	})
	release()
	s.shows("Story b1")
}

// checkJSONFeed validates a document by the JSON Feed schemas of a folder; the
// second schema refers to the first by its public address.
const checkJSONFeed = `
import json, sys, warnings
warnings.simplefilter("ignore")
import jsonschema
folder, home = sys.argv[1], "https://json.schemastore.org/"
one, two = (json.load(open(folder + "/jsonfeed-schema-" + n + ".json")) for n in ("feed-1", "feed"))
refs = jsonschema.RefResolver(home + "feed.json", two, store={home + "feed-1": one, home + "feed.json": two})
check = jsonschema.Draft4Validator(two, resolver=refs, format_checker=jsonschema.FormatChecker())
sys.exit("\n".join(str(e) for e in check.iter_errors(json.load(open(sys.argv[2], encoding="utf-8")))) or 0)
`

// The combined feed of overlapping feeds and seeds must leave every validator
// with nothing to say.
func TestValidatorsAcceptTheServedFeeds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	overlapping(h)
	h.ingest()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	h.check(err)
	h.check(free.Close())
	addr := free.Addr().String() // its documents must claim the address that they are at
	s := h.serve("--listen", addr, "--base-url", "http://"+addr)
	validators, err := filepath.Abs(filepath.Join(sharedFiles, "validators"))
	h.check(err)

	t.Run("W3C validator", func(t *testing.T) {
		checkout := os.Getenv("VALIDATOR")
		if checkout == "" {
			t.Skip("VALIDATOR does not name a checkout of the W3C feed validator (make validate VALIDATOR=path)")
		}
		if !filepath.IsAbs(checkout) {
			checkout = filepath.Join("..", "..", checkout) // from the project's root
		}
		for _, path := range feedPaths[:2] {
			tool(t, filepath.Join(checkout, "src"), systemPython, "demo.py", s.url+path)
		}
	})
	t.Run("Atom schema", func(t *testing.T) {
		needPrograms(t, "jing")
		needFolder(t, validators)
		put(t, h.dir, "feed.atom", s.get("/feed.atom").body)
		tool(t, h.dir, "jing", "-c", filepath.Join(validators, "atom-rfc4287.rnc"), "feed.atom")
	})
	t.Run("JSON Feed schema", func(t *testing.T) {
		needPrograms(t, systemPython)
		needFolder(t, validators)
		if exec.Command(systemPython, "-c", "import jsonschema").Run() != nil {
			t.Skip("python3-jsonschema is not installed")
		}
		put(t, h.dir, "feed.json", s.get("/feed.json").body)
		tool(t, h.dir, systemPython, "-c", checkJSONFeed, validators, "feed.json")
	})
}

func needFolder(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not there", dir)
	}
}
