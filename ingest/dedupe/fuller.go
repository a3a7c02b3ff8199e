package dedupe

const (
	summaryWords = 100 // a text of fewer is a summary
	fullWords    = 150 // a text of so many is a full one
)

// Fuller tells whether other is the full text of what lead only sums up. They
// are copies of each other. It asks for a difference in kind, so that of two
// full texts, and of two summaries, neither is the fuller one and the lead
// stays where it is: for no two texts both Fuller(a, b) and Fuller(b, a).
func Fuller(lead, other Text) bool {
	return len(lead.body.Words) < summaryWords && len(other.body.Words) >= fullWords
}
