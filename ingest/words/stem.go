package words

import "strings"

// Stem takes the plural's ending off an English word, by the rules of Harman's
// S-stemmer ("How effective is suffixing?", JASIS 42, 1991): it joins "troops"
// with "troop" and, unlike stronger stemmers, never two different words.
func Stem(w string) string {
	if len(w) < 4 {
		return w
	}
	switch {
	case strings.HasSuffix(w, "ies") && !strings.HasSuffix(w, "eies") && !strings.HasSuffix(w, "aies"):
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "es") && !strings.HasSuffix(w, "aes") && !strings.HasSuffix(w, "ees") && !strings.HasSuffix(w, "oes"):
		return w[:len(w)-1]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "ss"):
		return w[:len(w)-1]
	}
	return w
}

// IsStop tells whether a word is one of the English words that hold sentences
// together and say nothing of their subject.
func IsStop(w string) bool { return stops[w] }

var stops = setOf(`a about above after again against all almost also although always am among an and another any anyone anything are around as at
	back be became because become been before being below between both but by came can cannot come could did didn't do does doesn't doing don't done down during
	each either else even ever every few first for from further get gets getting give given go goes going gone got had hadn't has hasn't have haven't having he he'd he'll her here hers
	herself him himself his how however i i'd i'll i'm i've if in into is isn't it it'll itself just last least less let like likely made make makes many may maybe me might more
	most much must my myself near never new next no nor not now of off often on once one only onto or other others our ours out over own per perhaps put rather really said same
	say saying says see seen several shall she she'd she'll should since so some someone something still such take taken than that the their theirs them themselves then there these
	they they'd they'll they've thing things this those though through thus to together told too took toward towards two under until up upon us use used using very via want was wasn't way we we'd
	we'll we're we've well went were weren't what when where whether which while who whom whose why will with within without won't would wouldn't yes yet you you'd you'll you're
	you've your yours yourself`)
