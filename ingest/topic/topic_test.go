package topic

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/ingest/words"
)

func seed(id, title, text string) Document {
	return Seed(id, words.Split(title), words.Split(text), "")
}

func recent(id, title, text string) Document {
	return Document{ID: id, Title: title, Bag: Read(words.Split(title), words.Split(text), "")}
}

var (
	lakeSeeds = []Document{
		seed("a", "Low water on Lake Constance stops ferries", "The ferry from Konstanz could not land on Friday. Lake Constance has not been so low since 2003, the harbour master of Konstanz said, and the Rhine brings little water. Ferry crews wait for rain over the lake."),
		seed("b", "Ferries on Lake Constance run again after rain", "Rain has lifted Lake Constance by forty centimetres in a week. The ferry between Konstanz and Meersburg sails on its old timetable, and the harbour at Lindau is open. The water of the Rhine still runs low."),
	}
	otherNews = []Document{
		recent("1", "Parliament votes on the budget", "The finance minister spoke of hard choices before the vote on Friday."),
		recent("2", "Striker out for six weeks", "The club said that the injury happened in training."),
		recent("3", "New phone goes on sale", "The company hopes to sell ten million before the end of the year."),
		recent("4", "Storm leaves homes without power", "Crews work on the lines; more rain is expected."),
		recent("5", "Ferry fares rise in Norway", "Passengers on the coast pay more from May."),
		recent("6", "Lake found under Antarctic ice", "Researchers drilled for three weeks."),
		recent("7", "Low water on Lake Constance worries anglers", "Konstanz wants to close the ferry harbour again."),
		recent("8", "Court hears appeal", "The judges will decide in the autumn."),
	}
)

func score(p Profile, title, text string) Score {
	return p.Score(Read(words.Split(title), words.Split(text), ""))
}

func TestWhatSeedsShareDecides(t *testing.T) {
	p := Learn(Material{Seeds: lakeSeeds, Recent: otherNews})
	on, off := score(p, "Lake Constance ferry to Konstanz runs aground", ""), score(p, "Minister hopes for a budget before Friday", "")
	if on.Value < Threshold || off.Value >= Threshold-margin {
		t.Errorf("on topic %.2f, off topic %.2f", on.Value, off.Value)
	}
	if d := on.Decide(Threshold, 0); d.Side != On || !strings.Contains(d.Reason, "Constance") {
		t.Errorf("decided %+v", d)
	}
	if d := score(p, "Xyzzy", "").Decide(Threshold, 0); d.Side != Off || !strings.HasPrefix(d.Reason, "Nothing in it is of the topic") {
		t.Errorf("decided %+v", d)
	}
}

func TestAProfileScoresAsItLearned(t *testing.T) {
	l := newLearner(Material{Seeds: lakeSeeds, Recent: otherNews})
	m := l.round(l.nearest())
	p := l.profile(m)
	p.Core = nil
	if p.Background.Norm == 0 {
		t.Error("the profile does not know how long a vector is")
	}
	for i, d := range otherNews {
		want := 1 / (1 + math.Exp(-4*(m.value(m.score(l.recent[i]))-0.5)))
		if got := p.Score(d.Bag).Value; math.Abs(got-want) > 0.001 {
			t.Errorf("%s: %.4f, learned as %.4f", d.Title, got, want)
		}
	}
}

func TestAStoredProfileScoresAsBefore(t *testing.T) {
	p := Learn(Material{Seeds: lakeSeeds, Recent: otherNews})
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var stored Profile
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(Learn(Material{Seeds: lakeSeeds, Recent: otherNews}))
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Errorf("the same material gives another profile: %s", diff)
	}
	for _, d := range append(otherNews, lakeSeeds...) {
		if diff := cmp.Diff(p.Score(d.Bag), stored.Score(d.Bag)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWhatAPersonDecidesMovesTheProfile(t *testing.T) {
	before := Learn(Material{Seeds: lakeSeeds, Recent: otherNews})
	after := Learn(Material{Seeds: lakeSeeds, Recent: otherNews, Accepted: otherNews[4:5], Rejected: otherNews[6:7]})
	const ferry, anglers = 4, 6
	if was, is := before.Score(otherNews[ferry].Bag).Value, after.Score(otherNews[ferry].Bag).Value; is <= was {
		t.Errorf("accepted: %.2f, was %.2f", is, was)
	}
	if was, is := before.Score(otherNews[anglers].Bag).Value, after.Score(otherNews[anglers].Bag).Value; is >= was {
		t.Errorf("rejected: %.2f, was %.2f", is, was)
	}
}

func TestWithoutSeedsThereIsNoProfile(t *testing.T) {
	p := Learn(Material{Recent: otherNews})
	if !p.Empty() {
		t.Error("a profile without seeds is not empty")
	}
	if v := score(p, "Lake Constance", "").Value; v != 0 {
		t.Errorf("it scores %.2f", v)
	}
}

func TestNationsAreOneWithTheirPeopleCapitalsAndSpellings(t *testing.T) {
	b := Read(words.Split(""), words.Split("He said that Ukrainian President Volodymyr Zelenskyy left Kiev, and Ukrainians in Kyiv asked Zelensky, Zelenskiy and the US."), "")
	got := map[string]float64{}
	for _, term := range b.Terms {
		got[term.Key] = term.Count
	}
	for key, want := range map[string]float64{"ukraine": 2, "zelensk": 3, "kyiv": 2, "america": 1} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	if diff := cmp.Diff([]Office{{"volodymyr", "ukraine"}, {"zelensk", "ukraine"}}, b.Offices); diff != "" {
		t.Error(diff)
	}
}

func TestOtherLanguagesAreReadByNames(t *testing.T) {
	p := Learn(Material{Seeds: lakeSeeds, Recent: otherNews})
	b := Read(words.Split("Konstanz: Constance"), words.Split("Die Fahrt von Konstanz nach Meersburg und Lindau fällt wegen Niedrigwasser bis auf weiteres aus, teilte der Hafen mit."), "de")
	if !b.Foreign {
		t.Fatal("German is taken for English")
	}
	if d := p.Score(b).Decide(Threshold, 0); d.Side == Off || !strings.Contains(d.Reason, "not in English") {
		t.Errorf("decided %+v", d)
	}
	if Read(words.Split("Regierung"), words.Text{}, "en").Foreign {
		t.Error("a short text is not what its source says")
	}
}

func TestASourceOnTheTopicIsTreatedLeniently(t *testing.T) {
	for _, tt := range []struct {
		scored, on int
		want       float64
	}{{0, 0, 0}, {19, 19, 0}, {100, 50, 0}, {100, 80, 0.075}, {100, 100, 0.15}} {
		if got := Leniency(tt.scored, tt.on); got < tt.want-1e-9 || got > tt.want+1e-9 {
			t.Errorf("%d of %d: %v, want %v", tt.on, tt.scored, got, tt.want)
		}
	}
	s := Score{Value: 0.4}
	if s.Decide(Threshold, 0).Side != Doubtful || s.Decide(Threshold, 0.15).Side != On {
		t.Error("leniency does not lower the threshold")
	}
}

func FuzzRead(f *testing.F) {
	p := Learn(Material{Seeds: lakeSeeds, Recent: otherNews})
	f.Add("Lake\xff Constance", "US President \u0130 Zelenskyy 1,200.5 法国")
	f.Fuzz(func(t *testing.T, title, text string) {
		for _, language := range []string{"", "de"} {
			s := p.Score(Read(words.Split(title), words.Split(text), language))
			if !(s.Value >= 0 && s.Value <= 1) {
				t.Fatalf("the value is %v", s.Value)
			}
		}
		Learn(Material{Seeds: []Document{seed("x", title, text)}, Recent: otherNews})
	})
}

func BenchmarkScore(b *testing.B) {
	p := Learn(Material{Seeds: lakeSeeds, Recent: otherNews})
	title := words.Split("Zelenskyy flies to Paris for talks on monitoring force")
	text := words.Split(strings.Repeat("French President Emmanuel Macron said on Tuesday that 26 countries would send troops to Ukraine after a ceasefire, if America helps. ", 5))
	b.Run("read and score", func(b *testing.B) {
		for b.Loop() {
			p.Score(Read(title, text, ""))
		}
	})
	bag := Read(title, text, "")
	b.Run("score", func(b *testing.B) {
		for b.Loop() {
			p.Score(bag)
		}
	})
}

func BenchmarkLearn(b *testing.B) {
	rows := readRows(b, shared+"corpora/labelled/topics-reuters-train.jsonl")
	seeds := draw(rows[:3000], "grain", 5, 1)
	recent := documents(rows[3000:6000])
	for b.Loop() {
		Learn(Material{Seeds: seeds, Recent: recent})
	}
}
