package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tributary/feed"
	"tributary/ingest"
)

// judged is what the filter made of a document.
type judged struct {
	ID       string  `json:"id"`
	Score    float64 `json:"score"`
	Decision string  `json:"decision"` // published, copy or held
	Rule     string  `json:"rule"`
}

// topicCommand takes a stream of documents through the pipeline with a folder
// of seeds, and compares what was published with the labels.
func topicCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("topic", flag.ContinueOnError)
	seeds := flags.String("seeds", "", "folder of documents, or `FILE` of JSON lines with title and text")
	name := flags.String("topic", "", "what has this `NAME` among its topics is relevant; else what says so by relevant")
	database := databaseFlag(flags)
	rows := flags.String("rows", "", "write one JSON line per document to `FILE`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *seeds == "" {
		return errors.New(usage)
	}
	docs, err := readDocuments(flags.Arg(0))
	if err != nil {
		return err
	}
	sink, done, err := rowSink(*rows)
	if err != nil {
		return err
	}
	n, got, err := filtered(context.Background(), *database, *seeds, docs)
	if err != nil {
		return err
	}
	relevant := make([]bool, len(docs))
	for i, d := range docs {
		relevant[i] = slices.Contains(d.Topics, *name) || *name == "" && d.Relevant != nil && *d.Relevant
		if err := sink.Encode(got[i]); err != nil {
			return err
		}
	}
	s := filtering(got, relevant)
	fmt.Fprintf(out, "topic %s seeds=%d n=%d precision=%.4f recall=%.4f f1=%.4f ap=%.4f relevant=%d published=%d doubtful=%d\n",
		cmp.Or(*name, filepath.Base(flags.Arg(0))), n, len(docs), s.precision, s.recall, s.f1(), averagePrecision(got, relevant),
		countIf(got, func(i int) bool { return relevant[i] }), countIf(got, func(i int) bool { return got[i].on() }),
		countIf(got, func(i int) bool { return got[i].Rule == ingest.RuleDoubtful }))
	return done()
}

func (j judged) on() bool {
	return j.Decision == string(feed.Published) || j.Decision == string(feed.CopyOf)
}

// filtered takes the documents through a pipeline that learned from the seeds,
// and tells how many seeds there were.
func filtered(ctx context.Context, databaseURL, seeds string, docs []labelled) (n int, got []judged, err error) {
	t, err := newTrial(ctx, databaseURL)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	t.filter = ingest.Filter{Mode: ingest.FilterLearned}
	if t.seeds, err = t.seedFolder(seeds); err != nil {
		return 0, nil, err
	}
	if err := t.feedAll(ctx, docs); err != nil {
		return 0, nil, err
	}
	learned, err := t.store.SeedEntries(ctx)
	if err != nil {
		return 0, nil, err
	}
	got, err = t.judgements(ctx, docs)
	return len(learned), got, err
}

// seedFolder is the folder itself, or one made of a file's documents.
func (t *trial) seedFolder(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return path, err
	}
	docs, err := readDocuments(path)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(t.dir, "seeds")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	for i, d := range docs {
		title, err := json.Marshal(d.Title) // a JSON string is a YAML one
		if err != nil {
			return "", err
		}
		text := "---\ntitle: " + string(title) + "\n---\n\n" + strings.TrimSpace(d.Text) + "\n"
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%03d.md", i)), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// judgements tells what became of each document.
func (t *trial) judgements(ctx context.Context, docs []labelled) ([]judged, error) {
	got := make([]judged, len(docs))
	for i, d := range docs {
		src, err := t.store.Source(ctx, sourceOf(d, i))
		if err != nil {
			return nil, err
		}
		known, err := t.known(ctx, src, d)
		if err != nil {
			return nil, err
		}
		got[i].ID = d.ID
		if len(known) != 1 {
			continue
		}
		e, err := t.store.EntryByID(ctx, known[0].EntryID)
		if err != nil {
			return nil, err
		}
		got[i].Score, got[i].Decision, got[i].Rule = e.Score.Value, string(e.Entry.Decision.Kind), e.Entry.Decision.Rule
	}
	return got, nil
}

// filtering are precision and recall of what was published.
func filtering(got []judged, relevant []bool) scores {
	hits := countIf(got, func(i int) bool { return got[i].on() && relevant[i] })
	return scores{
		precision: ratio(hits, countIf(got, func(i int) bool { return got[i].on() })),
		recall:    ratio(hits, countIf(got, func(i int) bool { return relevant[i] })),
	}
}

func countIf(got []judged, is func(i int) bool) int {
	n := 0
	for i := range got {
		if is(i) {
			n++
		}
	}
	return n
}

// averagePrecision is the mean, over the relevant documents, of the precision
// down to each in the order of scores; among equals the first comes first.
func averagePrecision(got []judged, relevant []bool) float64 {
	order := make([]int, len(got))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case got[a].Score > got[b].Score:
			return -1
		case got[a].Score < got[b].Score:
			return 1
		}
		return 0
	})
	hits, sum := 0, 0.0
	for rank, i := range order {
		if relevant[i] {
			hits++
			sum += float64(hits) / float64(rank+1)
		}
	}
	if hits == 0 {
		return 0
	}
	return sum / float64(hits)
}
