package parse

import (
	"bytes"
	"strings"

	"github.com/mmcdole/gofeed/json"

	"tributary/feed"
)

// parseJSON reads JSON Feed 1.0 and 1.1. {"a":1} is JSON but no feed: the
// version says what is.
func parseJSON(body []byte, doc feed.Document, lim Limits) (Feed, error) {
	in, err := (&json.Parser{}).Parse(bytes.NewReader(body))
	truncated := false
	if err != nil {
		var fixed []byte
		if fixed, truncated = repairJSON(body); fixed == nil {
			return Feed{}, notFeed("JSON that cannot be read: " + err.Error())
		}
		if in, err = (&json.Parser{}).Parse(bytes.NewReader(fixed)); err != nil {
			return Feed{}, notFeed("JSON that cannot be read: " + err.Error())
		}
	}
	version, ok := jsonVersion(in.Version)
	if !ok {
		return Feed{}, notFeed("JSON, but not a JSON Feed: its version is not https://jsonfeed.org/version/1.1")
	}
	out := Feed{Channel: jsonChannel(in, doc.URL), Format: "json " + version, Truncated: truncated}
	if len(in.Items) > lim.MaxEntries {
		out.Cut = len(in.Items) - lim.MaxEntries
		in.Items = in.Items[:lim.MaxEntries]
	}
	out.Entries = make([]feed.RawEntry, 0, len(in.Items))
	for _, item := range in.Items {
		if item != nil {
			out.Entries = append(out.Entries, jsonEntry(item))
		}
	}
	return out, nil
}

// jsonVersion reads "https://jsonfeed.org/version/1.1".
func jsonVersion(v string) (string, bool) {
	_, number, ok := strings.Cut(strings.ToLower(v), "jsonfeed.org/version/")
	switch {
	case !ok:
		return "", false
	case number == "1":
		return "1.0", true
	}
	return number, true
}

func jsonChannel(in *json.Feed, docURL string) feed.Channel {
	ch := feed.Channel{
		Title:    strings.TrimSpace(in.Title),
		Link:     resolve(docURL, strings.TrimSpace(in.HomePageURL)),
		Language: strings.TrimSpace(in.Language),
		Icon:     resolve(docURL, strings.TrimSpace(firstOf(in.Favicon, in.Icon))),
	}
	for _, p := range jsonPeople(in.Author, in.Authors) {
		ch.Author = firstOf(ch.Author, p.Name)
	}
	return ch
}

func jsonEntry(item *json.Item) feed.RawEntry {
	e := feed.RawEntry{
		GUID:      strings.TrimSpace(item.ID),
		Link:      strings.TrimSpace(firstOf(item.URL, item.ExternalURL)),
		Title:     plainText(item.Title),
		Summary:   plainText(item.Summary),
		Published: strings.TrimSpace(item.DatePublished),
		Updated:   strings.TrimSpace(item.DateModified),
		Language:  strings.TrimSpace(item.Language),
		Authors:   jsonPeople(item.Author, item.Authors),
		Image:     strings.TrimSpace(firstOf(item.Image, item.BannerImage)),
	}
	if item.ContentHTML != "" {
		e.Content = htmlText(item.ContentHTML)
	} else {
		e.Content = plainText(item.ContentText)
	}
	if e.Link == "" && isHTTP(e.GUID) {
		e.Link = e.GUID
	}
	for _, tag := range item.Tags {
		e.Categories = addWord(e.Categories, tag)
	}
	if item.Attachments != nil {
		for _, a := range *item.Attachments {
			e.Enclosures = addEnclosure(e.Enclosures, feed.Enclosure{URL: a.URL, Type: strings.TrimSpace(a.MimeType),
				Length: max(a.SizeInBytes, 0), Duration: max(a.DurationInSeconds, 0), Title: strings.TrimSpace(a.Title)})
		}
	}
	return e
}

// jsonPeople prefers version 1.1's authors to 1.0's author.
func jsonPeople(one *json.Author, many []*json.Author) []feed.Person {
	var out []feed.Person
	if len(many) == 0 && one != nil {
		many = []*json.Author{one}
	}
	for _, a := range many {
		if a != nil {
			out = addPerson(out, feed.Person{Name: strings.TrimSpace(a.Name), URL: strings.TrimSpace(a.URL)})
		}
	}
	return out
}
