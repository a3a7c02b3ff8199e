package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
)

// storiesCommand compares the stories that documents are put into with their labels,
// and tells how many of the pairs that became one item belong to one story.
func storiesCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("stories", flag.ContinueOnError)
	database := databaseFlag(flags)
	rows := flags.String("rows", "", "write one JSON line per document to `FILE`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New(usage)
	}
	sink, done, err := rowSink(*rows)
	if err != nil {
		return err
	}
	for _, path := range flags.Args() {
		docs, got, err := try(context.Background(), *database, path)
		if err != nil {
			return err
		}
		var items, stories, want []string
		for i, o := range got {
			if err := sink.Encode(o); err != nil {
				return err
			}
			items, stories, want = append(items, o.Item), append(stories, o.Story), append(want, docs[i].Story)
		}
		b3, pair, copies := bCubed(stories, want), pairs(stories, want), pairs(items, want)
		fmt.Fprintf(out, "stories %s n=%d b3=%.4f pair_f1=%.4f b3_precision=%.4f b3_recall=%.4f pair_precision=%.4f pair_recall=%.4f items=%d copy_precision=%.4f\n",
			filepath.Base(path), len(docs), b3.f1(), pair.f1(), b3.precision, b3.recall, pair.precision, pair.recall, count(items), copies.precision)
	}
	return done()
}

// try takes a file's documents through the pipeline.
func try(ctx context.Context, databaseURL, path string) ([]labelled, []outcome, error) {
	docs, err := readDocuments(path)
	if err == nil && len(docs) == 0 {
		err = fmt.Errorf("%s: there is no document in it", path)
	}
	if err != nil {
		return nil, nil, err
	}
	t, err := newTrial(ctx, databaseURL)
	if err != nil {
		return nil, nil, err
	}
	if err = t.feedAll(ctx, docs); err != nil {
		return nil, nil, errors.Join(err, t.close())
	}
	got, err := t.outcomes(ctx, docs)
	return docs, got, errors.Join(err, t.close())
}

// count counts different values.
func count(values []string) int {
	seen := map[string]bool{}
	for _, v := range values {
		seen[v] = true
	}
	return len(seen)
}
