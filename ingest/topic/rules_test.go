package topic_test

import (
	"strings"
	"testing"

	"tributary/feed"
	"tributary/ingest/topic"
	"tributary/ingest/words"
)

func subject(title, text string) topic.Subject {
	return topic.Subject{Title: words.Split(title), Text: words.Split(text), Source: "daily-bugle", SourceName: "The Daily Bugle",
		Entry: feed.Entry{URL: "https://bugle.example/world/12", Authors: []feed.Person{{Name: "Ann Author"}},
			Details: feed.Details{Categories: []string{"World news"}}}}
}

func TestRulesSayWhatIsInAndWhatIsOut(t *testing.T) {
	s := subject("Troops for Kyiv", "France pledges security guarantees to the Ukrainians.")
	for _, tt := range []struct {
		name                      string
		include, exclude, require []string
		alone                     bool
		in, out                   bool
	}{
		{name: "no rule says nothing"},
		{name: "a phrase", include: []string{"Security Guarantees"}, in: true},
		{name: "words in another order are no phrase", include: []string{"guarantees security"}},
		{name: "a part of a word is no word", include: []string{"ukrain"}},
		{name: "a beginning", include: []string{"ukrain*"}, in: true},
		{name: "an alternative", include: []string{"Kiev | Kyiv"}, in: true},
		{name: "a field", include: []string{"title:kyiv"}, in: true},
		{name: "not in that field", include: []string{"text:kyiv"}},
		{name: "exclude wins", include: []string{"kyiv"}, exclude: []string{"source:bugle"}, out: true},
		{name: "an author", exclude: []string{"author:Ann Author"}, out: true},
		{name: "a category", exclude: []string{"category:world"}, out: true},
		{name: "an address", exclude: []string{"url:/world/"}, out: true},
		{name: "what is required is there", require: []string{"france", "kyiv|kiev"}},
		{name: "what is required is not there", require: []string{"france", "germany"}, out: true},
		{name: "rules alone, none includes it", include: []string{"germany"}, alone: true, out: true},
		{name: "rules alone, nothing to include", exclude: []string{"germany"}, alone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules, err := topic.ParseRules(tt.include, tt.exclude, tt.require)
			if err != nil {
				t.Fatal(err)
			}
			got := rules.Check(s, tt.alone)
			if got.In != tt.in || got.Out != tt.out || (got.In || got.Out) != (got.Reason != "") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestARuleThatCannotMatchIsAnError(t *testing.T) {
	for text, want := range map[string]string{"": "no word", "titel:x": "title, text, source", "a | ": "no word", "title:": "no word"} {
		_, err := topic.ParseRules([]string{text}, nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := topic.ParseRules([]string{"https://example.org"}, nil, nil); err != nil {
		t.Error(err)
	}
}
