package parse

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

func TestTitlesAreHTMLOnlyWhereTheyMakeSenseAsIt(t *testing.T) {
	cases := map[string]bool{
		"Rain":                           false,
		"AT&T <3":                        false,
		"a < b & c > d":                  false,
		"List<String> in Java":           false,
		"the <b> tag":                    false,
		"How to use <script> and </b>":   false,
		"<T extends Foo<T>>":             false,
		"?a=1&copy=2":                    false,
		"Tom &amp; Jerry":                true,
		"Caf&eacute;":                    true,
		"&#8220;Quoted&#8221;":           true,
		"<i>Hamlet</i> on Mars":          true,
		"One<br>Two":                     true,
		`<a href="/x">Linked</a>`:        true,
		"<b>Bold</b> &amp; more":         true,
		"<em>x</em> with <video> in it":  false,
		"Use &nbsp":                      false,
		"1 <  2, but <strong>3</strong>": true,
	}
	for title, want := range cases {
		if got := looksHTML(title); got != want {
			t.Errorf("looksHTML(%q) = %v", title, got)
		}
	}
}

func TestPeopleAreReadFromWhatFeedsPutThere(t *testing.T) {
	cases := map[string]feed.Person{
		"Ann Other":                          {Name: "Ann Other"},
		"ann@example.org":                    {Email: "ann@example.org"},
		"mailto:ann@example.org":             {Email: "ann@example.org"},
		"ann@example.org (Ann Other)":        {Name: "Ann Other", Email: "ann@example.org"},
		"Ann Other (ann@example.org)":        {Name: "Ann Other", Email: "ann@example.org"},
		`"Ann Other" <ann@example.org>`:      {Name: "Ann Other", Email: "ann@example.org"},
		"Ann Other (The Desk)":               {Name: "Ann Other (The Desk)"},
		"Ann @other":                         {Name: "Ann @other"},
		"":                                   {},
		"  \n":                               {},
		"ann at example.org (Ann) and Bob":   {Name: "ann at example.org (Ann) and Bob"},
		"Ann Other <mailto:ann@example.org>": {Name: "Ann Other", Email: "ann@example.org"},
	}
	for in, want := range cases {
		if d := cmp.Diff(want, person(in)); d != "" {
			t.Errorf("person(%q): %s", in, d)
		}
	}
}

func TestOnePersonIsNamedOnce(t *testing.T) {
	got := addPerson(nil, feed.Person{Name: "Ann"})
	got = addPerson(got, feed.Person{Name: "Bo"})
	got = addPerson(got, feed.Person{Name: "Ann", Email: "ann@example.org"})
	got = addPerson(got, feed.Person{})
	if d := cmp.Diff([]feed.Person{{Name: "Ann", Email: "ann@example.org"}, {Name: "Bo"}}, got); d != "" {
		t.Error(d)
	}
}

func TestDurationsAreReadAsSeconds(t *testing.T) {
	for in, want := range map[string]int64{"": 0, "61": 61, "61.7": 61, "1:01": 61, "01:02:03": 3723, " 5 ": 5, "x": 0, "-5": 0, "1:x": 0, "99999999999": 0} {
		if got := seconds(in); got != want {
			t.Errorf("seconds(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestPointsAreCheckedAndWrittenInOneWay(t *testing.T) {
	for in, want := range map[string]string{"45.2 -71.9": "45.2 -71.9", "45.2,-71.9": "45.2 -71.9", " 45.2\n-71.9 ": "45.2 -71.9",
		"45.2": "", "91 0": "", "0 181": "", "NaN 0": "", "a b": "", "1 2 3": ""} {
		if got := point(in); got != want {
			t.Errorf("point(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWhatAFeedAsksOfItsPollers(t *testing.T) {
	cases := []struct {
		ttl, period, frequency string
		want                   time.Duration
	}{
		{"", "", "", 0},
		{"60", "", "", time.Hour},
		{"60", "hourly", "2", time.Hour},
		{"10", "hourly", "1", time.Hour},
		{"", "daily", "6", 4 * time.Hour},
		{"", "weekly", "", 7 * 24 * time.Hour},
		{"", "yearly", "1", maxInterval},
		{"525600", "", "", maxInterval},
		{"-5", "hourly", "0", time.Hour},
		{"soon", "often", "x", 0},
	}
	for _, c := range cases {
		var ch feed.Channel
		schedule(&ch, c.ttl, c.period, c.frequency, nil, nil)
		if ch.MinInterval != c.want {
			t.Errorf("%+v: %v", c, ch.MinInterval)
		}
	}
}

func TestAddressesAreResolvedWhereXMLBaseSays(t *testing.T) {
	f := mustParse(t, `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/a/b.html">
		<entry xml:base="c/d.html"><id>1</id><link href="e"/><title xml:base="t/">x</title></entry>
		<entry xml:base="http://www.詹姆斯.com/x/"><id>2</id><link href="詹.html"/><link rel="enclosure" href="http://詹姆斯.com/é.mp3"/><title>y</title></entry></feed>`)
	if got, want := f.Base, "https://example.org/a/b.html"; got != want {
		t.Errorf("document: %s, want %s", got, want)
	}
	if e := f.Entries[0]; e.Link != "https://example.org/a/c/e" || e.Base != "https://example.org/a/c/t/" {
		t.Errorf("entry 1: link %s, base %s", e.Link, e.Base)
	}
	if e := f.Entries[1]; e.Enclosures[0].URL != "http://詹姆斯.com/é.mp3" {
		t.Errorf("entry 2: %+v", e)
	}
}

func TestDocumentsInOtherDressAreFeeds(t *testing.T) {
	cases := map[string]string{
		"Atom Entry Document":  `<entry xmlns="http://www.w3.org/2005/Atom"><id>1</id><title>One</title><link href="https://example.org/1"/></entry>`,
		"Atom with a prefix":   `<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title type="html">&lt;i&gt;One&lt;/i&gt;</a:title><a:link href="https://example.org/1"/></a:entry></a:feed>`,
		"Atom, namespace lost": `<feed xmlns="http://example.org/atom"><entry><title>One</title><link href="https://example.org/1"/></entry></feed>`,
		"Atom with items":      `<feed><item><title>One</title><link href="https://example.org/1"/></item></feed>`,
		"Atom, link as text":   `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>One</title><link>https://example.org/1</link></entry></feed>`,
		"RSS 1.1":              `<Channel xmlns="http://purl.org/net/rss1.1#" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><title>T</title><items rdf:parseType="Collection"><item rdf:about="https://example.org/1"><title>One</title></item></items></Channel>`,
		"CDF":                  `<CHANNEL HREF="https://example.org/"><ITEM HREF="https://example.org/1"><TITLE>One</TITLE></ITEM></CHANNEL>`,
		"RSS in Atom's name":   `<rss xmlns="http://www.w3.org/2005/Atom" version="2.0"><channel><item><title>One</title><link>https://example.org/1</link></item></channel></rss>`,
		"RSS with Atom links":  `<rss version="2.0"><channel><item><title>One</title><link href="https://example.org/1"/><link rel="enclosure" href="https://example.org/1.mp3"/></item></channel></rss>`,
		"RSS in capitals":      `<RSS VERSION="2.0"><CHANNEL><ITEM><TITLE>One</TITLE><LINK>https://example.org/1</LINK></ITEM></CHANNEL></RSS>`,
		"RSS 0.90":             `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"><channel><title>T</title></channel><item><title>One</title><link>https://example.org/1</link></item></rdf:RDF>`,
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			f := mustParse(t, body)
			if len(f.Entries) != 1 || plainOf(f.Entries[0].Title) != "One" || f.Entries[0].Link != "https://example.org/1" {
				t.Errorf("got %+v", f.Entries)
			}
		})
	}
}
