package feed

import (
	"strings"
	"time"
)

// Incident is something that whoever runs the feed should look at: it begins,
// changes and ends, and stays one entry of a feed all the while.
type Incident struct {
	ID      string // a UUID, minted when it began
	Kind    IncidentKind
	Subject string    // what of that kind, such as a source's slug; see the kinds
	Began   time.Time // when it was noticed
	Ended   time.Time // zero: it goes on
	Updated time.Time // unique to the millisecond; the store sees to that
	Title   string    // "The Gazette is gone"
	Text    string    // what is known and what to do; paragraphs stand apart by an empty line
	Outcome string    // how it ended, "It works again."; "" while it goes on, and of what was over at once
}

// IncidentKind says what an incident is about.
type IncidentKind string

// The kinds of incident.
const (
	SourceTrouble  IncidentKind = "source"      // subject: the slug
	SourceMoved    IncidentKind = "moved"       // subject: the slug, a space, the new address
	CertificateEnd IncidentKind = "certificate" // subject: the host
	DiskFull       IncidentKind = "disk"
	DatabaseDamage IncidentKind = "database"
	RenderingFails IncidentKind = "rendering"
	RunBroken      IncidentKind = "run" // subject: the run's ID
)

// Open tells whether it goes on.
func (i Incident) Open() bool { return i.Ended.IsZero() }

// Heading is the title, with the news that it is over.
func (i Incident) Heading() string {
	if i.Outcome != "" {
		return "Over: " + i.Title
	}
	return i.Title
}

// Paragraphs are what there is to say, the newest first.
func (i Incident) Paragraphs() []string {
	var all []string
	for _, p := range strings.Split(i.Text, "\n\n") {
		all = append(all, line(p))
	}
	if i.Outcome != "" {
		all = append([]string{i.Outcome + " That was seen on " + moment(i.Ended) + "."}, all...)
	}
	return all
}

// Path is the page about it, below the base URL.
func (i Incident) Path() string {
	subject, _, _ := strings.Cut(i.Subject, " ")
	switch i.Kind {
	case SourceTrouble, SourceMoved:
		return "/sources/" + subject
	case RunBroken:
		return "/runs/" + subject
	}
	return "/ops#" + i.ID
}

// Ops is the site of its feed of incidents, which is for who runs it.
func (s Site) Ops() Site { return s.part("ops", ": operation") }

// incidentView is an incident as an entry of a feed.
func (s Site) incidentView(i *Incident) view {
	v := view{
		id:         "urn:uuid:" + i.ID,
		title:      line(i.Heading()),
		link:       s.absolute(i.Path()),
		published:  i.Began,
		updated:    i.Updated,
		categories: categoriesOf([]string{string(i.Kind)}),
		incident:   i,
	}
	v.heading = v.title
	for _, p := range i.Paragraphs() {
		v.content += "<p>" + htmlEscaper.Replace(p) + "</p>"
	}
	return v
}

// moment is a time for people, in UTC: an incident's words are the same for all.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006 at 15:04 UTC") }
