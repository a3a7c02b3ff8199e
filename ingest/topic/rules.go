package topic

import (
	"fmt"
	"slices"
	"strings"

	"tributary/feed"
	"tributary/ingest/words"
)

// Rules are what a person has written down about the topic.
type Rules struct {
	include, exclude, require []rule
}

// rule is one of the phrases "a | b", in a field or anywhere.
type rule struct {
	written string
	field   string // "": title and text
	phrases [][]string
	raw     []string // the same as written, in lower case, for addresses
}

// Subject is what rules are applied to.
type Subject struct {
	Entry      feed.Entry // Title, URL, Authors and Details are used
	Title      words.Text
	Text       words.Text
	Source     string // slug
	SourceName string
}

// Ruling is what rules say of an entry: neither In nor Out, where they say nothing.
type Ruling struct {
	In, Out bool
	Reason  string
}

// fields are what a rule may be limited to.
var fields = []string{"title", "text", "source", "author", "category", "url"}

// ParseRules reads rules: phrases, as "security guarantees", with alternatives
// as "Kyiv | Kiev", beginnings of words as "ukrain*", and fields as
// "title:briefing". What is wrong is a [feed.CodeInvalid] that says what to do.
func ParseRules(include, exclude, require []string) (Rules, error) {
	var r Rules
	for _, list := range []struct {
		to    *[]rule
		texts []string
	}{{&r.include, include}, {&r.exclude, exclude}, {&r.require, require}} {
		for _, text := range list.texts {
			one, err := parseRule(text)
			if err != nil {
				return r, err
			}
			*list.to = append(*list.to, one)
		}
	}
	return r, nil
}

func parseRule(text string) (rule, error) {
	r := rule{written: strings.TrimSpace(text)}
	rest := r.written
	if field, after, ok := strings.Cut(rest, ":"); ok && isWord(field) && !strings.HasPrefix(after, "//") {
		field = strings.ToLower(field)
		if !slices.Contains(fields, field) {
			return r, feed.Errorf(feed.CodeInvalid, "%q: there is no field %s; write one of %s",
				r.written, field, strings.Join(fields, ", "))
		}
		r.field, rest = field, after
	}
	for _, phrase := range strings.Split(rest, "|") {
		said := patterns(phrase)
		if len(said) == 0 {
			return r, feed.Errorf(feed.CodeInvalid, "%q: there is no word to look for; write a word or a phrase, such as \"security guarantees\"", r.written)
		}
		r.phrases = append(r.phrases, said)
		r.raw = append(r.raw, strings.ToLower(strings.TrimSpace(phrase)))
	}
	return r, nil
}

func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') }) < 0
}

// patterns are a phrase's words; one that ends in "*" stands for all that begin so.
func patterns(phrase string) []string {
	var out []string
	text := words.Split(phrase)
	for _, w := range text.Words {
		if strings.HasPrefix(text.Source[w.End:], "*") {
			out = append(out, w.Text+"*")
		} else {
			out = append(out, w.Text)
		}
	}
	return out
}

// Empty tells whether there are no rules.
func (r Rules) Empty() bool { return len(r.include)+len(r.exclude)+len(r.require) == 0 }

// Check applies the rules: one that excludes is enough to keep an entry out, and so is
// one that is required and does not match; then one that includes is enough to let it
// in. alone says that there is nothing but the rules: if some include, an entry
// that none of them includes is out.
func (r Rules) Check(s Subject, alone bool) Ruling {
	for _, x := range r.exclude {
		if found, ok := x.match(s); ok {
			return Ruling{Out: true, Reason: fmt.Sprintf("The rule exclude: %s keeps it out: it says “%s”.", x.written, found)}
		}
	}
	for _, x := range r.require {
		if _, ok := x.match(s); !ok {
			return Ruling{Out: true, Reason: fmt.Sprintf("The rule require: %s is not met.", x.written)}
		}
	}
	for _, x := range r.include {
		if found, ok := x.match(s); ok {
			return Ruling{In: true, Reason: fmt.Sprintf("The rule include: %s lets it in: it says “%s”.", x.written, found)}
		}
	}
	if alone && len(r.include) > 0 {
		return Ruling{Out: true, Reason: "None of the rules of include matches it."}
	}
	return Ruling{}
}

// match tells whether a rule matches, and what it found.
func (x rule) match(s Subject) (found string, ok bool) {
	for i, phrase := range x.phrases {
		for _, text := range s.field(x.field) {
			if from, to := find(text.Words, phrase); to > 0 {
				return text.Source[text.Words[from].Start:text.Words[to-1].End], true
			}
		}
		if x.field == "url" && strings.Contains(strings.ToLower(s.Entry.URL), x.raw[i]) {
			return s.Entry.URL, true
		}
	}
	return "", false
}

// field gives the texts of a field, "": title and text.
func (s Subject) field(name string) []words.Text {
	var said []string
	switch name {
	case "":
		return []words.Text{s.Title, s.Text}
	case "title":
		return []words.Text{s.Title}
	case "text":
		return []words.Text{s.Text}
	case "source":
		said = []string{s.Source, s.SourceName}
	case "author":
		for _, a := range s.Entry.Authors {
			said = append(said, a.Name)
		}
	case "category":
		said = s.Entry.Details.Categories
	}
	texts := make([]words.Text, len(said))
	for i, v := range said {
		texts[i] = words.Split(v)
	}
	return texts
}

// find looks for a phrase; to is 0 where it is not.
func find(text []words.Word, phrase []string) (from, to int) {
	for i := 0; i+len(phrase) <= len(text); i++ {
		n := 0
		for n < len(phrase) && matches(text[i+n].Text, phrase[n]) {
			n++
		}
		if n == len(phrase) {
			return i, i + n
		}
	}
	return 0, 0
}

func matches(word, pattern string) bool {
	if beginning, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(word, beginning)
	}
	return word == pattern
}
