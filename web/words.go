package web

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"tributary/feed"
)

// moment is a time for people and machines.
type moment struct {
	Machine string // for <time datetime>; "": there is none
	Human   string
}

// moment says a time in the site's time zone, to the minute.
func (s *Server) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return moment{t.UTC().Format("2006-01-02T15:04:05Z"), t.In(s.opt.Location).Format("2 January 2006, 15:04 MST")}
}

// brief says a time as moment does, with less room.
func (s *Server) brief(t time.Time) moment {
	m := s.moment(t)
	if m.Machine != "" {
		m.Human = t.In(s.opt.Location).Format("2 Jan 2006, 15:04 MST")
	}
	return m
}

// published says an item's date as it was said: one that was given as a day
// has no hour, and none is made up.
func (s *Server) published(item feed.Item) moment {
	switch item.Entry.PublishedFrom {
	case "caption", "date line", "front matter":
		if t := item.Published.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
			return moment{t.Format("2006-01-02"), t.Format("2 January 2006")}
		}
	}
	return s.moment(item.Published)
}

// provenance says where an item's date comes from.
func provenance(e feed.Entry) string {
	if e.Published.IsZero() {
		return "undated; this is when we first saw it"
	}
	switch e.PublishedFrom {
	case "feed":
		return "as its feed says"
	case "front matter":
		return "as its front matter says"
	case "date line":
		return "by its date line"
	case "caption":
		return "dated by its caption"
	case "file time":
		return "by the file’s time"
	case "":
		return ""
	}
	return "by its " + e.PublishedFrom
}

// publicURL is a URL that may be shown: of the web, and without user info,
// which may hold a password.
func publicURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return raw
}

// hostOf is a URL's host as people write it.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}

// withoutScheme is a URL as people write it.
func withoutScheme(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	return strings.TrimSuffix(rest, "/")
}

// beginning is how the text of cleaned content begins, cut at a word.
func beginning(content string) string {
	const most = 300 // bytes; other sites show less
	var b strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(content))
	for kind := tokens.Next(); kind != html.ErrorToken && b.Len() < 2*most; kind = tokens.Next() {
		if kind == html.TextToken {
			b.WriteString(tokens.Token().Data)
		} else {
			b.WriteByte(' ')
		}
	}
	text := spaced(b.String())
	if len(text) <= most {
		return text
	}
	text = strings.ToValidUTF8(text[:most], "")
	if space := strings.LastIndexByte(text, ' '); space > most/2 {
		text = text[:space]
	}
	return text + " …"
}

// count says a number of things: "1 source", "1,204 sources".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(int64(n)) + " " + many
}

// grouped writes a number with commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// countsInWords says what a run decided, leaving out what did not occur.
func countsInWords(c feed.Counts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{
		{c.Published, "new"}, {c.Updated, "updated"}, {c.Copies, "also elsewhere"},
		{c.Held, "held"}, {c.Withdrawn, "withdrawn"}, {c.Unchanged, "unchanged"},
	} {
		if p.n > 0 {
			parts = append(parts, grouped(int64(p.n))+" "+p.word)
		}
	}
	if len(parts) == 0 {
		return "nothing new"
	}
	return strings.Join(parts, ", ")
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// bytesInWords says a size in units of a thousand.
func bytesInWords(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1000_000:
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	case n < 1000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// triggerInWords says what started a run.
func triggerInWords(trigger string) string {
	switch trigger {
	case "schedule":
		return "by the schedule"
	case "command":
		return "from the command line"
	case "api":
		return "by hand"
	case "signal":
		return "by a signal"
	case "folder":
		return "by a change in a folder"
	case "start":
		return "at the start"
	case "push":
		return "by its hub"
	}
	return trigger
}

// took says how long a run took.
func took(r feed.Report) string {
	switch d := r.Finished.Sub(r.Started); {
	case r.Finished.IsZero():
		return ""
	case d < time.Second:
		return "under a second"
	case d < time.Minute:
		return count(int(d.Round(time.Second)/time.Second), "second", "seconds")
	default:
		return count(int(d.Round(time.Minute)/time.Minute), "minute", "minutes")
	}
}
