package main

import (
	_ "embed"
	"math/rand/v2"
	"strconv"
	"strings"
)

// The commonest English stems that are no names, commonest first: the head of
// ingest/words/english.tsv.
//
//go:embed english.txt
var commonWords string

const (
	vocabulary = 50_000 // words; the rare ones are invented
	people     = 20_000 // names, of persons, places and firms
	// An event is reported for as long as this many other reports come in.
	eventSpan = 5000
)

// language writes news with the word frequencies of English, about events that
// have names and words of their own. It says the same for the same numbers, on every run.
type language struct {
	words, names []string
	seed         uint64
}

func newLanguage(seed uint64) *language {
	r := rand.New(rand.NewPCG(1, seed))
	l := &language{words: strings.Fields(commonWords), seed: seed}
	for len(l.words) < vocabulary {
		l.words = append(l.words, syllables(r, 2+r.IntN(3)))
	}
	for range people {
		name := syllables(r, 2+r.IntN(3))
		l.names = append(l.names, strings.ToUpper(name[:1])+name[1:])
	}
	return l
}

func syllables(r *rand.Rand, n int) string {
	const vowels, consonants = "aeiou", "bcdfghjklmnprstvwz"
	b := make([]byte, 0, 9)
	for range n {
		b = append(b, consonants[r.IntN(len(consonants))], vowels[r.IntN(len(vowels))])
	}
	return string(append(b, consonants[r.IntN(len(consonants))]))
}

// dice are those of one thing of a kind: of an event, a report, a choice.
func (l *language) dice(kind string, n int) *rand.Rand {
	return rand.New(rand.NewPCG(l.seed<<8|uint64(kind[0]), uint64(n)))
}

// before tells which earlier report, of the last ones, the report n follows;
// -1: it is the first of its event. A report on what was reported much is likelier than
// one on what was not, so that few events get much coverage.
func (l *language) before(n int) int { return l.follow(n, n, min(n, eventSpan)) }

// follow lets every other report n follow one of the span that end before end.
func (l *language) follow(n, end, span int) int {
	r := l.dice("follow", n)
	if span == 0 || r.Float64() < 0.5 {
		return -1
	}
	return end - 1 - r.IntN(span)
}

// event is the number of the first report on what report n, which follows another, is about.
func (l *language) event(n, follows int) int {
	for follows >= 0 {
		n, follows = follows, l.before(follows)
	}
	return n
}

// subject is what reports of an event speak of.
type subject struct {
	names, words []string
	number       string
}

func (l *language) subject(event int) subject {
	r := l.dice("event", event)
	zipf := rand.NewZipf(r, 1.05, 20, people-1)
	s := subject{number: strconv.Itoa(2 + r.IntN(900))}
	for range 4 {
		s.names = append(s.names, l.names[zipf.Uint64()])
	}
	for range 12 { // neither the words of every sentence nor those of none
		s.words = append(s.words, l.words[200+r.IntN(12_000)])
	}
	return s
}

// speaker writes sentences about a subject.
type speaker struct {
	l    *language
	r    *rand.Rand
	zipf *rand.Zipf
	of   subject
}

// report gives the one who writes report n.
func (l *language) report(n, follows int) speaker {
	r := l.dice("report", n)
	return speaker{l, r, rand.NewZipf(r, 1.07, 2.7, vocabulary-1), l.subject(l.event(n, follows))}
}

func (s speaker) word() string {
	switch p := s.r.IntN(100); {
	case p < 8:
		return s.of.names[s.r.IntN(len(s.of.names))]
	case p < 20:
		return s.of.words[s.r.IntN(len(s.of.words))]
	case p < 21:
		return s.of.number
	}
	return s.l.words[s.zipf.Uint64()]
}

// sentence gives n words, without a full stop.
func (s speaker) sentence(n int) string {
	said := make([]string, n)
	for i := range said {
		said[i] = s.word()
	}
	said[0] = strings.ToUpper(said[0][:1]) + said[0][1:]
	return strings.Join(said, " ")
}

// text gives sentences of about n words together.
func (s speaker) text(n int) string {
	var b strings.Builder
	for n > 0 {
		length := 8 + s.r.IntN(12)
		b.WriteString(s.sentence(length))
		b.WriteString(". ")
		n -= length
	}
	return b.String()
}
