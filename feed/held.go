package feed

import (
	"fmt"
	"time"
)

// Grounds says in a word or two why an entry is held: "off topic". It reads
// on from "held as" and stands alone.
func (d Decision) Grounds() string {
	switch d.Rule {
	case "topic":
		return "off topic"
	case "topic doubtful":
		return "doubtful"
	case "rule":
		return "ruled out"
	case "language":
		return "in another language"
	case "backlog":
		return "backlog"
	}
	return d.Rule
}

// Held is the site of its feed of what was held, which is not for everybody.
func (s Site) Held() Site { return s.part("held", ": held") }

// HeldURL is the address of the page of held entries that begins with this one.
func (s Site) HeldURL(entryID int64) string {
	return fmt.Sprintf("%s/held?before=%d#entry-%d", s.BaseURL, entryID+1, entryID)
}

// heldRef says why an entry is held.
type heldRef struct {
	rule, reason, page string
	score              float64
	scored             bool
}

// heldView is a held entry as an entry of a feed, with why it is held above
// its text. What has no address of its own leads to the page of held entries.
func (s Site) heldView(h *HeldEntry) view {
	e, page := h.Entry, s.HeldURL(h.Entry.ID)
	if address(e.URL) == "" {
		e.URL = page
	}
	v := s.view(&Item{
		ID:    nameUUID(fmt.Sprintf("%s#entry-%d", s.urn(), e.ID)),
		Entry: e, Source: h.Source,
		Published: e.When(), Updated: heldAt(e), Admitted: e.FirstSeen,
	})
	v.held = &heldRef{
		rule: e.Decision.Rule, reason: line(e.Decision.Reason), page: page,
		score: h.Score.Value, scored: h.Score.Profile != 0,
	}
	v.note = v.held.html(e.Decision.Grounds())
	return v
}

// heldAt dates a held entry: by when it was first seen, made unique within the
// feed by its number, for a validator wants no two entries updated at once and a
// run sees thousands in one moment. It stays what it is.
func heldAt(e Entry) time.Time {
	const window = 100_000 // ms, and entries in a row
	return e.FirstSeen.Add(time.Duration(e.ID%window-window) * time.Millisecond)
}

// html says why, and leads to where the entry can be let in.
func (h *heldRef) html(grounds string) string {
	said := "Held: " + grounds
	if h.scored {
		said += fmt.Sprintf(", score %.3f", h.score)
	}
	return "<p><strong>" + htmlEscaper.Replace(line(said)) + ".</strong> " + htmlEscaper.Replace(h.reason) + " " + anchor("Look it over", h.page) + "</p>"
}
