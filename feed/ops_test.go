package feed

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// troubled is a source in a state.
func troubled(s SourceState) Source {
	return Source{Slug: "gazette", Kind: KindFeed, URL: "https://gazette.example/feed", Name: "The Gazette", Enabled: true, State: s}
}

func TestWhatIsWorthAPersonsTime(t *testing.T) {
	now := at(9, 12, 0)
	long, late := now.Add(-failingFor), now.Add(-failingFor+time.Minute)
	off := troubled(SourceState{Status: StatusGone, Failures: 1})
	off.Enabled = false
	was := troubled(SourceState{Status: StatusOK, FetchURL: "https://user:pass@gazette.example/new"})
	was.Origin = OriginAdded
	full := []Incident{begin(diskIncident, now)}
	for name, c := range map[string]struct {
		facts Facts
		known []Incident
		want  string // the titles, and what is over at once in brackets; "": nothing
	}{
		"a source that works":             {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusOK, LastSuccess: long})}}},
		"a day without success":           {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusFailing, Failures: 2, LastSuccess: long})}}, want: "The Gazette has failed since 8 March 2026 at 12:00 UTC"},
		"nearly a day":                    {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusFailing, Failures: 9, LastSuccess: late})}}},
		"asked once in two days":          {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusFailing, Failures: 1, LastSuccess: long.Add(-failingFor)})}}},
		"told to wait for a day":          {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusLimited, Failures: 2, LastSuccess: long})}}, want: "The Gazette has failed since 8 March 2026 at 12:00 UTC"},
		"one that never worked":           {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusFailing, Failures: 3})}}, want: "The Gazette has never worked"},
		"one that was just added":         {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusFailing, Failures: 2})}}},
		"gone":                            {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusGone, Failures: 1, LastSuccess: now})}}, want: "The Gazette is gone"},
		"gone, and switched off":          {facts: Facts{Sources: []Source{off}}},
		"a page once":                     {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusNotFeed, Failures: 1, LastSuccess: late})}}},
		"a page twice":                    {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusNotFeed, Failures: 2, LastSuccess: late})}}, want: "The Gazette is not a feed"},
		"blocked":                         {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusBlocked, Failures: 2, LastSuccess: late})}}, want: "The Gazette does not let us in"},
		"a bad certificate":               {facts: Facts{Sources: []Source{troubled(SourceState{Status: StatusFailing, Failures: 2, LastSuccess: late, Error: "no secure connection to gazette.example: its certificate has expired, or our clock is wrong"})}}, want: "The Gazette cannot be reached safely"},
		"moved":                           {facts: Facts{Sources: []Source{was}}, want: "[The Gazette has moved]"},
		"a long certificate's last days":  {facts: Facts{Certificates: []Certificate{{"gazette.example", now.Add(-80 * 24 * time.Hour), now.Add(10 * 24 * time.Hour)}}}, want: "The certificate of gazette.example runs out on 19 March 2026 at 12:00 UTC"},
		"a short certificate's mid-life":  {facts: Facts{Certificates: []Certificate{{"gazette.example", now.Add(-3 * 24 * time.Hour), now.Add(3 * 24 * time.Hour)}}}},
		"no certificate seen":             {facts: Facts{Certificates: []Certificate{{Host: "gazette.example"}}}},
		"499 MB free":                     {facts: Facts{Disk: &Disk{499 << 20, 1 << 30}}, want: "The disk is nearly full"},
		"4 % free":                        {facts: Facts{Disk: &Disk{4 << 30, 100 << 30}}, want: "The disk is nearly full"},
		"5 % free":                        {facts: Facts{Disk: &Disk{5 << 30, 100 << 30}}},
		"5 % free again":                  {facts: Facts{Disk: &Disk{5 << 30, 100 << 30}}, known: full},
		"7 % free again":                  {facts: Facts{Disk: &Disk{7 << 30, 100 << 30}}, known: full, want: "Over: [The disk is nearly full]"},
		"damage":                          {facts: Facts{Database: &Finding{"the database has 2 entries of no source"}}, want: "The database is damaged"},
		"no damage":                       {facts: Facts{Database: &Finding{}}},
		"rendering fails":                 {facts: Facts{Rendering: &Finding{"render /feed.atom: no"}}, want: "The feed cannot be rendered"},
		"a run broke off":                 {facts: Facts{Broken: []Report{{ID: "r1", Started: now, Error: "its program ended"}}}, want: "[A run broke off on 9 March 2026 at 12:00 UTC]"},
		"a run that was told of":          {facts: Facts{Broken: []Report{{ID: "r1", Started: now}}}, known: []Incident{{Kind: RunBroken, Subject: "r1", Ended: now}}},
		"a move that was told of":         {facts: Facts{Sources: []Source{was}}, known: []Incident{{Kind: SourceMoved, Subject: "gazette " + Redacted(was.State.FetchURL), Ended: now}}},
		"a move elsewhere":                {facts: Facts{Sources: []Source{was}}, known: []Incident{{Kind: SourceMoved, Subject: "gazette https://gazette.example/newer", Ended: now}}, want: "[The Gazette has moved]"},
		"what was not looked at goes on":  {known: []Incident{{Kind: DiskFull}, {Kind: DatabaseDamage}, {Kind: RenderingFails}}},
		"what ended long ago":             {known: []Incident{{ID: "old", Kind: DiskFull, Ended: now.Add(-incidentsKept - 1)}}, want: "forget old"},
		"what ended not so long ago":      {known: []Incident{{ID: "old", Kind: DiskFull, Ended: now.Add(-incidentsKept)}}},
		"an old move that still holds on": {facts: Facts{Sources: []Source{was}}, known: []Incident{{ID: "old", Kind: SourceMoved, Subject: "gazette " + Redacted(was.State.FetchURL), Ended: now.Add(-2 * incidentsKept)}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := Decide(now, c.facts, c.known)
			var got []string
			for _, i := range n.Save {
				if !i.Open() {
					i.Title = "[" + i.Title + "]"
				}
				if i.Outcome != "" {
					i.Title = "Over: " + i.Title
				}
				got = append(got, i.Title)
			}
			for _, id := range n.Forget {
				got = append(got, "forget "+id)
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("it comes to %q, want %q", text, c.want)
			}
		})
	}
}

// history is an incident's life, look by look.
type history struct {
	*testing.T
	known []Incident
	now   time.Time
}

// look decides after a while, and gives what was saved.
func (h *history) look(after time.Duration, facts Facts) []Incident {
	h.Helper()
	h.now = h.now.Add(after)
	n := Decide(h.now, facts, h.known)
	for at, saved := range n.Save {
		n.Save[at].Updated = h.now
		saved.Updated = h.now
		found := false
		for i := range h.known {
			if h.known[i].ID == saved.ID {
				h.known[i], found = saved, true
			}
		}
		if !found {
			h.known = append(h.known, saved)
		}
	}
	return n.Save
}

func TestAnIncidentIsOneFromItsBeginningToItsEnd(t *testing.T) {
	h := &history{T: t, now: at(9, 12, 0)}
	begun := h.now.Add(-30 * time.Hour)
	state := SourceState{Status: StatusFailing, Failures: 4, LastSuccess: begun, Error: "gazette.example answered 503 Service Unavailable"}
	first := h.look(0, Facts{Sources: []Source{troubled(state)}})
	if len(first) != 1 || !first[0].Open() || first[0].ID == "" || !strings.Contains(first[0].Text, "answered 503") {
		t.Fatalf("it begins as %+v", first)
	}
	state.Error = "no answer from gazette.example within 30 s"
	if again := h.look(time.Hour, Facts{Sources: []Source{troubled(state)}}); len(again) != 0 {
		t.Errorf("another error within a day is told: %+v", again)
	}
	if again := h.look(25*time.Hour, Facts{Sources: []Source{troubled(state)}}); len(again) != 1 || !strings.Contains(again[0].Text, "No answer from") || again[0].ID != first[0].ID {
		t.Errorf("another error is not told after a day: %+v", again)
	}
	state.Status = StatusNotFeed
	if again := h.look(time.Minute, Facts{Sources: []Source{troubled(state)}}); len(again) != 1 || again[0].Title != "The Gazette is not a feed" || again[0].ID != first[0].ID {
		t.Errorf("another trouble is not told at once: %+v", again)
	}
	state.Status = StatusBlocked
	state.Failures = 1
	if again := h.look(time.Minute, Facts{Sources: []Source{troubled(state)}}); len(again) != 0 {
		t.Errorf("it is over though nothing came: %+v", again)
	}
	over := h.look(time.Hour, Facts{Sources: []Source{troubled(SourceState{Status: StatusOK, LastSuccess: h.now.Add(time.Minute)})}})
	if len(over) != 1 || over[0].ID != first[0].ID || over[0].Outcome != "It works again." || over[0].Heading() != "Over: The Gazette is not a feed" || over[0].Began != first[0].Began {
		t.Errorf("it ends as %+v", over)
	}
	if again := h.look(time.Hour, Facts{Sources: []Source{troubled(SourceState{Status: StatusGone, Failures: 1})}}); len(again) != 1 || again[0].ID == first[0].ID {
		t.Errorf("the next trouble is %+v", again)
	}
	if gone := h.look(time.Hour, Facts{}); len(gone) != 1 || gone[0].Outcome != "The source was removed." {
		t.Errorf("without its source it ends as %+v", gone)
	}
}

// fixtureIncidents are some of each sort, as they are listed.
func fixtureIncidents() []Incident {
	src := troubled(SourceState{
		Status: StatusFailing, Failures: 5, LastSuccess: at(1, 9, 0), Error: "could not resolve host gazette.example: is the address <right>?",
		FetchURL: "https://ada:pw@gazette.example/feed.atom",
	})
	src.Name = "The Gazette & Sons"
	n := Decide(at(3, 12, 0), Facts{
		Sources: []Source{src}, Disk: &Disk{100 << 20, 10 << 30}, Database: &Finding{}, Rendering: &Finding{"render /feed.rss: no"},
		Broken: []Report{{ID: "0195-run", Started: at(2, 8, 0), Error: "its program ended before it was done"}},
	}, nil)
	all := n.Save
	for i := range all {
		all[i].Updated = at(3, 12, len(all)-i)
		if all[i].Kind == DiskFull {
			all[i].Ended, all[i].Outcome, all[i].Updated = at(4, 12, 0), "There is room again.", at(4, 12, 0)
		}
	}
	return all
}

func TestAnIncidentSaysWhatToDoAndKeepsSecrets(t *testing.T) {
	for _, f := range formats {
		got := f.page(t, fixtureSite(base).Ops(), Page{Incidents: fixtureIncidents()})
		for _, want := range []string{"The Gazette &amp; Sons has failed since", "tributary source test gazette", "is the address &lt;right&gt;?", "https://harbour.example/sources/gazette", "https://harbour.example/runs/0195-run", "Over: The disk is nearly full", "There is room again. That was seen on 4 March 2026 at 12:00 UTC."} {
			if !strings.Contains(html.UnescapeString(html.UnescapeString(got)), html.UnescapeString(want)) {
				t.Errorf("%s does not say %q:\n%s", f.name, want, got)
			}
		}
		for _, secret := range []string{"pw", ":pass"} {
			if strings.Contains(got, secret) {
				t.Errorf("%s lets out %q", f.name, secret)
			}
		}
	}
}

func TestTheFeedOfIncidentsIsAFeedOfItsOwn(t *testing.T) {
	site, seen := fixtureSite(base), map[string]bool{}
	for _, item := range parse(t, formats[0].page(t, site.Ops(), Page{Incidents: fixtureIncidents()})).Items {
		if seen[item.GUID] || seen[item.Updated] || !strings.HasPrefix(item.GUID, "urn:uuid:") {
			t.Errorf("%s shares its id or its date with another", item.Title)
		}
		seen[item.GUID], seen[item.Updated] = true, true
	}
	if len(seen) != 10 || site.Ops().urn() == site.urn() || site.Ops().urn() == site.Held().urn() {
		t.Errorf("there are %d ids and dates, and the feed's is %s", len(seen), site.Ops().urn())
	}
}

func TestAMessageBecomesASentence(t *testing.T) {
	got := []string{sentence("its program ended"), sentence("gazette.example answered 410 Gone"), sentence("Done."), sentence("")}
	want := []string{"Its program ended.", "gazette.example answered 410 Gone.", "Done.", "Nothing is known of why."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
