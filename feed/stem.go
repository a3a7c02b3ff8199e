package feed

import "strings"

// Stem takes the plural's ending off an English word, so that who searches for
// "troops" finds "troop", too. Others lose an "s" as well: what matters is that a text
// and a search lose the same.
func Stem(w string) string {
	has := func(end string) bool { return strings.HasSuffix(w, end) }
	switch {
	case len(w) < 4, has("us"), has("ss"):
		return w
	case has("ies") && !has("eies") && !has("aies"):
		return strings.TrimSuffix(w, "ies") + "y"
	}
	return strings.TrimSuffix(w, "s")
}
