package feed

import (
	"bytes"
	"encoding/json"
	"html"
	"strings"
	"testing"
)

// Whatever a source said, our documents are well-formed and give back what we
// put in: parse(render(x)) = x.
func FuzzRenderedItemsAreReadBack(f *testing.F) {
	f.Add("Title", "Summary", "<p>Content</p>", "https://a.example/1", "Ada", "Tag", "Source")
	f.Add("A & B <b>c</b> &amp;", "]]>", "]]]]>><![CDATA[x]]>", "http://x/[a]?b=|#c#d", "a@b.example", "<i>", "S </i>")
	f.Add("\x00\x1f\u0085\ufffe\xff", "CafÃ© Â£5", "\r\n\x0b\u2028", "https://u:p@h.example/", "\u202e", "\t", "&#0;&#x80;")
	f.Add("", "", "", "", "", "", "")
	f.Add("<![CDATA[t]]>", "&lt;p&gt;", "<p>&nbsp;&#1;</p>", "HTTPS://Ü.example:443", "&", ",", "\\")
	f.Fuzz(func(t *testing.T, title, summary, content, url, author, category, source string) {
		item := Item{
			ID: fixtureID(1), Place: 1, Published: at(5, 5, 0), Updated: at(5, 5, 1),
			Source: Source{Kind: KindFeed, URL: "https://gazette.example/feed", Name: source, About: Channel{ID: url, Link: url, Rights: summary, Author: author}},
			Entry: Entry{
				Title: title, Summary: summary, Content: content, URL: url, Language: category, Authors: []Person{{Name: author, URL: url}},
				Details: Details{Categories: []string{category}, Enclosures: []Enclosure{{URL: url, Type: category, Title: title}}, Image: url, Comments: url,
					Extra: Extra{InReplyTo: url, GeoPoint: category, Rights: author}},
			},
			Copies:   []Copy{{Source: source, URL: url, Title: title}, {Source: title, URL: "https://tide.example/"}},
			Coverage: []Cover{{ID: fixtureID(2), Source: source, URL: url, Title: title}, {ID: fixtureID(3), Source: title}}, Covered: 3,
		}
		v := fixtureSite(base).view(&item)
		for _, format := range formats {
			document := format.must(t, fixtureSite(base), []Item{item})
			checkWellFormed(t, format.name, document)
			parsed := parse(t, document).Items[0]
			if parsed.GUID != item.URN() || parsed.Link != v.link {
				t.Errorf("%s: id %q, link %q, want %q, %q", format.name, parsed.GUID, parsed.Link, item.URN(), v.link)
			}
			if got, want := parsed.Title, shownTitle(format, v); got != want {
				t.Errorf("%s: title %q, want %q", format.name, got, want)
			}
			if got, want := shownContent(format, parsed.Content, parsed.Description), strings.TrimSpace(v.html()); got != want {
				t.Errorf("%s: content %q, want %q", format.name, got, want)
			}
		}
	})
}

func checkWellFormed(t *testing.T, name, document string) {
	t.Helper()
	if name != "JSON" {
		if err := wellFormed(document); err != nil {
			t.Errorf("%s is not well-formed: %v\n%s", name, err, document)
		}
		return
	}
	if !json.Valid([]byte(document)) {
		t.Errorf("not JSON: %s", document)
	}
}

// shownTitle is how gofeed gives our title back: where it speaks of HTML,
// Atom's as HTML, and RSS's with its end tags loosened.
func shownTitle(f format, v view) string {
	switch {
	case f.name == "JSON":
		return v.title
	case f.name == "Atom" && speaksOfHTML(v.heading):
		return htmlEscaper.Replace(v.heading)
	}
	return endTag.ReplaceAllStringFunc(v.heading, func(tag string) string {
		return strings.TrimSuffix(tag, ">") + " >"
	})
}

// shownContent is where the full text is: RSS has it as the description when
// there is no summary.
func shownContent(f format, content, description string) string {
	if f.name == "RSS" && content == "" {
		return strings.TrimSpace(description)
	}
	return strings.TrimSpace(content)
}

func FuzzAddressesAreAbsoluteAndStable(f *testing.F) {
	for _, s := range []string{"https://a.example/b?c=[d]#e", "http://[::1]:80/x", "http://a.example?x", "HTTP://ü.example/ü", "//x", "https://a@b/", "https://a.example/%zz%2", `http://a\b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := address(raw)
		if got == "" {
			return
		}
		if again := address(got); again != got {
			t.Errorf("address(%q) = %q, and of that %q", raw, got, again)
		}
		if strings.Contains(strings.SplitN(got, "/", 4)[2], "@") {
			t.Errorf("address(%q) = %q shows user info", raw, got)
		}
		for i := range len(got) {
			if c := got[i]; c <= ' ' || c >= 0x7F || strings.IndexByte(`<>"{}|\^`+"`", c) >= 0 {
				t.Errorf("address(%q) = %q has %q in it", raw, got, c)
			}
		}
	})
}

func FuzzLegalTextIsStable(f *testing.F) {
	for _, s := range []string{"plain", "CafÃ©", "\u0092", "\xff", "a\r\nb\rc", "\ufffe\ufdd0", "Ã\u0083Â©"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := legal(s)
		if again := legal(got); again != got {
			t.Errorf("legal(%q) = %q, and of that %q", s, got, again)
		}
		if err := wellFormed("<a>" + html.EscapeString(got) + "</a>"); err != nil {
			t.Errorf("legal(%q) = %q: %v", s, got, err)
		}
	})
}

func FuzzParseOPMLNeverPanics(f *testing.F) {
	f.Add([]byte(`<opml version="2.0"><head/><body><outline text="A"><outline type="rss" xmlUrl="https://a.example/f" category="/b/c,d"/></outline></body></opml>`))
	f.Add([]byte("\xff\xfe<\x00o\x00p\x00m\x00l\x00>\x00"))
	f.Add([]byte(`<OPML><BODY><OUTLINE XMLURL=feed://a.example TEXT="&nbsp;"></BODY>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		sources, _, err := ParseOPML(bytes.NewReader(document))
		if err != nil {
			if CodeOf(err) != CodeInvalid && CodeOf(err) != CodeTooLarge {
				t.Errorf("%v has code %q", err, CodeOf(err))
			}
			return
		}
		if _, err := OPML("t", sources, at(1, 1, 1)); err != nil {
			t.Error(err)
		}
	})
}
