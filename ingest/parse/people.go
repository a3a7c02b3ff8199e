package parse

import (
	"strconv"
	"strings"

	"tributary/feed"
)

// person reads what people put into a field for an author: "Ann Other",
// "ann@example.com (Ann Other)" as RSS wants, "Ann Other <ann@example.com>"
// and "Ann Other (ann@example.com)".
func person(v string) feed.Person {
	v = strings.TrimSpace(v)
	first, second, ok := splitPerson(v)
	switch {
	case !ok && isEmail(v):
		return feed.Person{Email: strings.TrimPrefix(v, "mailto:")}
	case !ok:
		return feed.Person{Name: v}
	case isEmail(second):
		return feed.Person{Name: first, Email: second}
	case isEmail(first):
		return feed.Person{Name: second, Email: first}
	}
	return feed.Person{Name: v}
}

// splitPerson splits "first (second)" and "first <second>".
func splitPerson(v string) (first, second string, ok bool) {
	for _, pair := range [...]string{"()", "<>"} {
		open := strings.IndexByte(v, pair[0])
		if open >= 0 && strings.HasSuffix(v, pair[1:]) {
			first = strings.Trim(v[:open], " \t\r\n\"")
			second = strings.TrimSpace(strings.TrimPrefix(v[open+1:len(v)-1], "mailto:"))
			return first, second, true
		}
	}
	return "", "", false
}

func isEmail(v string) bool {
	at := strings.IndexByte(v, '@')
	return at > 0 && at < len(v)-1 && !strings.ContainsAny(v, " \t\n<>()")
}

// maxParts bounds authors, categories and enclosures of one entry.
const maxParts = 100

// addPerson appends p unless it says nothing or is there already.
func addPerson(to []feed.Person, p feed.Person) []feed.Person {
	if p == (feed.Person{}) || len(to) == maxParts {
		return to
	}
	for i, q := range to {
		if p.Name != "" && p.Name == q.Name || p.Name == "" && p.Email != "" && p.Email == q.Email || p == q {
			to[i].Email = firstOf(q.Email, p.Email)
			to[i].URL = firstOf(q.URL, p.URL)
			return to
		}
	}
	return append(to, p)
}

// addWord appends a category unless it is empty or there already.
func addWord(to []string, word string) []string {
	word = strings.TrimSpace(word)
	if word == "" || len(to) == maxParts {
		return to
	}
	for _, w := range to {
		if w == word {
			return to
		}
	}
	return append(to, word)
}

// addEnclosure appends e unless it has no URL; of one that is there already
// it fills what was not said.
func addEnclosure(to []feed.Enclosure, e feed.Enclosure) []feed.Enclosure {
	e.URL = strings.TrimSpace(e.URL)
	if e.URL == "" || len(to) == maxParts {
		return to
	}
	for i, f := range to {
		if f.URL == e.URL {
			to[i].Type = firstOf(f.Type, e.Type)
			to[i].Title = firstOf(f.Title, e.Title)
			to[i].Length = max(f.Length, e.Length)
			to[i].Duration = max(f.Duration, e.Duration)
			return to
		}
	}
	return append(to, e)
}

// size reads a length in bytes; what is no number, or negative, is not said.
func size(v string) int64 {
	v = strings.ReplaceAll(strings.TrimSpace(v), ",", "")
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// seconds reads a duration: "3723", "3723.5", "62:03", "1:02:03" (itunes).
func seconds(v string) int64 {
	var total int64
	for _, part := range strings.Split(strings.TrimSpace(v), ":") {
		whole, _, _ := strings.Cut(part, ".")
		n, err := strconv.ParseInt(strings.TrimSpace(whole), 10, 32)
		if err != nil || n < 0 {
			return 0
		}
		total = total*60 + n
		if total > 1<<31 {
			return 0
		}
	}
	return total
}

// firstOf is the first of vs that is not empty.
func firstOf(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

// isHTTP tells whether v is a web address.
func isHTTP(v string) bool {
	return len(v) > 8 && (strings.EqualFold(v[:7], "http://") || strings.EqualFold(v[:8], "https://"))
}
