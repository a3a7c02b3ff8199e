package clean

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tributary/feed"
)

func feedText(s string, html bool) feed.Text { return feed.Text{Value: s, HTML: html} }

func TestPlain(t *testing.T) {
	for _, c := range []struct {
		in   string
		html bool
		want string
	}{
		{"Simple", true, "Simple"},
		{"  two \n\t words\u00a0here  ", false, "two words here"},
		{"<p>One</p><p>two<br>three</p>four", true, "One two three four"},
		{"a<b>b</b>c <i>d</i>", true, "abc d"},
		{"<td>a</td><td>b</td>", true, "a b"},
		{"<ul><li>a</li><li>b</li></ul>", true, "a b"},
		{"AT&amp;T", true, "AT&T"},
		{"AT&amp;amp;T", true, "AT&T"},
		{"AT&amp;T", false, "AT&T"},
		{"Q&A; B&B", false, "Q&A; B&B"},
		{"&#8220;Quoted&#8221; &ndash; so", false, "“Quoted” – so"},
		{"1 < 2", false, "1 < 2"},
		{"1 &lt; 2", true, "1 < 2"},
		{"Use of the <b> element", false, "Use of the <b> element"},
		{"An <em>odd</em> title", false, "An odd title"},
		{"vector<int> and map<a, b>", false, "vector<int> and map<a, b>"},
		{"x<script>alert(1)</script>y", true, "xy"},
		{"a\u202eb\u2066c\u200bd\u00ade\ufefff", false, "abcdef"},
		{"می\u200cخواهم 👩\u200d🚀", false, "می\u200cخواهم 👩\u200d🚀"},
		{"a\x00b\x1bc\x7f", false, "abc"},
		{"a\xffb", false, "a?b"},
		{"it\u0092s", false, "it’s"},
		{"\u3000全角\u2003x", false, "全角 x"},
		{"", true, ""},
		{"<img src=x>", true, ""},
	} {
		if got := Plain(feedText(c.in, c.html)); got != c.want {
			t.Errorf("Plain(%q, html %v) = %q, want %q", c.in, c.html, got, c.want)
		}
	}
}

func TestPlainTextBecomesParagraphsAndLinks(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"One\n\nTwo\nthree", "<p>One</p>\n<p>Two<br/>\nthree</p>"},
		{"One\r\n \r\nTwo\rthree", "<p>One</p>\n<p>Two<br/>\nthree</p>"},
		{"a < b & c", "<p>a &lt; b &amp; c</p>"},
		{"<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"},
		{"See https://e.example/a?b=c&d=e.", `<p>See <a href="https://e.example/a?b=c&amp;d=e">https://e.example/a?b=c&amp;d=e</a>.</p>`},
		{"(http://e.example/a_(b))", `<p>(<a href="http://e.example/a_(b)">http://e.example/a_(b)</a>)</p>`},
		{"“https://e.example”, https:// xhttps://e.example", `<p>“<a href="https://e.example">https://e.example</a>”, https:// xhttps://e.example</p>`},
		{"ftp://e.example javascript://x", "<p>ftp://e.example javascript://x</p>"},
	} {
		got, _ := body(feedText(c.in, false), resolver{})
		if got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
		}
		checkHTML(t, got)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"exactly ten", 11, "exactly ten"},
		{"one two three four", 12, "one two …"},
		{"one two, three four", 12, "one two …"},
		{"ünö twö three", 9, "ünö twö …"},
		{strings.Repeat("漢", 20), 10, strings.Repeat("漢", 8) + " …"},
		{"a " + strings.Repeat("x", 50), 20, "a " + strings.Repeat("x", 16) + " …"},
	} {
		got := shorten(c.in, c.limit)
		if got != c.want || utf8.RuneCountInString(got) > c.limit {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestHeadlineIsTheFirstSentenceCutAtAWord(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"The talks go on. A date is not set.", "The talks go on."},
		{"Mr. Smith of the U.S. Army spoke today. Then he left.", "Mr. Smith of the U.S. Army spoke today."},
		{"Will it rain? Nobody knows.", "Will it rain?"},
		{"Version 1.25.3 is out now. Get it.", "Version 1.25.3 is out now."},
		{"会議は続く。日付は未定。", "会議は続く。"},
		{strings.Repeat("word ", 40), strings.TrimSpace(strings.Repeat("word ", 23)) + " …"},
		{"", ""},
	} {
		if got := headline(c.in); got != c.want {
			t.Errorf("headline(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("<p>One</p>&amp;amp; \u202e\x00", true)
	f.Add("a </b> <b>x</b> &#8217; 漢 \xff", false)
	f.Fuzz(func(t *testing.T, s string, html bool) {
		got := Plain(feedText(s, html))
		if !utf8.ValidString(got) || got != strings.TrimSpace(got) || strings.Contains(got, "  ") {
			t.Errorf("Plain(%q) = %q", s, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' || unseen(r) || r == 0xA0 }); i >= 0 {
			t.Errorf("Plain(%q) = %q has a character that is not seen at %d", s, got, i)
		}
		if again := fold(got); again != got {
			t.Errorf("folding %q changes it to %q", got, again)
		}
		if short := shorten(got, 40); utf8.RuneCountInString(short) > 40 || !utf8.ValidString(short) {
			t.Errorf("shorten(%q) = %q", got, short)
		}
		headline(got)
		checkHTML(t, string(appendText(nil, s)))
	})
}
