package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"tributary/feed"
	"tributary/ingest/parse"
)

// reference is one line of the reference: what another reader made of a file.
type reference struct {
	File        string  `json:"file"`
	ContentType string  `json:"content_type"`
	Entries     int     `json:"entries"`
	First       []entry `json:"first"`
}

// entry is one of the first five entries, as published.
type entry struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Link  string `json:"link"`
	Date  []int  `json:"date"` // UTC: year, month, day, hour, minute, second
}

// row is what we made of a file.
type row struct {
	File    string  `json:"file"`
	Entries int     `json:"entries"`
	First   []entry `json:"first"`
	Failed  string  `json:"failed,omitempty"`
}

// tally is a line of the table: of each field how many of how many are equal.
type tally struct {
	n, equal, failed  int
	title, link, date [2]int
}

// parseCommand compares our reading of every document under ROOT that the
// reference found entries in with that reference.
func parseCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("parse", flag.ContinueOnError)
	rows := flags.String("rows", "", "write one JSON line per document to `FILE`")
	diff := flags.Bool("diff", false, "print each difference")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New(usage)
	}
	refs, err := readReferences(flags.Arg(1))
	if err != nil {
		return err
	}
	sink, done, err := rowSink(*rows)
	if err != nil {
		return err
	}
	table := map[string]*tally{}
	for _, ref := range refs {
		got, err := readRow(flags.Arg(0), ref)
		if err != nil {
			return err
		}
		if err := sink.Encode(got); err != nil {
			return err
		}
		if ref.Entries > 0 {
			set := setOf(ref.File)
			if table[set] == nil {
				table[set] = &tally{}
			}
			table[set].add(ref, got, differences(out, *diff))
		}
	}
	printTable(out, table)
	return done()
}

func readReferences(path string) ([]reference, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var refs []reference
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r reference
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		refs = append(refs, r)
	}
	return refs, lines.Err()
}

// rowSink writes rows to path, or nowhere if that is "".
func rowSink(path string) (*json.Encoder, func() error, error) {
	if path == "" {
		return json.NewEncoder(io.Discard), func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	w := bufio.NewWriter(f)
	return json.NewEncoder(w), func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}

// setOf names the set that a file belongs to: its first folder; of the
// feedparser tree the folder below tests.
func setOf(file string) string {
	parts := strings.Split(filepath.ToSlash(file), "/")
	if parts[0] == "feedparser" && len(parts) > 2 {
		return parts[2]
	}
	return parts[0]
}

// readRow parses a file as if it had come with the headers that it says.
func readRow(root string, ref reference) (row, error) {
	body, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(ref.File)))
	if err != nil {
		return row{}, err
	}
	doc := document(body, ref.ContentType)
	out := row{File: ref.File, First: []entry{}}
	f, err := parse.Parse(doc, parse.Limits{})
	if err != nil {
		out.Failed = err.Error()
		return out, nil
	}
	out.Entries = len(f.Entries)
	for _, raw := range f.Entries[:min(5, len(f.Entries))] {
		out.First = append(out.First, published(raw, f, doc))
	}
	return out, nil
}

var headerLine = regexp.MustCompile(`(?im)^\s*Header:\s*([A-Za-z-]+)\s*:\s*(.*?)\s*$`)

// document is a body with the HTTP headers that its leading comment tells to
// simulate.
func document(body []byte, contentType string) feed.Document {
	doc := feed.Document{MediaType: contentType, Body: body}
	head := bytes.ReplaceAll(body[:min(len(body), 4096)], []byte{0}, nil)
	for _, m := range headerLine.FindAllSubmatch(head, -1) {
		switch strings.ToLower(string(m[1])) {
		case "content-type":
			doc.MediaType = string(m[2])
		case "content-location":
			doc.URL = string(m[2])
		}
	}
	return doc
}

// add compares one document.
func (t *tally) add(ref reference, got row, report func(file, what, theirs, ours string)) {
	t.n++
	switch {
	case got.Failed != "":
		t.failed++
		report(ref.File, "failed", strconv.Itoa(ref.Entries), got.Failed)
	case got.Entries == ref.Entries:
		t.equal++
	default:
		report(ref.File, "entries", strconv.Itoa(ref.Entries), strconv.Itoa(got.Entries))
	}
	for i, want := range ref.First {
		have := entry{}
		if i < len(got.First) {
			have = got.First[i]
		}
		t.compare(ref.File, want, have, report)
	}
}

// compare counts the fields that the reference has a value for.
func (t *tally) compare(file string, want, have entry, report func(file, what, theirs, ours string)) {
	count := func(c *[2]int, what string, equal bool, theirs, ours string) {
		c[1]++
		if equal {
			c[0]++
		} else {
			report(file, what, theirs, ours)
		}
	}
	if want.Title != "" {
		count(&t.title, "title", sameTitle(want.Title, have.Title), want.Title, have.Title)
	}
	if want.Link != "" {
		count(&t.link, "link", strings.TrimSpace(want.Link) == have.Link, want.Link, have.Link)
	}
	if want.Date != nil {
		count(&t.date, "date", slices.Equal(want.Date, have.Date), fmt.Sprint(want.Date), fmt.Sprint(have.Date))
	}
}

// sameTitle compares as plain text with white space folded. The reference
// gives some titles as HTML and does not tell which.
func sameTitle(want, have string) bool {
	have = fold(have)
	return fold(want) == have || fold(textOf(want)) == have
}

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }

// textOf is the text of an HTML fragment.
func textOf(s string) string {
	var out strings.Builder
	for z := html.NewTokenizer(strings.NewReader(s)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			out.WriteString(string(z.Text()))
		}
	}
}

func differences(out io.Writer, wanted bool) func(file, what, theirs, ours string) {
	return func(file, what, theirs, ours string) {
		if wanted {
			fmt.Fprintf(out, "%s\t%s\t%q\t%q\n", what, file, theirs, ours)
		}
	}
}

// printTable prints a line a set, the known sets first, and their sum.
func printTable(out io.Writer, table map[string]*tally) {
	order := []string{"real", "feed-rs", "gofeed", "w3c-feedvalidator", "wellformed", "illformed", "encoding", "entities"}
	var others []string
	for set := range table {
		if !slices.Contains(order, set) {
			others = append(others, set)
		}
	}
	slices.Sort(others)
	for _, set := range append(order, others...) {
		if t := table[set]; t != nil {
			fmt.Fprintf(out, "%s n=%d count_equal=%d title=%d/%d link=%d/%d date=%d/%d failed=%d\n", set,
				t.n, t.equal, t.title[0], t.title[1], t.link[0], t.link[1], t.date[0], t.date[1], t.failed)
		}
	}
}
