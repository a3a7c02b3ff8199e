package dedupe

import "cmp"

// Better tells which of an item's copies shall give its text, as long as nobody
// has seen it: the one whose source has the higher priority, then a full text
// before a summary, then the earlier one, then that of the source declared first.
func Better(lead, other Candidate) bool {
	switch a, b := lead.Known, other.Known; {
	case a.Priority != b.Priority:
		return b.Priority > a.Priority
	case Fuller(lead.Text, other.Text):
		return true
	case Fuller(other.Text, lead.Text):
		return false
	}
	return cmp.Or(other.Entry.When().Compare(lead.Entry.When()), cmp.Compare(other.Known.Position, lead.Known.Position)) < 0
}
