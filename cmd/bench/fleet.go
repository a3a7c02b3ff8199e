package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// token is that of all processes of a fleet.
const token = "bench-bench-bench-bench-bench-bench"

// fleet is processes of the program that share a configuration, and a database
// unless dsn is empty.
type fleet struct {
	program, config, dsn, dir string
	started                   int
	members                   []*member
}

// member is one process.
type member struct {
	name, role, url string
	cmd             *exec.Cmd
	ended           chan struct{}
	seen            bool // it was ready once
}

// start starts a process. Its base URL, which goes into its User-Agent, tells a
// worker from the others; those that serve have one and the same.
func (f *fleet) start(role string) (*member, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	f.started++
	m := &member{name: fmt.Sprintf("%s-%d", role, f.started), role: role, url: "http://" + listen, ended: make(chan struct{})}
	log, err := os.Create(filepath.Join(f.dir, m.name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // it has its own
	base := "http://feeds.example.org"
	if role == "worker" {
		base = "http://" + m.name + ".example.org"
	}
	m.cmd = exec.Command(f.program, "serve", "--config", f.config)
	m.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + f.dir, "TRIBUTARY_TOKEN=" + token, "TRIBUTARY_LISTEN=" + listen,
		"TRIBUTARY_BASE_URL=" + base, "TRIBUTARY_DATA=" + filepath.Join(f.dir, "data")}
	if f.dsn != "" {
		m.cmd.Env = append(m.cmd.Env, "TRIBUTARY_DATABASE_URL="+f.dsn, "TRIBUTARY_ROLE="+role)
	}
	m.cmd.Stdout, m.cmd.Stderr = log, log
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = m.cmd.Wait() // how it ended is in its ProcessState
		close(m.ended)
	}()
	f.members = append(f.members, m)
	return m, nil
}

// ready waits until all processes say that they are.
func (f *fleet) ready() error {
	for _, m := range f.members {
		if err := m.ready(time.Minute); err != nil {
			said, _ := os.ReadFile(filepath.Join(f.dir, m.name+".log")) // shown as far as it is there
			return fmt.Errorf("%w\n%s", err, said)
		}
	}
	return nil
}

func (m *member) ready(patience time.Duration) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if a, err := download(m.url + "/readyz"); err == nil && a.status == http.StatusOK {
			m.seen = true
			return nil
		}
		select {
		case <-m.ended:
			return fmt.Errorf("%s has ended: %v", m.name, m.cmd.ProcessState)
		default:
		}
	}
	return fmt.Errorf("%s does not get ready", m.name)
}

// with is the processes of a role.
func (f *fleet) with(role string) (all []*member) {
	for _, m := range f.members {
		if m.role == role {
			all = append(all, m)
		}
	}
	return all
}

// remove takes a process that is killed out of the fleet.
func (f *fleet) remove(m *member) {
	f.members = slices.DeleteFunc(f.members, func(o *member) bool { return o == m })
}

// kill ends a process as if its machine had lost its power.
func (m *member) kill() {
	_ = m.cmd.Process.Kill() // it may have ended by itself
	<-m.ended
}

// stop asks all processes to end, and sees to it.
func (f *fleet) stop() {
	for _, m := range f.members {
		_ = m.cmd.Process.Signal(syscall.SIGCONT)
		_ = m.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	}
	for _, m := range f.members {
		select {
		case <-m.ended:
		case <-time.After(15 * time.Second):
			m.kill()
		}
	}
	f.members = nil
}

// cpu is what a process has used so far.
func (m *member) cpu() time.Duration { return cpuOf(m.cmd.Process.Pid, false) }

// ingest asks for a run of all sources, whether they are due or not, and returns its id.
func (m *member) ingest() (id string, err error) {
	req, err := http.NewRequest(http.MethodPost, m.url+"/api/ingest?force=1", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	a, err := do(req)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusAccepted {
		return "", fmt.Errorf("%s answers %d to a request for a run: %s", m.name, a.status, a.body)
	}
	var run struct{ ID string }
	return run.ID, json.Unmarshal(a.body, &run)
}

// report is what became of a run.
type report struct {
	State, Error string
	Total, Done  int
	Counts       struct{ Published, Held, Copies int }
	Sources      []struct{ Outcome, Error, Worker string }
}

func (m *member) report(id string) (r report, err error) {
	a, err := download(m.url + "/api/runs/" + id)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(a.body, &r)
}

// writes is what a process says of its write transactions.
type writes struct{ n, waited, held float64 }

var writeMetric = regexp.MustCompile(`(?m)^tributary_store_write(s_total|_seconds_total\{part="waited"\}|_seconds_total\{part="held"\}) (\S+)$`)

func (m *member) writes() (w writes, err error) {
	a, err := download(m.url + "/metrics")
	if err != nil {
		return w, err
	}
	for _, found := range writeMetric.FindAllSubmatch(a.body, -1) {
		v, _ := strconv.ParseFloat(string(found[2]), 64) // the format has only numbers there
		switch name := string(found[1]); {
		case strings.Contains(name, "waited"):
			w.waited = v
		case strings.Contains(name, "held"):
			w.held = v
		default:
			w.n = v
		}
	}
	return w, nil
}

// answer is what a server said.
type answer struct {
	status int
	etag   string
	body   []byte
}

var client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4}}

func do(req *http.Request) (answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get("ETag"), bytes.TrimSpace(body)}, err
}

func download(url string) (answer, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	return do(req)
}
