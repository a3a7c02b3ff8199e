package feed

import (
	"time"

	"github.com/google/uuid"
)

// Story is several items, by different writers, about the same event. Each
// item belongs to one, if only to its own.
type Story struct {
	RowID      int64
	Founder    string    // UUID of the item that it began with
	Updated    time.Time // when its coverage last grew by a publisher; unique to the millisecond among stories
	Publishers int       // different publishers that carry it, copies included
	Items      []Item    // the live ones, the leading one first, then newest first
}

// storySpace is the UUID namespace of story ids (RFC 9562, 5.5). It never changes.
var storySpace = uuid.MustParse("b1f6c1a3-3d2e-5a57-8d0c-5a0f7c9e4d12")

// ID is the story's UUID, made from the item that it began with.
func (s Story) ID() string { return uuid.NewSHA1(storySpace, []byte(s.Founder)).String() }

// URN is the story's public id.
func (s Story) URN() string { return "urn:uuid:" + s.ID() }

// Cover is an item of a story, as it is named with the story's other items.
type Cover struct {
	ID        string // the item's UUID
	Title     string
	Source    string // the name to show
	URL       string // where it is to be read; "" for a file
	Published time.Time
	Private   bool // as of [Copy]
}

// Mark is a key under which an entry is found by what it says. Who makes the
// key puts the day from which it counts, in days since 1970, into the bits
// above the lowest 47, so that marks of one time lie together and old ones can be dropped.
type Mark struct {
	Key     int64
	EntryID int64
}

// MarkBits is how many bits of a mark's key lie below the day.
const MarkBits = 47

// Candidate is a known entry with its text, to be compared with a new one.
type Candidate struct {
	Known Known
	Entry Entry
}

// When is the time that an entry counts from: its publication, or, if that is
// not known, its first sight.
func (e Entry) When() time.Time {
	if e.Published.IsZero() {
		return e.FirstSeen
	}
	return e.Published
}

// Sketch is what decides which story an item belongs to.
type Sketch struct {
	EntryID  int64 // the entry that leads the item
	ItemRow  int64
	StoryRow int64 // 0: none yet
	SourceID int64
	When     time.Time
	Language string
	Terms    []byte // see package story; nil: the entry was not sketched
}

// Correction is what a person has put right about an item.
type Correction struct {
	Kind  string  // "split": the entry was taken out of the item; "merge": the other item was put into it
	Item  string  // UUID
	Other string  // UUID of the item that the split made, or that the merge ended
	Entry int64   // of a split; of a merge, the entry that led the other item
	Moved []int64 // of a merge: the entries of the other item
	At    time.Time
}
