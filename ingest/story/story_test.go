package story_test

import (
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest/story"
	"tributary/ingest/words"
)

var monday = time.Date(2025, 9, 1, 9, 0, 0, 0, time.UTC)

// report is an item of a test.
type report struct {
	title, text string
	days        float64
	source      int64
	lang        string
	same        int // the report, counted from 0, in whose story it belongs; its own place: a story of its own
}

func TestReportsFindTheirStories(t *testing.T) {
	for name, reports := range map[string][]report{
		"one event by two writers": {
			{title: "Ferry sinks off Calvera, 14 missing", same: 0,
				text: "The ferry Santa Lucia sank off the island of Calvera early on Monday with 62 people on board. Rescuers have pulled 48 passengers from the water, the coastguard at Port Ambrose said, and 14 are missing."},
			{title: "Fourteen missing after Calvera ferry disaster", days: 0.1, same: 0,
				text: "A search is under way for 14 people after the Santa Lucia, a passenger ferry, went down near Calvera. Coastguard officers in Port Ambrose said 48 of the 62 aboard had been rescued by fishing boats."},
		},
		"two stars, one clinic": {
			{title: "Mira Dolan enters rehab", same: 0,
				text: "Actress Mira Dolan has entered a rehab clinic in Malibu, her publicist Greg Sandler said on Tuesday. Dolan, 33, starred in the comedy Paper Boats. Her family asked for privacy."},
			{title: "Kelsey Brandt enters rehab", days: 0.2, same: 1,
				text: "Singer Kelsey Brandt checked into a rehab centre in Arizona on Tuesday under a court order, her lawyer Tom Weil said. Brandt was convicted of reckless driving after a crash in June."},
		},
		"two earthquakes": {
			{title: "Magnitude 6.1 earthquake hits Tarvisa", same: 0,
				text: "An earthquake of magnitude 6.1 struck the province of Tarvisa on Monday, killing at least 20 people. Houses collapsed in the towns of Orben and Lusk, governor Ana Petrovic said."},
			{title: "Strong quake shakes Mindoro Strait", days: 0.3, same: 1,
				text: "An earthquake of magnitude 5.4 struck off Mindoro on Monday; there were no reports of damage. The institute of volcanology in Manila issued no tsunami warning, its director Renato Solis said."},
		},
		"a follow-up after two days": {
			{title: "Ferry sinks off Calvera, 14 missing", same: 0,
				text: "The ferry Santa Lucia sank off the island of Calvera early on Monday with 62 people on board. Rescuers have pulled 48 passengers from the water, the coastguard at Port Ambrose said, and 14 are missing."},
			{title: "Divers find bodies in Calvera ferry", days: 2, same: 0,
				text: "Divers have found nine bodies inside the ferry Santa Lucia, which sank off Calvera on Monday. Five passengers are still missing, the coastguard at Port Ambrose said."},
		},
		"another report after nine days": {
			{title: "Ferry sinks off Calvera, 14 missing", same: 0,
				text: "The ferry Santa Lucia sank off the island of Calvera early on Monday with 62 people on board. Rescuers have pulled 48 passengers from the water, the coastguard at Port Ambrose said, and 14 are missing."},
			{title: "Parliament debates safety of ships", days: 9, same: 1,
				text: "Members of parliament asked for stricter rules for passenger ships on Wednesday, after the loss of the Santa Lucia off Calvera. The minister of transport, Paul Reyes, promised a bill before the winter."},
		},
		"a translation": {
			{title: "Ferry sinks off Calvera, 14 missing", lang: "en", same: 0,
				text: "The ferry Santa Lucia sank off the island of Calvera early on Monday with 62 people on board. Rescuers have pulled 48 passengers from the water, the coastguard at Port Ambrose said, and 14 are missing. The captain, Miguel Torres, is among them."},
			{title: "Fähre vor Calvera gesunken, 14 Menschen vermisst", days: 0.2, lang: "de", same: 0,
				text: "Vor der Insel Calvera ist am frühen Montag die Fähre Santa Lucia mit 62 Menschen an Bord gesunken. Nach Angaben der Küstenwache in Port Ambrose wurden 48 Passagiere gerettet, 14 werden vermisst, darunter der Kapitän Miguel Torres."},
			{title: "Ein Fährmann erzählt", days: 0.3, lang: "de", same: 2,
				text: "Seit dreißig Jahren fährt Karl Ahrens die kleine Fähre über den Fluss. Früher waren es am Tag 300 Menschen, heute sind es kaum noch zwanzig, sagt er und schaut auf das Wasser."},
		},
		"a daily column": {
			{title: "Market close: shares end higher", source: 7, same: 0,
				text: "Shares ended higher in quiet trading on Monday. Banks led the gains, with Norvik up 2.1 percent, while miners lost ground. The index rose 0.4 percent to 8,214 points. Analysts at Hollis said volumes were thin."},
			{title: "Market close: shares end lower", source: 7, days: 1, same: 1,
				text: "Shares ended lower in busy trading on Tuesday. Retailers led the losses, with Pellman down 3.7 percent, while oil firms gained. The index fell 0.9 percent to 8,140 points. Brokers at Quint said that profits were taken."},
		},
		"a series, and a report by another writer": {
			{title: "Earthquake recorded south of Tarvisa, 1 September", source: 7, same: 0,
				text: "An earthquake of magnitude 4.1 was recorded south of Tarvisa at 3.12 universal time, at a depth of 10 kilometres. No damage has been reported from the port of Lusk."},
			{title: "Tremor off Tarvisa wakes the port of Lusk", days: 0.1, same: 0,
				text: "An earthquake of magnitude 4.1 south of Tarvisa shook the port of Lusk at night. It was recorded at 3.12 universal time at a depth of 10 kilometres; no damage has been reported."},
			{title: "Earthquake recorded south of Tarvisa, 2 September", source: 7, days: 0.7, same: 2,
				text: "An earthquake of magnitude 3.6 was recorded south of Tarvisa at 19.50 universal time, at a depth of 35 kilometres. No damage has been reported from the port of Lusk."},
		},
		"two towns' budgets": {
			{title: "Ardenham council adopts its budget after a night of amendments", same: 0,
				text: "Ardenham's council adopted its budget for 2025 at one in the morning, by 24 votes to 19, after 57 amendments. The town will spend 212 million, of which the largest share goes to schools. Council tax goes up by 3.9 per cent."},
			{title: "Corvinbridge council adopts its budget after a short debate", days: 0.1, same: 1,
				text: "Corvinbridge's council adopted its budget for 2025 on Sunday, by 15 votes to 4, after six amendments. The town will spend 48 million, of which the largest share goes to roads. Council tax goes up by 2.1 per cent."},
		},
		"a translation that shares names and a year": {
			{title: "Ferry sinks off Calvera, 14 missing", lang: "en", same: 0,
				text: "The ferry Santa Lucia sank off the island of Calvera early on Monday with 62 people on board, the coastguard at Port Ambrose said. The captain, Miguel Torres, is among the missing. The ship was built in 2013."},
			{title: "Calvera baut einen Hafen", days: 0.2, lang: "de", same: 1,
				text: "Auf der Insel Calvera soll bis 2013 ein neuer Hafen für die Santa Lucia entstehen, sagte Miguel Torres von der Verwaltung in Port Ambrose. Die Bagger sind bestellt, und die Fischer freuen sich auf die Mole."},
		},
		"flashes": {
			{title: "Talks begin in Calvera", same: 0, text: "Talks have begun in Calvera."},
			{title: "Talks begin in Calvera", same: 1, text: "In Calvera, talks have begun."},
		},
		"two sides of one subject": {
			{title: "Macron says 26 countries ready to send troops to Ukraine", same: 0,
				text: "French President Emmanuel Macron said in Paris on Thursday that 26 countries had pledged to join a reassurance force for Ukraine after a ceasefire. The coalition of the willing met at the Elysee with Volodymyr Zelensky."},
			{title: "Trump rules out American soldiers in Ukraine", days: 0.2, same: 1,
				text: "President Donald Trump told Fox News that no American soldiers would be sent to Ukraine, and that Washington might help with aircraft. Senator Lindsey Graham welcomed his words; the Pentagon did not comment."},
			{title: "26 nations pledge force for Ukraine, Macron says after Paris talks", days: 0.3, same: 0,
				text: "Twenty-six countries have pledged to be part of a reassurance force in Ukraine, Emmanuel Macron said after the coalition of the willing met in Paris. Zelensky, at his side at the Elysee, spoke of a first serious step after a ceasefire."},
			{title: "No American troops will go to Ukraine, Trump tells Fox", days: 0.5, same: 1,
				text: "Donald Trump has ruled out sending American soldiers to Ukraine. In an interview with Fox News the president offered aircraft instead; the Pentagon declined to comment and Lindsey Graham praised him."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			for i, x := range reports {
				source := x.source
				if source == 0 {
					source = int64(100 + i)
				}
				v := r.add(x.title, x.text, x.lang, source, monday.Add(time.Duration(x.days*24*float64(time.Hour))))
				t.Logf("%s: %s: %s", x.title, v.Rule, v.Reason)
				if got, want := r.items[i].StoryRow, r.items[x.same].StoryRow; got != want || (x.same == i) != (got == int64(i+1)) {
					t.Errorf("%q is in the story of item %d, want that of %d", x.title, got-1, x.same)
				}
			}
		})
	}
}

func TestAReasonNamesWhatIsShared(t *testing.T) {
	r := newRig()
	r.add("Ferry sinks off Calvera, 14 missing", "The ferry Santa Lucia sank off the island of Calvera with 62 people on board, the coastguard at Port Ambrose said.", "en", 1, monday)
	v := r.add("Calvera ferry sinks", "The Santa Lucia sank off Calvera with 62 aboard; the coastguard at Port Ambrose has begun a search.", "en", 2, monday.Add(time.Hour))
	if v.Rule != story.RuleJoins || !strings.Contains(v.Reason, "“Calvera”") || !strings.Contains(v.Reason, "with an item of the story") {
		t.Errorf("the reason is %q (%s)", v.Reason, v.Rule)
	}
	v = r.add("Divers reach Calvera's ferry", "Divers have reached the Santa Lucia; the coastguard's ships at Port Ambrose found Calvera's ferry.", "en", 4, monday.Add(time.Hour))
	if strings.Contains(v.Reason, "’s") || strings.Contains(v.Reason, "'s") || strings.Contains(v.Reason, "“Lucia”") {
		t.Errorf("the reason is %q", v.Reason)
	}
	v = r.add("Bakery wins prize", "A bakery at Lindow has won a prize for its rye bread.", "en", 3, monday.Add(time.Hour))
	if v.Rule != story.RuleAlone || v.Story != 0 || v.Reason != "No item of these days has its most telling words and names." {
		t.Errorf("the reason is %q (%s)", v.Reason, v.Rule)
	}
}

// Each of these reports has two names of the one before; the last has none of the first.
func TestAStoryDoesNotBecomeAChain(t *testing.T) {
	r := newRig()
	names := strings.Fields("Arden Bellow Corvin Dunmore Elstow Farrow Gratton Hallam Ingram Jarvis Kelmore")
	things := strings.Fields("harbour hospital orchestra glacier airline cathedral vineyard satellite museum refinery tunnel")
	for i := range len(names) - 2 {
		text := "Councillor " + names[i] + " opened the " + things[i] + " with " + names[i+1] + ", who praised its " + things[i+1] + ". " + names[i+2] + " stayed away from the " + things[i+2] + "."
		r.add(names[i]+" and "+names[i+1], text, "en", int64(i+1), monday.Add(time.Duration(i)*12*time.Hour))
	}
	if first, last := r.items[0].StoryRow, r.items[len(r.items)-1].StoryRow; first == last {
		t.Error("the first report and one that shares no name with it are in one story")
	}
}

func TestMarksReachOverTheirBucket(t *testing.T) {
	terms := story.Read(words.Split("Ferry Santa Lucia sinks off Calvera, 14 passengers missing"), words.Text{}, "en")
	for days := range 12 {
		at := monday.Add(time.Duration(days) * 24 * time.Hour)
		own, look := terms.Marks(at)
		if len(own) == 0 || len(own) > 12 || len(look) != 3*len(own) {
			t.Fatalf("%d own keys, %d to look up", len(own), len(look))
		}
		for _, gap := range []int{-5, 5} {
			others, _ := terms.Marks(at.Add(time.Duration(gap) * 24 * time.Hour))
			if !overlap(look, others) {
				t.Errorf("an item of day %d does not find one that is %d days from it", days, gap)
			}
		}
		if far, _ := terms.Marks(at.Add(-10 * 24 * time.Hour)); overlap(look, far) {
			t.Errorf("an item of day %d finds one of ten days before", days)
		}
		if day := own[0] >> feed.MarkBits; day > at.Unix()/86400 || day <= at.Unix()/86400-5 {
			t.Errorf("the bucket begins on day %d", day)
		}
	}
}

func overlap(a, b []int64) bool {
	has := map[int64]bool{}
	for _, k := range a {
		has[k] = true
	}
	for _, k := range b {
		if has[k] {
			return true
		}
	}
	return false
}

func TestItemsWithoutWords(t *testing.T) {
	r := newRig()
	for range 3 {
		if v := r.add("", "", "", 1, monday); v.Story != 0 {
			t.Errorf("an item that says nothing is in story %d: %s", v.Story, v.Reason)
		}
	}
	if own, look := (story.Terms{}).Marks(time.Time{}); len(own)+len(look) != 0 {
		t.Error("no terms have marks")
	}
}

func TestTermsAreKeptAsTheyAre(t *testing.T) {
	terms := story.Read(words.Split("Ferry Santa Lucia sinks off Calvera, 14 missing"), words.Split(longText()), "en")
	b := terms.Encode()
	again, err := story.Decode(b)
	if err != nil || len(b) > 400 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	like := func(a, b story.Terms) float64 {
		return story.Decide(story.Item{Terms: a}, []story.Item{{Terms: b, Sketch: feed.Sketch{EntryID: 1, StoryRow: 1}}}).Similarity
	}
	if before, after := like(terms, terms), like(terms, again); after < before-0.01 || after > before+0.01 {
		t.Errorf("an item is like itself by %.3f, and as it was kept by %.3f", before, after)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(story.Read(words.Split("Ferry Santa Lucia sinks off Calvera, 14 missing"), words.Split("Im Jahr 2013 沈没"), "").Encode())
	f.Add([]byte{1, 2, 1, 0x80})
	f.Add([]byte{1, 1, 0, 0, 0, 0, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		terms, err := story.Decode(b)
		if err != nil {
			return
		}
		if _, err := story.Decode(terms.Encode()); err != nil {
			t.Fatalf("%v after %x", err, b)
		}
		terms.Marks(monday)
		item := story.Item{Terms: terms, Sketch: feed.Sketch{EntryID: 2, When: monday}}
		other := story.Item{Terms: terms, Sketch: feed.Sketch{EntryID: 1, StoryRow: 1, When: monday, Language: "de"}}
		story.Decide(item, []story.Item{other, other})
	})
}

func FuzzRead(f *testing.F) {
	f.Add("Ferry sinks", "The İstanbul ferry sank in 2024 with 1,200 aboard. 法国总统 said.", "en")
	f.Fuzz(func(t *testing.T, title, body, lang string) {
		b := story.Read(words.Split(title), words.Split(body), lang).Encode()
		if len(b) > 500 {
			t.Errorf("%d bytes", len(b))
		}
		if _, err := story.Decode(b); err != nil {
			t.Fatal(err)
		}
	})
}

// longText has some 400 words.
func longText() string {
	var b strings.Builder
	for i := range 16 {
		w := func(n int) string {
			return strings.ToUpper(string(rune('A'+(i*7+n)%26))) + "or" + string(rune('a'+i)) + "en" + string(rune('a'+n))
		}
		b.WriteString("The minister " + w(1) + " " + w(2) + " told reporters in " + w(3) + " that a number of " + w(4) + " passengers had been rescued after searching the harbour of " + w(5) + " for hours. ")
	}
	return b.String()
}

func BenchmarkReadAndMarks(b *testing.B) {
	title, body := words.Split("Ferry Santa Lucia sinks off Calvera, 14 missing"), words.Split(longText())
	b.ReportAllocs()
	for b.Loop() {
		story.Read(title, body, "en").Marks(monday)
	}
	b.ReportMetric(float64(len(body.Words)), "words")
}

func BenchmarkDecide(b *testing.B) {
	docs := readDocuments(b, "stories-ecb.jsonl")[:300]
	r := newRig()
	r.addAll(docs)
	type question struct {
		item       story.Item
		candidates []story.Item
	}
	var questions []question
	n := 0
	for i := 200; i < 264; i++ {
		_, look := r.items[i].Terms.Marks(r.items[i].When)
		c := r.candidates(look)
		for j := 0; len(c) < 64; j++ { // filled up with others
			c = append(c, r.items[j])
		}
		n += len(c)
		questions = append(questions, question{r.items[i], c})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		q := questions[i%len(questions)]
		story.Decide(q.item, q.candidates)
		i++
	}
	b.ReportMetric(float64(n)/float64(len(questions)), "candidates")
}

func BenchmarkDecode(b *testing.B) {
	data := story.Read(words.Split("Ferry Santa Lucia sinks off Calvera, 14 missing"), words.Split(longText()), "en").Encode()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := story.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(data)), "bytes")
}
