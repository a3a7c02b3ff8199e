package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// judge has the rest taken in, and looks at everything.
func (c *chaos) judge() error {
	c.mu.Lock()
	c.quiet = true
	made := c.made
	c.mu.Unlock()
	began := time.Now()
	if err := c.settle(made); err != nil {
		return err
	}
	c.say("all %d items are there, %.0f s after the last was made", made, time.Since(began).Seconds())
	err := errors.Join(c.judgeStore(made), c.judgeServing(made), c.judgeRequests(), c.judgeTakeOver())
	if err == nil {
		fmt.Println("nothing was lost, nothing doubled, and nobody asked what should not have been asked")
	}
	return err
}

// settle asks for all sources until everything that was made is in the store.
func (c *chaos) settle(made int) error {
	webs := c.fleet.with("web")
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		id, err := webs[0].ingest()
		if err == nil {
			err = until("pgx", c.fleet.dsn, 5*time.Minute, fmt.Sprintf(`SELECT running = 0 FROM run WHERE id = '%s'`, id))
		}
		if err != nil {
			return err
		}
		var there int
		if err := c.sql.QueryRow(`SELECT COUNT(*) FROM entry WHERE title LIKE 'News %'`).Scan(&there); err != nil {
			return err
		}
		if there >= made {
			return until("pgx", c.fleet.dsn, 5*time.Minute, `SELECT NOT EXISTS (SELECT 1 FROM run WHERE running = 1) AND NOT EXISTS (SELECT 1 FROM item WHERE place IS NULL AND withdrawn IS NULL)`)
		}
		time.Sleep(2 * time.Second)
	}
	return errors.New("not all that was made has come into the store")
}

// judgeStore compares the store with what was made.
func (c *chaos) judgeStore(made int) error {
	var entries, titles, items int
	if err := c.sql.QueryRow(`SELECT COUNT(*), COUNT(DISTINCT title), COUNT(DISTINCT item_id) FROM entry WHERE title LIKE 'News %'`).Scan(&entries, &titles, &items); err != nil {
		return err
	}
	c.say("%d entries, %d titles, %d items in the store; %d were made", entries, titles, items, made)
	if entries != made || titles != made || items != made {
		return fmt.Errorf("%d items were made; the store has %d entries with %d titles, of %d items", made, entries, titles, items)
	}
	return nil
}

// atom is what is looked at of a feed.
type atom struct {
	Links []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID    string `xml:"id"`
		Title string `xml:"title"`
	} `xml:"entry"`
}

// judgeServing reads the feed and all of its archives from all who serve, when they
// have had a moment to notice the last change.
func (c *chaos) judgeServing(made int) (err error) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		if err = c.compareServing(made); err == nil {
			return nil
		}
	}
	return err
}

func (c *chaos) compareServing(made int) error {
	webs := c.fleet.with("web")
	ids, titles := map[string]int{}, map[string]int{}
	pages := 0
	for path := "/feed.atom"; path != ""; pages++ {
		a, err := c.sameEverywhere(webs, path)
		if err != nil {
			return err
		}
		var doc atom
		if err := xml.Unmarshal(a.body, &doc); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, e := range doc.Entries {
			ids[e.ID]++
			titles[e.Title]++
		}
		path = doc.before()
	}
	for _, path := range []string{"/feed.rss", "/feed.json"} {
		if _, err := c.sameEverywhere(webs, path); err != nil {
			return err
		}
	}
	var lost []string
	for id := range made {
		if n := titles[title(id)]; n != 1 {
			lost = append(lost, fmt.Sprintf("%s: %d times", title(id), n))
		}
	}
	if len(lost) > 0 || len(ids) != made+1 { // and that of the seeds
		return fmt.Errorf("%d items are not in the feed and its archives just once; there are %d ids, %d items were made\n%s", len(lost), len(ids), made,
			strings.Join(lost[:min(len(lost), 20)], "\n"))
	}
	c.say("the feed and its archives, %d documents, have %d items and are the same from %d who serve; meanwhile failed: %v", pages, len(ids), len(webs), c.fails)
	return nil
}

// before is the path of the archive before a document, "" if it is the first.
func (a atom) before() string {
	for _, l := range a.Links {
		if u, err := url.Parse(l.Href); err == nil && l.Rel == "prev-archive" {
			return u.RequestURI()
		}
	}
	return ""
}

// sameEverywhere gives what all who serve answer, to the byte.
func (c *chaos) sameEverywhere(webs []*member, path string) (first answer, err error) {
	if first, err = download(webs[0].url + path); err != nil {
		return first, err
	}
	if first.status != http.StatusOK || first.etag == "" {
		return first, fmt.Errorf("%s: status %d, ETag %s", path, first.status, first.etag)
	}
	for _, m := range webs[1:] {
		other, err := download(m.url + path)
		if err != nil {
			return first, err
		}
		if other.etag != first.etag || !bytes.Equal(other.body, first.body) {
			return first, fmt.Errorf("%s is not the same everywhere: status %d, ETag %s, %d bytes, and status %d, ETag %s, %d bytes", path,
				first.status, first.etag, len(first.body), other.status, other.etag, len(other.body))
		}
	}
	return first, nil
}

// judgeRequests looks at what was asked.
func (c *chaos) judgeRequests() error {
	most := c.origin.most()
	c.origin.mu.Lock()
	defer c.origin.mu.Unlock()
	requests, pauses := 0, 0
	for _, times := range c.origin.asked {
		requests += len(times)
	}
	for _, h := range c.origin.byHost {
		pauses += len(h.answered)
	}
	var wrong []string
	untellable := 0
	for _, b := range c.origin.early {
		if c.diedAfter(b.answered) {
			untellable++
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s, who was told at %.1f s to wait %.1f s; asked by %s at %.1f s", b.worker, b.at.Sub(c.began).Seconds(),
			b.until.Sub(b.at).Seconds(), b.by, b.asked.Sub(c.began).Seconds()))
	}
	c.say("%d requests, at most %d at a time to a host; answers %v; %d asked for a pause, %d requests came within one, %d of them as who had the answer was killed or stopped before it could tell",
		requests, most, c.origin.answers, pauses, len(c.origin.early), untellable)
	if most > 1 {
		return fmt.Errorf("a host had %d requests at a time", most)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d requests within a pause:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 20)], "\n"))
	}
	return nil
}

// diedAfter tells whether the process that got an answer was killed or stopped at once.
func (c *chaos) diedAfter(a answered) bool {
	return slices.ContainsFunc(c.gone, func(g gone) bool {
		return g.name == a.worker && g.at.After(a.at.Add(-time.Millisecond)) && g.at.Sub(a.at) < untold
	})
}

// takenOver is when somebody else worked on a source: when it was asked next, or the
// next one who had it was killed.
func (c *chaos) takenOver(n int, from gone) time.Time {
	next := c.origin.firstAfter(n, from.at)
	for _, g := range c.gone {
		if g.at.After(from.at) && g.name != from.name && slices.Contains(g.sources, n) && (next.IsZero() || g.at.Before(next)) {
			next = g.at
		}
	}
	return next
}

// judgeTakeOver looks at how long the sources of dead processes waited. Those of
// hosts that refuse are left out: they have to wait.
func (c *chaos) judgeTakeOver() error {
	var gaps []time.Duration
	worst := map[time.Duration]string{}
	for _, g := range c.gone {
		for _, n := range g.sources {
			if c.origin.hostOf(n)%refusing == 0 {
				continue
			}
			next := c.takenOver(n, g)
			if next.IsZero() {
				return fmt.Errorf("source %d was not asked again after %s was %s", n, g.name, g.how)
			}
			gaps = append(gaps, next.Sub(g.at))
			worst[next.Sub(g.at)] = fmt.Sprintf("%s, %s at %.0f s", g.name, g.how, g.at.Sub(c.began).Seconds())
		}
	}
	if len(gaps) == 0 {
		return errors.New("nobody who was killed had a source: nothing was tried")
	}
	slices.Sort(gaps)
	longest := slices.Max(slices.Collect(maps.Keys(worst)))
	c.say("%d sources were taken over from %d processes: after a median of %.1f s, at most %.1f s (%s)", len(gaps), len(c.gone),
		gaps[len(gaps)/2].Seconds(), longest.Seconds(), worst[longest])
	if longest > time.Minute {
		return fmt.Errorf("a source waited %v to be taken over", longest)
	}
	return nil
}
