package ingest_test

import (
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"tributary/feed"
)

// told is what a document tells of an item, whatever its format.
type told struct {
	Title, Link, Language, Summary string
	Published, Updated             time.Time
	Authors                        []feed.Person
	Categories                     []string
	Files                          []feed.Enclosure
	Image, Comments                string
	InReplyTo, Point, Rights       string
	Source                         feed.SourceRef
	Addresses                      []string // in the content, in its order
}

// noPlace takes out of what is to be told that for which a format has no
// place: RSS's people have no address; JSON Feed knows neither discussions nor
// threads, places or rights.
var noPlace = map[string]func(*told){
	"Atom": func(*told) {},
	"RSS": func(i *told) {
		for a := range i.Authors {
			i.Authors[a].URL = ""
		}
	},
	"JSON": func(i *told) { i.Comments, i.InReplyTo, i.Point, i.Rights = "", "", "", "" },
}

// everything is a feed in each format, with all that an entry may carry. HERE
// stands for the server that it is fetched from.
var everything = map[string]struct {
	document string
	want     []told
}{
	"RSS": {document: `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
	xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:thr="http://purl.org/syndication/thread/1.0"
	xmlns:georss="http://www.georss.org/georss" xmlns:geo="http://www.w3.org/2003/01/geo/wgs84_pos#">
<channel>
	<title>Canal Sheet</title><link>https://canal.example/sheet/</link><description>What happens on the water</description><language>da</language>
	<item>
		<title>The lock at Holm opens &amp;amp; closes</title>
		<link>2026/lock.html?from=rss</link>
		<guid isPermaLink="false">canal-lock-1</guid>
		<pubDate>Fri, 27 Feb 2026 08:15:00 +0100</pubDate>
		<atom:updated>2026-02-28T09:00:00Z</atom:updated>
		<dc:creator>Nina Bo</dc:creator><dc:creator>Ole Dam</dc:creator>
		<dc:language>sv</dc:language>
		<dc:rights>CC BY-SA 4.0</dc:rights>
		<dc:subject>Shipping</dc:subject>
		<category>Locks</category><category domain="https://canal.example/tags">Holm</category>
		<itunes:keywords>podcast, water</itunes:keywords>
		<description>The gate moves again after a winter of repairs.</description>
		<content:encoded><![CDATA[<p>The gate moves again after a winter of repairs, and the first barge went through at noon.</p>
			<p><a href="notes#two">Notes</a> <img src="/pic/gate.jpg" srcset="/pic/gate.jpg 1x, gate@2x.jpg 2x" alt="the gate"></p>
			<blockquote cite="../speech">At last.</blockquote>
			<video poster="still.jpg"><source src="//film.example/gate.mp4" type="video/mp4"></video>]]></content:encoded>
		<enclosure url="sound/gate.mp3" type="audio/mpeg" length="12345678"/>
		<itunes:duration>1:02:03</itunes:duration>
		<media:group>
			<media:content url="film/gate.webm" type="video/webm" fileSize="99000" duration="61"><media:title>The gate, filmed</media:title></media:content>
			<media:content url="pic/small.jpg" medium="image" width="200"/>
			<media:content url="pic/large.jpg" medium="image" width="1200"/>
			<media:thumbnail url="pic/thumb.jpg" width="90"/>
		</media:group>
		<thr:in-reply-to ref="tag:canal.example,2026:plan"/>
		<georss:point>55.61 12.58</georss:point>
		<comments>2026/lock.html#talk</comments>
		<source url="https://harbour.example/all.rss">Harbour Wire</source>
	</item>
	<item>
		<title>Dredging goes on</title>
		<guid>https://canal.example/sheet/2026/mud</guid>
		<dc:date>2026-02-20T10:00:00Z</dc:date>
		<author>kim@canal.example (Kim Ry)</author>
		<description>&lt;p&gt;Mud is lifted &lt;a href="mud/map"&gt;here&lt;/a&gt; until May.&lt;/p&gt;</description>
		<atom:link rel="enclosure" href="mud/plan.pdf" type="application/pdf" length="2048"/>
		<itunes:image href="mud/cover.png"/>
		<geo:lat>55.7</geo:lat><geo:long>12.6</geo:long>
	</item>
</channel></rss>`,
		want: []told{{
			Title: "The lock at Holm opens & closes", Link: "https://canal.example/sheet/2026/lock.html?from=rss", Language: "sv",
			Summary:   "The gate moves again after a winter of repairs.",
			Published: date("2026-02-27T07:15:00Z"), Updated: date("2026-02-28T09:00:00Z"),
			Authors:    []feed.Person{{Name: "Nina Bo"}, {Name: "Ole Dam"}},
			Categories: []string{"Locks", "Holm", "Shipping", "podcast", "water"},
			Files: []feed.Enclosure{
				{URL: "https://canal.example/sheet/sound/gate.mp3", Type: "audio/mpeg", Length: 12345678, Duration: 3723},
				{URL: "https://canal.example/sheet/film/gate.webm", Type: "video/webm", Length: 99000, Duration: 61, Title: "The gate, filmed"},
			},
			Image: "https://canal.example/sheet/pic/large.jpg", Comments: "https://canal.example/sheet/2026/lock.html#talk",
			InReplyTo: "tag:canal.example,2026:plan", Point: "55.61 12.58", Rights: "CC BY-SA 4.0",
			Source: feed.SourceRef{Title: "Harbour Wire", URL: "https://harbour.example/all.rss"},
			Addresses: []string{"https://canal.example/sheet/notes#two", "https://canal.example/pic/gate.jpg", "https://canal.example/pic/gate.jpg 1x, https://canal.example/sheet/gate@2x.jpg 2x",
				"https://canal.example/speech", "https://canal.example/sheet/still.jpg", "https://film.example/gate.mp4", "https://harbour.example/all.rss"},
		}, {
			Title: "Dredging goes on", Link: "https://canal.example/sheet/2026/mud", Language: "da",
			Published: date("2026-02-20T10:00:00Z"), Updated: date("2026-02-20T10:00:00Z"),
			Authors: []feed.Person{{Name: "Kim Ry"}},
			Files:   []feed.Enclosure{{URL: "https://canal.example/sheet/mud/plan.pdf", Type: "application/pdf", Length: 2048}},
			Image:   "https://canal.example/sheet/mud/cover.png", Point: "55.7 12.6",
			Source:    feed.SourceRef{Title: "Canal Sheet", URL: "HERE/canal"},
			Addresses: []string{"https://canal.example/sheet/mud/cover.png", "https://canal.example/sheet/mud/map", "https://canal.example/sheet/"},
		}}},
	"Atom": {document: `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:thr="http://purl.org/syndication/thread/1.0"
	xmlns:georss="http://www.georss.org/georss" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xml:lang="nb" xml:base="https://fjord.example/news/">
	<id>tag:fjord.example,2026:all</id><title>Fjord Post</title><updated>2026-02-28T10:00:00Z</updated>
	<link href="/"/><link rel="self" href="atom.xml"/><author><name>The Fjord Desk</name></author>
	<entry xml:base="2026/">
		<id>tag:fjord.example,2026:ferry</id>
		<title type="html">A ferry &lt;em&gt;without&lt;/em&gt; a crew</title>
		<link href="ferry.html"/>
		<link rel="enclosure" href="ferry.pdf" type="application/pdf" length="4321" title="The timetable"/>
		<link rel="replies" href="ferry.html#talk" type="text/html"/>
		<published>2026-02-26T06:00:00+01:00</published><updated>2026-02-27T07:30:00Z</updated>
		<author><name>Liv Moe</name><uri>/people/liv</uri><email>liv@fjord.example</email></author>
		<author><name>Per Aas</name></author>
		<category term="ferries" label="Ferries"/><category term="robots"/><dc:subject>Transport</dc:subject>
		<rights>All rights kept</rights>
		<summary>It crosses by itself.</summary>
		<content type="xhtml" xml:base="ferry/"><div xmlns="http://www.w3.org/1999/xhtml"><p>It crosses by itself, twelve times a day, and nobody has fallen in yet.</p>
			<p><img src="side.jpg" srcset="side.jpg 640w, /pics/side-wide.jpg 1280w" sizes="100vw" alt="from the side"/> <q cite="../said">Smooth</q></p>
			<video poster="still.png" src="https://film.example/ferry.mp4"></video></div></content>
		<media:group><media:thumbnail url="thumb.png" width="120"/>
			<media:content url="clip.mp4" type="video/mp4" duration="45" fileSize="777"><media:title>Crossing</media:title></media:content></media:group>
		<thr:in-reply-to ref="https://fjord.example/plan" href="https://fjord.example/plan"/>
		<georss:where><gml:Point xmlns:gml="http://www.opengis.net/gml"><gml:pos>59.9 10.7</gml:pos></gml:Point></georss:where>
		<source><id>https://coast.example/wire.atom</id><title>Coast Wire</title><updated>2026-02-27T00:00:00Z</updated>
			<link rel="self" href="https://coast.example/wire.atom"/><link href="https://coast.example/"/></source>
	</entry>
	<entry xml:lang="nn">
		<id>tag:fjord.example,2026:fog</id><title>Fog</title><link href="fog.html"/><updated>2026-02-19T00:00:00Z</updated>
		<content type="html">&lt;p&gt;No &lt;a href="boats"&gt;boats&lt;/a&gt; today.&lt;/p&gt;</content>
		<link rel="enclosure" href="horn.mp3" type="audio/mpeg" length="9"/><itunes:duration>0:42</itunes:duration><itunes:image href="fog.jpg"/>
	</entry>
</feed>`,
		want: []told{{
			Title: "A ferry without a crew", Link: "https://fjord.example/news/2026/ferry.html", Language: "nb", Summary: "It crosses by itself.",
			Published: date("2026-02-26T05:00:00Z"), Updated: date("2026-02-27T07:30:00Z"),
			Authors:    []feed.Person{{Name: "Liv Moe", URL: "https://fjord.example/people/liv"}, {Name: "Per Aas"}},
			Categories: []string{"Ferries", "robots", "Transport"},
			Files: []feed.Enclosure{
				{URL: "https://fjord.example/news/2026/ferry.pdf", Type: "application/pdf", Length: 4321, Title: "The timetable"},
				{URL: "https://fjord.example/news/2026/clip.mp4", Type: "video/mp4", Length: 777, Duration: 45, Title: "Crossing"},
			},
			Image: "https://fjord.example/news/2026/thumb.png", Comments: "https://fjord.example/news/2026/ferry.html#talk",
			InReplyTo: "https://fjord.example/plan", Point: "59.9 10.7", Rights: "All rights kept",
			Source: feed.SourceRef{Title: "Coast Wire", URL: "https://coast.example/wire.atom"},
			Addresses: []string{"https://fjord.example/news/2026/ferry/side.jpg", "https://fjord.example/news/2026/ferry/side.jpg 640w, https://fjord.example/pics/side-wide.jpg 1280w",
				"https://fjord.example/news/2026/said", "https://fjord.example/news/2026/ferry/still.png", "https://film.example/ferry.mp4", "https://coast.example/wire.atom"},
		}, {
			Title: "Fog", Link: "https://fjord.example/news/fog.html", Language: "nn",
			Published: date("2026-02-19T00:00:00Z"), Updated: date("2026-02-19T00:00:00Z"),
			Authors: []feed.Person{{Name: "The Fjord Desk"}}, Image: "https://fjord.example/news/fog.jpg",
			Files:     []feed.Enclosure{{URL: "https://fjord.example/news/horn.mp3", Type: "audio/mpeg", Length: 9, Duration: 42}},
			Source:    feed.SourceRef{Title: "Fjord Post", URL: "HERE/fjord"},
			Addresses: []string{"https://fjord.example/news/fog.jpg", "https://fjord.example/news/boats", "https://fjord.example/"},
		}}},
	"JSON": {document: `{"version": "https://jsonfeed.org/version/1.1", "title": "Delta Notes", "home_page_url": "https://delta.example/notes/", "language": "nl", "authors": [{"name": "Delta Desk"}],
"items": [
	{"id": "delta-7", "url": "7/reeds", "title": "Reeds against the waves", "summary": "Plants do what walls did.", "language": "fy",
	"content_html": "<p>Plants do what walls did, and cost a tenth of it, says a study.</p><figure><img src=\"reeds.jpg\" srcset=\"reeds.jpg 1x, /big/reeds.jpg 2x\"></figure><blockquote cite=\"study\">A tenth</blockquote><video poster=\"/still.jpg\"><source src=\"https://film.example/reeds.webm\"></video>",
	"image": "reeds-cover.jpg", "date_published": "2026-02-25T12:00:00+01:00", "date_modified": "2026-02-26T12:00:00+01:00",
	"authors": [{"name": "Ida Vos", "url": "/ida"}, {"name": "Jan Tak"}], "tags": ["Plants", "Dikes"],
	"attachments": [{"url": "reeds.mp3", "mime_type": "audio/mpeg", "title": "Read aloud", "size_in_bytes": 555, "duration_in_seconds": 95}]},
	{"id": "delta-6", "url": "6/", "title": "Silt", "content_text": "It settles.\n\nSee https://delta.example/silt.", "date_published": "2026-02-18T00:00:00Z",
	"author": {"name": "Bo Rijn"}, "banner_image": "silt.png"}
]}`,
		want: []told{{
			Title: "Reeds against the waves", Link: "https://delta.example/notes/7/reeds", Language: "fy", Summary: "Plants do what walls did.",
			Published: date("2026-02-25T11:00:00Z"), Updated: date("2026-02-26T11:00:00Z"),
			Authors: []feed.Person{{Name: "Ida Vos", URL: "https://delta.example/ida"}, {Name: "Jan Tak"}}, Categories: []string{"Plants", "Dikes"},
			Files:  []feed.Enclosure{{URL: "https://delta.example/notes/reeds.mp3", Type: "audio/mpeg", Length: 555, Duration: 95, Title: "Read aloud"}},
			Image:  "https://delta.example/notes/reeds-cover.jpg",
			Source: feed.SourceRef{Title: "Delta Notes", URL: "HERE/delta"},
			Addresses: []string{"https://delta.example/notes/reeds.jpg", "https://delta.example/notes/reeds.jpg 1x, https://delta.example/big/reeds.jpg 2x",
				"https://delta.example/notes/study", "https://delta.example/still.jpg", "https://film.example/reeds.webm", "https://delta.example/notes/"},
		}, {
			Title: "Silt", Link: "https://delta.example/notes/6/", Language: "nl",
			Published: date("2026-02-18T00:00:00Z"), Updated: date("2026-02-18T00:00:00Z"),
			Authors: []feed.Person{{Name: "Bo Rijn"}}, Image: "https://delta.example/notes/silt.png",
			Source:    feed.SourceRef{Title: "Delta Notes", URL: "HERE/delta"},
			Addresses: []string{"https://delta.example/notes/silt.png", "https://delta.example/silt", "https://delta.example/notes/"},
		}}},
}

func date(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// TestWhatAFeedSaysArrivesInEveryFormatThatHasAPlaceForIt sends a feed of each
// format through everything, from HTTP to the documents that readers get.
func TestWhatAFeedSaysArrivesInEveryFormatThatHasAPlaceForIt(t *testing.T) {
	r := newRig(t)
	r.publish("/canal", everything["RSS"].document)
	r.publish("/fjord", everything["Atom"].document)
	r.publish("/delta", everything["JSON"].document)
	r.declare("/canal", "/fjord", "/delta")
	r.ingest()
	for format, got := range r.rendered() {
		byTitle := map[string]told{}
		for _, i := range got {
			byTitle[i.Title] = i
		}
		for from, feed := range everything {
			for _, want := range feed.want {
				want.Authors = slices.Clone(want.Authors)
				noPlace[format](&want)
				want.Source.URL = strings.Replace(want.Source.URL, "HERE", r.server.URL, 1)
				if diff := cmp.Diff(want, byTitle[want.Title]); diff != "" {
					t.Errorf("from %s to %s: %s (-want +got)\n%s", from, format, want.Title, diff)
				}
			}
		}
	}
}

// relative are documents with nothing but relative addresses, and what those
// are relative to: xml:base, the feed's link, the feed's own address, in that
// order, each itself relative to those after it. HERE stands for the server.
var relative = []struct{ name, document, base string }{
	{"RSS, xml:base of the item", rssWith("", "https://link.example/s/", `xml:base="https://base.example/i/"`), "https://base.example/i/"},
	{"RSS, xml:base of the channel", rssWith(`xml:base="https://base.example/c/"`, "https://link.example/s/", ""), "https://base.example/c/"},
	{"RSS, xml:base of the item below the channel's", rssWith(`xml:base="https://base.example/c/"`, "https://link.example/s/", `xml:base="i/"`), "https://base.example/c/i/"},
	{"RSS, xml:base from the root", rssWith(`xml:base="/c/"`, "https://link.example/s/", ""), "HERE/c/"},
	{"RSS, the link", rssWith("", "https://link.example/s/", ""), "https://link.example/s/"},
	{"RSS, a link to a page", rssWith("", "https://link.example/s/index.html", ""), "https://link.example/s/"},
	{"RSS, the link, relative", rssWith("", "/s/", ""), "HERE/s/"},
	{"RSS, no link", rssWith("", "", ""), "HERE/dir/"},
	{"Atom, xml:base of the entry", atomWith("", "https://link.example/s/", `xml:base="https://base.example/e/"`), "https://base.example/e/"},
	{"Atom, xml:base of the feed", atomWith(`xml:base="https://base.example/f/"`, "https://link.example/s/", ""), "https://base.example/f/"},
	{"Atom, xml:base of the entry below the feed's", atomWith(`xml:base="https://base.example/f/x"`, "https://link.example/s/", `xml:base="../e/"`), "https://base.example/e/"},
	{"Atom, the link", atomWith("", "https://link.example/s/", ""), "https://link.example/s/"},
	{"Atom, the link, relative", atomWith("", "../s/", ""), "HERE/s/"},
	{"Atom, no link", atomWith("", "", ""), "HERE/dir/"},
	{"JSON, the home page", jsonWith(`"home_page_url": "https://link.example/s/",`), "https://link.example/s/"},
	{"JSON, the home page, relative", jsonWith(`"home_page_url": "../s/",`), "HERE/s/"},
	{"JSON, no home page", jsonWith(""), "HERE/dir/"},
}

// relativeHTML has each attribute that holds an address.
const relativeHTML = `<p><a href="a">a</a><img src="i" srcset="i 1x, j 2x"></p><blockquote cite="c">c</blockquote><video poster="p"><source src="https://film.example/v"></video>`

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func rssWith(channel, site, item string) string {
	return `<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel ` + channel + `><title>T</title><link>` + site + `</link>
		<item ` + item + `><guid isPermaLink="false">1</guid><title>x</title><link>page</link><description>` + escaped.Replace(relativeHTML) + `</description>
		<enclosure url="file.mp3" type="audio/mpeg" length="1"/><media:thumbnail url="picture.png"/><comments>talk</comments><source url="origin">O</source></item></channel></rss>`
}

func atomWith(root, site, entry string) string {
	if site != "" {
		site = `<link href="` + site + `"/>`
	}
	return `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" ` + root + `><id>urn:f</id><title>T</title><updated>2026-02-01T00:00:00Z</updated>` + site + `
		<entry ` + entry + `><id>urn:1</id><title>x</title><updated>2026-02-01T00:00:00Z</updated><link href="page"/><link rel="replies" href="talk" type="text/html"/>
		<author><name>A</name><uri>author</uri></author><content type="html">` + escaped.Replace(relativeHTML) + `</content>
		<link rel="enclosure" href="file.mp3" type="audio/mpeg"/><media:thumbnail url="picture.png"/><source><title>O</title><link rel="self" href="origin"/></source></entry></feed>`
}

func jsonWith(home string) string {
	text, _ := json.Marshal(relativeHTML)
	return `{"version": "https://jsonfeed.org/version/1.1", "title": "T", ` + home + ` "items": [{"id": "1", "title": "x", "url": "page", "image": "picture.png",
		"content_html": ` + string(text) + `, "authors": [{"name": "A", "url": "author"}], "attachments": [{"url": "file.mp3", "mime_type": "audio/mpeg"}]}]}`
}

func TestRelativeAddressesAreResolvedByTheRightBase(t *testing.T) {
	for _, c := range relative {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.publish("/dir/feed", c.document)
			r.declare("/dir/feed")
			r.ingest()
			base := strings.Replace(c.base, "HERE", r.server.URL, 1)
			for format, items := range r.rendered() {
				if len(items) != 1 {
					t.Fatalf("%s: %d items", format, len(items))
				}
				got, want := items[0], toldBy(c.name, base, r.server.URL)
				got.Title, got.Language, got.Published, got.Updated = "", "", time.Time{}, time.Time{}
				got.Addresses = got.Addresses[:6] // then who it is from
				noPlace[format](&want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got)\n%s", format, diff)
				}
			}
		})
	}
}

// toldBy is what one of the relative documents tells, all from one base.
func toldBy(name, base, here string) told {
	i := told{Link: base + "page", Image: base + "picture.png", Comments: base + "talk", Authors: []feed.Person{{Name: "A", URL: base + "author"}},
		Files:     []feed.Enclosure{{URL: base + "file.mp3", Type: "audio/mpeg"}},
		Source:    feed.SourceRef{Title: "O", URL: base + "origin"},
		Addresses: []string{base + "a", base + "i", base + "i 1x, " + base + "j 2x", base + "c", base + "p", "https://film.example/v"}}
	switch {
	case strings.HasPrefix(name, "RSS"):
		i.Files[0].Length = 1
		i.Authors = []feed.Person{{Name: "O"}} // nobody is named: whose feed it is
	case strings.HasPrefix(name, "JSON"):
		i.Comments, i.Source = "", feed.SourceRef{Title: "T", URL: here + "/dir/feed"}
	}
	return i
}

// rendered reads back what is published of the live items, by format.
func (r *rig) rendered() map[string][]told {
	r.t.Helper()
	items, _, err := r.store.Window(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	site := feed.Site{ID: "4f0e8f0a-5f0b-5b39-9d51-5a4c7b1d3e60", Title: "All waters", Language: "en", BaseURL: "https://waters.example"}
	page := feed.Page{Self: "https://waters.example/feed", Items: items}
	out := map[string][]told{}
	for name, f := range map[string]struct {
		render func(feed.Page) ([]byte, error)
		read   func(*testing.T, []byte) []told
	}{"Atom": {site.Atom, readAtom}, "RSS": {site.RSS, readRSS}, "JSON": {site.JSON, readJSON}} {
		document, err := f.render(page)
		if err != nil {
			r.t.Fatal(err)
		}
		out[name] = f.read(r.t, document)
	}
	return out
}

// extensions are the elements that Atom and RSS documents have in common.
type extensions struct {
	Media     []mediaFile `xml:"http://search.yahoo.com/mrss/ content"`
	Thumbnail mediaFile   `xml:"http://search.yahoo.com/mrss/ thumbnail"`
	Point     string      `xml:"http://www.georss.org/georss point"`
	InReplyTo struct {
		Ref string `xml:"ref,attr"`
	} `xml:"http://purl.org/syndication/thread/1.0 in-reply-to"`
}

type mediaFile struct {
	URL      string `xml:"url,attr"`
	Type     string `xml:"type,attr"`
	Medium   string `xml:"medium,attr"`
	Size     int64  `xml:"fileSize,attr"`
	Duration int64  `xml:"duration,attr"`
	Title    string `xml:"http://search.yahoo.com/mrss/ title"`
}

type atomLink struct {
	Rel    string `xml:"rel,attr"`
	Href   string `xml:"href,attr"`
	Type   string `xml:"type,attr"`
	Length int64  `xml:"length,attr"`
	Title  string `xml:"title,attr"`
}

// href is the address of the first link with a relation.
func href(links []atomLink, rel string) string {
	for _, l := range links {
		if l.Rel == rel {
			return l.Href
		}
	}
	return ""
}

// addMedia adds Media RSS files, or what they say of files known already, as
// readers do that know both vocabularies.
func (i *told) addMedia(files []mediaFile) {
	for _, f := range files {
		e := feed.Enclosure{URL: f.URL, Type: f.Type, Length: f.Size, Duration: f.Duration, Title: f.Title}
		known := slices.IndexFunc(i.Files, func(k feed.Enclosure) bool { return k.URL == f.URL })
		switch {
		case f.Medium == "image":
			i.Image = f.URL
		case known >= 0:
			i.Files[known] = e
		default:
			i.Files = append(i.Files, e)
		}
	}
}

func readAtom(t *testing.T, document []byte) []told {
	t.Helper()
	var doc struct {
		Entries []struct {
			extensions
			Lang      string     `xml:"lang,attr"`
			Title     string     `xml:"http://www.w3.org/2005/Atom title"`
			Links     []atomLink `xml:"http://www.w3.org/2005/Atom link"`
			Published time.Time  `xml:"published"`
			Updated   time.Time  `xml:"updated"`
			Rights    string     `xml:"rights"`
			Summary   string     `xml:"summary"`
			Content   string     `xml:"http://www.w3.org/2005/Atom content"`
			Authors   []struct {
				Name string `xml:"name"`
				URI  string `xml:"uri"`
			} `xml:"author"`
			Categories []struct {
				Term string `xml:"term,attr"`
			} `xml:"category"`
			Source struct {
				Title string     `xml:"title"`
				Links []atomLink `xml:"link"`
			} `xml:"source"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	var out []told
	for _, e := range doc.Entries {
		i := told{Title: e.Title, Link: href(e.Links, "alternate"), Language: e.Lang, Summary: e.Summary, Published: e.Published, Updated: e.Updated,
			Image: e.Thumbnail.URL, Comments: href(e.Links, "replies"), InReplyTo: e.InReplyTo.Ref, Point: e.Point, Rights: e.Rights,
			Source: feed.SourceRef{Title: e.Source.Title, URL: href(e.Source.Links, "self")}, Addresses: addresses(t, e.Content)}
		for _, a := range e.Authors {
			i.Authors = append(i.Authors, feed.Person{Name: a.Name, URL: a.URI})
		}
		for _, c := range e.Categories {
			i.Categories = append(i.Categories, c.Term)
		}
		for _, l := range e.Links {
			if l.Rel == "enclosure" {
				i.Files = append(i.Files, feed.Enclosure{URL: l.Href, Type: l.Type, Length: l.Length, Title: l.Title})
			}
		}
		i.addMedia(e.Media)
		out = append(out, i)
	}
	return out
}

func readRSS(t *testing.T, document []byte) []told {
	t.Helper()
	var doc struct {
		Items []struct {
			extensions
			Title       string    `xml:"title"`
			Link        string    `xml:"link"`
			Comments    string    `xml:"comments"`
			Description string    `xml:"description"`
			Encoded     string    `xml:"http://purl.org/rss/1.0/modules/content/ encoded"`
			PubDate     string    `xml:"pubDate"`
			Updated     time.Time `xml:"http://www.w3.org/2005/Atom updated"`
			Creators    []string  `xml:"http://purl.org/dc/elements/1.1/ creator"`
			Language    string    `xml:"http://purl.org/dc/elements/1.1/ language"`
			Rights      string    `xml:"http://purl.org/dc/elements/1.1/ rights"`
			Categories  []string  `xml:"category"`
			Enclosures  []struct {
				URL    string `xml:"url,attr"`
				Type   string `xml:"type,attr"`
				Length int64  `xml:"length,attr"`
			} `xml:"enclosure"`
			Source struct {
				URL   string `xml:"url,attr"`
				Title string `xml:",chardata"`
			} `xml:"source"`
		} `xml:"channel>item"`
	}
	if err := xml.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	var out []told
	for _, e := range doc.Items {
		i := told{Title: e.Title, Link: e.Link, Language: e.Language, Updated: e.Updated, Categories: e.Categories,
			Comments: e.Comments, InReplyTo: e.InReplyTo.Ref, Point: e.Point, Rights: e.Rights,
			Source: feed.SourceRef{Title: e.Source.Title, URL: e.Source.URL}, Addresses: addresses(t, e.Description)}
		if e.Encoded != "" {
			i.Summary, i.Addresses = e.Description, addresses(t, e.Encoded)
		}
		i.Published, _ = time.Parse(time.RFC1123, e.PubDate)
		i.Published = i.Published.UTC()
		for _, name := range e.Creators {
			i.Authors = append(i.Authors, feed.Person{Name: name})
		}
		for _, f := range e.Enclosures {
			i.Files = append(i.Files, feed.Enclosure{URL: f.URL, Type: f.Type, Length: f.Length})
		}
		i.addMedia(e.Media)
		out = append(out, i)
	}
	return out
}

func readJSON(t *testing.T, document []byte) []told {
	t.Helper()
	var doc struct {
		Items []struct {
			URL, Title, Summary, Language, Image string
			Content                              string    `json:"content_html"`
			Published                            time.Time `json:"date_published"`
			Modified                             time.Time `json:"date_modified"`
			Authors                              []feed.Person
			Tags                                 []string
			Attachments                          []struct {
				URL, Title string
				Type       string `json:"mime_type"`
				Size       int64  `json:"size_in_bytes"`
				Seconds    int64  `json:"duration_in_seconds"`
			}
			Provenance struct {
				Source struct {
					Title string
					URL   string `json:"feed_url"`
				}
			} `json:"_tributary"`
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	var out []told
	for _, e := range doc.Items {
		i := told{Title: e.Title, Link: e.URL, Language: e.Language, Summary: e.Summary, Published: e.Published, Updated: e.Modified,
			Authors: e.Authors, Categories: e.Tags, Image: e.Image, Source: feed.SourceRef(e.Provenance.Source), Addresses: addresses(t, e.Content)}
		for _, f := range e.Attachments {
			i.Files = append(i.Files, feed.Enclosure{URL: f.URL, Type: f.Type, Length: f.Size, Duration: f.Seconds, Title: f.Title})
		}
		out = append(out, i)
	}
	return out
}

// addresses are what the attributes of HTML that hold addresses say.
func addresses(t *testing.T, fragment string) []string {
	t.Helper()
	var out []string
	for z := html.NewTokenizer(strings.NewReader(fragment)); z.Next() != html.ErrorToken; {
		for _, a := range z.Token().Attr {
			switch a.Key {
			case "href", "src", "srcset", "poster", "cite":
				out = append(out, a.Val)
			}
		}
	}
	return out
}
