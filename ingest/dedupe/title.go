package dedupe

import (
	"strings"

	"tributary/ingest/words"
)

// headline is a title's words without what publishers put around it: the name
// of the site at its end, or what a wire calls its second tries.
func headline(title words.Text) []words.Word {
	said := title.Words
	for i := len(said) - 1; i >= 3 && i >= len(said)-4; i-- {
		if isBar(title.Source[said[i-1].End:said[i].Start]) {
			said = said[:i]
			break
		}
	}
	for len(said) > 3 && isReissue(said[0]) {
		said = said[1:]
	}
	return said
}

// isBar tells whether what lies between two words sets a part of the title off.
func isBar(between string) bool {
	if strings.Contains(between, "|") {
		return true
	}
	switch strings.TrimSpace(between) {
	case "-", "--", "–", "—", "·", "::":
		return strings.HasPrefix(between, " ") && strings.HasSuffix(between, " ")
	}
	return false
}

func isReissue(w words.Word) bool {
	switch w.Text {
	case "corrected", "correction", "rpt", "refile", "update", "updated":
		return true
	}
	return w.Is(words.Number)
}

// alike is how much two titles have in common: the share of all their words
// that both have, but for plurals and the words that hold sentences together.
func alike(a, b words.Text) float64 {
	mine, theirs := content(a), content(b)
	shared := 0
	for _, w := range mine {
		if hasWord(theirs, w) {
			shared++
		}
	}
	return float64(shared) / float64(max(len(mine)+len(theirs)-shared, 1))
}

func content(title words.Text) []string {
	var said []string
	for _, w := range headline(title) {
		stem := words.Stem(w.Text)
		if !words.IsStop(w.Text) && !hasWord(said, stem) {
			said = append(said, stem)
		}
	}
	return said
}

func hasWord(list []string, w string) bool {
	for _, x := range list {
		if x == w {
			return true
		}
	}
	return false
}
