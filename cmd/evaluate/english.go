package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/parse"
	"tributary/ingest/words"
)

const (
	englishWords = 12000 // how many stems the table has
	englishTexts = 5     // in how many texts a stem must be, in at least two collections
	// A stem of one collection only belongs to its subjects, unless so many of its
	// texts have it that it is the way they are written.
	englishJargon = 0.01
)

// usage is what is counted of a stem.
type wordUsage struct {
	stem        string
	share       float64 // of the texts of each collection that have it, on average
	texts       int
	collections int
	most        float64 // its largest share of a collection
	lower, all  int     // its uses within sentences: in lower case, and all
}

// englishCommand prints the table of general English that package words ships
// with. Each collection, a folder of feeds or a file of JSON lines with title and
// text, counts alike, however large it is. A stem of one collection only is
// about its subjects, and left out.
func englishCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("english", flag.ContinueOnError)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 2 {
		return errors.New(usage)
	}
	table := map[string]*wordUsage{}
	for _, path := range flags.Args() {
		texts, err := englishIn(path)
		if err != nil {
			return err
		}
		countCollection(table, texts)
	}
	for _, u := range mostUsed(table, flags.NArg()) {
		lower := 100
		if u.all > 0 {
			lower = 100 * u.lower / u.all
		}
		fmt.Fprintf(out, "%s\t%.1f\t%d\n", u.stem, 10000*u.share, lower)
	}
	return nil
}

// englishIn reads a collection's English texts.
func englishIn(path string) ([]words.Text, error) {
	if strings.HasSuffix(path, ".jsonl") {
		docs, err := readDocuments(path)
		var texts []words.Text
		for _, d := range docs {
			texts = append(texts, words.Split(d.Title+"\n"+d.Text))
		}
		return texts, err
	}
	files, err := filesUnder(path)
	if err != nil {
		return nil, err
	}
	var texts []words.Text
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		texts = append(texts, englishEntries(body)...)
	}
	return texts, nil
}

// englishEntries are the entries of a feed that read as English.
func englishEntries(body []byte) []words.Text {
	f, err := parse.Parse(feed.Document{URL: "https://example.org/feed", Body: body}, parse.Limits{})
	if err != nil {
		return nil
	}
	var texts []words.Text
	for _, raw := range f.Entries {
		e := clean.Entry(raw, clean.Context{Now: time.Now()})
		text := words.Split(e.Title + "\n" + e.Text)
		if isEnglish(text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// isEnglish tells whether every fourth word is one that holds English
// sentences together.
func isEnglish(t words.Text) bool {
	n := 0
	for _, w := range t.Words {
		if words.IsStop(w.Text) {
			n++
		}
	}
	return len(t.Words) >= 10 && 4*n >= len(t.Words)
}

func countCollection(table map[string]*wordUsage, texts []words.Text) {
	counts := map[string]int{}
	for _, t := range texts {
		seen := map[string]bool{}
		for _, w := range t.Words {
			if w.Is(words.Number) {
				continue
			}
			stem := words.Stem(w.Text)
			u := table[stem]
			if u == nil {
				u = &wordUsage{stem: stem}
				table[stem] = u
			}
			if !w.Is(words.First) && !w.Is(words.Upper) {
				u.all++
				if !w.Is(words.Capital) {
					u.lower++
				}
			}
			if !seen[stem] {
				seen[stem] = true
				counts[stem]++
			}
		}
	}
	for stem, n := range counts {
		u := table[stem]
		share := float64(n) / float64(len(texts))
		u.share += share
		u.most = max(u.most, share)
		u.texts += n
		u.collections++
	}
}

func mostUsed(table map[string]*wordUsage, collections int) []wordUsage {
	var all []wordUsage
	for _, u := range table {
		if u.texts >= englishTexts && (u.collections >= 2 || u.most >= englishJargon) {
			u.share /= float64(collections)
			all = append(all, *u)
		}
	}
	slices.SortFunc(all, func(a, b wordUsage) int {
		return cmp.Or(cmp.Compare(b.share, a.share), strings.Compare(a.stem, b.stem))
	})
	return all[:min(len(all), englishWords)]
}
