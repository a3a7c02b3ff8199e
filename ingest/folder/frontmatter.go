package folder

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tributary/feed"
)

// meta is what a document says of itself beside its text. Empty: not said.
type meta struct {
	title     string
	url       string // absolute, http or https
	summary   string
	language  string // BCP 47
	authors   []feed.Person
	tags      []string
	published []dated // the best first
	updated   time.Time
}

var yamlKey = regexp.MustCompile(`^\s*[\pL_][\pL\d_ -]*\s*:(?:\s|$)`)

// splitFront parts front matter (YAML between two lines "---", the first of
// them the file's first line) from the text. A text that merely begins with
// such a line has none. Errors begin with the line: "3: …".
func splitFront(s string) (meta, string, error) {
	head, after, ok := strings.Cut(s, "\n")
	if !ok || strings.TrimRight(head, " \t") != "---" {
		return meta{}, s, nil
	}
	front, rest, closed := cutFence(after)
	first, _, _ := strings.Cut(strings.TrimLeft(after, "\n"), "\n")
	isFront := yamlKey.MatchString(first) || strings.HasPrefix(first, "#")
	switch {
	case closed && strings.TrimSpace(front) == "":
		return meta{}, rest, nil
	case !isFront:
		return meta{}, s, nil
	case !closed:
		return meta{}, "", errors.New("1: front matter begins here but does not end: put a line --- below it")
	}
	m, err := parseFront(front)
	return m, rest, err
}

// cutFence cuts s at the line that ends front matter.
func cutFence(s string) (front, rest string, ok bool) {
	for at := 0; at < len(s); {
		line, _, _ := strings.Cut(s[at:], "\n")
		next := min(at+len(line)+1, len(s))
		if line = strings.TrimRight(line, " \t"); line == "---" || line == "..." {
			return s[:at], s[next:], true
		}
		at = next
	}
	return "", s, false
}

// parseFront reads the YAML. Keys that we don't know are other programs' and left alone.
func parseFront(front string) (meta, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(front), &doc); err != nil {
		return meta{}, yamlError(err)
	}
	if len(doc.Content) == 0 {
		return meta{}, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return meta{}, lineError(top, "is not a list of keys: write one \"key: value\" a line")
	}
	var m meta
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key := strings.ToLower(top.Content[i].Value)
		if seen[key] {
			return meta{}, lineError(top.Content[i], "has %q twice: keep one", key)
		}
		seen[key] = true
		if err := m.set(key, resolved(top.Content[i+1])); err != nil {
			return meta{}, err
		}
	}
	return m, nil
}

// set takes one key of the front matter.
func (m *meta) set(key string, value *yaml.Node) (err error) {
	switch key {
	case "title":
		m.title, err = text(key, value)
	case "summary", "description":
		m.summary, err = text(key, value)
	case "date", "published":
		err = m.setPublished(key, value)
	case "updated":
		m.updated, err = date(key, value)
	case "url":
		m.url, err = webAddress(key, value)
	case "lang", "language":
		m.language, err = language(key, value)
	case "tags":
		m.tags, err = list(key, value)
	case "author", "authors":
		m.authors, err = people(key, value)
	}
	return err
}

func (m *meta) setPublished(key string, value *yaml.Node) error {
	at, err := date(key, value)
	if err == nil && !at.IsZero() {
		m.published = append(m.published, dated{at, fromFront})
	}
	return err
}

// resolved follows an alias (*name) to its anchor.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// lineError words a complaint about a node; front matter begins in the file's second line.
func lineError(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d: front matter "+format, append([]any{n.Line + 1}, args...)...)
}

// yamlError says where YAML could not be read, counted in lines of the file:
// where a quote or bracket was opened that is never closed, not where its end was missed.
func yamlError(err error) error {
	line, what := 1, tidy(err.Error())
	var at *yaml.LoadError
	if errors.As(err, &at) {
		line, what = at.Mark.Line, tidy(at.Message)
		if strings.Contains(at.ContextMsg, "quoted") || strings.Contains(at.ContextMsg, "flow") {
			line = at.ContextMark.Line
		}
	}
	return fmt.Errorf("%d: front matter is not YAML: %s; check quotes, brackets, colons and indentation there", line+1, what)
}

// text reads a scalar.
func text(key string, n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode {
		return "", lineError(n, "has a %s that is no text: write one line, in quotes if it has a colon", key)
	}
	if n.Tag == "!!null" {
		return "", nil
	}
	return tidy(n.Value), nil
}

func date(key string, n *yaml.Node) (time.Time, error) {
	s, err := text(key, n)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	at, _, ok := leadingDate(s)
	if !ok {
		return time.Time{}, lineError(n, "has a %s that is not understood, %q: write it as 2025-08-18 or 2025-08-18T10:00:00Z", key, cut(s, 40))
	}
	return at, nil
}

func webAddress(key string, n *yaml.Node) (string, error) {
	s, err := text(key, n)
	if err != nil || s == "" {
		return "", err
	}
	if webURL(s) == "" {
		return "", lineError(n, "has a %s that is no web address, %q: write it with https://", key, cut(s, 80))
	}
	return s, nil
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$`)

func language(key string, n *yaml.Node) (string, error) {
	s, err := text(key, n)
	s = strings.ReplaceAll(s, "_", "-")
	if err == nil && s != "" && !languageTag.MatchString(s) {
		return "", lineError(n, "has a %s that is no language tag, %q: write for example en or en-GB", key, cut(s, 40))
	}
	return s, err
}

// list reads a sequence of scalars, or one scalar with commas.
func list(key string, n *yaml.Node) ([]string, error) {
	if n.Kind != yaml.SequenceNode {
		s, err := text(key, n)
		return notEmpty(strings.Split(s, ",")), err
	}
	var all []string
	for _, child := range n.Content {
		s, err := text(key, resolved(child))
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return notEmpty(all), nil
}

func notEmpty(all []string) []string {
	var kept []string
	for _, s := range all {
		if s = tidy(s); visible(s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// people reads authors: a name, a list of names, or maps with name, url and email.
func people(key string, n *yaml.Node) ([]feed.Person, error) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var all []feed.Person
	for _, node := range nodes {
		p, err := person(key, resolved(node))
		if err != nil {
			return nil, err
		}
		if visible(p.Name) {
			all = append(all, p)
		}
	}
	return all, nil
}

func person(key string, n *yaml.Node) (p feed.Person, err error) {
	if n.Kind != yaml.MappingNode {
		p.Name, err = text(key, n)
		return p, err
	}
	for i := 0; i+1 < len(n.Content) && err == nil; i += 2 {
		value := resolved(n.Content[i+1])
		switch n.Content[i].Value {
		case "name":
			p.Name, err = text(key, value)
		case "url":
			p.URL, err = webAddress(key, value)
		case "email":
			p.Email, err = text(key, value)
		}
	}
	return p, err
}
