package feed

import "time"

// Document is the bytes that one fetch or one file gave.
type Document struct {
	URL       string // where it came from after redirects; a folder's file: its path below the folder
	MediaType string // as the server said it, parameters included; a file: by its extension
	Body      []byte // decompressed
	ModTime   time.Time
}

// RawEntry is an entry as its source said it: strings untouched but decoded
// to UTF-8, nothing resolved, nothing sanitised.
type RawEntry struct {
	GUID       string // RSS guid, Atom id, JSON Feed id; a file: its path below the folder
	Link       string
	OrigLink   string // feedburner:origLink
	Base       string // xml:base in force, "" if none
	Title      Text
	Summary    Text
	Content    Text
	Authors    []Person
	Categories []string
	Published  string // the date as the source wrote it
	Updated    string
	Language   string
	Enclosures []Enclosure
	Image      string
	Comments   string // RSS comments: address of the discussion
	Origin     SourceRef
	Extra      Extra

	// Of a file: dates are found by rules that know more than a date string does.
	PublishedAt   time.Time // zero: parse Published instead
	PublishedFrom string    // where PublishedAt came from, e.g. "front matter"
	UpdatedAt     time.Time // likewise for Updated (a file's time)
}

// Text is a piece of text with its markup named.
type Text struct {
	Value string
	HTML  bool // false: plain text
	Cut   bool // it was over the limit, and was cut
}

// Person is an author (RFC 4287, 3.2).
type Person struct {
	Name  string `json:"name,omitempty"`
	URL   string `json:"url,omitempty"`
	Email string `json:"email,omitempty"`
}

// Enclosure is a file that belongs to an entry (RSS enclosure, Atom
// rel=enclosure, media:content, JSON Feed attachment).
type Enclosure struct {
	URL      string `json:"url"`
	Type     string `json:"type,omitempty"`
	Length   int64  `json:"length,omitempty"`   // bytes, 0: not said
	Duration int64  `json:"duration,omitempty"` // seconds, 0: not said
	Title    string `json:"title,omitempty"`
}

// SourceRef is the feed that an aggregated entry names as its origin
// (Atom source, RSS source).
type SourceRef struct {
	Title string `json:"title,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Extra carries what only some output formats have a place for.
type Extra struct {
	InReplyTo string `json:"in_reply_to,omitempty"` // thr:in-reply-to, RFC 4685
	GeoPoint  string `json:"geo_point,omitempty"`   // georss:point, "lat lon"
	Rights    string `json:"rights,omitempty"`
}

// Entry is what one source said, normalised: UTC dates, absolute URLs,
// balanced and safe HTML, plain text where text is meant.
type Entry struct {
	ID       int64
	SourceID int64
	ItemID   int64 // the item it supports; 0: none (held, rejected)

	Identity string // within the source: "id:GUID", "url:CANONICAL", "text:HASH" or "file:PATH"
	Keys     Keys
	Decision Decision

	Title     string // plain text
	URL       string // absolute; "" for a file without one
	Canonical string // URL canonicalised (package dedupe); "" as URL
	Summary   string // plain text, at most 300 characters; never equal to the content's text
	Content   string // HTML, sanitised; "" if the source gave none
	Text      string // plain text of the content, or of the summary in full; only of an entry just cleaned, not stored
	Language  string
	Authors   []Person
	Details   Details

	Published     time.Time // as the source said, UTC; zero: not said, or not to be believed
	PublishedFrom string    // where Published came from: "feed", "front matter", "date line", "caption", "file time"
	Updated       time.Time // likewise; zero: not said
	FirstSeen     time.Time
	Unlisted      time.Time // when the source's document ceased to list it; zero: listed
}

// Details are the parts of an entry that no query asks for; stored as one JSON value.
type Details struct {
	Categories []string    `json:"categories,omitempty"`
	Enclosures []Enclosure `json:"enclosures,omitempty"`
	Image      string      `json:"image,omitempty"`
	Comments   string      `json:"comments,omitempty"`
	Origin     SourceRef   `json:"origin,omitzero"`
	Extra      Extra       `json:"extra,omitzero"`
	Cut        bool        `json:"cut,omitempty"` // content was cut at the size limit
	FullText   FullText    `json:"full_text,omitzero"`
}

// FullText is how an entry of a source with the option came by its text.
type FullText struct {
	// Note says whether the text is the page's, and if not why, for people:
	// "taken from the page", "not taken: robots.txt of example.org forbids it".
	Note string `json:"note,omitempty"`
	// Said is, where the text is the page's, the key Shown of what the feed
	// itself said: while that stays, so does the text. 0: the text is the feed's.
	Said int64 `json:"said,omitempty"`
	// Read is when the page was read last.
	Read time.Time `json:"read,omitzero"`
}

// Keys recognise an entry. Each is the first 64 bits of a SHA-256 as a signed
// integer; 0 means there is none.
type Keys struct {
	Identity int64 // of Entry.Identity
	Raw      int64 // of all that the source said, before cleaning, with the cleaner's version
	URL      int64 // of Canonical
	Content  int64 // of the normalised body text, if it has 200 characters or more
	Shown    int64 // of what a reader sees (title and content's text): an update moves it
}

// Known is what the store knows of an entry: enough to recognise it and to
// decide about a copy of it.
type Known struct {
	EntryID   int64
	SourceID  int64
	ItemID    int64
	Keys      Keys
	Canonical string
	Decision  DecisionKind
	Position  int       // of its source
	Priority  int       // of its source
	When      time.Time // as of [Entry.When]
	Seen      time.Time // first
	Listed    bool      // in its source's current document
	Private   bool      // its source is; told of a [Candidate] only
	File      bool      // of a folder: when it is no longer listed, it supports nothing
}

// Gone tells whether the entry is a file that was taken out of its folder.
// What a feed has once said stands, whether it still lists it or not.
func (k Known) Gone() bool { return k.File && !k.Listed }
