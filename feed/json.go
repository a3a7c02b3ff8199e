package feed

import (
	"bytes"
	"encoding/json"

	"github.com/gorilla/feeds"
)

// The JSON document: gorilla/feeds' types with what they cannot say shadowed
// by fields of the same name. Encoded by encoding/json, for their own ToJSON
// would not see the outer fields.
type (
	jsonFeed struct {
		feeds.JSONFeed
		Extension jsonAbout  `json:"_tributary"`
		Items     []jsonItem `json:"items"`
	}

	jsonItem struct {
		feeds.JSONItem
		ContentHTML string           `json:"content_html"`
		Published   string           `json:"date_published,omitempty"`
		Modified    string           `json:"date_modified,omitempty"`
		Language    string           `json:"language,omitempty"`
		Attachments []jsonAttachment `json:"attachments,omitempty"`
		Extension   *jsonProvenance  `json:"_tributary,omitempty"`
	}

	jsonAttachment struct {
		URL      string `json:"url"`
		MIMEType string `json:"mime_type"`
		Title    string `json:"title,omitempty"`
		Size     int64  `json:"size_in_bytes,omitempty"`
		Duration int64  `json:"duration_in_seconds,omitempty"`
	}

	jsonAbout struct {
		About string `json:"about"`
	}

	jsonProvenance struct {
		Source   *jsonSource   `json:"source,omitempty"`
		Copies   []jsonCopy    `json:"copies,omitempty"`
		Story    *jsonStory    `json:"story,omitempty"`
		Coverage []jsonCover   `json:"coverage,omitempty"`
		Held     *jsonHeld     `json:"held,omitempty"`
		Incident *jsonIncident `json:"incident,omitempty"`
	}

	jsonSource struct {
		Title   string `json:"title"`
		FeedURL string `json:"feed_url,omitempty"`
		HomeURL string `json:"home_page_url,omitempty"`
	}

	jsonCopy struct {
		Source string `json:"source"`
		URL    string `json:"url,omitempty"`
		Title  string `json:"title,omitempty"`
	}

	jsonStory struct {
		ID         string `json:"id"`
		Publishers int    `json:"publishers"`
	}

	jsonHeld struct {
		Rule   string   `json:"rule"`
		Reason string   `json:"reason"`
		Score  *float64 `json:"score,omitempty"`
		Page   string   `json:"page"`
	}

	jsonIncident struct {
		Kind    IncidentKind `json:"kind"`
		Subject string       `json:"subject,omitempty"`
		Ended   string       `json:"ended,omitempty"`
	}

	jsonCover struct {
		ID     string     `json:"id"`
		Source string     `json:"source"`
		URL    string     `json:"url"`
		Title  string     `json:"title"`
		Copies []jsonCopy `json:"copies,omitempty"`
	}
)

const aboutExtension = "source: the feed an item was taken from; copies: where else the same article was found; " +
	"story: the event it reports, and how many publishers carry it; coverage: other articles about that event, newest first"

const aboutHeld = "source: the feed an entry was taken from; held: the rule that keeps it out of the main feed, why, " +
	"its score from 0 to 1 where it was scored, and the page where it can be let in"

const aboutIncidents = "incident: what it is about, and when it ended"

// JSON renders the page as a JSON Feed 1.1 document, media type
// application/feed+json. The same input gives the same bytes.
func (s Site) JSON(p Page) ([]byte, error) {
	return s.render(p, func(views []view) ([]byte, error) {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(s.jsonFeed(p, views)); err != nil {
			return nil, Errorf(CodeInternal, "the JSON document could not be written: %w", err)
		}
		return b.Bytes(), nil
	})
}

func (s Site) jsonFeed(p Page, views []view) jsonFeed {
	f := jsonFeed{
		JSONFeed: feeds.JSONFeed{
			Version:     "https://jsonfeed.org/version/1.1",
			Title:       s.title(),
			Language:    language(s.Language),
			HomePageUrl: s.home(),
			FeedUrl:     p.Self,
			NextUrl:     p.Older,
			Description: line(s.Description),
			Icon:        s.absolute(s.Icon),
			Authors:     jsonAuthors([]Person{s.author()}),
		},
		Extension: jsonAbout{About: aboutExtension},
		Items:     make([]jsonItem, len(views)),
	}
	for i := range views {
		f.Items[i] = views[i].json()
	}
	if p.Hub != "" {
		f.Hubs = []*feeds.JSONHub{{Type: "WebSub", Url: p.Hub}}
	}
	if len(p.Held) > 0 {
		f.Extension.About = aboutHeld
	}
	if len(p.Incidents) > 0 {
		f.Extension.About = aboutIncidents
	}
	return f
}

func (v *view) json() jsonItem {
	i := jsonItem{
		JSONItem: feeds.JSONItem{
			Id:      v.id,
			Url:     v.link,
			Title:   v.title,
			Summary: v.summary,
			Image:   v.image,
			Authors: jsonAuthors(v.authors),
			Tags:    v.categories,
		},
		ContentHTML: v.html(),
		Published:   timestamp(v.published),
		Modified:    timestamp(v.updated),
		Language:    v.language,
		Extension:   v.jsonProvenance(),
	}
	for _, e := range v.enclosures {
		i.Attachments = append(i.Attachments, jsonAttachment{URL: e.URL, MIMEType: e.Type, Title: e.Title, Size: e.Length, Duration: e.Duration})
	}
	return i
}

func (v *view) jsonProvenance() *jsonProvenance {
	if v.origin == nil && len(v.copies) == 0 && v.story == nil && len(v.coverage) == 0 && v.held == nil && v.incident == nil {
		return nil
	}
	p := &jsonProvenance{Copies: jsonCopies(v.copies)}
	if o := v.origin; o != nil {
		p.Source = &jsonSource{Title: o.title, FeedURL: o.feed, HomeURL: o.site}
	}
	if v.story != nil {
		p.Story = &jsonStory{ID: v.story.id, Publishers: v.story.publishers}
	}
	if h := v.held; h != nil {
		p.Held = &jsonHeld{Rule: h.rule, Reason: h.reason, Page: h.page}
		if h.scored {
			p.Held.Score = &h.score
		}
	}
	if i := v.incident; i != nil {
		p.Incident = &jsonIncident{Kind: i.Kind, Subject: i.Subject, Ended: timestamp(i.Ended)}
	}
	for _, c := range v.coverage {
		p.Coverage = append(p.Coverage, jsonCover{ID: c.id, Source: c.source, URL: c.url, Title: c.title, Copies: jsonCopies(c.copies)})
	}
	return p
}

func jsonCopies(copies []Copy) []jsonCopy {
	var all []jsonCopy
	for _, c := range copies {
		all = append(all, jsonCopy{Source: c.Source, URL: c.URL, Title: c.Title})
	}
	return all
}

func jsonAuthors(people []Person) []*feeds.JSONAuthor {
	var authors []*feeds.JSONAuthor
	for _, p := range people {
		authors = append(authors, &feeds.JSONAuthor{Name: p.Name, Url: p.URL})
	}
	return authors
}
