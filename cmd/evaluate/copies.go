package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// alike is a pair of documents, and how alike their texts are: the Jaccard
// index of their word 4-grams.
type alike struct {
	jaccard float64
	a, b    string
}

// copyWindow is how far apart copies lie at most.
const copyWindow = 14 * 24 * time.Hour

// copiesCommand tells how many of the pairs that are alike became one item, and how
// many of those that conflict in their numbers.
func copiesCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("copies", flag.ContinueOnError)
	database := databaseFlag(flags)
	rows := flags.String("rows", "", "write one JSON line per document to `FILE`")
	diff := flags.Bool("diff", false, "print each pair that was decided otherwise")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 2 || flags.NArg() > 3 {
		return errors.New(usage)
	}
	pairs, err := readPairs(flags.Arg(1))
	if err != nil {
		return err
	}
	var conflicts []alike
	if flags.NArg() == 3 {
		if conflicts, err = readPairs(flags.Arg(2)); err != nil {
			return err
		}
	}
	docs, got, err := try(context.Background(), *database, flags.Arg(0))
	if err != nil {
		return err
	}
	m := matched{items: map[string]string{}, at: map[string]time.Time{}, report: io.Discard}
	if *diff {
		m.report = out
	}
	sink, done, err := rowSink(*rows)
	if err != nil {
		return err
	}
	for i, o := range got {
		m.items[o.ID], m.at[o.ID] = o.Item, docs[i].at
		if err := sink.Encode(o); err != nil {
			return err
		}
	}
	n8, of8 := m.merged(pairs, 0.8, true)
	n6, of6 := m.merged(pairs, 0.6, true)
	n, of := m.merged(conflicts, 0, false)
	fmt.Fprintf(out, "copies %s n=%d recall_0.8=%.4f recall_0.6=%.4f conflicts_merged=%.4f pairs_0.8=%d/%d pairs_0.6=%d/%d conflicts=%d/%d\n",
		filepath.Base(flags.Arg(0)), len(docs), ratio(n8, of8), ratio(n6, of6), share(n, of), n8, of8, n6, of6, n, of)
	return done()
}

// share is n of m, and 0 where there is nothing to count.
func share(n, m int) float64 {
	if m == 0 {
		return 0
	}
	return float64(n) / float64(m)
}

// matched looks pairs up.
type matched struct {
	items  map[string]string
	at     map[string]time.Time
	report io.Writer
}

// merged counts the pairs that are at least so alike and lie within the window, and
// those of them that became one item.
func (m matched) merged(pairs []alike, jaccard float64, want bool) (n, of int) {
	for _, p := range pairs {
		if p.jaccard < jaccard || m.at[p.a].Sub(m.at[p.b]).Abs() > copyWindow {
			continue
		}
		of++
		together := m.items[p.a] != "" && m.items[p.a] == m.items[p.b]
		if together {
			n++
		}
		if together != want {
			fmt.Fprintf(m.report, "%.3f %s %s together=%v\n", p.jaccard, p.a, p.b, together)
		}
	}
	return n, of
}

// readPairs reads lines of a Jaccard index and two ids, with a line of headings.
func readPairs(path string) ([]alike, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []alike
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if n == 1 && len(fields) > 0 && fields[0] == "jaccard4" || len(fields) == 0 {
			continue
		}
		if len(fields) < 3 {
			return nil, fmt.Errorf("%s, line %d: there should be a Jaccard index and two ids", path, n)
		}
		j, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		all = append(all, alike{j, fields[1], fields[2]})
	}
	return all, lines.Err()
}
