package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"tributary/feed"
	"tributary/ingest/fetch"
	"tributary/ingest/topic"
)

// configFile is a configuration file as read: values and sources with the
// lines where they stand, and what is wrong with its shape.
type configFile struct {
	path     string
	values   []value
	sources  []declaredSource
	problems problems
	rules    topicRules
}

// readFile reads the configuration file. Without a name it is tributary.yaml
// in the working directory, which may be missing. A file without any key is
// valid.
func readFile(name string) (*configFile, error) {
	f := &configFile{path: name}
	if name == "" {
		f.path = defaultFile
	}
	text, err := os.ReadFile(f.path)
	if name == "" && errors.Is(err, fs.ErrNotExist) {
		return &configFile{}, nil
	}
	if err != nil {
		return f, feed.Errorf(feed.CodeInvalid, "the configuration file cannot be read: %w; name another one with --config", err)
	}
	return f, f.parse(text)
}

// parse reads YAML into values and sources. An error is one of syntax; all
// else that is wrong goes to the problems.
func (f *configFile) parse(text []byte) error {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return f.syntax(err)
	}
	var doc, more yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return f.syntax(err)
	}
	if err := loader.Load(&more); !errors.Is(err, io.EOF) {
		return f.syntax(errors.Join(errors.New("there is a second document; remove the line --- and merge the two"), err))
	}
	f.top(doc.Content[0])
	return nil
}

// syntax turns the YAML reader's error into one with file and line.
func (f *configFile) syntax(err error) error {
	var e *yaml.LoadError
	if !errors.As(err, &e) || e.Mark.Line == 0 {
		return feed.Errorf(feed.CodeInvalid, "%s: this is not YAML: %w", f.path, err)
	}
	hint := "check the indentation, and quote values with special characters"
	return feed.Errorf(feed.CodeInvalid, "%s:%d: this is not YAML: %s; %s", f.path, e.Mark.Line, e.Message, hint)
}

// top reads the keys of the file itself.
func (f *configFile) top(n *yaml.Node) {
	if isNull(n) {
		return
	}
	known := []string{"sources", "topic"}
	for key := range settings {
		if !strings.Contains(key, ".") {
			known = append(known, key)
		}
	}
	f.mapping(n, "", known, func(key string, v *yaml.Node) {
		switch key {
		case "topic":
			f.topic(v)
		case "sources":
			f.sourceList(v)
		case "trusted_proxies":
			f.proxies(v)
		default:
			f.scalar(key, v)
		}
	})
}

// topicRules are the rules as written.
type topicRules struct{ include, exclude, require []string }

// topic reads the key topic.
func (f *configFile) topic(n *yaml.Node) {
	f.mapping(n, "topic", []string{"filter", "threshold", "include", "exclude", "require"}, func(key string, v *yaml.Node) {
		switch key {
		case "include":
			f.rules.include = f.phrases("topic."+key, v)
		case "exclude":
			f.rules.exclude = f.phrases("topic."+key, v)
		case "require":
			f.rules.require = f.phrases("topic."+key, v)
		default:
			f.scalar("topic."+key, v)
		}
	})
}

// phrases reads a list of rules, or one.
func (f *configFile) phrases(key string, n *yaml.Node) []string {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var all []string
	for _, v := range nodes {
		if v = follow(v); v.Kind != yaml.ScalarNode {
			f.wrong(v, key, "this should be a phrase, or a list of them: [security guarantees, title:ceasefire]")
			continue
		}
		if _, err := topic.ParseRules([]string{v.Value}, nil, nil); err != nil {
			f.wrong(v, key, err.Error())
			continue
		}
		all = append(all, v.Value)
	}
	return all
}

// mapping calls do for each known key of n that has a value, and notes
// unknown and repeated ones.
func (f *configFile) mapping(n *yaml.Node, name string, known []string, do func(key string, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		f.wrong(n, name, "this should be keys with values, written as key: value, one a line")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], follow(n.Content[i+1])
		full := strings.TrimPrefix(name+"."+k.Value, ".")
		switch first := seen[k.Value]; {
		case !slices.Contains(known, k.Value):
			f.wrong(k, full, "there is no such key; "+suggest(k.Value, known))
		case first > 0:
			f.wrong(k, full, fmt.Sprintf("the key stands in line %d already; keep one of the two", first))
		case !isNull(v):
			do(k.Value, v)
		}
		seen[k.Value] = k.Line
	}
}

// scalar notes the value of a key.
func (f *configFile) scalar(key string, v *yaml.Node) {
	if v.Kind != yaml.ScalarNode {
		f.wrong(v, key, "this should be one value, not a list or keys")
		return
	}
	f.values = append(f.values, value{key, v.Value, f.at(v)})
}

// proxies reads the key trusted_proxies: a list, whose lines are checked one by
// one, or all in one line.
func (f *configFile) proxies(n *yaml.Node) {
	const key = "trusted_proxies"
	if n.Kind != yaml.SequenceNode {
		f.scalar(key, n)
		return
	}
	var all []string
	for _, v := range n.Content {
		if v = follow(v); v.Kind != yaml.ScalarNode {
			f.wrong(v, key, "this should be one value, not a list or keys")
		} else if _, err := parseProxies(v.Value); err != nil {
			f.wrong(v, key, err.Error())
		} else {
			all = append(all, v.Value)
		}
	}
	f.values = append(f.values, value{key, strings.Join(all, " "), f.at(n)})
}

// sourceList reads the key sources.
func (f *configFile) sourceList(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		f.wrong(n, "sources", "this should be a list; begin each source with - url: https://…")
		return
	}
	for _, entry := range n.Content {
		f.source(follow(entry))
	}
}

// sourceKeys are the keys of a source and how each is read.
var sourceKeys = map[string]func(s *feed.Source, v *yaml.Node) error{
	"url":      textKey(func(s *feed.Source) *string { return &s.URL }, parseFeedURL),
	"name":     textKey(func(s *feed.Source) *string { return &s.Name }, parseLine),
	"every":    textKey(func(s *feed.Source) *string { return &s.Every }, parseEvery),
	"enabled":  textKey(func(s *feed.Source) *bool { return &s.Enabled }, parseBool),
	"private":  textKey(func(s *feed.Source) *bool { return &s.Private }, parseBool),
	"priority": textKey(func(s *feed.Source) *int { return &s.Priority }, parsePriority),
	"tags":     readTags,
	"topic":    textKey(func(s *feed.Source) *string { return &s.Topic }, parseSourceTopic),

	"full_text": textKey(func(s *feed.Source) *bool { return &s.FullText }, parseBool),
}

// source reads one source of the list.
func (f *configFile) source(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.wrong(n, "sources", "a source is keys with values; write - url: https://…")
		return
	}
	s := feed.Source{Kind: feed.KindFeed, Enabled: true, Origin: feed.OriginConfig}
	before, at := len(f.problems), n
	known := append(slices.Collect(maps.Keys(sourceKeys)), "headers")
	f.mapping(n, "sources", known, func(key string, v *yaml.Node) {
		switch key {
		case "url":
			at = v
		case "headers":
			s.Headers = f.headers(v)
			return
		}
		if err := sourceKeys[key](&s, v); err != nil {
			f.wrong(v, "sources."+key, err.Error())
		}
	})
	if len(f.problems) == before {
		if s.URL == "" {
			f.wrong(n, "sources", "this source has no url; write - url: https://…")
		} else if _, err := fetch.References(s); err != nil {
			f.wrong(at, "sources", err.Error())
		}
	}
	s.Private = s.Private || s.HasSecrets()
	if s.URL != "" {
		f.sources = append(f.sources, declaredSource{s, f.at(at)})
	}
}

// textKey makes the reader of a source's key from that of its value.
func textKey[T any](field func(*feed.Source) *T, parse func(string) (T, error)) func(*feed.Source, *yaml.Node) error {
	return func(s *feed.Source, v *yaml.Node) error {
		if v.Kind != yaml.ScalarNode {
			return errors.New("this should be one value, not a list or keys")
		}
		got, err := parse(v.Value)
		if err == nil {
			*field(s) = got
		}
		return err
	}
}

// headers reads the headers that a source is to be sent. Problems with one name
// its line and never its value.
func (f *configFile) headers(n *yaml.Node) map[string]string {
	const key = "sources.headers"
	if n.Kind != yaml.MappingNode {
		f.wrong(n, key, "this should be names with values; write headers: {X-Api-Key: $NEWS_KEY}")
		return nil
	}
	headers := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], follow(n.Content[i+1])
		name := http.CanonicalHeaderKey(k.Value)
		_, twice := headers[name]
		err := fetch.CheckHeader(k.Value, v.Value)
		switch {
		case twice:
			f.wrong(k, key+"."+k.Value, "the header stands there already; keep one of the two")
		case v.Kind != yaml.ScalarNode:
			f.wrong(v, key+"."+k.Value, "this should be one value, not a list or keys")
		case isNull(v):
			f.wrong(k, key+"."+k.Value, "this header has no value; give one, such as $NEWS_KEY, or remove it")
		case err != nil:
			f.wrong(k, key+"."+k.Value, err.Error())
		default:
			headers[name] = v.Value
		}
	}
	return headers
}

// readTags reads a source's tags, a list of words.
func readTags(s *feed.Source, v *yaml.Node) error {
	if v.Kind != yaml.SequenceNode {
		return errors.New("this should be a list; write tags: [europe, official]")
	}
	for _, n := range v.Content {
		tag, err := parseTag(follow(n).Value)
		if err != nil {
			return err
		}
		s.Tags = append(s.Tags, tag)
	}
	return nil
}

// parseTag reads one tag.
func parseTag(v string) (string, error) {
	v, err := parseLine(v)
	if err != nil || v == "" || strings.Contains(v, ",") || utf8.RuneCountInString(v) > longestName {
		return "", fmt.Errorf("%.200q is not a tag; write one or more words without a comma", v)
	}
	return v, nil
}

// wrong notes a problem at a node.
func (f *configFile) wrong(n *yaml.Node, key, message string) {
	f.problems.add(problem{f.at(n), key, message})
}

// at is the file and line of a node.
func (f *configFile) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", f.path, n.Line) }

// follow resolves an alias to what it stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// isNull tells whether a key was written without a value: it counts as unset.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// suggest names the known key nearest to a wrong one, or all of them.
func suggest(key string, known []string) string {
	slices.Sort(known)
	best, least := "", 3
	for _, k := range known {
		if d := distance(key, k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return "known are " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
