package clean

import (
	"html"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed"
)

const corpora = "../../../shared/corpora/feeds"

// TestForeignDocumentsComeOutCleanAndBalanced cleans whole feed documents, as
// they are and with one layer of escapes taken off, as if they were HTML; all of
// them when thorough, else a quarter.
func TestForeignDocumentsComeOutCleanAndBalanced(t *testing.T) {
	if _, err := os.Stat(corpora); err != nil {
		t.Skip("the corpora are not here: ", err)
	}
	n := 0
	err := filepath.WalkDir(corpora, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() > 400_000 {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if !thorough() && n%4 != 0 {
			return nil
		}
		checkHTML(t, string(b))
		checkHTML(t, html.UnescapeString(string(b)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d documents seen", n)
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{
		newsHTML,
		"<p>One<p>Two<b>three<p>four</b>five",
		"<table><tr><td>a<td>b<tr><th>c</table>x<table>loose<tr><caption>d<col><td><table><td>",
		"<ul><li>a<li>b<ul><li>c</ul></ul><dl><dt>a<dd>b<dt>c</dl>",
		"<a href=/x>one<a href=y>two</a><div><a href=#f>three</div></a>",
		"<pre>\n\n x</pre><pre><b></b>\nfoo</pre><code class='language-go x'>a &lt; b</code>",
		"<script>alert(1)</script><style>x</style><svg onload=x><script>y</svg><math><mi>x</math>",
		`<img src="j&#x61;vascript:alert(1)" onerror=x><img src=x srcset="a.jpg 1x, data:x 2x,b.jpg 3x">`,
		`<video src=//v.example/a.mp4><source src=https://v.example/b.webm type=video/webm></video><audio src="http://a.example/x">`,
		`<iframe src="https://www.youtube.com/embed/abcdefghijk?rel=0"></iframe><embed src="https://player.vimeo.com/video/123">`,
		"<ruby>x<rt>a<rp>b</ruby><details open><summary>s</summary>t</details><!-- c --><![CDATA[<b>x</b>]]><?x?>",
		"<h1>a<h2>b</h1>c</h2><b><i><p>x</b>y</i>&#150;&nbsp;&notit;&#0;&#xD800;&amp;amp;",
		"<p>a<div></div>b<span lang=de dir=rtl> </span><picture><source srcset=x><img data-src=/y src=data:x></picture>",
		"\x00\x01\xff\u0085\u202e\ufeff\ufdd0<b\x00>x</b\n>a<b</",
		"<q cite=x><blockquote cite='../y'><time datetime=2020>a</time><ol start=-3 type=a><li value=4>x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 100_000 {
			return
		}
		checkHTML(t, s)
	})
}

// soup is what random documents are made of: the tags whose rules interact.
var soup = []string{
	"<p>", "</p>", "<p class=x>", "<div>", "</div>", "<b>", "</b>", "<i>", "</i>", "<em>", "</em>", "<a href=/x>", "<a href='https://e.example/?a&amp;b'>", "</a>", "<a name=x>",
	"<span>", "</span>", "<span lang=de>", "<ul>", "</ul>", "<ol start=3>", "</ol>", "<li>", "</li>", "<dl>", "</dl>", "<dt>", "<dd>", "</dd>",
	"<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<th scope=row>", "<caption>", "</caption>", "<tbody>", "</tbody>", "<thead>", "<tfoot>", "<colgroup>", "<col span=2>", "</colgroup>",
	"<h1>", "</h1>", "<h2>", "</h2>", "<pre>", "</pre>", "<pre>\n", "<code class=go>", "</code>", "<blockquote>", "</blockquote>", "<hr>", "<br>", "<br/>", "</br>",
	"<img src=x>", "<img src=y width=1>", "<picture>", "</picture>", "<source srcset=z>", "<video src=https://v.example/v>", "</video>", "<audio>", "<ruby>", "</ruby>", "<rt>", "<rp>", "</rt>",
	"<details>", "</details>", "<summary>", "</summary>", "<figure>", "</figure>", "<figcaption>", "<script>", "</script>", "<style>", "</style>", "<svg>", "</svg>", "<math>", "<mi>", "</math>",
	"<select>", "<option>", "</select>", "<form>", "</form>", "<button>", "</button>", "<nobr>", "<center>", "</center>", "<title>", "</title>", "<template>", "</template>",
	"<iframe src=https://www.youtube.com/embed/abcdefghijk>", "</iframe>", "<object>", "</object>", "<address>", "</address>", "<q>", "</q>", "<wbr>", "<u>", "</u>", "<s>", "<small>", "</small>",
	"text", " ", "\n", " word ", "\n\n", "&nbsp;", "&amp;", "&lt;", "&#10;", "&#32;", "&#9;", "<", "<!-- c -->", "<![CDATA[", "]]>", "\x01", "\u00a0", "\u0085", "\ufeff", "é", "a<b",
}

// TestRandomTagsComeOutCleanAndBalanced is a fuzz test that knows HTML.
func TestRandomTagsComeOutCleanAndBalanced(t *testing.T) {
	rounds := 10_000
	if thorough() {
		rounds *= 100
	}
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range rounds {
		b.Reset()
		for range 1 + random.IntN(24) {
			b.WriteString(soup[random.IntN(len(soup))])
		}
		checkHTML(t, b.String())
	}
}

// thorough tells whether to take minutes: THOROUGH=1 go test ./ingest/clean
func thorough() bool { return os.Getenv("THOROUGH") != "" }

// TestSanitizeDocuments cleans the documents of feedparser's own tests of its
// sanitiser, and holds their text to what those expect.
func TestSanitizeDocuments(t *testing.T) {
	files, _ := filepath.Glob(corpora + "/feedparser/tests/wellformed/sanitize/*.xml")
	if len(files) == 0 {
		t.Skip("feedparser's documents are not here")
	}
	texts := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := gofeed.NewParser().ParseString(string(b))
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		parts := []string{parsed.Title, parsed.Description, parsed.Copyright}
		for _, item := range parsed.Items {
			parts = append(parts, item.Title, item.Description, item.Content)
		}
		expect := expectedText(string(b))
		found := expect == "" || sanitizeException.MatchString(file) || strings.Join(parts, "") == ""
		for _, part := range parts {
			out := checkHTML(t, part)
			text := strings.ReplaceAll(Plain(feedText(out, true)), " ", "")
			found = found || text == expect
			if strings.Contains(out, "alert") || strings.Contains(out, "executeMe") || strings.Contains(out, "location.href") {
				t.Errorf("%s: a script shows in %q", filepath.Base(file), out)
			}
		}
		if expect != "" {
			texts++
		}
		if !found {
			t.Errorf("%s: the text %q is not among %q", filepath.Base(file), expect, parts)
		}
	}
	t.Logf("%d documents, %d of them with an expected text", len(files), texts)
}

// sanitizeException: the fallback text of frames is kept there and dropped here
// (frames have no fallback any more), base64 is the parser's business, the
// "crazy" documents expect a page's title to show, and the others an odd
// declaration, comment or end of CDATA read otherwise than browsers read it.
var sanitizeException = regexp.MustCompile(`_iframe|_base64|_crazy|font_family_lucida|nested_cdata|xml_declaration_unexpected|xml_malicious_comment`)

var expectation = regexp.MustCompile(`(?m)^Expect:.*== *u?'(.*)'\s*$`)

// expectedText is the text, without spaces, of the HTML that a document's
// first comment expects; "" if that is no plain comparison.
func expectedText(doc string) string {
	match := expectation.FindStringSubmatch(doc)
	if match == nil {
		return ""
	}
	return strings.ReplaceAll(Plain(feedText(match[1], true)), " ", "")
}
