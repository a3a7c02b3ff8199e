package folder

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

var saved = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// reading is what a test looks at.
type reading struct {
	Title, Day, From, Summary, Authors, Content string
}

func readingOf(e feed.RawEntry) reading {
	var names []string
	for _, p := range e.Authors {
		names = append(names, p.Name)
	}
	return reading{
		e.Title.Value, e.PublishedAt.Format(time.DateOnly), e.PublishedFrom, e.Summary.Value,
		strings.Join(names, ", "), strings.TrimSpace(e.Content.Value),
	}
}

// must reads a document that a test wrote.
func must(t *testing.T, name, body string) feed.RawEntry {
	t.Helper()
	e, err := document(name, []byte(body), saved, late)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	harbour = "The harbour council approved the new breakwater on a vote of seven to two, ending a dispute that began with last winter's storms."
	costs   = "Building it will take three years and cost 40 million crowns, said the council's treasurer."
	critics = "Critics of the plan say that a reef would have been cheaper."
)

// shapes are news texts as people save them.
var shapes = []struct {
	shape, name, body string
	want              reading
}{
	{
		"headline, blank line, paragraphs", "a.txt",
		"Council approves breakwater\n\n" + harbour + "\n\n" + costs + "\n",
		reading{
			"Council approves breakwater", "2026-05-04", fromFile, harbour, "",
			"<p>" + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"wire copy with a dateline and no title", "a.txt",
		"PORT ELLIN, Aug 18 (Reuters) - " + harbour + "\n\n" + costs + "\n",
		reading{
			cut(harbour, 120), "2026-05-04", fromFile, "PORT ELLIN, Aug 18 (Reuters) - " + harbour, "",
			"<p>PORT ELLIN, Aug 18 (Reuters) - " + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"a dateline that has the year", "a.txt",
		"Breakwater approved\n\nPORT ELLIN, Norland, Aug. 18, 2025 (AP) — " + costs + "\n",
		reading{
			"Breakwater approved", "2025-08-18", fromText, "", "",
			"<p>PORT ELLIN, Norland, Aug. 18, 2025 (AP) — " + esc(costs) + "</p>",
		},
	},
	{
		"byline and date line below the headline", "a.txt",
		"Council approves breakwater\nBy Jane Roe and Ola Nordmann\nMonday, 18 August 2025, 10:30 GMT\n" + harbour + "\n" + costs + "\n",
		reading{
			"Council approves breakwater", "2025-08-18", fromLine, harbour, "Jane Roe, Ola Nordmann",
			"<p>" + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"label and byline above the headline", "a.txt",
		"OPINION\nBy Jane Roe, harbour correspondent\n\nA wall will not hold the sea\n\n" + harbour + "\n\n" + costs + "\n",
		reading{
			"A wall will not hold the sea", "2026-05-04", fromFile, harbour, "Jane Roe",
			"<p>" + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"a single paragraph", "a.txt", costs + "\n",
		reading{costs, "2026-05-04", fromFile, "", "", "<p>" + esc(costs) + "</p>"},
	},
	{
		"a date before the first words", "a.txt", " date 2025-12-30 " + harbour + "\r\n\r\n" + costs + "\r\n",
		reading{
			cut(harbour, 120), "2025-12-30", fromLine, harbour, "",
			"<p>" + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"title, standfirst, lone dash, caption, section heading; a line a paragraph", "a.txt",
		"Norland: council has 'no plan B' for its harbour\nAfter a night of debate the vote was clear, and so was the bill that comes with it.\n-\n" +
			"The pier at dusk, Monday, Aug. 18, 2025, in Port Ellin (AP Photo/Ola Nordmann)\n" + harbour + "\nThe council’s reasons\n" + costs + "\n" + critics,
		reading{
			"Norland: council has 'no plan B' for its harbour", "2025-08-18", fromText,
			"After a night of debate the vote was clear, and so was the bill that comes with it.", "",
			"<p>After a night of debate the vote was clear, and so was the bill that comes with it.</p>\n" +
				"<p>The pier at dusk, Monday, Aug. 18, 2025, in Port Ellin (AP Photo/Ola Nordmann)</p>\n" +
				"<p>" + esc(harbour) + "</p>\n<h2>The council’s reasons</h2>\n<p>" + esc(costs) + "</p>\n<p>" + critics + "</p>",
		},
	},
	{
		"broken into lines of 72, hyphen at one's end", "a.txt",
		"Council approves breakwater\n\nThe harbour council approved the new breakwater on a vote of seven to\n" +
			"two, ending a dispute that began with last winter's storms. The long-\nterm cost is unknown.\n\n" +
			"Building it will take three years and cost 40 million crowns, said the\ncouncil's treasurer.\n",
		reading{
			"Council approves breakwater", "2026-05-04", fromFile, harbour + " The long-term cost is unknown.", "",
			"<p>" + esc(harbour) + " The long-term cost is unknown.</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"broken into lines, paragraphs set in, headline on top", "a.txt",
		"COUNCIL APPROVES BREAKWATER\nThe harbour council approved the new breakwater on a vote\n" +
			"of seven to two, ending a dispute that began with last\nwinter's storms.\n" +
			"    Building it will take three years and cost 40 million\ncrowns, said the council's treasurer.\n",
		reading{
			"COUNCIL APPROVES BREAKWATER", "2026-05-04", fromFile, harbour, "",
			"<p>" + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"lists", "a.txt",
		"What the council decided\n\n" + costs + " It decided to:\n\n- build the wall\n- dredge the basin\n  in spring\n\nNext steps:\n1. a tender\n2) a loan\n",
		reading{
			"What the council decided", "2026-05-04", fromFile, costs + " It decided to:", "",
			"<p>" + esc(costs) + " It decided to:</p>\n<ul>\n<li>build the wall</li>\n<li>dredge the basin</li>\n</ul>\n<p>in spring</p>\n" +
				"<p>Next steps:</p>\n<ol>\n<li>a tender</li>\n<li>a loan</li>\n</ol>",
		},
	},
	{
		"quoted posts are no headings", "a.txt",
		harbour + "\n\nThe mayor wrote:\n\nWe have a wall\n\n" + costs + " pic.twitter.com/aB3 — Port (@port)\n\nOthers were less pleased...\n\nA wall of debt\n\n" + critics + "\n",
		reading{
			cut(harbour, 120), "2026-05-04", fromFile, harbour, "",
			"<p>" + esc(harbour) + "</p>\n<p>The mayor wrote:</p>\n<p>We have a wall</p>\n<p>" + esc(costs) +
				` <a href="https://pic.twitter.com/aB3">pic.twitter.com/aB3</a> — Port (@port)</p>` + "\n<p>Others were less pleased...</p>\n<p>A wall of debt</p>\n<p>" + critics + "</p>",
		},
	},
	{
		"lines that name their field", "a.txt",
		"Title: Council approves breakwater\nDate: August 18th, 2025\nAuthor: Jane Roe\n\n" + harbour + "\n\n" + costs,
		reading{
			"Council approves breakwater", "2025-08-18", fromLine, harbour, "Jane Roe",
			"<p>" + esc(harbour) + "</p>\n<p>" + esc(costs) + "</p>",
		},
	},
	{
		"a blog post in Markdown without front matter", "a.md",
		"# Why I like *walls*\n\n*18 August 2025*\n\n" + harbour + "\n\n## But\n\n" + critics + "\n",
		reading{
			"Why I like walls", "2025-08-18", fromLine, harbour, "",
			"<p>" + page(harbour) + "</p>\n<h2>But</h2>\n<p>" + critics + "</p>",
		},
	},
	{
		"Markdown with front matter that repeats the heading", "a.md",
		"---\ntitle: Why I like walls\ndate: 2025-08-18T10:00:00+02:00\nauthor: Jane Roe\nsummary: A short one.\n---\n# Why I like walls!\n\n" + harbour + "\n",
		reading{"Why I like walls", "2025-08-18", fromFront, "A short one.", "Jane Roe", "<p>" + page(harbour) + "</p>"},
	},
	{
		"Markdown whose sections are no title", "a.md",
		harbour + "\n\n## But\n\n" + critics + "\n",
		reading{cut(harbour, 120), "2026-05-04", fromFile, harbour, "", "<p>" + page(harbour) + "</p>\n<h2>But</h2>\n<p>" + critics + "</p>"},
	},
	{
		"a saved page", "a.html",
		`<!doctype html><html lang=en-GB><title>Council approves | The Courier</title><link rel=canonical href=https://courier.example/1>
<body><header><h1>The Courier</h1></header><nav>Home</nav><main><article><header><h1>Council approves</h1><p>By Jane Roe</p>
<p>After a night of debate the vote was clear.</p><time datetime=2025-08-18>Monday</time></header><script>x()</script><p>` + harbour +
			`</p><aside>More</aside><figure><img src=a.jpg><figcaption>The pier</figcaption></figure></article></main><footer>©</footer>`,
		reading{
			"Council approves", "2025-08-18", fromLine, "After a night of debate the vote was clear.", "Jane Roe",
			"<p>After a night of debate the vote was clear.</p><p>" + page(harbour) + `</p><figure><img src="a.jpg"/><figcaption>The pier</figcaption></figure>`,
		},
	},
	{
		"a bare fragment of HTML", "a.html", "<h2>Council approves</h2>" + harbour + " See pic.twitter.com/aB3.",
		reading{
			"Council approves", "2026-05-04", fromFile, "", "",
			page(harbour) + ` See <a href="https://pic.twitter.com/aB3">pic.twitter.com/aB3</a>.`,
		},
	},
}

// esc escapes as plain text is, page as x/net/html renders text.
func esc(s string) string  { return linked(s) }
func page(s string) string { return strings.ReplaceAll(s, "'", "&#39;") }

func TestShapesOfNewsTexts(t *testing.T) {
	for _, tt := range shapes {
		t.Run(tt.shape, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, readingOf(must(t, tt.name, tt.body))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTitlesAreCutAtAWord(t *testing.T) {
	long := strings.Repeat("Council, approves ", 20)
	for _, body := range []string{long, strings.Repeat("x", 400), "Wörter " + strings.Repeat("ä", 130), "# " + long + "\n\n" + harbour} {
		for _, name := range []string{"a.txt", "a.md", "a.html"} {
			title := must(t, name, body).Title.Value
			if n := len([]rune(title)); n > 120 || !strings.HasSuffix(title, " …") || strings.HasSuffix(title, ", …") {
				t.Errorf("%s: %d characters: %q", name, n, title)
			}
		}
	}
}

func TestATitleTooLongStaysInTheContent(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("Council approves ", 9))
	e := must(t, "a.txt", long+"\n\n"+harbour)
	if !strings.Contains(e.Content.Value, long) {
		t.Errorf("the end of the headline is lost: %s", e.Content.Value)
	}
}

func TestTheFileNameIsTheLastTitle(t *testing.T) {
	if got := must(t, "pictures/the-pier_at-dusk.html", "<img src=a.jpg>").Title.Value; got != "the pier at dusk" {
		t.Errorf("title %q", got)
	}
}

func TestFirstSentences(t *testing.T) {
	for text, want := range map[string]string{
		"Mr. Roe met U.S. Sen. J. Doe on Aug. 18 in St. Ellin. They spoke.":      "Mr. Roe met U.S. Sen. J. Doe on Aug. 18 in St. Ellin.",
		`"We will build it." That is what Jane Roe, the mayor, said. Then left.`: `"We will build it." That is what Jane Roe, the mayor, said.`,
		"It will cost 40.5 million crowns, they say! Really.":                    "It will cost 40.5 million crowns, they say!",
		"Enough. The council has had it with delays. It votes.":                  "Enough. The council has had it with delays.",
		"港务委员会以七票对两票批准了新的防波堤，结束了去年冬天风暴引起的争端。工程将持续三年。":                            "港务委员会以七票对两票批准了新的防波堤，结束了去年冬天风暴引起的争端。",
		"A line without an end": "A line without an end",
	} {
		if got := firstSentence(text); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestBylines(t *testing.T) {
	for line, want := range map[string]string{
		"By Jane Roe":                               "Jane Roe",
		"BY JANE ROE":                               "JANE ROE",
		"By Jane Roe, political editor":             "Jane Roe",
		"By Jane Roe, Ola Nordmann and Max de Boer": "Jane Roe|Ola Nordmann|Max de Boer",
		"Written by Jane Roe | 18 August 2025":      "Jane Roe",
		"By Jane Roe in Port Ellin":                 "Jane Roe",
		"By Reuters":                                "Reuters",
		"By November the number had risen to 1,565, more than twice what was planned.": "",
		"By all accounts a success":              "",
		"By 6.30 the fire was out":               "",
		"By then the council had already voted.": "",
	} {
		if got := strings.Join(authorsIn(line), "|"); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestTheSummaryIsShortAndNotTheContent(t *testing.T) {
	long := strings.Repeat("All that the council said was long. ", 20)
	for body, want := range map[string]string{
		costs:                       "",
		"Headline here\n\n" + costs: "",
		long + "\n\n" + costs:       cut(strings.TrimSpace(long), 300),
		long:                        cut(strings.TrimSpace(long), 300),
		"---\nsummary: " + costs + "\n---\n" + costs: "",
	} {
		if got := must(t, "a.txt", body).Summary.Value; got != want {
			t.Errorf("%.40q: %q, want %q", body, got, want)
		}
	}
}

func TestDatesOfTheFutureAreNotBelieved(t *testing.T) {
	e, err := document("a.md", []byte("---\ndate: 2031-01-01\nupdated: 2032-01-01\n---\n\nUntil 1 March 2033 "+harbour), late.AddDate(9, 0, 0), late)
	if err != nil {
		t.Fatal(err)
	}
	if !e.PublishedAt.Equal(late) || e.PublishedFrom != fromFile || e.UpdatedAt.After(late) {
		t.Errorf("published %v from %s, updated %v", e.PublishedAt, e.PublishedFrom, e.UpdatedAt)
	}
}

func TestUpdatedIsWhatTheDocumentSaysNotTheFilesTime(t *testing.T) {
	for body, want := range map[string]string{
		costs: "2026-05-04",
		"---\nupdated: 2025-09-01\ndate: 2025-08-18\n---\n" + costs: "2025-09-01",
		"---\nupdated: 2025-08-01\ndate: 2025-08-18\n---\n" + costs: "2025-08-18",
		"---\ndate: 2026-12-01\n---\n" + costs:                      "2026-12-01",
	} {
		if got := must(t, "a.txt", body).UpdatedAt.Format(time.DateOnly); got != want {
			t.Errorf("%.40q: %s, want %s", body, got, want)
		}
	}
}

func TestEncodings(t *testing.T) {
	const body = "Über die Mole – “quoted”\n\nDie Hafenräte stimmten für die neue Mole, sagte der Kämmerer."
	units := utf16.Encode([]rune(body))
	var little, big []byte
	for _, u := range units {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	latin := strings.NewReplacer("Ü", "\xdc", "ä", "\xe4", "ü", "\xfc", "–", "\x96", "“", "\x93", "”", "\x94").Replace(body)
	for name, bytes := range map[string]string{
		"UTF-8":                 body,
		"UTF-8 with mark":       "\xef\xbb\xbf" + body,
		"UTF-16 little, mark":   "\xff\xfe" + string(little),
		"UTF-16 big, mark":      "\xfe\xff" + string(big),
		"UTF-16 little":         string(little),
		"UTF-16 big":            string(big),
		"windows-1252":          latin,
		"Windows line ends":     strings.ReplaceAll(body, "\n", "\r\n"),
		"control characters":    strings.ReplaceAll(body, "M", "\x00\x1b\u200bM"),
		"UTF-8 after 2 KB":      body,
		"old Macintosh endings": strings.ReplaceAll(body, "\n", "\r"),
	} {
		e := must(t, "a.txt", bytes)
		if e.Title.Value != "Über die Mole – “quoted”" || e.Content.Value != "<p>Die Hafenräte stimmten für die neue Mole, sagte der Kämmerer.</p>\n" {
			t.Errorf("%s: %q, %q", name, e.Title.Value, e.Content.Value)
		}
	}
}

func TestEncodingIsJudgedByTheWholeFile(t *testing.T) {
	ascii := strings.Repeat(costs+"\n\n", 30)
	for name, body := range map[string]string{"UTF-8": ascii + "Kämmerer.", "UTF-8 cut off": ascii + strings.Repeat("Kämmerer ", 9) + "\xc3", "windows-1252": ascii + "K\xe4mmerer."} {
		if e := must(t, "a.txt", body); !strings.Contains(e.Content.Value, "Kämmerer") {
			t.Errorf("%s: %s", name, e.Content.Value[len(e.Content.Value)-60:])
		}
	}
	page := "<meta charset=windows-1251><title>\xca\xe8\xe5\xe2</title><p>\xca\xe8\xe5\xe2"
	if e := must(t, "a.html", page); e.Title.Value != "Киев" {
		t.Errorf("declared windows-1251: %q", e.Title.Value)
	}
}

func TestWhatIsNotTextIsSaidSo(t *testing.T) {
	random := make([]byte, 5<<10)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	noZeros := bytes.ReplaceAll(random, []byte{0}, []byte{1})
	for name, body := range map[string]string{
		"a.txt": string(random), "b.md": string(random), "c.html": string(random), "d.txt": string(noZeros),
		"photo.txt": "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + costs, "zero.txt": "K\xe4mmerer\x00" + costs,
	} {
		_, err := document(name, []byte(body), saved, late)
		if feed.CodeOf(err) != feed.CodeInvalid || !strings.HasPrefix(fmt.Sprint(err), name+": is not text: save it as ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, body := range map[string]string{
		"end.txt": "K\xe4mmerer\x1a", "few.txt": strings.Repeat("K\xe4mmerer\f\t\r\n", 30) + "\x1b\x1b\x1b", "utf8.txt": "Kämmerer\x00\x01\x02",
		"japanese.html": "<meta charset=iso-2022-jp><p>Kammerer \x1b$B%^%$\x1b(B \x1b$B%^%$\x1b(B",
	} {
		if e := must(t, name, body); !strings.Contains(e.Content.Value, "mmerer") {
			t.Errorf("%s: %q", name, e.Content.Value)
		}
	}
}

func TestAddressesAreLinked(t *testing.T) {
	for text, want := range map[string]string{
		"see https://a.example/x?a=1&b=(2).":          `see <a href="https://a.example/x?a=1&amp;b=(2)">https://a.example/x?a=1&amp;b=(2)</a>.`,
		"(at www.a.example/x)":                        `(at <a href="https://www.a.example/x">www.a.example/x</a>)`,
		"pic.twitter.com/aB3 — Port (@port)":          `<a href="https://pic.twitter.com/aB3">pic.twitter.com/aB3</a> — Port (@port)`,
		"t.me/port/1, and/or U.S./NATO, 1.5/2.0":      `<a href="https://t.me/port/1">t.me/port/1</a>, and/or U.S./NATO, 1.5/2.0`,
		"jane@mail.example.com/x <b>":                 `jane@mail.example.com/x &lt;b&gt;`,
		`https://a.example/"onclick="x`:               `<a href="https://a.example/">https://a.example/</a>&#34;onclick=&#34;x`,
		"https://user:secret@a.example/ javascript:x": `https://user:secret@a.example/ javascript:x`,
		"https:// nothing":                            `https:// nothing`,
	} {
		if got := linked(text); got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestFrontMatterKeys(t *testing.T) {
	e := must(t, "a.md", `---
# a comment
title: "Walls: a history"
published: 18 August 2025
updated: 2025-08-19 10:00
url: https://walls.example/1
authors: [Jane Roe, {name: Ola Nordmann, url: https://ola.example/, email: o@ola.example}]
description: Short.
tags: harbours, walls
lang: en_GB
layout: post
---
`+harbour)
	want := feed.RawEntry{
		GUID: "a.md", Link: "https://walls.example/1", Base: "https://walls.example/1",
		Title: feed.Text{Value: "Walls: a history"}, Summary: feed.Text{Value: "Short."},
		Content:    feed.Text{Value: "<p>" + page(harbour) + "</p>", HTML: true},
		Authors:    []feed.Person{{Name: "Jane Roe"}, {Name: "Ola Nordmann", URL: "https://ola.example/", Email: "o@ola.example"}},
		Categories: []string{"harbours", "walls"}, Language: "en-GB",
		PublishedAt: time.Date(2025, 8, 18, 0, 0, 0, 0, time.UTC), PublishedFrom: fromFront,
		UpdatedAt: time.Date(2025, 8, 19, 10, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestFrontMatterInEveryKindOfFile(t *testing.T) {
	for _, name := range []string{"a.txt", "a.md", "a.html"} {
		e := must(t, name, "\ufeff---\r\ntitle: Walls\r\n...\r\n<p>"+harbour+"</p>")
		if e.Title.Value != "Walls" || strings.Contains(e.Content.Value, "title:") {
			t.Errorf("%s: %q %s", name, e.Title.Value, e.Content.Value)
		}
	}
}

func TestBadFrontMatterNamesFileAndLine(t *testing.T) {
	for body, want := range map[string]string{
		"---\ntitle: Walls: a history\n---\n":       "news/a.md:2: ",
		"---\ntitle: x\nsummary: \"open\n---\nText": "news/a.md:3: ",
		"---\ntitle: a\ntitle: b\n---\nText":        "news/a.md:3: front matter has \"title\" twice",
		"---\n\ndate: soon\n---\nText":              "news/a.md:3: front matter has a date that is not understood, \"soon\"",
		"---\nurl: walls.example\n---\nText":        "news/a.md:2: front matter has a url that is no web address",
		"---\nlang: English, mostly\n---\nText":     "news/a.md:2: front matter has a lang",
		"---\ntitle: [a, b]\n---\nText":             "news/a.md:2: front matter has a title that is no text",
		"---\ntitle: Walls\n\nText":                 "news/a.md:1: front matter begins here but does not end",
		"---\n\ttitle: Walls\n---\nText":            "news/a.md:2: front matter is not YAML",
	} {
		_, err := document("news/a.md", []byte(body), saved, late)
		if err == nil || !strings.HasPrefix(err.Error(), want) || feed.CodeOf(err) != feed.CodeInvalid {
			t.Errorf("%q: %v, want %s", body, err, want)
		}
	}
}

func TestARulerIsNoFrontMatter(t *testing.T) {
	for _, body := range []string{"---\n" + harbour + "\n---\n" + costs, "---\n\n" + harbour, "---" + harbour} {
		if e := must(t, "a.md", body); !strings.Contains(e.Content.Value, "harbour council") {
			t.Errorf("%.30q: %s", body, e.Content.Value)
		}
	}
}

func TestAFileWithoutTextIsAnErrorOfItsOwn(t *testing.T) {
	for name, body := range map[string]string{
		"a.txt": " \r\n\t\n", "b.txt": "---\n-\n***\n", "c.md": "---\ntitle: x\n---\n\n", "d.html": "<html><head><title>x</title></head><body><script>1</script></body></html>", "e.txt": "\x00\x01", "f.txt": "",
	} {
		_, err := document(name, []byte(body), saved, late)
		if !errors.Is(err, ErrEmpty) || feed.CodeOf(err) != feed.CodeInvalid || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDatesInTexts(t *testing.T) {
	for text, want := range map[string]string{
		"Monday, Aug. 18, 2025":              "2025-08-18T00:00:00Z",
		"taken on Sept. 4, 2025 in Paris":    "2025-09-04T00:00:00Z",
		"August 18th 2025":                   "2025-08-18T00:00:00Z",
		"18 August 2025":                     "2025-08-18T00:00:00Z",
		"the 18th of August, 2025":           "2025-08-18T00:00:00Z",
		"18-Aug-2025":                        "2025-08-18T00:00:00Z",
		"2025/08/18":                         "2025-08-18T00:00:00Z",
		"18.8.2025":                          "2025-08-18T00:00:00Z",
		"2025-08-18T10:30:00+02:00":          "2025-08-18T08:30:00Z",
		"2025-08-18 10:30":                   "2025-08-18T10:30:00Z",
		"Mon, 18 Aug 2025 10:30:15 -0500":    "2025-08-18T15:30:15Z",
		"Mon, 18 Aug 2025 10:30:15 GMT":      "2025-08-18T10:30:15Z",
		"31 February 2025":                   "",
		"08/18/2025":                         "",
		"in August 2025":                     "",
		"May 18, 20255":                      "",
		"phone 2025-08-1812":                 "",
		"version 12025-08-18":                "",
		"may 18 people, 2025 in all, attend": "",
	} {
		got := ""
		if found := datesIn(text); len(found) > 0 {
			got = found[0].at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWhichDateIsTheDocuments(t *testing.T) {
	head := "Council approves breakwater\n\n"
	for body, want := range map[string]string{
		head + "The wall was planned since 24 February 2022. " + harbour:                                                                           "2026-05-04 file time",
		head + "On 18 August 2025 the council met again after its vote of May 2, 2025 had failed.\n\n" + harbour:                                   "2025-08-18 text",
		head + "FILE - The pier on Sept. 15, 1987, in Port Ellin (AP Photo/Ola Nordmann)\n\n" + harbour:                                            "2026-05-04 file time",
		head + "Port Ellin, 18 August 2025\n\n" + harbour:                                                                                          "2025-08-18 text",
		head + "Published: Aug 18, 2025 at 10:30 PM EDT\n\n" + harbour:                                                                             "2025-08-18 date line",
		head + harbour + "\n\n" + costs + "\n\n" + critics + "\n\n" + critics + "\n\nOn 18 August 2025 it rained, as everybody in town remembers.": "2026-05-04 file time",
		head + "See https://courier.example/2025/08/18/wall for more on it all.\n\n" + harbour:                                                     "2026-05-04 file time",
		"2025-08-18\n" + head + harbour:                  "2025-08-18 date line",
		"date: 18 Aug 2025 | " + head + harbour:          "2025-08-18 date line",
		"2025-08-18 was the day of the vote. " + harbour: "2025-08-18 text",
		"DATE 2025-08-18T10:00:00Z - " + head + harbour:  "2025-08-18 date line",
	} {
		e := must(t, "a.txt", body)
		if got := e.PublishedAt.Format(time.DateOnly) + " " + e.PublishedFrom; got != want {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}

func TestReadTakesTheBytesThatWereScanned(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.txt", costs)
	scan, err := Scan(t.Context(), root, nil, late)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := Read(root, scan.Files[0], late); err != nil || e.GUID != "a.txt" {
		t.Fatalf("%v, %v", e, err)
	}
	write(t, root, "a.txt", critics)
	if _, err := Read(root, scan.Files[0], late); feed.CodeOf(err) != feed.CodeUnavailable || !strings.HasPrefix(err.Error(), "a.txt: changed") {
		t.Errorf("another text under the old hash: %v", err)
	}
	if err := os.Remove(filepath.Join(root, "a.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(root, scan.Files[0], late); feed.CodeOf(err) != feed.CodeUnavailable {
		t.Errorf("gone: %v", err)
	}
}

func TestReadDoesNotFollowALinkOutOfTheFolder(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, outside, "secret.txt", costs)
	if err := os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(root, "a.txt")); err != nil {
		t.Fatal(err)
	}
	if e, err := Read(root, File{Path: "a.txt"}, late); feed.CodeOf(err) != feed.CodeUnavailable {
		t.Errorf("%+v, %v", e, err)
	}
}
