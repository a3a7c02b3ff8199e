package web

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/ingest/topic"
)

// How many of a profile's terms the page shows. The API has all of them.
const (
	namesListed   = 30
	wordsListed   = 40
	againstListed = 20
)

// learned is the profile that was read last: reading one takes some milliseconds.
type learned struct {
	mu      sync.Mutex
	stored  feed.Profile // without Data; Version 0: there is none
	profile topic.Profile
}

// profile is the newest profile. Nobody may change it.
func (s *Server) profile(ctx context.Context) (feed.Profile, *topic.Profile, error) {
	s.learned.mu.Lock()
	defer s.learned.mu.Unlock()
	head, err := s.store.ProfileHead(ctx)
	if err != nil {
		return feed.Profile{}, nil, err
	}
	if head.Version == s.learned.stored.Version {
		p := s.learned.profile
		return head, &p, nil
	}
	stored, err := s.store.Profile(ctx)
	if err != nil || stored.Version == 0 {
		return feed.Profile{}, new(topic.Profile), err
	}
	var p topic.Profile
	if err := json.Unmarshal(stored.Data, &p); err != nil {
		return feed.Profile{}, nil, fmt.Errorf("read version %d of the topic's profile: %w", stored.Version, err)
	}
	stored.Data = nil
	s.learned.stored, s.learned.profile = stored, p
	return stored, &p, nil
}

// topicView is the body of /topic.
type topicView struct {
	Mode         string
	Version      int64 // 0: there is no profile
	Made         moment
	News         int // entries that say what is common
	Seeds        []string
	Names, Words []termView
	Against      []string
	MoreNames    int
	MoreWords    int
	Days         int
	Published    int
	Doubtful     int
	Held         []tabView // by rule
	Total        int
	Replay       *replayForm // nil: one may not try
}

// termView is a term of the profile.
type termView struct {
	Shown, Weight, Seeds string
	Step                 int // of its bar, 1 to 20
}

func (s *Server) topicPage(w http.ResponseWriter, r *http.Request) {
	s.servePage(w, r, fmt.Sprint("topic ", s.decided.Load()), s.thisSecond(), "topic", s.topicBody)
}

func (s *Server) topicBody(ctx context.Context, who viewer) (page, error) {
	stored, profile, err := s.profile(ctx)
	if err != nil {
		return page{}, err
	}
	v := topicView{
		Mode: s.opt.Filter(), Version: stored.Version, Made: s.moment(stored.Made), News: profile.Background.Entries, Seeds: profile.Seeds,
		Days: latelyDays,
	}
	v.addTerms(profile.Terms)
	c, err := s.counts(ctx)
	if err != nil {
		return page{}, err
	}
	v.Published, v.Doubtful = c.published, c.held[ingest.RuleDoubtful]
	tabs, total, err := s.tabs(ctx, "")
	if err != nil {
		return page{}, err
	}
	v.Held, v.Total = tabs[1:], total
	if who.Admin && s.opt.Replayer != nil && v.Mode == ingest.FilterLearned && v.Version != 0 {
		form := newReplayForm(replayRequest{days: 14})
		v.Replay = &form
	}
	return page{
		Title: "Topic", Description: "What this feed is about, as its seeds taught it, and what was kept out of it.",
		Canonical: s.opt.Site.BaseURL + "/topic", Section: "topic", Body: v,
	}, nil
}

// addTerms takes over a profile's terms, which come strongest first; those that
// speak against the topic are last, the strongest of them at the end.
func (v *topicView) addTerms(terms []topic.Weight) {
	strongest := 0.0
	for _, t := range terms {
		strongest = max(strongest, t.Weight)
	}
	for _, t := range terms {
		shown := termView{Shown: t.Shown, Weight: strconv.FormatFloat(t.Weight, 'f', 2, 64), Seeds: seedNumbers(t.Seeds)}
		shown.Step = max(1, step(t.Weight/cmp.Or(strongest, 1)))
		switch {
		case t.Weight <= 0:
			v.Against = append([]string{t.Shown}, v.Against...)
		case t.Name && len(v.Names) < namesListed:
			v.Names = append(v.Names, shown)
		case t.Name:
			v.MoreNames++
		case len(v.Words) < wordsListed:
			v.Words = append(v.Words, shown)
		default:
			v.MoreWords++
		}
	}
	v.Against = v.Against[:min(len(v.Against), againstListed)]
}

// step is which of 20 lengths a bar has for a value from 0 to 1: the style sheet
// has them ready, since pages may not style anything themselves.
func step(value float64) int { return int(min(1, max(0, value))*20 + 0.5) }

// seedNumbers says which seeds have a term, as the page numbers them.
func seedNumbers(seeds []int) string {
	if len(seeds) == 0 {
		return "from the news"
	}
	const named = 4
	numbers := make([]string, 0, named)
	for _, i := range seeds[:min(len(seeds), named)] {
		numbers = append(numbers, strconv.Itoa(i+1))
	}
	switch {
	case len(seeds) > named:
		return count(len(seeds), "seed", "seeds")
	case len(numbers) == 1:
		return "seed " + numbers[0]
	}
	last := len(numbers) - 1
	return "seeds " + strings.Join(numbers[:last], ", ") + " and " + numbers[last]
}

// topicJSON is what the feed is about, in the API.
type topicJSON struct {
	Filter     string     `json:"filter"`  // "learned", "rules" or "off"
	Version    int64      `json:"version"` // of the profile; 0: there is none
	Made       time.Time  `json:"made,omitzero"`
	Seeds      []string   `json:"seeds"`
	Terms      []termJSON `json:"terms"`      // strongest first; below 0 they speak against the topic
	Background int        `json:"background"` // entries that say what is common in the news
	Lately     latelyJSON `json:"lately"`
}

type termJSON struct {
	Term   string  `json:"term"`
	Weight float64 `json:"weight"`
	Name   bool    `json:"name"`
	Seeds  []int   `json:"seeds,omitempty"` // that have it, counted from 1; none: learned from the news
}

// latelyJSON tells what became of what came in lately.
type latelyJSON struct {
	Days      int            `json:"days"`
	Published int            `json:"published"`
	Held      map[string]int `json:"held"` // by rule
}

// apiTopic tells what the feed is about: GET /api/topic.
func (s *Server) apiTopic(w http.ResponseWriter, r *http.Request) {
	stored, profile, err := s.profile(r.Context())
	var c counts
	if err == nil {
		c, err = s.counts(r.Context())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := topicJSON{
		Filter: s.opt.Filter(), Version: stored.Version, Seeds: profile.Seeds, Background: profile.Background.Entries,
		Terms: make([]termJSON, len(profile.Terms)), Lately: latelyJSON{latelyDays, c.published, c.held},
	}
	if stored.Version != 0 {
		out.Made = stored.Made.UTC()
	}
	for i, t := range profile.Terms {
		out.Terms[i] = termJSON{Term: t.Shown, Weight: t.Weight, Name: t.Name}
		for _, n := range t.Seeds {
			out.Terms[i].Seeds = append(out.Terms[i].Seeds, n+1)
		}
	}
	writeJSON(w, http.StatusOK, out)
}
