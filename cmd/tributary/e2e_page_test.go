package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/mmcdole/gofeed"

	"tributary/web/browsertest"
)

// person is somebody with a browser who has never seen the page.
type person struct {
	*served
	tab     context.Context
	scripts bool
}

// person opens the page of an address, on a phone.
func (s *served) person(scripts bool) *person {
	s.t.Helper()
	tab, complaints := browsertest.Tab(browsertest.Start(s.t), s.t, 4*patience)
	s.t.Cleanup(func() {
		for _, complaint := range complaints() {
			if !strings.Contains(complaint, "ERR_ABORTED") { // what a page has to hear of its run ends with it
				s.t.Error(complaint)
			}
		}
	})
	p := &person{s, tab, scripts}
	p.do(browsertest.Looks[0].Set(), browsertest.Scripts(scripts), chromedp.Navigate(s.url+"/"), chromedp.WaitReady(chromedp.CSS("footer")))
	return p
}

func (p *person) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.tab, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// clicks what has these words, which leads to another page.
func (p *person) clicks(words string) {
	p.t.Helper()
	named := fmt.Sprintf(`[normalize-space()=%q]`, words)
	p.do(chromedp.Click(chromedp.Search("(//main//a"+named+" | //header//a"+named+" | //main//button"+named+")[1]")), chromedp.WaitReady(chromedp.CSS("footer")))
}

// enters a text into a field, and sends its form.
func (p *person) enters(field, text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS(field), text+"\r"))
}

// sees waits until the page says all this, and then finds nothing wrong with it.
func (p *person) sees(words ...string) {
	p.t.Helper()
	said := ""
	defer func() {
		if p.t.Failed() {
			p.t.Log(said)
		}
	}()
	for _, w := range words {
		eventually(p.t, patience, "the page says "+w, func() bool {
			said = browsertest.Run(p.tab, p.t, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
			return strings.Contains(said, w)
		})
	}
	find := browsertest.LayoutFaults
	if p.scripts {
		find = browsertest.Faults
	}
	for _, fault := range find(p.tab, p.t) {
		p.t.Errorf("at “%s”: %s", words[0], fault)
	}
}

// newsOfADay are what a news site has on a day, one on the topic of the seeds.
func newsOfADay() []story {
	titles := []string{
		"Paris and London set out security guarantees and troops for Ukraine", "Sourdough for beginners", "City marathon draws a record field",
		"New tram line opens a year late", "Museum shows Dutch landscapes", "How to prune roses", "School choir wins the regional final", "Harbour ferry back in service",
	}
	texts := []string{
		"The Coalition of the Willing would send soldiers to Ukraine after a ceasefire, Zelensky and Macron said, with American support.",
		"Flour, water, salt and patience.", "Runners from forty towns took part.", "The mayor rode the first tram.", "Fifty paintings are on loan.",
		"Late winter is the time.", "Forty voices, one trophy.", "The repair took three weeks.",
	}
	var all []story
	for i, title := range titles {
		all = append(all, story{id: fmt.Sprint("n", i), title: title, url: fmt.Sprintf("https://river-news.example/%d", i), at: time.Now().Add(-time.Duration(i+1) * time.Hour), html: "<p>" + texts[i] + "</p>"})
	}
	return all
}

// Who has never seen the page can, from the page alone, subscribe, add a source by
// the address of its site, see it ingest, find out why an article is not there, let it
// in, and see it in their reader: with scripts and without.
func TestFromThePageAlone(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts=%v", scripts), func(t *testing.T) {
			t.Parallel()
			h, site := newHouse(t, ""), newPublisher(t)
			h.write("tributary.yaml", "allow_private: true\nschedule: \"0 0 1 1 *\"\n")
			seeds, err := filepath.Glob("../../seeds/*")
			h.check(err)
			for _, path := range seeds {
				text, err := os.ReadFile(path)
				h.check(err)
				h.write("seeds/"+filepath.Base(path), string(text))
			}
			news := newsOfADay()
			site.publish("/", sitePage("/news.xml The news"))
			site.publish("/news.xml", rssOf("River News", news...))
			s := h.serve()
			p := s.person(scripts)

			p.sees("Subscribe", "Atom", "Log in")
			address := browsertest.Run(p.tab, t, chromedp.Evaluate[string](`document.querySelector("main a[type='application/atom+xml']").getAttribute("href")`))
			reader := func() (titles []string) {
				a := s.get(address)
				doc, err := gofeed.NewParser().ParseString(a.body)
				h.check(err)
				for _, item := range doc.Items {
					titles = append(titles, item.Title)
				}
				return titles
			}

			p.clicks("Log in")
			p.enters("#token", s.token())
			p.sees("Log out")
			p.clicks("Sources")
			p.clicks("Add a source")
			p.enters("#url", site.URL)
			p.sees("River News", news[0].title, news[1].title)
			p.clicks("Add")
			p.sees("1 of 1 source", "it took", news[0].title)

			p.clicks("Held")
			p.enters("#article", "record marathon")
			p.sees("What became of an article.", news[2].title, "Off topic")
			if titles := strings.Join(reader(), "\n"); !strings.Contains(titles, news[0].title) || strings.Contains(titles, news[2].title) {
				t.Fatalf("before it is let in, the reader shows\n%s", titles)
			}
			p.clicks("Let in")
			if scripts {
				p.sees("Undo", news[2].title)
			} else {
				p.sees("Published: " + news[2].title)
			}
			eventually(t, patience, "the reader shows what was let in", func() bool { return strings.Contains(strings.Join(reader(), "\n"), news[2].title) })

			p.do(chromedp.Navigate(s.url + "/?q=marathon"))
			p.sees("Search", news[2].title)
		})
	}
}
