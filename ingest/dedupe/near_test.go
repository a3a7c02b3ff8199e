package dedupe_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/dedupe"
	"tributary/ingest/words"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// told is an entry as a source told it.
type told struct {
	source      int64
	title, text string
	at          time.Duration // after noon
	lang, url   string
}

func (s told) entry() feed.Entry {
	return feed.Entry{SourceID: s.source, Title: s.title, Published: noon.Add(s.at), Language: s.lang, Canonical: s.url}
}

func (s told) read() dedupe.Text { return dedupe.Read(words.Split(s.title), words.Split(s.text)) }

func (s told) known(item int64) dedupe.Candidate {
	e := s.entry()
	return dedupe.Candidate{Text: s.read(), Candidate: feed.Candidate{Entry: e,
		Known: feed.Known{EntryID: item, SourceID: s.source, ItemID: item, Canonical: s.url}}}
}

const (
	day = 24 * time.Hour

	bridgeLead = `The old chain bridge at Varnhem will close to lorries from 9 March because two of its anchor plates have cracked, the roads authority said on Monday.`
	bridgeRest = ` Inspectors found the damage during the winter survey, which had been put off twice for lack of divers. Cars and buses may still cross at 30 kilometres an hour.
The detour by way of Holme adds 46 kilometres, and hauliers say that it will cost each of them about 900 crowns a day. “We were told for years that the plates were sound,” said Greta Lindqvist, who runs a fleet of 14 milk lorries.
The authority expects repairs to take until October. It has asked the government for 75 million crowns, twice what the bridge cost to maintain over the last ten years. The transport ministry said it would answer before Easter.
Villagers on the western bank have collected 3,000 signatures for a second crossing, a plan that the province dropped in 2011 when the quarry closed.`
	bridge      = bridgeLead + bridgeRest
	bridgeTitle = "Varnhem bridge closed to lorries after cracks are found"

	market = `Shares in Osterby closed higher on Monday, led by shipping lines and the two big paper makers. The general index rose 1.2 percent to 4,318 points on a turnover of 2.6 billion crowns.
Nordfrakt gained 3.1 percent and Sundpapper 2.4 percent after brokers raised their forecasts. Banks were little changed. The crown stood at 8.91 to the dollar, and ten-year bonds yielded 3.05 percent.
Dealers said that foreign buyers had come back to the market, and that the mood was better than it had been for some weeks. Trading was calm towards the close.`
	marketNext = `Shares in Osterby closed higher on Tuesday, led by shipping lines and the two big paper makers. The general index rose 0.4 percent to 4,335 points on a turnover of 2.1 billion crowns.
Nordfrakt gained 1.7 percent and Sundpapper 0.9 percent after brokers raised their forecasts. Banks were little changed. The crown stood at 8.94 to the dollar, and ten-year bonds yielded 3.07 percent.
Dealers said that foreign buyers had come back to the market, and that the mood was better than it had been for some weeks. Trading was calm towards the close.`

	briefing = `Good morning. Here is what you need to know before the day begins, chosen by our editors from everything that came in overnight. We send it every working day before seven, and it is free for all readers. If somebody passed it on to you, you can have it sent to your own address.`

	reserves     = `The central bank added funds to the market through customer agreements for two days. Dealers had expected it, as overnight money stood at 6 1/16 percent. They saw 1.5 billion crowns as the likely amount, after a quiet morning in which few banks had been in need of cash.`
	reservesNext = `The central bank added funds to the market through customer agreements for two days. Dealers had expected it, as overnight money stood at 6 3/16 percent. They saw 2.5 billion crowns as the likely amount, after a quiet morning in which few banks had been in need of cash.`

	dividend = `Aldermoor Textiles will pay a dividend of 12 pence a share on 30 April, as it did a year ago, the company said after its board had met in Leeds.`

	storm = `A storm warning is in force for Brackness from six this evening. Ferries will stay in port, schools close at noon and the council asks people to keep away from the sea wall. Gusts may tear down branches and power lines.
The council of Brackness has opened the sports hall to anybody who does not feel safe at home. Those who need a lift may call the town hall. Bins should be taken in, it said, and cars moved away from trees. Brackness was hit by a like storm last spring, when roofs were torn off along the harbour.`
)

func near(first, second told) dedupe.Verdict {
	return dedupe.Near(second.entry(), second.read(), []dedupe.Candidate{first.known(1)})
}

var crossing = told{source: 1, title: bridgeTitle, text: bridge}

// copied is what another source told three hours after the article.
func copied(title, text string) told {
	return told{source: 2, title: title, text: text, at: 3 * time.Hour}
}

func swap(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

var nearTests = []struct {
	name          string
	first, second told
	want          string // the rule
}{
	{"a wire's text under another headline, with a byline, a dateline and a notice", crossing,
		copied("Milk lorries face long detour", "By Our Own Staff, 3 March 2026, 06:15\nVARNHEM, March 2 (Agency) - "+bridge+"\n© 2026 Agency. Reporting by Ann Hall; editing by Tom Reed."), "near"},
	{"both with a byline, a dateline and a notice", told{source: 1, title: bridgeTitle, text: "HOLME, 2 March 2026 (NPA) - " + bridge + "\nNPA/kl 1405 02 03 26"},
		copied(bridgeTitle, "By Ann Hall | Updated 3 March 2026, 07:40\n"+bridge+"\nCopyright 2026 by the Agency."), "near"},
	{"light edits", crossing, copied("Cracked bridge shut to lorries",
		swap(bridge, "said on Monday", "said", "adds 46", "is 46", "will cost each", "costs each", "have collected", "collected")), "near"},
	{"a copy that tells numbers in words", crossing, copied(bridgeTitle, swap(bridge, "14 milk", "fourteen milk", "ten years", "10 years")), "near"},
	{"the last paragraphs cut", crossing, copied(bridgeTitle, bridge[:strings.Index(bridge, "Villagers")]), "near"},
	{"half of it cut, under a like title", crossing, copied("Varnhem bridge closed to lorries", bridge[:strings.Index(bridge, "“We were")]), "summary of"},
	{"a summary, cut off", crossing, copied(bridgeTitle+" | Holme Courier", bridgeLead+" Inspectors found the damage during the winter survey, which had been put off twi…"), "summary of"},
	{"a full text after its summary", copied(bridgeTitle, bridgeLead+" Inspectors found the damage during the winter survey …"), crossing, "summary of"},
	{"a summary in a feed's wrapping", crossing, copied(bridgeTitle,
		bridgeLead+" Inspectors found the damage during the winter survey […] The post Varnhem bridge closed to lorries after cracks are found appeared first on Holme Courier."), "summary of"},
	{"a summary with another figure", crossing, copied(bridgeTitle, swap(bridgeLead, "9 March", "16 March")+" Inspectors found the damage during the winter survey, which had been put off twice …"), "new"},
	{"a summary under another title", crossing, copied("Our pictures of the week", bridgeLead), "new"},
	{"a republished page under a new address", crossing, told{source: 1, title: bridgeTitle, text: bridge + " Updated at 14:10.", at: day, url: "https://a.example/2"}, "near"},
	{"a correction by another source", crossing, copied(bridgeTitle, swap(bridge, "75 million", "57 million", "adds 46", "adds 64")), "new"},
	{"a follow-up that quotes half of the older article", crossing, copied("Repairs to Varnhem bridge begin early",
		"Divers went down at Varnhem bridge on Thursday, a month before anybody had hoped for it, as a firm from Holme had men to spare and the ice had gone. Work goes on day and night under lamps. The first of the plates was lifted by noon, and engineers saw that the crack ran deeper than the survey had shown. They would not say how long the lorries have to wait now.\n"+bridgeLead+" The detour by way of Holme adds 46 kilometres, and hauliers say that it will cost each of them about 900 crowns a day."), "new"},
	{"a follow-up above the whole older text", crossing, copied("Government pays for Varnhem bridge",
		"The government will pay all of the repairs to the bridge at Varnhem, the minister of transport told parliament on Wednesday, to cheers from both sides of the house. She had met the hauliers that morning and heard what they had to say about the winter. Work can begin as soon as the ice has gone, she said, and it will not stop before it is done. "+bridge[:strings.Index(bridge, "Villagers")]), "new"},
	{"a follow-up above the whole older text, with a like title", crossing, copied("Varnhem bridge, closed to lorries after cracks, to be mended",
		"The government will pay all of the repairs to the bridge at Varnhem, the minister of transport told parliament on Wednesday, to cheers from both sides of the house. She had met the hauliers that morning and heard what they had to say about the winter. Work can begin as soon as the ice has gone, she said, and it will not stop before it is done. "+bridge), "new"},
	{"a market report of the next day, from its source", told{source: 1, title: "Osterby shares close higher", text: market}, told{source: 1, title: "Osterby shares close higher", text: marketNext, at: day}, "new"},
	{"a market report of the next day, from another source", told{source: 1, title: "Osterby shares close higher", text: market}, told{source: 2, title: "Osterby shares close higher", text: marketNext, at: day}, "new"},
	{"the same market report elsewhere", told{source: 1, title: "Osterby shares close higher", text: market}, told{source: 2, title: "Shipping lifts Osterby index", text: market + " - NPA"}, "near"},
	{"a money market note of another day", told{source: 1, title: "Central bank adds funds", text: reserves}, told{source: 2, title: "Central bank adds funds", text: reservesNext, at: 4 * day}, "new"},
	{"a morning column", told{source: 1, title: "Morning briefing", text: briefing}, told{source: 1, title: "Morning briefing", text: briefing + " Today: fish.", at: day}, "new"},
	{"a morning column with its date", told{source: 1, title: "Morning briefing, 2 March", text: briefing + briefing}, told{source: 1, title: "Morning briefing, 3 March", text: briefing + briefing, at: day}, "new"},
	{"a source's second article over a long standing text", told{source: 1, title: bridgeTitle, text: bridgeLead + briefing}, told{source: 1, title: "Ferry fares to rise", text: "Ferry fares rise by a tenth in May. " + briefing, at: day}, "new"},
	{"a morning column by way of two feeds of one site", told{source: 1, title: "Morning briefing", text: briefing, url: "https://a.example/1"}, told{source: 2, title: "Morning briefing", text: briefing + " Today: fish.", at: day, url: "https://www.a.example/2"}, "new"},
	{"a translation", told{source: 1, title: bridgeTitle, text: bridge, lang: "en"}, told{source: 2, lang: "sv", title: "Varnhemsbron stängs för lastbilar",
		text: "Den gamla kedjebron i Varnhem stängs för lastbilar från den 9 mars sedan två av ankarplattorna spruckit, sade Vägverket i måndags. Skadan hittades under vinterns besiktning."}, "new"},
	{"one text in what are called two languages", told{source: 1, title: bridgeTitle, text: bridge, lang: "en-GB"}, told{source: 2, title: bridgeTitle, text: bridge, lang: "nl"}, "new"},
	{"two regions of one language", told{source: 1, title: bridgeTitle, text: bridge, lang: "en-GB"}, told{source: 2, title: bridgeTitle, text: bridge, lang: "en"}, "near"},
	{"a table of the next week", told{source: 1, title: "League table", text: table(1)}, told{source: 2, title: "League table", text: table(2), at: 7 * day}, "new"},
	{"posts of a live blog", told{source: 1, title: "Live: storm over Brackness", text: storm, url: "https://a.example/live#1"},
		told{source: 1, title: "Live: storm over Brackness", text: storm + " At half past eight the harbour lights went out, and the lifeboat was called to a trawler off the point with nobody at her wheel.", at: time.Hour, url: "https://a.example/live#2"}, "new"},
	{"a form filled in for another place", told{source: 1, title: "Storm warning for Brackness", text: storm}, told{source: 2, title: "Storm warning for Wexcombe", text: swap(storm, "Brackness", "Wexcombe")}, "new"},
	{"a short text", told{source: 1, title: "Aldermoor Textiles keeps dividend", text: dividend}, told{source: 2, title: "Aldermoor keeps its dividend", text: dividend}, "near short"},
	{"a short text under another title", told{source: 1, title: "Aldermoor Textiles keeps dividend", text: dividend}, told{source: 2, title: "Stocks to watch", text: dividend}, "new"},
	{"a short text of another company", told{source: 1, title: "Aldermoor Textiles keeps dividend", text: dividend}, told{source: 2, title: "Wharton Textiles keeps dividend", text: swap(dividend, "Aldermoor", "Wharton", "Leeds", "Hull")}, "new"},
	{"a short text with another figure", told{source: 1, title: "Aldermoor Textiles keeps dividend", text: dividend}, told{source: 2, title: "Aldermoor Textiles keeps dividend", text: swap(dividend, "12 pence", "13 pence")}, "new"},
	{"a short text of another town", told{source: 1, title: "Aldermoor Textiles keeps dividend", text: dividend}, told{source: 2, title: "Aldermoor Textiles keeps dividend", text: swap(dividend, "Leeds", "Hull")}, "new"},
	{"figures at the very end", told{source: 1, title: "Osterby shares rise", text: storm + " It closed at 4,318 points"}, told{source: 2, title: "Osterby shares rise", text: storm + " It closed at 4,335 points. Copyright NPA, all rights reserved"}, "new"},
	{"a short text of another month", told{source: 1, title: "Aldermoor Textiles keeps dividend", text: dividend}, told{source: 2, title: "Aldermoor Textiles keeps dividend", text: dividend + " It has 900 looms.", at: 10 * day}, "new"},
	{"a short text told twice by its source", told{source: 1, title: "Cartoon of the day", text: "Today's cartoon is by our artist, as on every day."}, told{source: 1, title: "Cartoon of the day", text: "Today's cartoon is by our artist, as on every day.", at: day}, "new"},
	{"fifteen days later", crossing, told{source: 2, title: bridgeTitle, text: bridge, at: 15 * day}, "new"},
	{"fourteen days later", crossing, told{source: 2, title: bridgeTitle, text: bridge, at: 14 * day}, "near"},
	{"no text at all", told{source: 1, title: bridgeTitle}, told{source: 2, title: bridgeTitle}, "new"},
}

func TestNear(t *testing.T) {
	for _, tt := range nearTests {
		t.Run(tt.name, func(t *testing.T) {
			got := near(tt.first, tt.second)
			if got.Decision.Rule != tt.want {
				t.Errorf("rule %q, want %q: %s", got.Decision.Rule, tt.want, got.Decision.Reason)
			}
			if (got.Copy != nil) != (tt.want != "new") || got.Decision.Reason == "" {
				t.Errorf("verdict and decision disagree: %+v", got)
			}
			if got.Copy != nil && !shareMark(tt.first, tt.second) {
				t.Error("they are copies, but no mark would have found them")
			}
			t.Log(got.Decision.Reason)
		})
	}
}

// table is a league's table after so many rounds.
func table(round int) string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(uint64(round), 7))
	for _, team := range strings.Fields("Aldermoor Brackness Holme Varnhem Osterby Wexcombe Wharton Sundby Lyng Tarrow") {
		b.WriteString(team + " played 2" + string(rune('0'+round)) + " won " + string(rune('1'+r.IntN(9))) + " lost " + string(rune('1'+r.IntN(9))) + " and stays in the race\n")
	}
	return b.String()
}

// shareMark tells whether the second would find the first.
func shareMark(first, second told) bool {
	own, _ := first.read().Marks(first.entry().When())
	_, look := second.read().Marks(second.entry().When())
	for _, key := range own {
		for _, other := range look {
			if key == other {
				return true
			}
		}
	}
	return false
}

func TestAReasonNamesTheOtherAndQuotesWhatBothSay(t *testing.T) {
	got := near(told{source: 1, title: bridgeTitle, text: bridge}, told{source: 2, title: "x", text: bridge}).Decision.Reason
	want := "Its text agrees to 100 % with that of “" + bridgeTitle + "”. Both say: “The old chain bridge at Varnhem will close to lorries from 9 March because two of its anchor plates have cracked, the roads authority said on Monday”."
	if got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
}

func TestOtherFiguresAreNamed(t *testing.T) {
	got := near(told{source: 1, title: "Osterby shares", text: market}, told{source: 2, title: "Osterby shares", text: strings.Replace(market, "4,318", "4,381", 1)})
	if want := "but this one says 4,381 where the other says 4,318."; !strings.HasSuffix(got.Decision.Reason, want) {
		t.Errorf("the reason is %q, want it to end with %q", got.Decision.Reason, want)
	}
}

func TestTheClosestItemIsJoined(t *testing.T) {
	summary := told{source: 1, title: bridgeTitle, text: bridgeLead}.known(1)
	full := told{source: 2, title: bridgeTitle, text: bridge}.known(2)
	e := told{source: 3, title: bridgeTitle, text: bridge}
	got := dedupe.Near(e.entry(), e.read(), []dedupe.Candidate{summary, full})
	if got.Copy == nil || got.Copy.ItemID != 2 {
		t.Errorf("copy of %+v, want item 2", got.Copy)
	}
}

func TestAnItemThatContradictsIsNotJoined(t *testing.T) {
	vague := told{source: 1, title: "Osterby shares", text: strings.Replace(market, "to 4,318 points", "again", 1)}.known(1)
	exact := told{source: 2, title: "Osterby shares", text: market}.known(1)
	e := told{source: 3, title: "Osterby shares", text: strings.Replace(market, "4,318", "4,381", 1)}
	if got := dedupe.Near(e.entry(), e.read(), []dedupe.Candidate{vague}); got.Copy == nil {
		t.Fatalf("not a copy of the vague one: %s", got.Decision.Reason)
	}
	if got := dedupe.Near(e.entry(), e.read(), []dedupe.Candidate{vague, exact}); got.Copy != nil {
		t.Errorf("a copy, although the item says another figure: %s", got.Decision.Reason)
	}
}

func TestOnlyAFullTextIsFullerThanASummary(t *testing.T) {
	read := func(n int) dedupe.Text { return told{text: prose(1, n)}.read() }
	for _, tt := range []struct {
		lead, other int
		want        bool
	}{{30, 400, true}, {0, 200, true}, {400, 30, false}, {30, 90, false}, {200, 900, false}, {120, 160, false}} {
		if got := dedupe.Fuller(read(tt.lead), read(tt.other)); got != tt.want {
			t.Errorf("Fuller of %d by %d words is %v", tt.lead, tt.other, got)
		}
	}
}

func TestMarksReachTheWindowAndNoFurther(t *testing.T) {
	text := told{title: bridgeTitle, text: bridge}.read()
	for at := time.Date(2026, 1, 1, 23, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(5 * day) {
		own, look := text.Marks(at)
		if len(own) == 0 || len(own) > 10 || len(look) > 2*len(own) {
			t.Fatalf("%d own marks, %d to look up", len(own), len(look))
		}
		reach := map[int64]bool{}
		for _, key := range look {
			reach[key] = true
		}
		for _, apart := range []time.Duration{-14 * day, -7 * day, 0, 14 * day} {
			other, _ := text.Marks(at.Add(apart))
			for _, key := range other {
				if !reach[key] {
					t.Fatalf("a mark of %v is not looked up from %v", at.Add(apart), at)
				}
			}
		}
		if day := own[0] >> feed.MarkBits; day > at.Unix()/86400 || day <= at.Unix()/86400-32 {
			t.Errorf("the bucket of %v begins on day %d", at, day)
		}
	}
}

// Marks are stored: a change of these means that no entry finds older ones.
func TestMarksNeverChange(t *testing.T) {
	own, _ := told{title: bridgeTitle, text: bridge}.read().Marks(noon)
	var sum int64
	for _, key := range own {
		sum = sum*31 + key
	}
	if want := int64(852552359383937273); len(own) != 10 || sum != want {
		t.Errorf("%d marks with the sum %d, want 10 with %d", len(own), sum, want)
	}
}

func FuzzNear(f *testing.F) {
	f.Add("A title of 3 words", bridgeLead, bridge, int64(0), int64(86400*3))
	f.Add("", "one two three", "", int64(-1)<<62, int64(1)<<62)
	f.Add("| - 1", "a a a a a a a a a a a a", "1 1 1 1 1 1 1 1: 1\xff", int64(5), int64(5))
	f.Add("法国总统", "法国总统说法国总统说法国总统说法国总统说", "法国总统说法国总统说", int64(5), int64(9))
	f.Fuzz(func(t *testing.T, title, a, b string, at, after int64) {
		first, second := told{source: 1, title: title, text: a}, told{source: 2, title: title, text: b}
		one, other := first.entry(), second.entry()
		one.Published, other.Published = time.Unix(at, 0), time.Unix(after, 0)
		x, y := first.read(), second.read()
		own, look := x.Marks(one.Published)
		if len(own) > 10 || len(look) < len(own) {
			t.Fatalf("%d own marks, %d to look up", len(own), len(look))
		}
		for _, key := range append(own, look...) {
			if key < 0 || key>>feed.MarkBits%32 != 0 {
				t.Fatalf("mark %x", key)
			}
		}
		known := first.known(1)
		known.Entry = one
		v := dedupe.Near(other, y, []dedupe.Candidate{known})
		if v.Decision.Reason == "" || (v.Copy != nil) == (v.Decision.Rule == "new") {
			t.Fatalf("verdict %+v", v)
		}
		if dedupe.Fuller(x, y) && dedupe.Fuller(y, x) {
			t.Fatal("each is fuller than the other")
		}
	})
}
