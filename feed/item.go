package feed

import "time"

// Item is what is published. It stands on one or more entries, the leading
// one of which gives its text.
type Item struct {
	RowID     int64
	ID        string // a UUID (RFC 9562, version 5), minted once; the public id is URN()
	Place     int64  // order of admission, 1, 2, 3 …; 0: not admitted yet
	Published time.Time
	Updated   time.Time // unique to the millisecond among items
	Admitted  time.Time
	Withdrawn time.Time // zero: live
	Hidden    bool      // by a person
	MergedID  string    // UUID of the item that it was merged into by a person; "": none
	StoryRow  int64     // 0: not decided yet
	StoryWhy  string    // why it is in its story, with others before it; "": it began it
	Founder   string    // UUID of the item that its story began with; "": not decided yet

	Entry  Entry  // the leading entry
	Source Source // of the leading entry
	Copies []Copy // its other entries, oldest first

	Coverage   []Cover // its story's other live items, newest first; lists give five at most
	Covered    int     // how many other live items there are in all
	Publishers int     // of its story
}

// URN is the item's public id.
func (i Item) URN() string { return "urn:uuid:" + i.ID }

// Live tells whether the item is shown.
func (i Item) Live() bool { return i.Place > 0 && i.Withdrawn.IsZero() && !i.Hidden }

// Copy is another place where an item was found.
type Copy struct {
	Source  string // the name to show
	URL     string // "" for a file
	Title   string
	Private bool // of a private source, or an address with user info: in no public output
}
