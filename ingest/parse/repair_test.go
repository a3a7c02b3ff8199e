package parse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

func TestIllFormedDocumentsAreRead(t *testing.T) {
	item := "<item><title>One</title><link>https://example.org/1</link><description>Text</description></item>"
	cases := []struct{ name, body, title, link, text string }{
		{"control characters", rssWith("<item><title>O\x01n\x0be</title><link>https://example.org/1</link><description>Te\x00xt</description></item>"), "One", "https://example.org/1", "Text"},
		{"undefined entity", rssWith("<item><title>One&nbsp;&foo; &hellip;</title><link>https://example.org/1</link></item>"), "One\u00a0&foo; …", "https://example.org/1", ""},
		{"ampersand", rssWith("<item><title>R&D at AT&T</title><link>https://example.org/?a=1&b=2&copy=3</link></item>"), "R&D at AT&T", "https://example.org/?a=1&b=2&copy=3", ""},
		{"less-than", rssWith("<item><title>1 < 2 <3</title><link>https://example.org/1</link></item>"), "1 < 2 <3", "https://example.org/1", ""},
		{"junk before", "PHP Warning: x < y in z.php\n<br />\n" + rssWith(item), "One", "https://example.org/1", "Text"},
		{"blank before", "\n\n  " + rssWith(item), "One", "https://example.org/1", "Text"},
		{"junk after", rssWith(item) + "\n<script>alert(1)</script> & so on", "One", "https://example.org/1", "Text"},
		{"no end tag of an item", rssWith("<item><title>One</title><link>https://example.org/1</link><description>Text</description><item><title>Two</title></item>"), "One", "https://example.org/1", "Text"},
		{"no end tag of a link", rssWith("<item><link>https://example.org/1<title>One</title><description>Text</description></item>"), "One", "https://example.org/1", "Text"},
		{"no end tag of a title", rssWith("<item><title>One<link>https://example.org/1</link><description>Text</description></item>"), "One", "https://example.org/1", "Text"},
		{"end tags in the wrong order", rssWith("<item><title>One</title><link>https://example.org/1</link><x:a><x:b></x:a></x:b><description>Text</description></item>"), "One", "https://example.org/1", "Text"},
		{"end tag of nothing", rssWith("<item><title>One</title></guid></p><link>https://example.org/1</link><description>Text</description></item>"), "One", "https://example.org/1", "Text"},
		{"end tag in another case", rssWith("<item><Title>One</title><link>https://example.org/1</LINK><description>Text</description></item>"), "One", "https://example.org/1", "Text"},
		{"HTML in a text", rssWith("<item><title>One</title><link>https://example.org/1</link><description><p>Te<br>xt<img src=x.png></description></item>"), "One", "https://example.org/1", "<p>Te<br>xt<img src=x.png>"},
		{"attribute without quotes", rssWith(`<item><title>One</title><link>https://example.org/1</link><guid isPermaLink=false>x</guid><enclosure url="x"y" /><description>Text</description></item>`), "One", "https://example.org/1", "Text"},
		{"CDATA that does not end", rssWith("<item><title>One</title><link>https://example.org/1</link><description><![CDATA[Text</description></item><item><title><![CDATA[Two]]></title></item>"), "One", "https://example.org/1", "Text"},
		{"comment that does not end", rssWith("<item><title>One</title><!-- x <link>https://example.org/1</link><description>Text</description></item>"), "One", "https://example.org/1", "Text"},
		{"no root", "<channel><title>T</title>" + item + "</channel>", "One", "https://example.org/1", "Text"},
		{"no declaration of a prefix", rssWith("<item><dc:title>One</dc:title><link>https://example.org/1</link><content:encoded>Text</content:encoded></item>"), "One", "https://example.org/1", "Text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := mustParse(t, c.body).Entries[0]
			got := [3]string{e.Title.Value, e.Link, e.Content.Value}
			if d := cmp.Diff([3]string{c.title, c.link, c.text}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestADocumentThatBreaksOffGivesItsWholeEntries cuts documents at every byte.
func TestADocumentThatBreaksOffGivesItsWholeEntries(t *testing.T) {
	for _, name := range []string{"rss20.xml", "atom10.xml", "rss10.xml", "podcast.xml", "rss091.xml"} {
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join("testdata/feeds", name))
			if err != nil {
				t.Fatal(err)
			}
			whole := mustParse(t, string(body))
			for cut := range body {
				checkPrefix(t, whole, body[:cut])
			}
		})
	}
}

// checkPrefix checks that of the beginning of a document those entries are
// read that it holds whole.
func checkPrefix(t *testing.T, whole Feed, body []byte) {
	t.Helper()
	want := strings.Count(string(body), "</item>") + strings.Count(string(body), "</entry>")
	f, err := Parse(feed.Document{URL: "https://example.org/feed", Body: body}, Limits{})
	if err != nil {
		if want > 0 || errors.Is(err, ErrHTML) {
			t.Fatalf("cut at %d: %v", len(body), err)
		}
		return
	}
	if d := cmp.Diff(fmt.Sprintf("%+v", whole.Entries[:want]), fmt.Sprintf("%+v", f.Entries)); d != "" {
		t.Fatalf("cut at %d: %s", len(body), d)
	}
	if over := strings.Contains(string(body), "</rss>") || strings.Contains(string(body), "</feed>") || strings.Contains(string(body), "</rdf:RDF>"); f.Truncated == over {
		t.Fatalf("cut at %d: truncated is %v", len(body), f.Truncated)
	}
}

// TestHostileDocumentsTakeLinearTime has documents that would take minutes, or
// gigabytes, if anything looked at them more than a few times.
func TestHostileDocumentsTakeLinearTime(t *testing.T) {
	n := 30_000
	many := func(s string) string { return strings.Repeat(s, n) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	cases := map[string]string{
		"categories":          rssWith("<item>" + numbered("<category>c%d</category>") + "</item>"),
		"elements":            rssWith("<item>" + many("<x:a/>") + "</item>"),
		"mixed content":       rssWith("<item><x:a>" + many("text<b/>") + "</x:a></item>"),
		"CDATA in an element": rssWith("<item><x:a>" + many("<![CDATA[a]]>") + "</x:a></item>"),
		"open sections":       rssWith("<item>" + many("<title><![CDATA[") + "</item>"),
		"open comments":       many("<!--") + rssWith(""),
		"open texts":          rssWith("<item>" + many("<description>") + "</item>"),
		"open texts, named":   rssWith("<item>" + numbered("<a%d:title>") + "</item>"),
		"open texts, CDATA":   rssWith("<item>" + numbered("<a%d:title><![CDATA[") + "</item>"),
		"open elements":       many("<rss><channel><item>"),
		"end tags":            "<rss><channel><item>" + many("</x>"),
		"ampersands":          rssWith("<item><title>" + many("&") + "</title></item>"),
		"brackets":            rssWith("<item><title>" + many("<") + "</title></item>"),
		"tags in a title":     rssWith("<item><title>" + many("&lt;b&gt;") + "</title></item>"),
		"tags in Atom":        "<feed><entry><content>" + many("&lt;b&gt;") + "</content></entry></feed>",
		"entities":            `<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>` + rssWith("<item><title>"+many("&b;")+"</title></item>"),
		"namespaces":          `<rss ` + numbered(`xmlns:a%d="x" `) + `>` + many("<b/>") + `</rss>`,
		"attributes":          rssWith("<item><x:a " + numbered(`a%d="x" `) + "/></item>"),
		"marks":               rssWith("<item>" + many("<category>lifted:0</category>") + "</item>"),
		"commas":              jsonHead + many(", "),
		"JSON arrays":         jsonHead + many("["),
		"JSON tags":           jsonHead + `{"id":"1","tags":[` + numbered(`"%d",`) + `"x"]}]}`,
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse(feed.Document{Body: []byte(body)}, Limits{}); feed.CodeOf(err) == feed.CodeInternal {
				t.Error(err)
			}
		})
	}
}
