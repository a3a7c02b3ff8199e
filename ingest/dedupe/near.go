package dedupe

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// Candidate is a known entry with its text.
type Candidate struct {
	feed.Candidate
	Text Text
}

// Limits of what is near: one setting for every language and source. Shares
// are of shingles, lengths in words; an edit of one word touches four shingles,
// so that texts which agree to 85 % differ in one word of twenty-five.
const (
	nearShare     = 0.55 // Jaccard, of two sources
	restyledShare = 0.7  // from here on, "eight" is the figure 8
	plainShare    = 0.85 // from here on, it does not matter where the common text begins

	// A text of fewer than shortWords says too little by itself. Two such may
	// lie shortDays apart, for what is as short and comes again after a week
	// is another week's. If they agree word for word, only bulletins, which
	// are headlines and nothing else, have to.
	shortWords    = 50
	bulletinWords = 20
	shortDays     = 4
	shortShare    = 0.7
	shortSame     = 0.8 // with titles much alike, one of the two may lack a figure

	sameShare = 0.95 // Jaccard, of one source
	sameWords = 80

	summaryShare  = 0.8 // of the lesser text, that the greater has
	wholeShare    = 0.9 // likewise, of a short one or one under another title
	fewestShared  = 8   // shingles
	wrappedWords  = 25  // what a feed's wrapping is around, and
	wrappingWords = 25  // the wrapping
	nearlyAll     = 0.95

	// The common text begins within so many words: after a caption, a byline
	// and a dateline, not after a new lead.
	leadWithin = 40

	titleHardly    = 0.2 // of texts that are equal word for word
	titleAlike     = 0.4
	titleMuchAlike = 0.6
)

// Near judges an entry that is new by its identity, address and content key,
// against known entries that share marks with it: is it a copy of one of their
// items? The closest copy wins. The verdict is a copy or "new", as Decide's.
//
// Two entries have to lie at most [Window] apart, in whole days, and not to be
// in different languages. The rules:
//
//   - "near", of two sources: most shingles in common; not each with figures
//     that the other lacks, nor each with names, said twice, that the other
//     lacks (two texts of one form); below 85 % the common text begins near
//     the beginning of both. Publishers write their own headlines, so titles
//     do not count.
//   - "near", of one source, or of one host by two feeds: 80 words or more,
//     nearly word for word, with equal figures and titles much alike. What a
//     source tells again with other figures is another day's table, report or
//     column.
//   - "near short", under 50 words: like titles, nearly word for word, equal
//     figures and names, four days apart at most (a text of 20 words or more
//     that is equal word for word: any time in the window). Where titles are
//     much alike and the texts agree to 80 %, one of them may lack a figure.
//   - "summary of", of two sources: the lesser text lies in the greater almost
//     whole, from its beginning on, says no figure that the greater lacks, and
//     has a like title (of 50 words or more and to 90 %: any title).
//
// An entry is compared with each entry of an item, and not with its leading
// one alone, so that a full text joins by way of a twin where a summary leads.
// But it does not join an item of which any candidate contradicts it, by
// figures that each lacks: a chain of small changes must not make one item of
// different news.
func Near(e feed.Entry, text Text, candidates []Candidate) Verdict {
	mine := newIndex(text.shingles)
	found := make([]match, 0, len(candidates))
	for i := range candidates {
		if c := &candidates[i]; c.Known.ItemID != 0 && mayCopy(e, c.Entry) {
			found = append(found, judge(e, text, mine, c))
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(b.jaccard(), a.jaccard()) })
	for _, m := range found {
		if m.rule != "" && !contradicted(text, found, m.candidate.Known.ItemID) {
			return copyOf(&m.candidate.Known, m.rule, m.reason(text))
		}
	}
	return Verdict{Decision: feed.Decision{Kind: feed.Published, Rule: "new", Reason: newBy(found)}}
}

// mayCopy tells whether two entries can be copies at all.
func mayCopy(a, b feed.Entry) bool {
	return days(a.When(), b.When()) <= windowDays && sameLanguage(a.Language, b.Language)
}

// days is how many days lie between two times.
func days(a, b time.Time) int {
	d := dayOf(a) - dayOf(b)
	return max(d, -d)
}

// sameLanguage compares the main parts of two language tags (RFC 5646); what
// is not said is not different.
func sameLanguage(a, b string) bool {
	if a == "" || b == "" {
		return true
	}
	main := func(tag string) string {
		tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
		return tag
	}
	return main(a) == main(b)
}

// samePublisher tells whether two entries come from one source, or from one
// host by two feeds.
func samePublisher(e feed.Entry, c *Candidate) bool {
	if e.SourceID == c.Known.SourceID {
		return true
	}
	host := hostOf(e.Canonical)
	return host != "" && host == hostOf(c.Known.Canonical)
}

func hostOf(canonical string) string {
	if canonical == "" {
		return ""
	}
	u, err := url.Parse(canonical)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Host, "www.")
}

// match is what comparing with one candidate gave.
type match struct {
	candidate *Candidate
	likeness
	share     float64 // what the reason states
	rule      string  // "": no copy
	objection string  // why it is none, though most of the text is the same
}

// contradicted tells whether the text and any candidate of the item each have
// figures that the other lacks.
func contradicted(text Text, found []match, item int64) bool {
	return slices.ContainsFunc(found, func(m match) bool {
		return m.candidate.Known.ItemID == item && m.rule == "" && m.shared > 0 &&
			figuresThat(text, m.candidate.Text, m.likeness, inWords).both()
	})
}

// judge applies the rules to one candidate.
func judge(e feed.Entry, text Text, mine index, c *Candidate) match {
	m := match{candidate: c, likeness: compare(mine, newIndex(c.Text.shingles))}
	m.share = m.jaccard()
	if m.shared == 0 {
		return m
	}
	p := pair{text, c.Text, m.likeness}
	short := min(len(text.hashes), len(c.Text.hashes)) < shortWords
	switch {
	case samePublisher(e, c):
		m.rule, m.objection = "near", p.sameSource()
	case m.jaccard() < nearShare:
		m.rule, m.objection = "summary of", p.lesserFirst().summary()
		m.share = m.contained()
	case short:
		m.rule, m.objection = "near short", p.short(days(e.When(), c.Entry.When()))
	default:
		m.rule, m.objection = "near", p.near()
	}
	if m.objection != "" {
		m.rule = ""
	}
	return m
}

// pair is two texts and what they have in common. Its rules say what speaks
// against a copy, or "".
type pair struct {
	mine, theirs Text
	likeness
}

func (p pair) near() string {
	as := asWritten
	if p.jaccard() >= restyledShare {
		as = inWords
	}
	if d := figuresThat(p.mine, p.theirs, p.likeness, as); d.both() {
		return says(d)
	}
	if d := namesThat(p.mine, p.theirs, p.likeness, 2); d.both() {
		return says(d)
	}
	if p.jaccard() < plainShare && !p.beginAlike() {
		return "they begin differently"
	}
	return ""
}

func (p pair) short(days int) string {
	d := figuresThat(p.mine, p.theirs, p.likeness, inWords)
	names := namesThat(p.mine, p.theirs, p.likeness, 1)
	like := alike(p.mine.title, p.theirs.title)
	same := like >= titleMuchAlike && p.jaccard() >= shortSame
	switch {
	case days > shortDays && (p.jaccard() < 1 || len(p.mine.hashes) < bulletinWords):
		return "so short a text may be one that comes every week"
	case p.jaccard() < shortShare:
		return "so little text has to agree nearly word for word"
	case like < titleAlike && (p.jaccard() < 1 || like < titleHardly):
		return "so little text is no proof under another title"
	case d.both(), !d.none() && !same:
		return says(d)
	case !names.none():
		return says(names)
	}
	return ""
}

func (p pair) sameSource() string {
	d := figuresThat(p.mine, p.theirs, p.likeness, alsoWords)
	switch {
	case p.jaccard() < sameShare:
		return "one source has to say the same nearly word for word to have said it twice"
	case min(len(p.mine.hashes), len(p.theirs.hashes)) < sameWords:
		return "so short a text may be one that their source uses again and again"
	case alike(p.mine.title, p.theirs.title) < titleMuchAlike:
		return "their source gave them different titles"
	case !d.none():
		return says(d)
	}
	return ""
}

// summary sees mine as the summary: the caller turns the pair so.
func (p pair) summary() string {
	short := len(p.mine.hashes) < shortWords
	least := summaryShare
	if short {
		least = wholeShare
	}
	if p.shared < fewestShared || p.contained() < least && !p.inWrapping() {
		return "that is too little for a copy, and for a summary of it"
	}
	if p.theirCore.from > leadWithin || p.myCore.from > leadWithin/2 {
		return "what they have in common is not where they begin"
	}
	if like := alike(p.mine.title, p.theirs.title); like < titleAlike && (short || p.contained() < wholeShare) {
		return "they have other titles"
	}
	if d := figuresThat(p.mine, p.theirs, p.likeness, asWritten); len(d.mine) > 0 {
		return "only the shorter one says " + list(d.mine)
	}
	if short {
		if names := namesBut(p.mine, p.theirs, edge{core: p.myCore, added: [2]bool{true, true}}, 1); len(names) > 0 {
			return "only the shorter one says " + list(names)
		}
	}
	return ""
}

// inWrapping tells whether all of mine lies in the other but for what feeds
// wrap summaries in: a byline, "The post … appeared first on …".
func (p pair) inWrapping() bool {
	core := p.myCore.to - p.myCore.from
	return core >= wrappedWords && len(p.mine.hashes)-core <= wrappingWords &&
		float64(p.shared) >= nearlyAll*float64(core-shingleSize+1)
}

// lesserFirst turns a pair so that the lesser text is mine.
func (p pair) lesserFirst() pair {
	if len(p.mine.shingles) <= len(p.theirs.shingles) {
		return p
	}
	l := p.likeness
	l.myCore, l.theirCore = l.theirCore, l.myCore
	return pair{p.theirs, p.mine, l}
}

// beginAlike tells whether the common text begins near the beginning of both.
func (p pair) beginAlike() bool {
	return p.myCore.from <= leadWithin && p.theirCore.from <= leadWithin
}
