package clean

import (
	"net/url"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	const want = "https://example.com/a/b"
	for _, same := range []string{ // as want
		"https://example.com/a/b", "http://example.com/a/b", "HTTP://EXAMPLE.COM/a/b", "https://www.example.com/a/b", "https://WWW.example.com./a/b",
		"https://example.com:443/a/b", "http://example.com:80/a/b", "https://example.com/a/b/", "https://example.com/a/b//", "https://example.com/a/b#top", "https://example.com/a/b?", "https://example.com/a/b/?#",
		"https://m.example.com/a/b", "https://mobile.example.com/a/b", "https://amp.example.com/a/b", "https://www.m.example.com/a/b",
		"https://example.com/a/b/amp", "https://example.com/a/b/amp/", "https://example.com/a/b?amp=1", "https://example.com/a/b?amp", "https://example.com/a/b.amp", "https://example.com/a/b?outputType=amp",
		"https://www-example-com.cdn.ampproject.org/c/s/www.example.com/a/b", "https://cdn.ampproject.org/v/s/example.com/a/b?amp_js_v=0.1&usqp=mq331", "https://www.google.com/amp/s/example.com/a/b/amp", "https://www.google.co.uk/amp/example.com/a/b", "https://www.bing-amp.com/c/s/example.com/a/b?amp=1",
		"https://user:secret@example.com/a/b", " https://example.com/a/b\n", "https://example.com/%61/%62", "https://example.com/./a/x/../b", "https://example.com/a/b;jsessionid=0A1B", "//example.com/a/b",
		"https://example.com/a/b?utm_source=rss&utm_medium=feed&utm_campaign=x", "https://example.com/a/b?UTM_Source=rss", "https://example.com/a/b?utm%5Fsource=rss", "https://example.com/a/b?&amp;utm_source=rss",
		"https://example.com/a/b?fbclid=IwAR0", "https://example.com/a/b?gclid=x&dclid=y&msclkid=z", "https://example.com/a/b?mc_cid=1&mc_eid=2", "https://example.com/a/b?igshid=1&yclid=2&twclid=3", "https://example.com/a/b?_hsenc=1&_hsmi=2",
		"https://example.com/a/b?at_medium=RSS&at_campaign=KARANGA&at_custom1=x", "https://example.com/a/b?wt_mc=rss.feed", "https://example.com/a/b?WT.mc_id=1", "https://example.com/a/b?cmpid=rss&ocid=socialflow", "https://example.com/a/b?CMP=twt_gu",
		"https://example.com/a/b?xtor=RSS-3208", "https://example.com/a/b?maca=en-rss-en-all-1573-rdf", "https://example.com/a/b?traffic_source=rss", "https://example.com/a/b?ftag=CNM-00-10aag7i", "https://example.com/a/b?smid=tw-share&smtyp=cur",
		"https://example.com/a/b?ref=rss", "https://example.com/a/b?ref=some-blog.org", "https://example.com/a/b?ref_src=twsrc%5Etfw", "https://example.com/a/b?source=rss", "https://example.com/a/b?from=feed&via=twitter", "https://example.com/a/b?partner=rss&emc=rss", "https://example.com/a/b?mod=rss_world",
		"https://example.com/a/b?mtm_campaign=x&pk_kwd=y&itm_source=z", "https://example.com/a/b?guccounter=1&guce_referrer=x", "https://example.com/a/b?share=twitter", "https://example.com/a/b?ncid=rss_truncated", "https://example.com/a/b?amp_gsa=1&srsltid=x&_gl=1",
	} {
		if got := Canonical(same); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", same, got, want)
		}
	}
}

var canonicalCases = []struct{ in, want string }{
	{"https://example.com", "https://example.com"},
	{"https://example.com/", "https://example.com"},
	{"https://www.example.com?", "https://example.com"},
	{"https://example.com/a?id=1", "https://example.com/a?id=1"},
	{"https://example.com/?p=12", "https://example.com?p=12"},
	{"https://example.com/a?page=2&utm_source=x", "https://example.com/a?page=2"},
	{"https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2"},
	{"https://example.com/a?x[]=2&x[]=1", "https://example.com/a?x%5B%5D=2&x%5B%5D=1"},
	{"https://example.com/a?q=a%20b+c", "https://example.com/a?q=a+b+c"},
	{"https://example.com/a?q=", "https://example.com/a?q"},
	{"https://example.com/watch?v=abc&feature=youtu.be", "https://example.com/watch?v=abc"},
	{"https://www.youtube.com/watch?v=abc&si=xyz", "https://youtube.com/watch?v=abc"},
	{"https://example.com/a?si=3", "https://example.com/a?si=3"},
	{"https://example.com/a?story=1&article=2&v=3&cid=4&t=5&s=6&tag=7", "https://example.com/a?article=2&cid=4&s=6&story=1&t=5&tag=7&v=3"},
	{"https://example.com/a?ref=main", "https://example.com/a?ref=main"},
	{"https://example.com/a?ref=v1.2", "https://example.com/a?ref=v1.2"},
	{"https://example.com/a?ref=index.html", "https://example.com/a?ref=index.html"},
	{"https://example.com/a?source=cnn.com", "https://example.com/a?source=cnn.com"},
	{"https://example.com/a?from=2020", "https://example.com/a?from=2020"},
	{"https://example.com/a?amp=30", "https://example.com/a?amp=30"},
	{"https://example.com/a?cmp=2", "https://example.com/a?cmp=2"},
	{"https://example.com/a?ncid=20260310", "https://example.com/a?ncid=20260310"},
	{"https://example.com/a?feed=rss2", "https://example.com/a?feed=rss2"},
	{"https://example.com/#!/a/b", "https://example.com#!/a/b"},
	{"https://example.com/app#/story/7", "https://example.com/app#/story/7"},
	{"https://example.com/A/b", "https://example.com/A/b"},
	{"https://example.com/index.html", "https://example.com/index.html"},
	{"https://example.com/a%2fb", "https://example.com/a%2Fb"},
	{"https://example.com/ü", "https://example.com/%C3%BC"},
	{"https://example.com:8080/a", "https://example.com:8080/a"},
	{"https://example.com/amp", "https://example.com"},
	{"https://example.com/amplifier", "https://example.com/amplifier"},
	{"https://example.com/camp/", "https://example.com/camp"},
	{"https://example.com/a.amp.html", "https://example.com/a.html"},
	{"https://amp.dev/about", "https://amp.dev/about"},
	{"https://m.uk/about", "https://m.uk/about"},
	{"https://www.com/about", "https://www.com/about"},
	{"https://blog.example.com/a", "https://blog.example.com/a"},
	{"https://en.m.wikipedia.org/wiki/Go", "https://en.wikipedia.org/wiki/Go"},
	{"https://bücher.example/a", "https://xn--bcher-kva.example/a"},
	{"https://XN--BCHER-KVA.example/a", "https://xn--bcher-kva.example/a"},
	{"http://[2001:db8::1]:80/a", "https://[2001:db8::1]/a"},
	{"http://192.0.2.1/a", "https://192.0.2.1/a"},
	{"https://www.google.com/amp/about", "https://google.com/amp/about"},
	{"https://cdn.ampproject.org/v0.js", "https://cdn.ampproject.org/v0.js"},
	{"mailto:ann@example.com", ""},
	{"tag:example.com,2026:1", ""},
	{"javascript:alert(1)", ""},
	{"/relative", ""},
	{"", ""},
	{"https://", ""},
	{"https:///a", "https://a"},
}

func TestCanonicalKeepsWhatSelectsContent(t *testing.T) {
	for _, c := range canonicalCases {
		if got := Canonical(c.in); got != c.want {
			t.Errorf("Canonical(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestContentSelectorsStayDifferent tries the names that sites select content
// by: two values, two pages.
func TestContentSelectorsStayDifferent(t *testing.T) {
	for _, name := range strings.Fields("id p page story article v a n nid pid sid aid tid cid cat category tag q query s search t title topic " +
		"date year month day y m d newsid news_id articleid storyid post post_id item itemid key doc document file path url u link lang l locale " +
		"view show section channel feed type format version rev offset start list playlist index i no num number code entry issue vol chapter product sku " +
		"campaign_id ref source from via src share mod output amp feature") {
		one := Canonical("https://example.com/x?" + name + "=17")
		two := Canonical("https://example.com/x?" + name + "=18")
		if one == two || !strings.Contains(one, name+"=17") {
			t.Errorf("%s does not tell %q from %q", name, one, two)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		"https://www.example.com:443/a/../b/amp/?utm_source=x&b=2&a=%7e#!/c", "https://m.wiki.m.wikipedia.org/", "http://a@b@c:80/%2e%2E/;jsessionid=1;jsessionid=2/x.amp",
		"https://www.google.com/amp/s/x.cdn.ampproject.org/c/s/www.example.com/a", "//bücher.example/?amp;amp;a=&=&&", "https://[::ffff:1.2.3.4]/", "https://example.com/a%", "https:\\\\e.example\\x?\\#\\",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Canonical(s)
		if got == "" {
			return
		}
		if again := Canonical(got); again != got {
			t.Errorf("Canonical(%q) = %q, and of that %q", s, got, again)
		}
		if u, err := url.Parse(got); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			t.Errorf("Canonical(%q) = %q is no https URL: %v", s, got, err)
		}
	})
}

func FuzzLink(f *testing.F) {
	f.Add("../a b?c=d#e#f", "https://user@e.example/x/y")
	f.Add(`//\@e.example:80/%zz`, "http://bücher.example")
	f.Add("mailto:a b", "")
	f.Fuzz(func(t *testing.T, ref, base string) {
		r := resolver{bases: []string{base, "https://site.example/"}}
		got := r.web(ref)
		if got == "" {
			return
		}
		var none resolver
		if again := none.web(got); again != got {
			t.Errorf("%q at %q is %q, and that is %q", ref, base, got, again)
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(got, " \"<>\\^`{|}") {
			t.Errorf("%q at %q is %q: %v", ref, base, got, err)
		}
	})
}
