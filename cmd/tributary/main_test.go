package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tributary": main,
		"http":      httpMain,
	})
}

// The scripts say what is typed, what is printed and how it ends. Each has a
// site of its own at $SITE, which serves the files below www, never answers
// at /silent, and notes each request in requests.log; see difficult for what
// else it does. Another host, $OTHER, serves the same files and notes what
// secrets it is shown in other.log.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setUpScript,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await":    await,
			"signal":   sendSignal,
			"expand":   expand,
			"mode":     mode,
			"exitcode": exitCodeIs,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(10 * time.Minute), // a hang shows its stacks; scripts wait for their turn among slower tests
	})
}

// setUpScript starts the script's site, finds it a free port, and lets it
// fetch from this machine without waiting between requests.
func setUpScript(env *testscript.Env) error {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join(env.WorkDir, "www"))))
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	other := httptest.NewServer(notingSecrets(filepath.Join(env.WorkDir, "other.log"), http.FileServer(http.Dir(filepath.Join(env.WorkDir, "www")))))
	env.Defer(other.Close)
	difficult(mux, filepath.Join(env.WorkDir, "www"), other.URL)
	site := httptest.NewServer(noting(filepath.Join(env.WorkDir, "requests.log"), mux))
	env.Defer(func() { site.CloseClientConnections(); site.Close() })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Setenv("SITE", site.URL)
	env.Setenv("SITE_HOST", strings.TrimPrefix(site.URL, "http://"))
	env.Setenv("OTHER", other.URL)
	env.Setenv("ADDR", free.Addr().String())
	env.Setenv("TRIBUTARY_LISTEN", free.Addr().String())
	env.Setenv("TRIBUTARY_ALLOW_PRIVATE", "true")
	return free.Close()
}

// difficult adds the places of a site that are not simply there: /guarded/
// wants the login ann:open and the key sesame for its files, /moved/ and
// /away/ redirect for ever to the same files here and for now to those of
// another host, /zipped/ packs them, /busy wants to be left alone for an hour.
func difficult(mux *http.ServeMux, www, other string) {
	files := http.FileServer(http.Dir(www))
	mux.Handle("/guarded/", http.StripPrefix("/guarded", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "ann" || password != "open" || r.Header.Get("X-Api-Key") != "Key sesame" {
			w.Header().Set("WWW-Authenticate", `Basic realm="news"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	})))
	redirect := func(prefix, to string, status int) {
		mux.HandleFunc(prefix, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, to+strings.TrimPrefix(r.URL.Path, prefix), status)
		})
	}
	redirect("/moved/", "/", http.StatusMovedPermanently)
	redirect("/away/", other+"/", http.StatusFound)
	mux.Handle("/zipped/", http.StripPrefix("/zipped", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := os.ReadFile(filepath.Join(www, filepath.Base(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(body)
		z.Close()
	})))
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
}

// notingSecrets appends to a file what a request shows of secrets.
func notingSecrets(file string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := fmt.Sprintf("%s key=%q login=%q\n", r.URL.Path, r.Header.Get("X-Api-Key"), r.Header.Get("Authorization"))
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			f.WriteString(line)
			f.Close()
		}
		next.ServeHTTP(w, r)
	})
}

// noting appends a line for each request to a file: its path and how it was
// conditional.
func noting(file string, next http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(f, r.URL.Path, r.Header.Get("If-Modified-Since"))
			f.Close()
		}
		mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// await waits until a URL answers with a body that matches a pattern:
// await URL PATTERN
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await URL PATTERN")
	}
	pattern := regexp.MustCompile(args[1])
	var last string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(args[0])
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if pattern.Match(body) {
			return
		}
		last = res.Status + "\n" + string(body)
	}
	ts.Fatalf("%s does not come to match %s:\n%s", args[0], args[1], last)
}

// sendSignal sends a signal to the program in the background: signal HUP|TERM
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}
	if neg || len(args) != 1 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal HUP|TERM")
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(signals[args[0]]))
	}
}

// expand replaces variables in files: expand FILE…
func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// mode checks a file's permissions: mode 600 FILE
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// exitCodeIs runs a command and checks how it ends: exitcode CODE COMMAND [ARGUMENT…]
func exitCodeIs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE COMMAND [ARGUMENT…]")
	}
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); !errors.As(err, &exit) || fmt.Sprint(exit.ExitCode()) != args[0] {
		ts.Fatalf("%v ended with %v, want exit code %s", args[1:], err, args[0])
	}
}

// httpMain is a small HTTP client for scripts: http METHOD URL [TOKEN]. It
// prints the status, some headers and the body, and fails for statuses from 400.
func httpMain() {
	req, err := http.NewRequest(os.Args[1], os.Args[2], strings.NewReader(os.Getenv("BODY")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if len(os.Args) > 3 {
		req.Header.Set("Authorization", "Bearer "+os.Args[3])
	}
	if os.Getenv("BODY") != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer res.Body.Close()
	fmt.Println(res.Status)
	for _, h := range []string{"Content-Type", "Location", "ETag"} {
		if v := res.Header.Get(h); v != "" {
			fmt.Println(h+":", v)
		}
	}
	if _, err := io.Copy(os.Stdout, res.Body); err != nil || res.StatusCode >= 400 {
		os.Exit(1)
	}
}
