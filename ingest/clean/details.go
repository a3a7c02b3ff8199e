package clean

import (
	"path"
	"strconv"
	"strings"

	"tributary/feed"
)

// authors cleans names and drops people of whom nothing is left. Addresses for
// mail are not passed on: people are named in feeds, not offered to spam.
func authors(people []feed.Person, links *resolver) []feed.Person {
	var out []feed.Person
	for _, p := range people {
		clean := feed.Person{Name: personName(p.Name)}
		if p.URL != "" {
			clean.URL = links.web(p.URL)
		}
		if clean.Name == "" && clean.URL == "" || len(out) == maxAuthors {
			continue
		}
		if !containsPerson(out, clean) {
			out = append(out, clean)
		}
	}
	return out
}

func containsPerson(list []feed.Person, p feed.Person) bool {
	for _, q := range list {
		if strings.EqualFold(q.Name, p.Name) && (p.Name != "" || q.URL == p.URL) {
			return true
		}
	}
	return false
}

// personName finds the name in what feeds write: "Ann Lee",
// "ann@example.org (Ann Lee)" (RSS), "Ann Lee <ann@example.org>" (RFC 5322),
// "Ann Lee (ann@example.org)"; "" where there is an address only.
func personName(s string) string {
	if before, after, ok := strings.Cut(s, "<"); ok && isMail(strings.TrimRight(strings.TrimSpace(after), ">")) {
		s = before
	}
	s = Plain(feed.Text{Value: s})
	if before, after, ok := strings.Cut(s, "("); ok && strings.HasSuffix(after, ")") {
		inner := strings.TrimSuffix(after, ")")
		switch before = strings.TrimSpace(before); {
		case isMail(before):
			s = inner
		case isMail(inner):
			s = before
		}
	}
	s = strings.Trim(s, ` "'`)
	if isMail(s) {
		return ""
	}
	return shorten(s, maxName)
}

// isMail tells whether s is an e-mail address, in one word.
func isMail(s string) bool {
	s = strings.TrimPrefix(strings.TrimSpace(s), "mailto:")
	at := strings.IndexByte(s, '@')
	return at > 0 && at < len(s)-1 && !strings.ContainsAny(s, " \t\n")
}

// details cleans the parts that only some readers show.
func details(raw feed.RawEntry, links *resolver) feed.Details {
	d := feed.Details{
		Categories: categories(raw.Categories),
		Enclosures: enclosures(raw.Enclosures, links),
		Cut:        raw.Content.Cut || raw.Summary.Cut,
		Image:      optional(raw.Image, links),
		Comments:   optional(raw.Comments, links),
		Origin:     feed.SourceRef{Title: label(raw.Origin.Title), URL: optional(raw.Origin.URL, links)},
		Extra: feed.Extra{
			InReplyTo: strings.TrimSpace(tidyURL(raw.Extra.InReplyTo)),
			GeoPoint:  geoPoint(raw.Extra.GeoPoint),
			Rights:    label(raw.Extra.Rights),
		},
	}
	return d
}

// optional makes an address absolute, if there is one.
func optional(address string, links *resolver) string {
	if address == "" {
		return ""
	}
	return links.web(address)
}

// label is a short plain text that may come with markup.
func label(s string) string {
	return shorten(Plain(feed.Text{Value: s}), maxName)
}

// categories cleans and, whatever their case, deduplicates.
func categories(list []string) []string {
	var out []string
next:
	for _, c := range list {
		c = label(c)
		if c == "" || len(out) == maxCategories {
			continue
		}
		for _, have := range out {
			if strings.EqualFold(have, c) {
				continue next
			}
		}
		out = append(out, c)
	}
	return out
}

// enclosures keeps files that have an address, each address once.
func enclosures(list []feed.Enclosure, links *resolver) []feed.Enclosure {
	var out []feed.Enclosure
next:
	for _, e := range list {
		e.URL = optional(e.URL, links)
		if e.URL == "" || len(out) == maxEnclosures {
			continue
		}
		for _, have := range out {
			if have.URL == e.URL {
				continue next
			}
		}
		e.Type = mediaType(e.Type, e.URL)
		e.Title = label(e.Title)
		e.Length, e.Duration = max(e.Length, 0), max(e.Duration, 0)
		out = append(out, e)
	}
	return out
}

// mediaType is the type of a file (RFC 6838): as said, else by the ending of
// its address, else "".
func mediaType(said, address string) string {
	said, _, _ = strings.Cut(lower(strings.TrimSpace(said)), ";")
	kind, sub, ok := strings.Cut(strings.TrimSpace(said), "/")
	if ok && isToken(kind) && isToken(sub) {
		return kind + "/" + sub
	}
	address, _, _ = strings.Cut(address, "?")
	return typeByEnding[lower(path.Ext(address))]
}

var typeByEnding = map[string]string{
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm",
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
	".pdf": "application/pdf",
}

// isToken tells whether s is half of a media type's name.
func isToken(s string) bool {
	return s != "" && len(s) <= 127 && all(s, func(c byte) bool {
		return isLetter(c) || isDigit(c) || strings.IndexByte("!#$&-^_.+", c) >= 0
	})
}

// geoPoint is a place as "latitude longitude" (GeoRSS), "" if it is none.
func geoPoint(s string) string {
	parts := strings.Fields(strings.ReplaceAll(s, ",", " "))
	if len(parts) != 2 {
		return ""
	}
	for i, limit := range []float64{90, 180} {
		if !isDegrees(parts[i], limit) {
			return ""
		}
	}
	return parts[0] + " " + parts[1]
}

func isDegrees(s string, limit float64) bool {
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && -limit <= f && f <= limit // NaN is not
}
