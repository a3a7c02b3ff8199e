package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cost is what the operating system accounted for a finished process.
type cost struct {
	cpu  time.Duration // user and system
	wall time.Duration
	peak int64 // largest resident set, bytes
}

// measure runs a command to its end.
func measure(name string, args ...string) (cost, error) {
	c, _, err := measureOutput(name, args...)
	return c, err
}

// measureOutput also gives what the command wrote.
func measureOutput(name string, args ...string) (cost, []byte, error) {
	cmd := exec.Command(name, args...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(began)}
	if err != nil {
		return c, nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, output.Bytes())
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	c.peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	return c, output.Bytes(), nil
}

// ingestCommand measures first, unchanged and one-new-item runs against the
// floor, in turn, and prints each round and the medians.
func ingestCommand(args []string) error {
	flags := flag.NewFlagSet("ingest", flag.ContinueOnError)
	feeds := flags.Int("feeds", 1000, "number of feeds")
	rounds := flags.Int("rounds", 3, "rounds to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: bench ingest [flags] TRIBUTARY")
	}
	server, base, err := startChild("feeds", "-feeds", fmt.Sprint(*feeds))
	if err != nil {
		return err
	}
	defer stopChild(server)
	var all []roundCosts
	for i := range *rounds {
		r, err := ingestRound(flags.Arg(0), base, *feeds)
		if err != nil {
			return err
		}
		fmt.Printf("round %d: %s\n", i+1, r.line(*feeds))
		all = append(all, r)
	}
	fmt.Printf("median:  %s\n", medianOf(all).line(*feeds))
	return nil
}

// roundCosts is one round: every run once.
type roundCosts struct {
	floor, first, unchanged, fresh cost
	firstScored, freshScored       cost // the same with every entry scored and none held
	firstHeld                      cost // and with all held
	entries                        int
}

func (r roundCosts) line(feeds int) string {
	ratio := func(c cost) float64 { return float64(c.cpu) / float64(r.floor.cpu) }
	more := func(scored, c cost) float64 { return 100 * (float64(scored.cpu)/float64(c.cpu) - 1) }
	return fmt.Sprintf("floor %.2f s CPU; first run %.2f × (%.2f s; scored %+.0f %%, scored and held %+.0f %%), unchanged %d µs a feed, one new item %.2f × (scored %+.0f %%); peak %d MB; %d of %d entries",
		r.floor.cpu.Seconds(), ratio(r.first), r.first.wall.Seconds(), more(r.firstScored, r.first), more(r.firstHeld, r.first),
		r.unchanged.cpu.Microseconds()/int64(feeds), ratio(r.fresh), more(r.freshScored, r.fresh),
		max(r.first.peak, r.unchanged.peak, r.fresh.peak)>>20, r.entries, feeds*itemsPerFeed)
}

func medianOf(all []roundCosts) roundCosts {
	mid := func(pick func(roundCosts) cost) cost {
		costs := make([]cost, len(all))
		for i, r := range all {
			costs[i] = pick(r)
		}
		slices.SortFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
		return costs[len(costs)/2]
	}
	return roundCosts{
		floor:       mid(func(r roundCosts) cost { return r.floor }),
		first:       mid(func(r roundCosts) cost { return r.first }),
		unchanged:   mid(func(r roundCosts) cost { return r.unchanged }),
		fresh:       mid(func(r roundCosts) cost { return r.fresh }),
		firstScored: mid(func(r roundCosts) cost { return r.firstScored }),
		firstHeld:   mid(func(r roundCosts) cost { return r.firstHeld }),
		freshScored: mid(func(r roundCosts) cost { return r.freshScored }),
		entries:     all[len(all)-1].entries,
	}
}

func ingestRound(program, base string, feeds int) (roundCosts, error) {
	var r roundCosts
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	config, err := writeConfig(filepath.Join(dir, "all"), base, feeds, "filter: off")
	if err != nil {
		return r, err
	}
	scoring, err := writeConfig(filepath.Join(dir, "scored"), base, feeds, "threshold: 0.0001")
	if err != nil {
		return r, err
	}
	holding, err := writeConfig(filepath.Join(dir, "held"), base, feeds, "filter: learned")
	if err != nil {
		return r, err
	}
	steps := []struct {
		round int
		into  *cost
		name  string
		args  []string
	}{
		{0, &r.floor, os.Args[0], []string{"floor", "-base", base, "-feeds", fmt.Sprint(feeds), "-db", filepath.Join(dir, "floor.db")}},
		{0, &r.first, program, []string{"ingest", "--config", config}},
		{0, &r.firstScored, program, []string{"ingest", "--config", scoring}},
		{0, &r.firstHeld, program, []string{"ingest", "--config", holding}},
		{0, &r.unchanged, program, []string{"ingest", "--force", "--config", config}},
		{1, &r.fresh, program, []string{"ingest", "--force", "--config", config}},
		{1, &r.freshScored, program, []string{"ingest", "--force", "--config", scoring}},
	}
	for _, s := range steps {
		resp, err := http.Get(fmt.Sprintf("%s/round/%d", base, s.round))
		if err != nil {
			return r, err
		}
		_ = resp.Body.Close() // it has none
		if *s.into, err = measure(s.name, s.args...); err != nil {
			return r, err
		}
		if s.into == &r.first {
			if r.entries, err = countEntries(filepath.Join(dir, "all", "data", "tributary.db")); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// writeConfig names all feeds, and a seeds folder with one document, in a new folder.
func writeConfig(dir, base string, feeds int, topic string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "data: %s\nseeds: %s\nallow_private: true\ntopic: {%s}\nsources:\n",
		filepath.Join(dir, "data"), filepath.Join(dir, "seeds"), topic)
	for n := range feeds {
		fmt.Fprintf(&b, "  - {url: \"%s/feed/%d\"}\n", base, n)
	}
	seed := filepath.Join(dir, "seeds", "seed.txt")
	if err := os.MkdirAll(filepath.Dir(seed), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(seed, []byte("A seed for the benchmark\n\nIt has one paragraph.\n"), 0o644); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tributary.yaml")
	return path, os.WriteFile(path, []byte(b.String()), 0o644)
}

// countEntries counts what the feeds have brought.
func countEntries(path string) (n int, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // read only
	err = db.QueryRow(`SELECT count(*) FROM entry JOIN source ON source.id = entry.source_id WHERE source.kind = 'feed'`).Scan(&n)
	return n, err
}

// startChild starts this program in another role and reads the address that
// it prints first.
func startChild(args ...string) (*exec.Cmd, string, error) {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stopChild(cmd)
		return nil, "", fmt.Errorf("%s did not start: %w", args[0], err)
	}
	return cmd, strings.TrimSpace(line), nil
}

func stopChild(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // it may have ended by itself
	_ = cmd.Wait()         // killed: the error says so
}
