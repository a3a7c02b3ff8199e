package feed

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Facts are what can be seen of an installation at one moment. What was not
// looked at is nil or zero: nothing is concluded from it.
type Facts struct {
	Sources      []Source
	Certificates []Certificate // of the hosts of sources that are asked
	Disk         *Disk
	Database     *Finding
	Rendering    *Finding
	Broken       []Report // runs of late that did not finish
}

// Finding is what a look at something brought: "" is well.
type Finding struct{ Fault string }

// Certificate is what a host last showed; zero times: it has shown none yet.
type Certificate struct {
	Host        string
	From, Until time.Time
}

// Disk is the room where the data is, in bytes.
type Disk struct{ Free, Total uint64 }

const (
	failingFor    = 24 * time.Hour      // since its last success, until a source's failing is told
	failuresTwice = 2                   // in a row: one may be chance
	neverWorked   = 3                   // failures of a source that never succeeded
	toldAgain     = 24 * time.Hour      // between changes of words alone
	incidentsKept = 90 * 24 * time.Hour // after their end
)

// Incidents are what Decide made of them.
type Incidents struct {
	Save   []Incident // new ones, and those that changed or ended
	Forget []string   // IDs of those that ended long ago
}

// None tells that nothing is to be done.
func (n Incidents) None() bool { return len(n.Save)+len(n.Forget) == 0 }

// Decide tells what has begun, changed and ended by the facts, of what is known.
// Known may hold more than goes on: what was told once is not told again.
func Decide(now time.Time, facts Facts, known []Incident) (n Incidents) {
	going, unsure := facts.going(now, known)
	for _, i := range known {
		key := i.key()
		want, on := going[key]
		switch {
		case !i.Open():
			continue
		case on:
			if next, changed := i.now(want, now); changed {
				n.Save = append(n.Save, next)
			}
		case !unsure(i):
			i.Ended, i.Outcome = now, facts.outcome(i)
			n.Save = append(n.Save, i)
		}
		delete(going, key)
	}
	for _, key := range slices.SortedFunc(maps.Keys(going), incidentKey.compare) {
		n.Save = append(n.Save, begin(going[key], now))
	}
	events := facts.events()
	for _, e := range events {
		if !slices.ContainsFunc(known, e.like) {
			e = begin(e, now)
			e.Ended = now
			n.Save = append(n.Save, e)
		}
	}
	for _, i := range known {
		if !i.Open() && i.Ended.Before(now.Add(-incidentsKept)) && !slices.ContainsFunc(events, i.like) {
			n.Forget = append(n.Forget, i.ID)
		}
	}
	return n
}

// incidentKey is what one incident at a time goes on about.
type incidentKey struct {
	kind    IncidentKind
	subject string
}

func (i Incident) key() incidentKey { return incidentKey{i.Kind, i.Subject} }

func (i Incident) like(other Incident) bool { return i.key() == other.key() }

func (k incidentKey) compare(other incidentKey) int {
	return cmp.Or(cmp.Compare(k.kind, other.kind), cmp.Compare(k.subject, other.subject))
}

// begin mints the incident's ID: of what it is about, and when it began.
func begin(i Incident, now time.Time) Incident {
	i.ID, i.Began = nameUUID(fmt.Sprintf("incident %s %s %d", i.Kind, i.Subject, now.UnixMilli())), now
	return i
}

// now is the incident in the words of today. Errors differ from one look to the
// next: that alone is told once a day.
func (i Incident) now(want Incident, now time.Time) (next Incident, changed bool) {
	same := i.Title == want.Title
	if same && (i.Text == want.Text || now.Sub(i.Updated) < toldAgain) {
		return i, false
	}
	i.Title, i.Text = want.Title, want.Text
	return i, true
}

// going is what the facts say goes on, and tells of which incidents nothing can
// be said.
func (f Facts) going(now time.Time, known []Incident) (going map[incidentKey]Incident, unsure func(Incident) bool) {
	going = map[incidentKey]Incident{}
	add := func(i Incident, on bool) {
		if on {
			going[i.key()] = i
		}
	}
	for _, src := range f.Sources {
		add(troubleOf(src, now))
	}
	unseen := map[string]bool{}
	for _, c := range f.Certificates {
		unseen[c.Host] = c.Until.IsZero()
		add(c.incident(now))
	}
	full := slices.ContainsFunc(known, func(i Incident) bool { return i.Kind == DiskFull && i.Open() })
	if f.Disk != nil {
		add(diskIncident, f.Disk.short(full))
	}
	if f.Database != nil {
		add(databaseIncident(f.Database.Fault), f.Database.Fault != "")
	}
	if f.Rendering != nil {
		add(renderingIncident(f.Rendering.Fault), f.Rendering.Fault != "")
	}
	return going, func(i Incident) bool {
		switch i.Kind {
		case SourceTrouble: // it goes on until a fetch succeeds
			return slices.ContainsFunc(f.Sources, func(src Source) bool {
				return src.Slug == i.Subject && src.Enabled && src.State.Failures > 0
			})
		case CertificateEnd:
			return unseen[i.Subject]
		case DiskFull:
			return f.Disk == nil
		case DatabaseDamage:
			return f.Database == nil
		case RenderingFails:
			return f.Rendering == nil
		}
		return false
	}
}

// events are what is over at once.
func (f Facts) events() (all []Incident) {
	for _, src := range f.Sources {
		if to := src.State.FetchURL; src.Enabled && to != "" && to != src.URL {
			all = append(all, moved(src))
		}
	}
	for _, r := range f.Broken {
		all = append(all, Incident{
			Kind: RunBroken, Subject: r.ID, Title: "A run broke off on " + moment(r.Started),
			Text: sentence(r.Error) + "\n\nWhat it had stored by then stays, and the next run looks for the rest. If this happens again, look into the log.",
		})
	}
	return all
}

// outcome says how an incident ended.
func (f Facts) outcome(i Incident) string {
	switch i.Kind {
	case SourceTrouble:
		at := slices.IndexFunc(f.Sources, func(src Source) bool { return src.Slug == i.Subject })
		switch {
		case at < 0:
			return "The source was removed."
		case !f.Sources[at].Enabled:
			return "The source was switched off."
		case f.Sources[at].State.LastSuccess.Before(i.Began):
			return "The source was changed and is asked anew."
		}
		return "It works again."
	case CertificateEnd:
		if slices.ContainsFunc(f.Certificates, func(c Certificate) bool { return c.Host == i.Subject }) {
			return "The certificate was renewed."
		}
		return "No source is asked there any more."
	case DiskFull:
		return "There is room again."
	case DatabaseDamage:
		return "A later check found nothing wrong."
	case RenderingFails:
		return "The feed is rendered again."
	}
	return "It is over."
}

// certificateRefused begins what fetching says when TLS fails.
const certificateRefused = "no secure connection to "

// troubleOf is what is wrong with a source, if it is worth a person's time. One
// failure may be chance, and a day of them the publisher's Sunday.
func troubleOf(src Source, now time.Time) (i Incident, on bool) {
	s := src.State
	i = Incident{Kind: SourceTrouble, Subject: src.Slug}
	say := func(title, todo string) (Incident, bool) {
		i.Title, i.Text = label(src.Title())+" "+title, sentence(s.Error)+"\n\n"+todo
		return i, true
	}
	again := s.Failures >= failuresTwice
	long := s.LastSuccess.IsZero() && s.Failures >= neverWorked || !s.LastSuccess.IsZero() && now.Sub(s.LastSuccess) >= failingFor
	switch {
	case !src.Enabled:
		return i, false
	case s.Status == StatusGone:
		return say("is gone", "Its server says that it will not come back, so it is not asked any more. Look on its site for another feed, or remove the source.")
	case s.Status == StatusNotFeed && again:
		return say("is not a feed", "Something else answers at its address. Look on its site for where the feed is now, and change the address.")
	case s.Status == StatusBlocked && again:
		return say("does not let us in", "If it wants a password or a header, see Secrets in docs/configuration.md; else ask its owner to let feed readers in, or look for another feed of theirs.")
	case again && strings.HasPrefix(s.Error, certificateRefused):
		return say("cannot be reached safely", "Its owner has to put that right; tell them. It is tried again by itself.")
	case again && long && (s.Status == StatusFailing || s.Status == StatusLimited):
		return say(since(s.LastSuccess), todoOf(src))
	}
	return i, false
}

func since(lastSuccess time.Time) string {
	if lastSuccess.IsZero() {
		return "has never worked"
	}
	return "has failed since " + moment(lastSuccess)
}

func todoOf(src Source) string {
	switch {
	case src.Kind == KindFolder:
		return "See that the folder is there, and that the program may read it. Its items stay."
	case src.State.Status == StatusLimited:
		return "It is asked again when its server allows. If this lasts, ask it less often: set “every” of the source to 6h, say."
	}
	return "It is tried again by itself, ever more seldom. See whether its site still has the feed: “tributary source test " + src.Slug + "” shows what comes back, step by step."
}

// moved tells that a source is asked at another address than it was given.
func moved(src Source) Incident {
	to := Redacted(src.State.FetchURL)
	todo := "Put the new address into the configuration, in place of the old one, for the day on which that stops to redirect."
	switch src.Origin {
	case OriginAdded:
		todo = "Change its address on its page, under Sources, for the day on which the old one stops to redirect."
	case OriginEnv:
		todo = "Put the new address into TRIBUTARY_SOURCES, in place of the old one, for the day on which that stops to redirect."
	}
	return Incident{
		Kind: SourceMoved, Subject: src.Slug + " " + to, Title: label(src.Title()) + " has moved",
		Text: "Its server has said for days that it is now at " + to + ", and not at " + Redacted(src.URL) + " any more. It is asked there.\n\n" + todo,
	}
}

// A certificate is spoken of two weeks before its end, one of few days in the last
// fifth of its life: those are renewed late.
const (
	certificateSoon = 14 * 24 * time.Hour
	certificateLast = 5
)

func (c Certificate) incident(now time.Time) (i Incident, on bool) {
	soon := min(certificateSoon, c.Until.Sub(c.From)/certificateLast)
	return Incident{
		Kind: CertificateEnd, Subject: c.Host, Title: "The certificate of " + c.Host + " runs out on " + moment(c.Until),
		Text: "If its owner does not renew it by then, the sources there cannot be reached safely any more.\n\nTell the owner. Nothing needs to be changed here.",
	}, !c.Until.IsZero() && c.Until.Sub(now) < soon
}

// There is a little more room needed to call the disk free again than to call it
// full: else the entry would come and go with every run.
const (
	diskLeast, diskAgain       = 500 << 20, 600 << 20 // bytes
	diskLeastPart, diskEnoughs = 20, 16               // parts of the whole
)

func (d Disk) short(already bool) bool {
	least, part := uint64(diskLeast), uint64(diskLeastPart)
	if already {
		least, part = diskAgain, diskEnoughs
	}
	return d.Free < least || d.Free < d.Total/part
}

var diskIncident = Incident{
	Kind: DiskFull, Title: "The disk is nearly full",
	Text: "Where the data folder is, less than 500 MB or 5 % are free. When there is no room left, nothing new can be stored; what is there is still served.\n\n" +
		"Free some space or give it a larger disk. “keep” in the configuration says how long texts are kept.",
}

func databaseIncident(fault string) Incident {
	return Incident{
		Kind: DatabaseDamage, Title: "The database is damaged",
		Text: sentence(fault) + "\n\nStop the program, keep a copy of the file, put the last good backup (made by “tributary backup”, or of PostgreSQL by its own tools) in its place, and start again. Then look after the disk.",
	}
}

func renderingIncident(fault string) Incident {
	return Incident{
		Kind: RenderingFails, Title: "The feed cannot be rendered",
		Text: sentence(fault) + "\n\nReaders get the last good one, without what came since. If this lasts, look into the log and start the program again; please report it.",
	}
}

// sentence is a message as a sentence of its own.
func sentence(message string) string {
	message = cmp.Or(line(message), "Nothing is known of why.")
	first, size := firstUpper(message)
	message = first + message[size:]
	if strings.ContainsAny(message[len(message)-1:], ".?!") {
		return message
	}
	return message + "."
}

// firstUpper is the first letter as a capital, and its size as it was; of a word
// that is an address or a name it stays.
func firstUpper(text string) (string, int) {
	word, _, _ := strings.Cut(text, " ")
	if strings.ContainsAny(word, "./:") {
		return "", 0
	}
	for _, r := range text {
		return strings.ToUpper(string(r)), len(string(r))
	}
	return "", 0
}
