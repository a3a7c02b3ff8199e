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
		Source *jsonSource `json:"source,omitempty"`
		Copies []jsonCopy  `json:"copies,omitempty"`
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
)

const aboutExtension = "source: the feed an item was taken from; copies: where else the same article was found"

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
	if v.origin == nil && len(v.copies) == 0 {
		return nil
	}
	p := &jsonProvenance{}
	if o := v.origin; o != nil {
		p.Source = &jsonSource{Title: o.title, FeedURL: o.feed, HomeURL: o.site}
	}
	for _, c := range v.copies {
		p.Copies = append(p.Copies, jsonCopy{Source: c.Source, URL: c.URL, Title: c.Title})
	}
	return p
}

func jsonAuthors(people []Person) []*feeds.JSONAuthor {
	var authors []*feeds.JSONAuthor
	for _, p := range people {
		authors = append(authors, &feeds.JSONAuthor{Name: p.Name, Url: p.URL})
	}
	return authors
}
