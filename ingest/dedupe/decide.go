package dedupe

import (
	"fmt"
	"strings"

	"tributary/feed"
)

// Verdict is what Decide found.
type Verdict struct {
	Decision feed.Decision
	Same     *feed.Known // the entry is this one under a new identity: update it
	Copy     *feed.Known // the entry is a copy of this one's item
}

// Decide judges an entry whose identity its source has not used before.
// candidates are known entries that share the entry's URL or content key, oldest
// first; they may include ones that merely collide, and held ones, of which the
// entry can be the new self but not a copy.
func Decide(e feed.Entry, candidates []feed.Known) Verdict {
	var byContent *feed.Known
	for i := range candidates {
		k := &candidates[i]
		switch {
		case sameURL(e, *k) && k.SourceID == e.SourceID:
			if v, ok := sameSource(e, k); ok {
				return v
			}
		case k.ItemID == 0: // held: there is nothing to be a copy of
		case sameURL(e, *k):
			return copyOf(k, "url", "The same address, "+e.Canonical+", came from another source first.")
		case byContent == nil && sameContent(e, *k):
			byContent = k
		}
	}
	if byContent != nil {
		return copyOf(byContent, "content", "Its text is equal, word for word, to one that was there first.")
	}
	return Verdict{Decision: feed.Decision{Kind: feed.Published, Rule: "new",
		Reason: "No other entry has its id, its address or its text."}}
}

func sameURL(e feed.Entry, k feed.Known) bool {
	return e.Keys.URL != 0 && e.Keys.URL == k.Keys.URL && e.Canonical == k.Canonical
}

// notice is the length, in bytes of HTML, under which a text may be a form that
// is filled in alike a second time: "Fed adds reserves".
const notice = 800

// sameContent asks for the title as well within one feed: a publisher's
// standing text (a notice, a table) may come back under many titles. Files
// have no such publisher.
func sameContent(e feed.Entry, k feed.Known) bool {
	if e.Keys.Content == 0 || e.Keys.Content != k.Keys.Content || len(e.Content) < notice && apart(e, k) > windowDays {
		return false
	}
	isFile := strings.HasPrefix(e.Identity, filePrefix)
	return isFile || k.SourceID != e.SourceID || k.Keys.Shown == e.Keys.Shown
}

// apart is how many days lie between two entries: by their dates, or by when
// they were first seen, if that is less, for dates may be missing.
func apart(e feed.Entry, k feed.Known) int {
	return min(days(e.When(), k.When), days(e.FirstSeen, k.Seen))
}

// sameSource judges two entries of one source with one address. When the
// known one has left the document, its id has changed (a new guid scheme).
// When both are listed they are two things at one address, unless they read
// the same. An address with a fragment is a part of a page (a live blog's
// posts) and says nothing.
func sameSource(e feed.Entry, k *feed.Known) (Verdict, bool) {
	switch {
	case k.Keys.Shown == e.Keys.Shown && k.Listed && k.ItemID != 0:
		return copyOf(k, "url", "Its source lists it twice, with the same address, title and text."), true
	case strings.Contains(e.URL, "#") || k.Listed:
		return Verdict{}, false
	}
	return Verdict{Same: k, Decision: feed.Decision{Kind: feed.Updated, Rule: "identity",
		Reason: fmt.Sprintf("Its source gave it a new id; the address, %s, is the same.", e.Canonical)}}, true
}

func copyOf(k *feed.Known, rule, reason string) Verdict {
	return Verdict{Copy: k, Decision: feed.Decision{Kind: feed.CopyOf, Rule: rule, Reason: reason}}
}
