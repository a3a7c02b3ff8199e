package feed

import "time"

// Score is how near an entry is to the topic.
type Score struct {
	EntryID int64
	Value   float64 // 0 to 1, in thousandths as it is stored
	Profile int64   // the version of the profile that it is of
	Why     string  // a sentence for people, with the terms that made it
}

// Profile is a version of what the topic's entries look like.
type Profile struct {
	Version int64 // 1, 2, 3 …; 0: there is none
	Made    time.Time
	From    string // what it was learned from: equal, if that is unchanged
	Data    []byte // see package topic
}

// Verdict is what a person has said about an entry.
type Verdict string

// The verdicts.
const (
	Accepted Verdict = "accepted" // it is on topic: it shall be published
	Refused  Verdict = "refused"  // it is not
)

// Judgement is a verdict on an entry.
type Judgement struct {
	EntryID int64
	Verdict Verdict
	At      time.Time
}

// JudgedEntry is an entry that a person has decided about.
type JudgedEntry struct {
	Entry     Entry
	Judgement Judgement
}

// HeldEntry is an entry that was kept, not shown, with its score.
type HeldEntry struct {
	Entry   Entry
	Source  Source
	Score   Score
	Verdict Verdict // a person's; "": nobody has decided
}

// ReaderKey lets somebody read what is not for everybody: of the key itself
// only a hash is stored.
type ReaderKey struct {
	Name string
	Made time.Time
}
