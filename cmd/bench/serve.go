package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// variants are the three ways a reader asks for a document.
var variants = []string{"plain", "gzip", "304"}

// serveCommand compares the program's feed with a bare handler that writes
// the same bytes, asked in turn by the same load.
func serveCommand(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	slice := flags.Duration("slice", 400*time.Millisecond, "length of a measurement: short ones, in turn, share the machine's moods")
	rounds := flags.Int("rounds", 15, "rounds to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: bench serve [flags] TRIBUTARY")
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	ours, stop, err := startProgram(dir, flags.Arg(0))
	if err != nil {
		return err
	}
	defer stop()
	bare, address, err := startChild("bare", ours+"/feed.atom")
	if err != nil {
		return err
	}
	defer stopChild(bare)
	for _, v := range variants {
		var ratios []float64
		var rate float64
		for range *rounds {
			floor, err := load(address, v, *slice)
			if err != nil {
				return err
			}
			if rate, err = load(ours+"/feed.atom", v, *slice); err != nil {
				return err
			}
			ratios = append(ratios, rate/floor)
		}
		slices.Sort(ratios)
		n := len(ratios)
		fmt.Printf("serve %-5s %.2f of a bare handler (middle half %.2f to %.2f; last %.0f requests a second)\n",
			v, ratios[n/2], ratios[n/4], ratios[n*3/4], rate)
	}
	return nil
}

// startProgram ingests enough for a full window and starts serving it.
func startProgram(dir, program string) (address string, stop func(), err error) {
	feeds, base, err := startChild("feeds", "-feeds", "4")
	if err != nil {
		return "", nil, err
	}
	defer stopChild(feeds)
	config, err := writeConfig(dir, base, 4, "filter: off")
	if err != nil {
		return "", nil, err
	}
	if _, err := measure(program, "ingest", "--config", config); err != nil {
		return "", nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	log, err := os.Create(filepath.Join(dir, "serve.log"))
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(program, "serve", "--config", config, "--listen", listen)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	address = "http://" + listen
	for range 100 {
		if resp, err := http.Get(address + "/readyz"); err == nil {
			_ = resp.Body.Close() // only the status counts
			if resp.StatusCode == http.StatusOK {
				return address, func() { stopChild(cmd) }, nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	stopChild(cmd)
	said, _ := os.ReadFile(log.Name()) // shown as far as it is there
	return "", nil, fmt.Errorf("%s did not get ready: %s", program, said)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }() // only its number was wanted
	return l.Addr().String(), nil
}

// bareCommand fetches a document in its variants and serves the same bytes,
// head and body, with the least that net/http takes.
func bareCommand(args []string) error {
	kept := map[string]*http.Response{}
	bodies := map[string][]byte{}
	for _, encoding := range []string{"identity", "gzip"} {
		req, err := http.NewRequest(http.MethodGet, args[0], nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		kept[encoding] = resp
		if bodies[encoding], err = io.ReadAll(resp.Body); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encoding := "identity"
		if r.Header.Get("Accept-Encoding") == "gzip" {
			encoding = "gzip"
		}
		h := w.Header()
		for name, values := range kept[encoding].Header {
			if name != "Date" && name != "Content-Length" {
				h[name] = values
			}
		}
		if r.Header.Get("If-None-Match") == h.Get("Etag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Length", strconv.Itoa(len(bodies[encoding])))
		_, _ = w.Write(bodies[encoding]) // a client that went away is its own affair
	})
	return (&http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}).Serve(listener)
}

// load asks for requests a second in a process of its own.
func load(url, variant string, slice time.Duration) (float64, error) {
	out, err := exec.Command(os.Args[0], "load", url, variant, slice.String()).Output()
	if err != nil {
		return 0, fmt.Errorf("load %s: %w", url, err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// loadCommand asks for one document over a few kept connections, writing
// requests and reading answers with as little work as can be, so that the
// server is what is measured.
func loadCommand(args []string) error {
	url, variant := args[0], args[1]
	slice, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	header := http.Header{"Accept-Encoding": {"identity"}}
	if variant == "gzip" {
		header.Set("Accept-Encoding", "gzip")
	}
	if variant == "304" {
		etag, err := validator(url)
		if err != nil {
			return err
		}
		header.Set("If-None-Match", etag)
	}
	request, host, err := rawRequest(url, header)
	if err != nil {
		return err
	}
	var total atomic.Int64
	var clients sync.WaitGroup
	errs := make(chan error, 8)
	end := time.Now().Add(slice)
	for range cap(errs) {
		clients.Go(func() {
			n, err := ask(host, request, end)
			total.Add(n)
			errs <- err
		})
	}
	clients.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	fmt.Println(float64(total.Load()) / slice.Seconds())
	return nil
}

// validator is the ETag of the plain document.
func validator(url string) (string, error) {
	req, err := http.NewRequest(http.MethodHead, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	return resp.Header.Get("Etag"), resp.Body.Close()
}

func rawRequest(url string, header http.Header) ([]byte, string, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header = header
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", req.URL.RequestURI(), req.URL.Host)
	_ = header.Write(&b) // a strings.Builder takes all
	b.WriteString("\r\n")
	return []byte(b.String()), req.URL.Host, nil
}

// ask sends the request again and again until end.
func ask(host string, request []byte, end time.Time) (n int64, err error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }() // nothing is pending
	in := bufio.NewReaderSize(conn, 64<<10)
	for time.Now().Before(end) {
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		if err := skipAnswer(in); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// skipAnswer reads one answer and forgets it.
func skipAnswer(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		text := string(line)
		if value, ok := strings.CutPrefix(text, "Content-Length: "); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
		if text == "\r\n" {
			_, err := in.Discard(length)
			return err
		}
	}
}
