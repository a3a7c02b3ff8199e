package folder

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
)

// write writes a file that is at rest at the time late.
func write(t testing.TB, root, name, body string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, root, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(root, filepath.FromSlash(name))); err != nil {
		t.Fatal(err)
	}
}

// paths gives what a scan took, and what it skipped with its word.
func paths(t *testing.T, root string) (taken []string, skipped map[string]string) {
	t.Helper()
	r, err := Scan(t.Context(), root, nil, late)
	if err != nil {
		t.Fatal(err)
	}
	skipped = map[string]string{}
	for _, f := range r.Files {
		taken = append(taken, f.Path)
	}
	for _, s := range r.Skipped {
		skipped[s.Path] = s.Why
	}
	return taken, skipped
}

func TestScanTakesDocumentsOnly(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"b.txt", "a.md", "sub/deep/c.html", "D.TXT",
		".hidden.txt", ".git/x.txt", "b.txt~", ".b.txt.swp", "b.txt.swp", "c.txt.part", "c.tmp", "#b.txt#", "~$b.txt", "x.pdf", "noextension", "txt",
	} {
		write(t, root, name, costs)
	}
	taken, skipped := paths(t, root)
	if diff := cmp.Diff([]string{"D.TXT", "a.md", "b.txt", "sub/deep/c.html"}, taken); diff != "" || len(skipped) > 0 {
		t.Errorf("-want +got\n%s\nskipped %v", diff, skipped)
	}
}

func TestScanHashesBytes(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.txt", costs)
	r, err := Scan(t.Context(), root, nil, late)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(costs))
	if f := r.Files[0]; f.Hash != int64(binary.BigEndian.Uint64(sum[:8])) || f.Size != int64(len(costs)) || f.ModTime.IsZero() {
		t.Errorf("%+v", f)
	}
	if leading(make([]byte, 32)) == 0 {
		t.Error("a hash of 0 would mean that there is none")
	}
}

func TestScanSkipsWithAWord(t *testing.T) {
	root := t.TempDir()
	write(t, root, "empty.txt", "")
	write(t, root, "big.txt", strings.Repeat("x", MaxBytes+1))
	write(t, root, "just.txt", strings.Repeat("x", MaxBytes))
	write(t, root, "bad\xff.txt", costs)
	write(t, root, "line\nfeed.txt", costs)
	taken, skipped := paths(t, root)
	if diff := cmp.Diff([]string{"just.txt"}, taken); diff != "" {
		t.Error(diff)
	}
	for name, word := range map[string]string{"empty.txt": "empty", "big.txt": "larger than 5 MB", "bad�.txt": "rename it", "line\nfeed.txt": "rename it"} {
		if !strings.Contains(skipped[name], word) {
			t.Errorf("%q: %q, want %q", name, skipped[name], word)
		}
	}
}

func TestLinksStayInsideTheFolder(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, outside, "secret.txt", costs)
	write(t, root, "sub/a.txt", costs)
	write(t, root, ".data/v1/b.txt", costs)
	link(t, root, filepath.Join(outside, "secret.txt"), "out.txt")
	link(t, root, outside, "outside")
	link(t, root, "../..", "sub/up")
	link(t, root, ".", "loop")
	link(t, root, "sub/again", "sub/again")
	link(t, root, "nowhere", "broken.md")
	link(t, root, "round.txt", "round.txt")
	link(t, root, "sub/a.txt", "same.txt")
	link(t, root, filepath.Join(root, ".data", "v1"), "data")
	taken, skipped := paths(t, root)
	if diff := cmp.Diff([]string{"data/b.txt", "sub/a.txt"}, taken); diff != "" {
		t.Error(diff)
	}
	for name, word := range map[string]string{"out.txt": "out of the folder", "broken.md": "nowhere", "round.txt": "nowhere"} {
		if !strings.Contains(skipped[name], word) {
			t.Errorf("%s: %q, want %q", name, skipped[name], word)
		}
	}
	scan, err := Scan(t.Context(), root, nil, late)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range scan.Files {
		if _, err := Read(root, f, late); err != nil {
			t.Error(err)
		}
	}
}

func TestTheFolderItselfMayBeALink(t *testing.T) {
	real, parent := t.TempDir(), t.TempDir()
	write(t, real, "a.txt", costs)
	link(t, parent, real, "seeds")
	taken, _ := paths(t, filepath.Join(parent, "seeds"))
	if diff := cmp.Diff([]string{"a.txt"}, taken); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyFolderIsAResult(t *testing.T) {
	if taken, skipped := paths(t, t.TempDir()); len(taken)+len(skipped) > 0 {
		t.Errorf("%v %v", taken, skipped)
	}
}

func TestAMissingFolderIsAnError(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.txt", costs)
	link(t, root, "nowhere", "broken")
	for name, word := range map[string]string{"missing": "is not there", "a.txt": "is not a folder", "broken": "is not there"} {
		_, err := Scan(t.Context(), filepath.Join(root, name), nil, late)
		if feed.CodeOf(err) != feed.CodeUnavailable || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unprivileged makes the calling goroutine's file accesses those of a user
// without rights, also where root runs the tests.
func unprivileged(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to read as another user")
	}
	if os.Getuid() != 0 {
		return
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Skipf("cannot read as another user here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Setfsuid(0); err != nil {
			panic(err) // the thread stays locked and ends with its goroutine
		}
		runtime.UnlockOSThread()
	})
}

func TestAnUnreadableFileIsSkippedAndTheOthersAreTaken(t *testing.T) {
	root := filepath.Join(shallowDir(t), "seeds")
	write(t, root, "sub/a.txt", costs)
	write(t, root, "b.txt", costs)
	if err := os.Chmod(filepath.Join(root, "sub", "a.txt"), 0); err != nil {
		t.Fatal(err)
	}
	unprivileged(t)
	taken, skipped := paths(t, root)
	if diff := cmp.Diff([]string{"b.txt"}, taken); diff != "" {
		t.Error(diff)
	}
	if len(skipped) != 1 || !strings.Contains(skipped["sub/a.txt"], "cannot be read by user id") {
		t.Errorf("skipped %v", skipped)
	}
}

func TestAnUnreadableFolderIsAnError(t *testing.T) {
	for _, name := range []string{".", "sub"} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(shallowDir(t), "seeds")
			write(t, root, "sub/a.txt", costs)
			write(t, root, "b.txt", costs)
			locked := filepath.Join(root, filepath.FromSlash(name))
			if err := os.Chmod(locked, 0); err != nil {
				t.Fatal(err)
			}
			unprivileged(t)
			r, err := Scan(t.Context(), root, nil, late)
			if feed.CodeOf(err) != feed.CodeUnavailable || !strings.Contains(err.Error(), "cannot be read by user id") || len(r.Files) > 0 {
				t.Errorf("%+v, %v", r, err)
			}
			if err == nil || !strings.Contains(err.Error(), locked) {
				t.Errorf("%v does not name %s", err, locked)
			}
		})
	}
}

// shallowDir is a temporary folder that every user may enter, removed as its owner.
func shallowDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "folder")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil && os.Getuid() == 0 {
			t.Error(err)
		}
	})
	return dir
}

func TestScanEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Scan(ctx, t.TempDir(), nil, late); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestAFileCountsWhenItRests writes to files by the clock of the bubble.
func TestAFileCountsWhenItRests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		writes int // after the first, one each rest and a bit less
		taken  bool
	}{{"written once", 0, true}, {"written in two goes", 2, true}, {"never done", 30, false}} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				grow := func(n int) {
					write(t, root, "a.txt", strings.Repeat("x", n+1))
					if err := os.Chtimes(filepath.Join(root, "a.txt"), time.Now(), time.Now()); err != nil {
						t.Error(err)
					}
				}
				grow(0)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					for n := range tt.writes {
						if pause(ctx, rest-20*time.Millisecond) != nil {
							return
						}
						grow(n + 1)
					}
				}()
				r, err := Scan(ctx, root, nil, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				if taken := len(r.Files) == 1; taken != tt.taken {
					t.Errorf("files %v, skipped %v", r.Files, r.Skipped)
				}
				if !tt.taken && (len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Why, "still being written")) {
					t.Errorf("skipped %v", r.Skipped)
				}
				if tt.taken && r.Files[0].Size != int64(tt.writes+1) {
					t.Errorf("%d bytes, want %d", r.Files[0].Size, tt.writes+1)
				}
			})
		})
	}
}

func TestAKnownStampSparesReading(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.txt", costs)
	first, err := Scan(t.Context(), root, nil, late)
	if err != nil {
		t.Fatal(err)
	}
	known := first.Known(late)
	known["a.txt"] = Stamp{known["a.txt"].Size, known["a.txt"].ModTime, 42}
	again, err := Scan(t.Context(), root, known, late)
	if err != nil || again.Files[0].Hash != 42 {
		t.Errorf("read again: %+v, %v", again, err)
	}
	write(t, root, "a.txt", critics)
	changed, err := Scan(t.Context(), root, known, late)
	if err != nil || changed.Files[0].Hash == 42 || changed.Files[0].Hash == first.Files[0].Hash {
		t.Errorf("not read again: %+v, %v", changed, err)
	}
}

func TestAYoungFilesStampIsNotTrusted(t *testing.T) {
	f := File{Path: "a.txt", ModTime: late, Size: 1, Hash: 1}
	r := Result{Files: []File{f}}
	if known := r.Known(late.Add(time.Second)); len(known) > 0 {
		t.Errorf("a second write in the same tick would be missed: %v", known)
	}
	if known := r.Known(late.Add(3 * time.Second)); len(known) != 1 {
		t.Errorf("%v", known)
	}
}

func BenchmarkScan(b *testing.B) {
	root := b.TempDir()
	for i := range 1000 {
		write(b, root, fmt.Sprintf("%02d/%03d.txt", i%20, i), strings.Repeat(harbour, 80))
	}
	first, err := Scan(b.Context(), root, nil, late)
	if err != nil {
		b.Fatal(err)
	}
	for name, known := range map[string]map[string]Stamp{"hashing": nil, "known": first.Known(late)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Scan(b.Context(), root, known, late); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	text := []byte(strings.Repeat(harbour+"\n\n"+costs+"\n\n", 20))
	for b.Loop() {
		if _, err := document("a.txt", text, saved, late); err != nil {
			b.Fatal(err)
		}
	}
}
