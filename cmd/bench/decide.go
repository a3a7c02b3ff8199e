package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tributary/feed"
	"tributary/store"
)

const (
	newsSeed        = 3
	bytesPerEntry   = 6 << 10 // on disk, with its marks and what is being written
	runsBeforeCount = 50      // of the new entries these only warm the process up
)

// decideCommand measures what it takes to decide one new entry in stores of
// several sizes, and prints a line for each, with its ratio to the first.
func decideCommand(args []string) error {
	flags := flag.NewFlagSet("decide", flag.ContinueOnError)
	list := flags.String("sizes", "10000,100000", "entries in the store, ascending")
	fresh := flags.Int("new", 500, "entries to decide, one by one, at each size")
	dir := flags.String("dir", os.TempDir(), "where to put the store while it is needed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sizes, err := sizesIn(*list)
	if err != nil {
		return err
	}
	if err := room(*dir, sizes[len(sizes)-1]); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(*dir, "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder
	path := filepath.Join(folder, "news.db")
	var first decided
	for i, size := range sizes {
		began := time.Now()
		// In a process of its own, since a child begins with its parent's peak memory.
		from := slices.Concat([]int{0}, sizes)[i]
		if _, err := measure(os.Args[0], "filling", path, fmt.Sprint(from), fmt.Sprint(size)); err != nil {
			return err
		}
		d, err := decideAt(path, size, *fresh)
		if err != nil {
			return err
		}
		if i == 0 {
			first = d
		}
		fmt.Printf("decide %s; filled in %.0f s\n", d.line(first), time.Since(began).Seconds())
	}
	return nil
}

func sizesIn(list string) ([]int, error) {
	var sizes []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1000 || len(sizes) > 0 && n <= sizes[len(sizes)-1] {
			return nil, errors.New("sizes are numbers of 1000 or more, ascending, with commas between them")
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// room checks that so many entries go on the disk.
func room(dir string, entries int) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return err
	}
	if need := int64(entries) * bytesPerEntry; int64(fs.Bavail)*fs.Bsize < need {
		return fmt.Errorf("%d MB have to be free in %s: name another folder by -dir", need>>20, dir)
	}
	return nil
}

func twoNumbers(args []string) (a, b int, err error) {
	if a, err = strconv.Atoi(args[0]); err == nil {
		b, err = strconv.Atoi(args[1])
	}
	return a, b, err
}

func newsSource(kind string, n int) feed.Source {
	slug := fmt.Sprintf("%s-%d", kind, n)
	return feed.Source{Slug: slug, Kind: feed.KindFeed, URL: "https://" + slug + ".example/feed", Enabled: true}
}

// numberOf is the n of newsSource.
func numberOf(src feed.Source) int {
	n, err := strconv.Atoi(src.Slug[strings.LastIndexByte(src.Slug, '-')+1:])
	if err != nil {
		panic(err) // the names are our own
	}
	return n
}

// declare makes sources and gives them as they are stored, in the same order.
func declare(ctx context.Context, st *store.Store, origin feed.Origin, sources []feed.Source) ([]feed.Source, error) {
	for i := range sources {
		sources[i].Origin = origin
	}
	if err := st.SyncSources(ctx, origin, sources, newsNow); err != nil {
		return nil, err
	}
	stored, err := st.Sources(ctx)
	if err != nil {
		return nil, err
	}
	bySlug := make(map[string]feed.Source, len(stored))
	for _, src := range stored {
		bySlug[src.Slug] = src
	}
	for i := range sources {
		sources[i] = bySlug[sources[i].Slug]
	}
	return sources, nil
}

// decided is what deciding a new entry took.
type decided struct {
	Entries int
	Writing time.Duration // median, in transactions: look up, decide, store, find the story
	Whole   time.Duration // median, from the document in memory on
	CPU     time.Duration // mean, of the whole process: on a busy machine the better figure
	Copies  int
	peak    int64
}

func (d decided) line(first decided) string {
	return fmt.Sprintf("%d entries: %.2f ms in transactions (%.2f ×), %.2f ms in all (%.2f ×), %.2f ms CPU (%.2f ×), peak %d MB (%.2f ×), %d copies found",
		d.Entries, ms(d.Writing), float64(d.Writing)/float64(first.Writing), ms(d.Whole), float64(d.Whole)/float64(first.Whole), ms(d.CPU), float64(d.CPU)/float64(first.CPU),
		d.peak>>20, float64(d.peak)/float64(first.peak), d.Copies)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// decideAt decides new entries in a process of its own, whose memory it measures.
func decideAt(path string, size, fresh int) (decided, error) {
	c, output, err := measureOutput(os.Args[0], "deciding", path, fmt.Sprint(size), fmt.Sprint(fresh))
	if err != nil {
		return decided{}, err
	}
	d := decided{Entries: size, peak: c.peak}
	return d, json.Unmarshal(output, &d)
}

// decidingCommand decides entries one after the other, each in a run of its
// own and from a source of its own, and prints the medians.
func decidingCommand(args []string) error {
	ctx, path := context.Background(), args[0]
	size, fresh, err := twoNumbers(args[1:])
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Options{Path: path})
	if err != nil {
		return err
	}
	d, err := decideAll(ctx, st, size, fresh)
	if err := errors.Join(err, st.Close()); err != nil {
		return err
	}
	d.Entries = size
	return json.NewEncoder(os.Stdout).Encode(d)
}

func decideAll(ctx context.Context, st *store.Store, size, fresh int) (d decided, err error) {
	var said []byte
	r := newReader(st, func(feed.Source) []byte { return said })
	var sources []feed.Source
	for n := range fresh + runsBeforeCount {
		sources = append(sources, newsSource(fmt.Sprintf("new-%d", size), n))
	}
	if sources, err = declare(ctx, st, feed.OriginEnv, sources); err != nil {
		return d, err
	}
	w := news{newLanguage(newsSeed)}
	var used time.Duration
	var writing, whole []time.Duration
	for i, src := range sources {
		n := laterRounds + size + i
		it, _ := w.item(n, w.language.follow(n, size, size))
		said = document([]item{it})
		if i == runsBeforeCount {
			used = cpuTime()
		}
		r.writing = 0
		began := time.Now()
		if err := r.run(ctx, src.Slug, []feed.Source{src}); err != nil {
			return d, err
		}
		if i >= runsBeforeCount {
			writing, whole = append(writing, r.writing), append(whole, time.Since(began))
		}
	}
	slices.Sort(writing)
	slices.Sort(whole)
	d.Copies, d.CPU = r.copies, (cpuTime()-used)/time.Duration(len(whole))
	d.Writing, d.Whole = writing[len(writing)/2], whole[len(whole)/2]
	return d, nil
}

// cpuTime is what this process has taken so far, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it knows no errors but wrong arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
