package feed

// DecisionKind says what became of an entry.
type DecisionKind string

// The decisions.
const (
	Published DecisionKind = "published" // it founded an item
	CopyOf    DecisionKind = "copy"      // it supports an item that another entry founded
	Held      DecisionKind = "held"      // kept, not shown: off topic, by rule, backlog
	Rejected  DecisionKind = "rejected"  // a person said no
	Updated   DecisionKind = "updated"   // of one sighting: a known entry changed
	Unchanged DecisionKind = "unchanged" // of one sighting: a known entry, as before
)

// Decision is what became of an entry, and why.
type Decision struct {
	Kind   DecisionKind
	Rule   string // short and stable, for machines: "new", "identity", "url", "content", "backlog", "hidden" …
	Reason string // a sentence for a person, with its evidence
}
