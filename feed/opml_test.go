package feed

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOPMLExportIsAsTheGoldenSays(t *testing.T) {
	tagged := gazette
	tagged.Tags = []string{"Ports", "north sea, coast", "R&D"}
	got, err := OPML("River & Harbour", []Source{tagged, folder, secret, keyed, planet}, at(7, 10, 0))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "sources.opml", string(got))
}

func TestAnEmptyOPMLExportStillHasABody(t *testing.T) {
	got, err := OPML("", nil, time.Time{})
	if err != nil || !bytes.Contains(got, []byte("<body></body>")) {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestWhatIsExportedIsImportedAgain(t *testing.T) {
	sources := []Source{
		{Kind: KindFeed, URL: "https://a.example/feed?x[]=1&y=2", Name: `A "quoted" & <b> name`, Tags: []string{"one", "two words", "a/b"}, About: Channel{Link: "https://a.example/"}},
		{Kind: KindFeed, URL: "http://b.example/rss", Name: "Бе"},
	}
	document, err := OPML("List", sources, at(1, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sources {
		sources[i].Enabled, sources[i].Origin = true, OriginAdded
	}
	got := mustParseOPML(t, document)
	if diff := cmp.Diff(sources, got); diff != "" {
		t.Error(diff)
	}
}

func mustParseOPML(t *testing.T, document []byte) []Source {
	t.Helper()
	sources, _, err := ParseOPML(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// brief is a source as "URL|name|tags".
func brief(sources []Source) string {
	lines := make([]string, len(sources))
	for i, s := range sources {
		lines[i] = fmt.Sprintf("%s|%s|%s", s.URL, s.Name, strings.Join(s.Tags, ","))
	}
	return strings.Join(lines, "\n")
}

// utf16LE is an ASCII or Latin-1 text as UTF-16 with a byte order mark.
func utf16LE(s string) string {
	b := []byte{0xFF, 0xFE}
	for _, r := range s {
		b = append(b, byte(r), byte(r>>8))
	}
	return string(b)
}

var opmlImports = []struct{ name, document, want string }{
	{
		"nested outlines and categories become tags",
		`<opml><body><outline text="News"><outline title="Tech"><outline type="rss" text="A" xmlUrl="https://a.example/f" category="/x/y, z"/></outline></outline><outline text="B" xmlUrl="http://b.example"/></body></opml>`,
		"https://a.example/f|A|News,Tech,x/y,z\nhttp://b.example|B|",
	},
	{
		"names in any case, HTML entities, bare attributes",
		`<OPML><Body><OUTLINE Text="Caf&eacute;&nbsp;A" XMLURL='https://a.example/f' TYPE=RSS></OUTLINE></Body></OPML>`,
		"https://a.example/f|Café A|",
	},
	{
		"title before text, url where xmlUrl is missing",
		`<opml><body><outline type="rss" text="short" title="Long name" url="https://a.example/f"/></body></opml>`,
		"https://a.example/f|Long name|",
	},
	{
		"the feed: scheme",
		`<opml><body><outline text="A" xmlUrl="feed://a.example/f"/><outline text="B" xmlUrl="feed:https://b.example/f"/></body></opml>`,
		"http://a.example/f|A|\nhttps://b.example/f|B|",
	},
	{
		"a feed listed twice has the tags of both",
		`<opml><body><outline text="X"><outline text="A" xmlUrl="https://a.example/"/></outline><outline text="Y"><outline text="B" xmlUrl="https://a.example/"/></outline></body></opml>`,
		"https://a.example/|A|X,Y",
	},
	{
		"a feed's outline groups nothing",
		`<opml><body><outline text="A" xmlUrl="https://a.example/"><outline text="B" xmlUrl="https://b.example/"/></outline></body></opml>`,
		"https://a.example/|A|\nhttps://b.example/|B|",
	},
	{
		"comments are passed over with all in them",
		`<opml><body><outline text="old" isComment="true"><outline text="A" xmlUrl="https://a.example/"/></outline><outline text="B" xmlUrl="https://b.example/"/></body></opml>`,
		"https://b.example/|B|",
	},
	{
		"other addresses are no sources",
		`<opml><body><outline text="A" xmlUrl="javascript:alert(1)"/><outline text="L" type="link" url="https://l.example/"/><outline text="B" xmlUrl="https://b.example/"/></body></opml>`,
		"https://b.example/|B|",
	},
	{
		"a declared encoding",
		"<?xml version='1.0' encoding='windows-1251'?><opml><body><outline text='\xcf\xee\xf0\xf2' xmlUrl='https://a.example/'/></body></opml>",
		"https://a.example/|Порт|",
	},
	{
		"an undeclared encoding",
		"<opml><body><outline text='Caf\xe9' xmlUrl='https://a.example/'/></body></opml>",
		"https://a.example/|Café|",
	},
	{"UTF-16", utf16LE(`<?xml version="1.0" encoding="UTF-16"?><opml><body><outline text="Ö" xmlUrl="https://a.example/"/></body></opml>`), "https://a.example/|Ö|"},
	{"a byte order mark", "\ufeff<opml><body><outline text='A' xmlUrl='https://a.example/'/></body></opml>", "https://a.example/|A|"},
	{
		"user info is kept: the list is the reader's own",
		`<opml><body><outline text="A" xmlUrl="https://u:p@a.example/"/></body></opml>`,
		"https://u:p@a.example/|A|",
	},
}

func TestOPMLImportTakesWhatProgramsWrite(t *testing.T) {
	for _, tt := range opmlImports {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, brief(mustParseOPML(t, []byte(tt.document)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOPMLImportNamesTheFeedsThatCannotBeFetched(t *testing.T) {
	sources, others, err := ParseOPML(strings.NewReader(`<opml><body>
<outline text="A" xmlUrl="ftp://a.example/f"><outline text="In A" xmlUrl="https://in.example/"/></outline>
<outline text="L" type="link" url="ftp://l.example/"/><outline text="Old" isComment="true"><outline xmlUrl="gopher://c.example/"/></outline>
<outline type="rss" url="b.example/feed"/></body></opml>`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("https://in.example/|In A|", brief(sources)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("ftp://a.example/f|A|\nb.example/feed||", brief(others)); diff != "" {
		t.Error(diff)
	}
}

func TestOPMLImportSaysWhatIsWrong(t *testing.T) {
	tests := []struct{ name, document, want string }{
		{"broken off", "<opml>\n<body>\n<outline text='A'", "damaged at line 3"},
		{"control character", "<opml>\n<body>\x01</body></opml>", "damaged at line 2"},
		{"no OPML", "<html><body>hello</body></html>", "no <opml> element"},
		{"nothing", "", "no <opml> element"},
		{"no feeds", "<opml><body><outline text='A'/></body></opml>", "lists no feeds"},
		{"too deep", "<opml>" + strings.Repeat("<outline text='A'>", 100), "more than 64 deep at line 1"},
		{"unknown encoding", "<?xml version='1.0' encoding='klingon'?><opml/>", "cannot be read at line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ParseOPML(strings.NewReader(tt.document))
			if CodeOf(err) != CodeInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, _, err := ParseOPML(strings.NewReader(strings.Repeat(" ", maxOPML+1))); CodeOf(err) != CodeTooLarge {
		t.Errorf("error of a huge file is %v", err)
	}
}
