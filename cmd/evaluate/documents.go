package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"tributary/ingest/parse"
)

// labelled is a line of a labelled collection.
type labelled struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Text      string   `json:"text"`
	URL       string   `json:"url"`
	Published string   `json:"published"`
	Source    string   `json:"source"`
	Story     string   `json:"story"`
	Topics    []string `json:"topics"`
	Relevant  *bool    `json:"relevant"`

	at time.Time
}

// firstDate dates a collection whose first document says no date.
var firstDate = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// readDocuments reads JSON lines. One without a date is dated a minute after the one before.
func readDocuments(path string) ([]labelled, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var docs []labelled
	last := firstDate
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for n := 1; lines.Scan(); n++ {
		var d labelled
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		if d.at, err = publishedAt(d.Published, last); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		last = d.at
		docs = append(docs, d)
	}
	return docs, lines.Err()
}

func publishedAt(published string, last time.Time) (time.Time, error) {
	if published == "" {
		return last.Add(time.Minute), nil
	}
	if t, ok := parse.Date(published); ok {
		return t, nil
	}
	// As the Reuters newswire of 1987 wrote it, with what slipped in behind.
	const wire = "02-Jan-2006 15:04:05"
	date := strings.TrimSpace(published)
	if strings.IndexByte(date, '-') == 1 {
		date = "0" + date
	}
	if len(date) >= len(wire) {
		if t, err := time.Parse(wire, date[:len(wire)]); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("the date %q is none that is known here", published)
}
