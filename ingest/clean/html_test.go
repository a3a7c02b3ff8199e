package clean

import (
	"strings"
	"testing"
)

var htmlCases = []struct{ name, in, want string }{
	{"plain text", "just text", "just text"},
	{"nothing", "", ""},
	{"good html stays", "<p>a <em>b</em></p>", "<p>a <em>b</em></p>"},
	{"open tags are closed", "<p>a <em>b", "<p>a <em>b</em></p>"},
	{"stray end tags go", "a</div></p>b", "ab"},
	{"crossed tags are set right", "<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"},
	{"a paragraph ends the one before", "<p>a<p>b", "<p>a</p><p>b</p>"},
	{"a block ends a paragraph", "<p>a<ul><li>b</ul>", "<p>a</p><ul><li>b</li></ul>"},
	{"bold goes on in the next paragraph", "<p><b>a<p>b</b>c", "<p><b>a</b></p><p><b>b</b>c</p>"},
	{"a link around a block keeps the picture linked", `<p><a href="https://e.example/"><div><img src="https://e.example/i.png"></div></a></p>`,
		`<div><a href="https://e.example/"><img src="https://e.example/i.png"/></a></div>`},
	{"list items end each other", "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"},
	{"terms end each other", "<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"},
	{"headings do not nest", "<h2>a<h3>b</h3>", "<h2>a</h2><h3>b</h3>"},
	{"an end tag of any heading ends it", "<h2>a</h3>b", "<h2>a</h2>b"},
	{"links do not nest", `<a href="/x">a<a href="/y">b</a>`, `<a href="https://site.example/x">a</a><a href="https://site.example/y">b</a>`},
	{"anchors go, their text stays", `<a name="top">a</a>`, "a"},
	{"empty elements go", "<p></p><p> </p><p>&nbsp;</p><div><b></b></div>x<span></span>", "x"},
	{"words stay two", "a<div></div>b<b> </b>c", "a b c"},
	{"cells are given their rows", "<table><td>a<td>b<tr><th>c</table>",
		"<table><tbody><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></tbody></table>"},
	{"what stands loose in a table gets a cell", "<table>a<tr><td>b</table>",
		"<table><tbody><tr><td>a</td></tr><tr><td>b</td></tr></tbody></table>"},
	{"a table whole", `<table><caption>c</caption><colgroup><col span="2"></colgroup><thead><tr><th scope="col">h</th></tr></thead><tbody><tr><td colspan="2">a</td></tr></tbody></table>`,
		`<table><caption>c</caption><colgroup><col span="2"/></colgroup><thead><tr><th scope="col">h</th></tr></thead><tbody><tr><td colspan="2">a</td></tr></tbody></table>`},
	{"parts of a table without one go", "<tr><td>a</td><td>b</td></tr>", "ab"},
	{"figures", `<figure><img src="a.jpg" alt="A" title="B" width="640px" height="480"><figcaption>c</figcaption></figure>`,
		`<figure><img src="https://site.example/dir/a.jpg" alt="A" title="B" width="640" height="480"/><figcaption>c</figcaption></figure>`},
	{"srcset", `<img src="/a.jpg" srcset="/a.jpg 1x,b.jpg 2x, data:x 3x, //c.example/c,d.jpg 4x" sizes="100vw">`,
		`<img src="https://site.example/a.jpg" srcset="https://site.example/a.jpg 1x, https://site.example/dir/b.jpg 2x, https://c.example/c,d.jpg 4x" sizes="100vw"/>`},
	{"pictures", `<picture><source srcset="a.webp" type="image/webp" media="(min-width: 600px)"><img src="a.jpg"></picture>`,
		`<picture><source srcset="https://site.example/dir/a.webp" type="image/webp" media="(min-width: 600px)"/><img src="https://site.example/dir/a.jpg"/></picture>`},
	{"a picture without a fallback shows nothing", `<picture><source srcset="a.webp"></picture>x`, "x"},
	{"lazy pictures are woken", `<img src="data:image/gif;base64,R0lGOD" data-src="/real.jpg" data-srcset="/real.jpg 2x">`,
		`<img src="https://site.example/real.jpg" srcset="https://site.example/real.jpg 2x"/>`},
	{"trackers go", `a<img src="https://t.example/p.gif" width="1" height="1"><img src="https://t.example/q" height=0><img src=https://t.example/r style="Display: none">b`, "ab"},
	{"data pictures go", `a<img src="data:image/png;base64,AAAA">`, "a"},
	{"code keeps its language", `<pre class="highlight"><code class="language-go x()">a &lt; b</code></pre>`, `<pre class="highlight"><code>a &lt; b</code></pre>`},
	{"code classes", `<code class="language-c++">x</code>`, `<code class="language-c++">x</code>`},
	{"preformatted text keeps its spaces", "<pre>a\n  b\n\n</pre>", "<pre>a\n  b\n\n</pre>"},
	{"the first line end of pre is not one", "<pre>\na</pre>", "<pre>a</pre>"},
	{"quotations", `<blockquote cite="/q"><q cite="javascript:x">a</q></blockquote>`, `<blockquote cite="https://site.example/q"><q>a</q></blockquote>`},
	{"details", "<details open><summary>a</summary>b</details>", `<details open=""><summary>a</summary>b</details>`},
	{"ruby", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>"},
	{"abbreviations", `<abbr title="World Health Organization" class="x">WHO</abbr><acronym title="a">b</acronym>`, `<abbr title="World Health Organization">WHO</abbr><abbr title="a">b</abbr>`},
	{"lists with numbers", `<ol start="-3" type="a" reversed><li value="4">x</li></ol>`, `<ol start="-3" type="a"><li value="4">x</li></ol>`},
	{"languages and directions", `<p lang="he" dir="rtl" style="color:red" id="x">a</p>`, `<p lang="he" dir="rtl">a</p>`},
	{"a span that says nothing goes", `<span class=x>a</span><span lang="de">b<span>c</span>d</span>`, `a<span lang="de">bcd</span>`},
	{"old elements become new ones", "<center><strike>a</strike><tt>b</tt><font color=red>c</font></center>", "<div><s>a</s><code>b</code>c</div>"},
	{"video", `<video controls autoplay poster="/p.jpg" width=640 height=360><source src="/v.webm" type="video/webm"><source src="/v.mp4">Sorry</video>`,
		`<video poster="https://site.example/p.jpg" width="640" height="360"><source src="https://site.example/v.webm" type="video/webm"/><source src="https://site.example/v.mp4"/></video>`},
	{"audio", `<audio controls src="https://a.example/x.mp3">Sorry <a href=x>y</a></audio>`, `<audio src="https://a.example/x.mp3"></audio>`},
	{"audio without https becomes a link", `<audio src="http://a.example/x.mp3"></audio>`, `<a href="http://a.example/x.mp3">http://a.example/x.mp3</a>`},
	{"YouTube", `a<iframe width="560" src="//www.youtube.com/embed/abc-DEF_123?rel=0" title="A talk"></iframe>b`, `a<p><a href="https://www.youtube.com/watch?v=abc-DEF_123">A talk</a></p>b`},
	{"YouTube without cookies", `<iframe src="https://www.youtube-nocookie.com/embed/abc-DEF_123" title="YouTube video player"></iframe>`,
		`<p><a href="https://www.youtube.com/watch?v=abc-DEF_123">https://www.youtube.com/watch?v=abc-DEF_123</a></p>`},
	{"a YouTube list", `<iframe src="https://www.youtube.com/embed/videoseries?list=PLabcde"></iframe>`,
		`<p><a href="https://www.youtube.com/playlist?list=PLabcde">https://www.youtube.com/playlist?list=PLabcde</a></p>`},
	{"Vimeo", `<iframe src="https://player.vimeo.com/video/12345?h=abcdef12"></iframe>`, `<p><a href="https://vimeo.com/12345/abcdef12">https://vimeo.com/12345/abcdef12</a></p>`},
	{"other frames go", `a<iframe src="https://ads.example/"><p>x</p></iframe>b`, "ab"},
	{"scripts and styles go with what is in them", "a<script>x</script><style>y</style><SCRIPT src=z></SCRIPT >b", "ab"},
	{"an unfinished script takes the rest", "a<script>document.write('<p>b", "a"},
	{"drawings go, formulas leave their text", `<svg><title>t</title><path d=""/></svg><math><mi>x</mi><mo>=</mo><mn>1</mn><annotation encoding=t>x=1</annotation></math>`, "x=1"},
	{"an unfinished drawing takes nothing", "<svg>a", "a"},
	{"forms leave their text", "<form action=x><label>a</label><input value=y><select><option>b</select><button onclick=z>c</button></form>", "<div>ac</div>"},
	{"noscript shows what it has", "<noscript><img src=/a.png></noscript>", `<img src="https://site.example/a.png"/>`},
	{"comments go", "a<!-- b --><!--[if mso]>c<![endif]--><!d>e", "ae"},
	{"content wrapped twice", "<![CDATA[<p>a</p>]]>", "<p>a</p>"},
	{"a sign that is no tag", "1 < 2 && 3 > 2 <3", "1 &lt; 2 &amp;&amp; 3 &gt; 2 &lt;3"},
	{"an unfinished tag goes", `a<img src="https://e.exam`, "a"},
	{"references", "&eacute;&#233;&#xE9;&#150;&hellip;&notit;&bogus;&amp;lt;", "ééé–…¬it;&amp;bogus;&amp;lt;"},
	{"a query is no reference", `<a href="https://e.example/?a=1&copy=2&amp;b=3">x</a>`, `<a href="https://e.example/?a=1&amp;copy=2&amp;b=3">x</a>`},
	{"quotes in attributes", `<img src=/a alt='say "a" &amp; &lt;b>'>`, `<img src="https://site.example/a" alt="say &#34;a&#34; &amp; &lt;b&gt;"/>`},
	{"controls go", "a\x00\x07b\u0085\u0093c\ufffe\ufeff", "ab…“c"},
	{"what is not UTF-8", "a\xff\xfeb", "a?b"},
	{"white space between blocks is folded", "<p>a</p>\n\n\t <p>b</p> \n", "<p>a</p>\n<p>b</p>"},
}

func TestHTML(t *testing.T) {
	for _, c := range htmlCases {
		t.Run(c.name, func(t *testing.T) {
			if got := checkHTML(t, c.in); got != c.want {
				t.Errorf("HTML(%q)\n got %q\nwant %q", c.in, got, c.want)
			}
		})
	}
}

var linkCases = []struct{ base, href, want string }{
	{"https://s.example/a/b", "c?d=e#f", "https://s.example/a/c?d=e#f"},
	{"https://s.example/a/b", "../../c", "https://s.example/c"},
	{"https://s.example/a/b", "//o.example/c", "https://o.example/c"},
	{"http://s.example/a/b", "//o.example/c", "http://o.example/c"},
	{"https://s.example/a/b", "?x=1", "https://s.example/a/b?x=1"},
	{"https://s.example/a/b", "#f", "https://s.example/a/b#f"},
	{"https://s.example/a/b", " \n/c d\t", "https://s.example/c%20d"},
	{"https://s.example/a/b", "/ä|{}?ö[]", "https://s.example/%C3%A4%7C%7B%7D?%C3%B6%5B%5D"},
	{"https://s.example/a/b", "/100%/x%zz", "https://s.example/100%25/x%25zz"},
	{"https://s.example/a/b", "www.o.example/c", "https://www.o.example/c"},
	{"https://s.example/a/b", "HTTPS://O.Example:443/C", "https://o.example:443/C"},
	{"https://s.example/a/b", "http:/o.example/c", "http://o.example/c"},
	{"https://s.example/a/b", `https:\\o.example\c`, "https://o.example/c"},
	{"https://s.example/a/b", "https://user:pass@o.example/c", "https://o.example/c"},
	{"https://s.example/a/b", "https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"},
	{"https://s.example/a/b", "https://[2001:DB8::1]:8080/c", "https://[2001:db8::1]:8080/c"},
	{"https://s.example/a/b", "mailto:ann@s.example?subject=a b", "mailto:ann@s.example?subject=a%20b"},
	{"https://s.example/a/b", "tel:+491234", "tel:+491234"},
	{"", "https://o.example/c", "https://o.example/c"},
	{"", "//o.example/c", "https://o.example/c"},
	{"", "/c", ""},
	{"", "#f", ""},
	{"ftp://s.example/", "/c", ""},
	{"https://s.example/", "javascript:alert(1)", ""},
	{"https://s.example/", " JaVaScRiPt:alert(1)", ""},
	{"https://s.example/", "java\nscript:alert(1)", ""},
	{"https://s.example/", "&#106;avascript&colon;alert(1)", ""},
	{"https://s.example/", "\x01javascript:alert(1)", ""},
	{"https://s.example/", "vbscript:x", ""},
	{"https://s.example/", "data:text/html,x", ""},
	{"https://s.example/", "file:///etc/passwd", ""},
	{"https://s.example/", "blob:https://s.example/x", ""},
	{"https://s.example/", "https://", ""},
	{"https://s.example/", "https://exa mple/", ""},
	{"https://s.example/", "https://a\"b/", ""},
	{"https://s.example/", "https://o.example:99999999/", ""},
}

func TestLinksOfHTML(t *testing.T) {
	for _, c := range linkCases {
		want := "x"
		if c.want != "" {
			want = `<a href="` + strings.ReplaceAll(c.want, "&", "&amp;") + `">x</a>`
		}
		if got := HTML(`<a href="`+strings.ReplaceAll(c.href, `"`, "&quot;")+`">x</a>`, c.base); got != want {
			t.Errorf("base %q, href %q\n got %s\nwant %s", c.base, c.href, got, want)
		}
	}
}

// TestHostileHTMLIsHarmless has the tricks that sanitisers fell for; checkHTML
// says what harmless is.
func TestHostileHTMLIsHarmless(t *testing.T) {
	for _, s := range []string{
		`<img src=x onerror=alert(1)>`, `<IMG/SRC=x/onerror=alert(1)//>`, `<img src="x"onerror="alert(1)">`, `<img src='x' OnErRoR = alert(1)>`,
		`<a href="javascript&#58;alert(1)">x</a>`, "<a href=\"java\tscript:alert(1)\">x</a>", `<a href=" &#14; javascript:alert(1)">x</a>`, `<a href="jav&Tab;ascript:alert(1)">x</a>`,
		`<a href='https://e.example/" onclick="alert(1)'>x</a>`, `<img alt='" onerror="alert(1)' src=/x>`, "<img alt=`x` src=`javascript:alert(1)`>",
		`<svg><script>alert(1)</script></svg>`, `<svg onload=alert(1)>`, `<svg><style><img src=x onerror=alert(1)></style>`, `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<textarea><img title="</textarea><img src=x onerror=alert(1)>">`, `<title><img title="</title><script>alert(1)</script>">`,
		`<xmp><p title="</xmp><script>alert(1)</script>"></xmp>`, `<plaintext><script>alert(1)</script>`, `<template><script>alert(1)</script></template>`,
		`<!--><script>alert(1)</script>-->`, `<!--!><script>alert(1)</script>-->`, `<!-- --!><img src=x onerror=alert(1)> -->`, `<![CDATA[<script>alert(1)</script>]]>`, `<?xml <script>alert(1)</script>?>`,
		`<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<iframe src="javascript:alert(1)"></iframe>`, `<iframe src="https://www.youtube.com/embed/"><script>alert(1)</script>`,
		`<iframe src="https://www.youtube.com.evil.example/embed/abcdefghijk"></iframe>`, `<iframe title="&lt;script&gt;alert(1)&lt;/script&gt;" src="https://www.youtube.com/embed/abcdefghijk"></iframe>`,
		`<object data="javascript:alert(1)"><embed src="data:text/html,x"></object>`, `<form action="javascript:alert(1)"><button formaction=x>`, `<base href="https://evil.example/">`, `<meta http-equiv=refresh content="0;url=x">`, `<link rel=stylesheet href=x>`,
		`<div style="background:url(javascript:alert(1))">x</div>`, `<p style="position:fixed;top:0">x</p>`, `<video src=x onplay=alert(1) poster="javascript:alert(1)"><source onerror=alert(1)></video>`,
		`<details ontoggle=alert(1) open>x</details>`, `<a href="https://e.example" target=_blank ping="https://t.example" download>x</a>`, `<img srcset="javascript:alert(1) 1x, x 2x">`,
		`<scr<script>ipt>alert(1)</scr</script>ipt>`, `<<script>alert(1)//<</script>`, `<script/xss>alert(1)</script/x>`, "<script\x00>alert(1)</script>", "<\x00script>alert(1)</script>", `<a/href="javascript:alert(1)">x`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, "<p lang='x\" onclick=\"y'>x", `<code class='x" onclick="y'>x</code>`, `<time datetime='" onclick="y'>x</time>`,
		"<a href=\"https://e.example/\u2028\u2029<>'\">x</a>", `<a href="//evil.example\@good.example/">x</a>`, `<a href="https://good.example@evil.example/">x</a>`,
	} {
		checkHTML(t, s)
	}
}

// TestDepthAndLengthAreBorne would take minutes, or all memory, if anything
// grew by the square.
func TestDepthAndLengthAreBorne(t *testing.T) {
	const size = 1 << 18
	for _, unit := range []string{
		"<div>", "<b>", "<p><b>", "<p><b title=x>y", "<a href=/x>", "<ul><li>", "<table><tr><td>", "<table>", "<td>", "<svg>", "<video>", "<template>", "<select>",
		"<ruby><rt>", "<picture>", "</x>a", "a</b>", "<!--", "<!-- -->a", "<", "</", "<a ", "<a b=\"", "&", "&amp", "&#", "<![CDATA[", "<h1><b>", "<dl><dd>", "<span lang=x>", "<details>", "<p></p>", "<i> </i>", "]]>", "<iframe>", "<pre>\n", "--",
	} {
		in := strings.Repeat(unit, size/len(unit))
		if out := HTML(in, testBase); len(out) > 12*size {
			t.Errorf("%q grew to %d bytes", unit, len(out))
		}
		Plain(feedText(in, true))
		Plain(feedText(in, false))
		body(feedText(in, false), resolver{})
	}
	for _, unit := range []string{"http://a", "http://", "https://x ", "://", "http://a)", "\n"} {
		body(feedText(strings.Repeat(unit, size/len(unit)), false), resolver{})
	}
}

func TestShortLinksDoNotMultiplyTheBase(t *testing.T) {
	in := strings.Repeat("<a href=x>y</a>", 10_000)
	if out := HTML(in, "https://site.example/"+strings.Repeat("a/", 1000)); len(out) > (maxGrowth+1)*len(in) {
		t.Errorf("%d bytes became %d", len(in), len(out))
	}
}
