package fulltext

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// story is an article of several paragraphs about a ferry.
const story = `<p>The ferry between Skarn and the outer islands stopped on Monday, and the harbour master says that it will not run before the spring.
Ice has bent both propellers, and the yard that could mend them is full until March.</p>
<p>Islanders buy flour and fuel for three weeks at most, so the county has asked two fishing boats to carry freight on Tuesdays and Fridays.
Their owners want a guarantee that damage is paid for; a decision is expected on Thursday.</p>
<p>“We have rowed before,” said Marit Olsen, who keeps the shop. The school on the largest island teaches by radio until the boats sail,
and the doctor comes by helicopter when the wind lets her. In 1987 the same ice lasted for eleven weeks.</p>
<p>The county will look for a second ferry next year, one with a stronger bow, whatever the cost of it may be, its speaker said on Monday evening.</p>`

// site is a page of a news site around an article.
func site(head, article string) string {
	return `<!doctype html><html lang="en"><head><title>The ferry | Skarn Post</title>` + head + `</head><body>
<nav><a href="/">Home</a> <a href="/sport">Sport</a> <a href="/login">Sign in</a></nav>
<main><article><h1>The ferry has stopped</h1>` + article + `</article></main>
<aside><ul><li><a href="/a">Another tunnel</a></li><li><a href="/b">A third tunnel</a></li></ul></aside>
<footer>About us. Cookie policy. Already a subscriber? Sign in.</footer></body></html>`
}

func page(body string) Page {
	return Page{Asked: "https://post.example/news/ferry", URL: "https://post.example/news/ferry", MediaType: "text/html; charset=utf-8", Body: []byte(body)}
}

func TestTheArticleIsFoundInItsPage(t *testing.T) {
	got, err := Extract(page(site("", story+`<p>More in <a href="/ice?y=1987">our story of 1987</a>, with <img src="ice.jpg" alt="Ice"> pictures of the harbour from the air.</p>`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Ice has bent both propellers", "whatever the cost", `href="https://post.example/ice?y=1987"`, `src="https://post.example/news/ice.jpg"`} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	for _, not := range []string{"Sport", "Another tunnel", "Cookie policy"} {
		if strings.Contains(got, not) {
			t.Errorf("it has %q, which is not the article's", not)
		}
	}
}

func TestAPageInAnOldCharsetIsRead(t *testing.T) {
	p := page(strings.ReplaceAll(site(`<meta charset="iso-8859-1">`, story+"<p>Caf\xe9 is what they drink on the islands, as long as there is any left in the shop.</p>"), "“", "\""))
	p.Body = []byte(strings.ReplaceAll(string(p.Body), "”", "\""))
	p.MediaType = "text/html"
	got, err := Extract(p)
	if err != nil || !strings.Contains(got, "Café") {
		t.Errorf("Extract: %v", err)
	}
}

func TestWhatStandsInAnArticlesPlaceIsRecognised(t *testing.T) {
	first := story[:strings.Index(story, "</p>")+4]
	for name, c := range map[string]struct {
		page Page
		want error
	}{
		"an article":                            {page(site("", story)), nil},
		"an article about cookies":              {page(site("", story+strings.Repeat(story, 3)+"<p>We value your privacy, say all sites; accept all cookies, says each button.</p>"+story)), nil},
		"it is said to be free":                 {page(site(`<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":true}</script>`, story)), nil},
		"another article of a list is not free": {page(site(`<script type="application/ld+json">{"@type":"NewsArticle","itemListElement":[{"isAccessibleForFree":false}]}</script>`, story)), nil},
		"it is said not to be free":             {page(site(`<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","isAccessibleForFree":"False"}]}</script>`, story)), errPaywall},
		"a part of it is not free":              {page(site(`<script type="application/ld+json">[{"@type":"Article","hasPart":{"isAccessibleForFree":false,"cssSelector":".rest"}}]</script>`, story)), errPaywall},
		"it is locked":                          {page(site(`<meta property="article:content_tier" content="locked">`, story)), errPaywall},
		"it ends in a call to subscribe":        {page(site("", strings.Repeat(story, 3)+"<p>Subscribe to continue reading this and all our other stories.</p>")), errPaywall},
		"a teaser, and the call beside it":      {page(strings.Replace(site("", first+first), "<aside>", "<aside><div class=wall>Register to continue.</div>", 1)), errPaywall},
		"a teaser in German":                    {page(site("", first+"<p>Um diesen Artikel zu lesen, brauchen Sie ein Abo. Es kostet drei Euro im Monat.</p>")), errPaywall},
		"a page that asks for consent": {page(`<!doctype html><title>Skarn Post</title><body><div><h1>We value your privacy</h1>
			<p>We and our partners store and read information on your device. With it we show you personalised ads, measure them, and learn who reads us.</p>
			<p>You can withdraw your consent at any time, on any of our pages, at the very bottom.</p><button>Accept all</button> <button>Manage options</button></div>`), errConsent},
		"a page of one sentence":  {page(site("", "<p>Please enable JavaScript to view this page.</p>")), errTooLittle},
		"a redirect to a gate":    {Page{Asked: "https://post.example/a", URL: "https://consent.post.example/x?to=a", Body: []byte(site("", story))}, errConsent},
		"a redirect to a log-in":  {Page{Asked: "https://post.example/a", URL: "https://post.example/login?next=a", Body: []byte(site("", story))}, errLogIn},
		"a redirect to the front": {Page{Asked: "https://post.example/a", URL: "https://post.example/", Body: []byte(site("", story))}, errFront},
		"a redirect to itself":    {Page{Asked: "http://post.example/login", URL: "https://post.example/login", Body: []byte(site("", story))}, nil},
		"an article about a gate": {Page{Asked: "https://post.example/a", URL: "https://www.post.example/privacy/the-ferry", Body: []byte(site("", story))}, nil},
	} {
		_, err := Extract(c.page)
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestHostilePagesTakeNoTime(t *testing.T) {
	for name, body := range map[string]string{
		"deep":       strings.Repeat("<div>", 400_000),
		"formatting": strings.Repeat("<b><i><a><p>", 100_000),
		"wide":       "<body>" + strings.Repeat("<p>a</p>", 200_000),
		"tables":     strings.Repeat("<table><tr><td>", 100_000),
		"one word":   "<article><p>" + strings.Repeat("a", 2<<20),
		"commas":     "<article>" + strings.Repeat("<p>"+strings.Repeat("a, ", 100)+"</p>", 6000),
		"links":      "<article>" + strings.Repeat("<div><a href=x>y, z</a></div>", 6000),
		"nested":     strings.Repeat("<div><p>one, two, three, four, five, six, seven</p>", 450),
		"attributes": "<p " + strings.Repeat("a=b c ", 300_000) + ">",
		"nothing":    "\x00",
	} {
		start := time.Now()
		Extract(page(body))
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("%s took %s", name, took)
		} else {
			t.Logf("%s: %s", name, took)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add(site("", story), "https://post.example/x")
	f.Add(site(`<script type="application/ld+json">{"@graph":[{"hasPart":[{}]}]}</script>`, "<noscript><img src=x></noscript>"), "x")
	f.Add("<table><p><a><table>", "https://consent.example/")
	f.Fuzz(func(t *testing.T, body, at string) {
		got, err := Extract(Page{Asked: "https://post.example/x", URL: at, MediaType: "text/html", Body: []byte(body)})
		if errors.Is(err, errUnreadable) && strings.Contains(err.Error(), "defect") {
			t.Fatal(err)
		}
		if err != nil && got != "" {
			t.Error("there is a text and an error")
		}
	})
}
