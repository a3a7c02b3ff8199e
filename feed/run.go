package feed

import "time"

// RunRequest asks for an ingest.
type RunRequest struct {
	Trigger string   // "schedule", "command", "api", "signal", "folder", "start", "push"
	Sources []string // slugs; none: all
	Force   bool     // also sources that are not due by our own interval
}

// Report tells what a run did. Its JSON form is the API's.
type Report struct {
	ID       string         `json:"id"`
	Trigger  string         `json:"trigger"`
	State    string         `json:"state"` // "running", "done", "failed" (did not finish)
	Started  time.Time      `json:"started"`
	Finished time.Time      `json:"finished,omitzero"`
	Total    int            `json:"total"` // sources asked for
	Done     int            `json:"done"`  // of these finished
	Counts   Counts         `json:"counts"`
	Sources  []SourceReport `json:"sources"`
	Error    string         `json:"error,omitempty"`
}

// Failed counts the sources that failed.
func (r Report) Failed() int {
	n := 0
	for _, s := range r.Sources {
		if s.Outcome == OutcomeFailed {
			n++
		}
	}
	return n
}

// Shared tells whether the report names the processes that had its sources.
func (r Report) Shared() bool {
	for _, s := range r.Sources {
		if s.Worker != "" {
			return true
		}
	}
	return false
}

// Counts adds up decisions.
type Counts struct {
	Published int `json:"published"`
	Updated   int `json:"updated"`
	Copies    int `json:"copies"`
	Held      int `json:"held"`
	Unchanged int `json:"unchanged"`
	Withdrawn int `json:"withdrawn"`
}

// Add adds d to c.
func (c *Counts) Add(d Counts) {
	c.Published += d.Published
	c.Updated += d.Updated
	c.Copies += d.Copies
	c.Held += d.Held
	c.Unchanged += d.Unchanged
	c.Withdrawn += d.Withdrawn
}

// Changed tells whether anything came of it that a reader would see.
func (c Counts) Changed() bool { return c.Published+c.Updated+c.Copies+c.Withdrawn > 0 }

// Outcome is how a source fared in a run.
type Outcome string

// The outcomes of a source in a run.
const (
	OutcomeOK          Outcome = "ok"
	OutcomeNotModified Outcome = "not modified"
	OutcomeNotDue      Outcome = "not due"
	OutcomeDisabled    Outcome = "disabled"
	OutcomeFailed      Outcome = "failed"
)

// SourceReport tells what a run did with one source.
type SourceReport struct {
	Source    string    `json:"source"` // slug
	Name      string    `json:"name"`
	Outcome   Outcome   `json:"outcome"`
	Status    Status    `json:"status"`
	Counts    Counts    `json:"counts"`
	Bytes     int64     `json:"bytes"`
	Millis    int64     `json:"ms"`
	NextDue   time.Time `json:"next_due,omitzero"`
	DueReason string    `json:"due_reason,omitempty"`
	Error     string    `json:"error,omitempty"`
	Worker    string    `json:"worker,omitempty"` // the process that had it, where there are several
	// Amends: only Counts are said, to be added to what was said of the source before.
	Amends bool `json:"-"`
}
