package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/parse"
)

// tooLong is what no document may take.
const tooLong = 2 * time.Second

// strain is what a robustness pass has seen.
type strain struct {
	documents, parses, slow int
	panics                  int
	worst                   time.Duration
	worstFile               string
	peak                    uint64 // bytes of heap in use
}

// robustCommand parses every file under ROOT as it is, cut off at every
// sixteenth of its length, and sixteen times with one byte changed (the same
// bytes on every run). A panic, and a parse of more than two
// seconds, make it fail.
func robustCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("robust", flag.ContinueOnError)
	every := flags.Int("every", 1, "take every `N`th file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *every < 1 {
		return errors.New(usage)
	}
	files, err := filesUnder(flags.Arg(0))
	if err != nil {
		return err
	}
	var s strain
	for i := 0; i < len(files); i += *every {
		body, err := os.ReadFile(files[i])
		if err != nil {
			return err
		}
		s.torture(files[i], body, uint64(i))
	}
	fmt.Fprintf(out, "documents=%d parses=%d worst=%s (%s) over_2s=%d panics=%d peak_heap_mb=%d\n",
		s.documents, s.parses, s.worst.Round(time.Microsecond), s.worstFile, s.slow, s.panics, s.peak>>20)
	if s.slow+s.panics > 0 {
		return fmt.Errorf("%d parses took more than %s, %d panicked", s.slow, tooLong, s.panics)
	}
	return nil
}

func filesUnder(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) != ".jsonl" {
			files = append(files, path)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

// torture parses one document in its 33 variants.
func (s *strain) torture(file string, body []byte, seed uint64) {
	s.documents++
	s.parse(file, body)
	for i := range 16 {
		s.parse(file, body[:len(body)*i/16])
	}
	if len(body) == 0 {
		return
	}
	random := rand.New(rand.NewPCG(seed, 16))
	for range 16 {
		at := random.IntN(len(body))
		was := body[at]
		body[at] ^= byte(1 + random.IntN(255))
		s.parse(file, body)
		body[at] = was
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s.peak = max(s.peak, mem.HeapInuse)
}

func (s *strain) parse(file string, body []byte) {
	start := time.Now()
	_, err := parse.Parse(feed.Document{Body: body, URL: "https://example.org/feed"}, parse.Limits{})
	took := time.Since(start)
	s.parses++
	if feed.CodeOf(err) == feed.CodeInternal {
		s.panics++
	}
	if took > s.worst {
		s.worst, s.worstFile = took, filepath.Base(file)
	}
	if took > tooLong {
		s.slow++
	}
}
