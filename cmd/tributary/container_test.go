package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// containerUser is the user of the image.
const containerUser = 65532

// The image has nothing but the program and the folders of the Dockerfile.
// Here the same static program runs in such a root, as that user, and may
// write nowhere but in the data folder.
func TestTheProgramRunsAloneInAnEmptyRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root folder; .ci/image tries the same with a container")
	}
	if testing.Short() {
		t.Skip("building the static program takes a while")
	}
	root := emptyRoot(t)
	site := httptest.NewServer(http.FileServer(http.Dir(feedFolder(t))))
	defer site.Close()
	addr := freeAddress(t)
	run := func(ctx context.Context, args ...string) *exec.Cmd { return inRoot(ctx, root, addr, site.URL, args...) }

	serve := run(t.Context(), "serve")
	var stderr bytes.Buffer
	serve.Stderr = &stderr
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer serve.Process.Kill()
	body := getUntil(t, "http://"+addr+"/feed.atom", "A feed's story")
	if !strings.Contains(body, "A document of the seeds") {
		t.Errorf("the feed lacks the seeds:\n%s", body)
	}
	if out, err := run(t.Context(), "health").CombinedOutput(); err != nil {
		t.Errorf("health: %v\n%s", err, out)
	}
	if out, err := run(t.Context(), "item", "list").CombinedOutput(); err != nil || !bytes.Contains(out, []byte("EET")) {
		t.Errorf("no time zones inside: %v\n%s", err, out)
	}

	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	endsWell(t, serve, &stderr)

	if err := os.Chown(filepath.Join(root, "data"), 0, 0); err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), "ingest").CombinedOutput()
	const want = "tributary: TRIBUTARY_DATA: /data cannot be written by user 65532 (permission denied); " +
		"make it that user's with: chown -R 65532:65532 /data (of a mounted volume: on the host), or name another folder\n"
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != exitUsage || string(out) != want {
		t.Errorf("a volume that cannot be written: %v\n%s\nwant\n%s", err, out, want)
	}
}

// endsWell waits for a program that was told to stop.
func endsWell(t *testing.T, serve *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("serve ended with %v\n%s", err, stderr.String())
		}
	case <-time.After(10 * time.Second):
		t.Errorf("serve does not stop within 10 s\n%s", stderr.String())
	}
}

// emptyRoot makes what the Dockerfile makes: the program, the configuration,
// the seeds, and a data folder of the user's; all else is root's.
func emptyRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil { // testing makes it for its owner only
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "tributary"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const config = "time_zone: Europe/Kyiv\ntopic: {filter: off}\n"
	const seed = "# A document of the seeds\n\nWith a text.\n"
	for name, text := range map[string]string{"tributary.yaml": config, "seeds/one.md": seed} {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(root, "data")
	if err := errors.Join(os.Mkdir(data, 0o755), os.Chown(data, containerUser, containerUser)); err != nil {
		t.Fatal(err)
	}
	return root
}

// inRoot is the program with root as its root folder and the image's user.
func inRoot(ctx context.Context, root, addr, site string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/tributary", args...)
	cmd.Dir = "/"
	cmd.Env = []string{"TRIBUTARY_LISTEN=" + addr, "TRIBUTARY_DATA=/data", "TRIBUTARY_SEEDS=/seeds",
		"TRIBUTARY_ALLOW_PRIVATE=true", "TRIBUTARY_SOURCES=" + site + "/feed.xml"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Credential: &syscall.Credential{Uid: containerUser, Gid: containerUser},
	}
	return cmd
}

// feedFolder holds a feed to fetch.
func feedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const text = `<rss version="2.0"><channel><title>A feed</title><link>https://feed.example/</link><description>d</description>
<item><guid>a</guid><title>A feed's story</title><link>https://feed.example/a</link><pubDate>Mon, 01 Dec 2025 10:00:00 GMT</pubDate></item>
</channel></rss>`
	if err := os.WriteFile(filepath.Join(dir, "feed.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// getUntil asks until the answer contains a text.
func getUntil(t *testing.T, url, text string) string {
	t.Helper()
	var body []byte
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(url)
		if err != nil {
			continue
		}
		body, _ = io.ReadAll(res.Body)
		res.Body.Close()
		if bytes.Contains(body, []byte(text)) {
			return string(body)
		}
	}
	t.Fatalf("%s never has %q:\n%s", url, text, body)
	return ""
}
