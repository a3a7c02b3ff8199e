package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mmcdole/gofeed"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/parse"
)

// speedCommand times our parser, and parser and cleaner together, against
// gofeed's universal parser on every file under ROOT. The three take turns;
// of each the best of its rounds counts, which leaves out what else the
// machine did.
func speedCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("speed", flag.ContinueOnError)
	rounds := flags.Int("rounds", 7, "take the best of `N` rounds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *rounds < 1 {
		return errors.New(usage)
	}
	files, err := filesUnder(flags.Arg(0))
	if err != nil {
		return err
	}
	var docs []feed.Document
	size := 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		docs = append(docs, feed.Document{URL: "https://example.org/feed", Body: body})
		size += len(body)
	}
	now := time.Now()
	best := [3]time.Duration{}
	for range *rounds {
		for i, read := range []func(feed.Document){readOnly, func(d feed.Document) { readAndClean(d, now) }, readUniversal} {
			if took := timed(docs, read); best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	fmt.Fprintf(out, "documents=%d mb=%.1f parse=%s parse+clean=%s gofeed=%s parse/gofeed=%.2f parse+clean/gofeed=%.2f\n",
		len(docs), float64(size)/(1<<20), best[0].Round(time.Millisecond), best[1].Round(time.Millisecond), best[2].Round(time.Millisecond),
		float64(best[0])/float64(best[2]), float64(best[1])/float64(best[2]))
	return nil
}

func timed(docs []feed.Document, read func(feed.Document)) time.Duration {
	start := time.Now()
	for _, d := range docs {
		read(d)
	}
	return time.Since(start)
}

func readOnly(d feed.Document) { _, _ = parse.Parse(d, parse.Limits{}) }

func readAndClean(d feed.Document, now time.Time) {
	f, err := parse.Parse(d, parse.Limits{})
	if err != nil {
		return
	}
	c := clean.Context{DocumentURL: d.URL, SiteURL: f.Channel.Link, Base: f.Base, Now: now, Date: parse.Date}
	for _, raw := range f.Entries {
		_ = clean.Entry(raw, c)
	}
}

func readUniversal(d feed.Document) { _, _ = gofeed.NewParser().Parse(bytes.NewReader(d.Body)) }
