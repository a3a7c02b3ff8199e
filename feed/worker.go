package feed

import "time"

// Worker is a process among several that share a database, as people see it.
type Worker struct {
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Since   time.Time `json:"since"`   // it has been among them without a break
	Seeds   bool      `json:"seeds"`   // it sees the seeds folder
	Sources int       `json:"sources"` // that it works on now
}
