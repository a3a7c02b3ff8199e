package feed

import "time"

// SourceDay is what a source has brought on one day, and how it was fetched.
type SourceDay struct {
	SourceID int64
	Day      time.Time // midnight, UTC

	// Entries, by what became of them; Rejected: kept out by a person.
	Published, Updated, Copies, Held, Rejected int
	// Fetches, by how they ended. A folder's scans count, too.
	Fetched, NotModified, Failed int
}

// Add adds what e counts to d.
func (d *SourceDay) Add(e SourceDay) {
	d.Published += e.Published
	d.Updated += e.Updated
	d.Copies += e.Copies
	d.Held += e.Held
	d.Rejected += e.Rejected
	d.Fetched += e.Fetched
	d.NotModified += e.NotModified
	d.Failed += e.Failed
}
