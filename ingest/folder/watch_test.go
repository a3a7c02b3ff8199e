package folder

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watching starts a Watch and gives its calls.
func watching(t *testing.T, root string) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	calls, done := make(chan struct{}, 1), make(chan error)
	go func() {
		done <- Watch(ctx, root, func() {
			select {
			case calls <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	await(t, calls, "the first call")
	return calls
}

// await waits for a call, long enough for a busy machine.
func await(t *testing.T, calls <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-calls:
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing was heard of %s", what)
	}
}

// silent fails if a call comes within twice the debounce.
func silent(t *testing.T, calls <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-calls:
		t.Errorf("a call for %s", what)
	case <-time.After(2 * debounce):
	}
}

func TestWatchHearsOfFiles(t *testing.T) {
	root := t.TempDir()
	write(t, root, "sub/a.txt", costs)
	calls := watching(t, root)
	write(t, root, "b.txt", costs)
	await(t, calls, "a new file")
	write(t, root, "sub/a.txt", critics)
	await(t, calls, "a changed file in a subfolder")
	if err := os.Rename(filepath.Join(root, "b.txt"), filepath.Join(root, "c.txt")); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "a renamed file")
	if err := os.Remove(filepath.Join(root, "c.txt")); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "a removed file")
	write(t, root, ".b.txt.swp", costs)
	write(t, root, "b.txt~", costs)
	write(t, root, "picture.jpg", costs)
	silent(t, calls, "files that are no documents")
}

func TestWatchFollowsNewAndMovedFolders(t *testing.T) {
	root := t.TempDir()
	calls := watching(t, root)
	write(t, root, "new/deep/a.txt", costs)
	await(t, calls, "a new folder")
	write(t, root, "new/deep/b.txt", costs)
	await(t, calls, "a file in the new folder")
	if err := os.Rename(filepath.Join(root, "new"), filepath.Join(root, "moved")); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "a moved folder")
	write(t, root, "moved/deep/c.txt", costs)
	await(t, calls, "a file below the moved folder")
	if err := os.RemoveAll(filepath.Join(root, "moved")); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "a removed folder")
}

func TestWatchSurvivesTheFolderGoingAndComing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "seeds")
	write(t, root, "a.txt", costs)
	calls := watching(t, root)
	if err := os.Rename(root, root+".away"); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "the folder's going")
	if err := os.Rename(root+".away", root); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "its coming back")
	drain(calls)
	write(t, root, "b.txt", costs)
	await(t, calls, "a file in it")
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "its removal")
	write(t, root, "c.txt", costs)
	await(t, calls, "another in its place")
}

func TestWatchWaitsForAFolderThatIsNotThereYet(t *testing.T) {
	root := filepath.Join(t.TempDir(), "seeds")
	calls := watching(t, root)
	write(t, root, "a.txt", costs)
	await(t, calls, "the folder")
}

func TestWatchSeesALinkSetAnew(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, "v1/a.txt", costs)
	write(t, parent, "v2/a.txt", critics)
	link(t, parent, "v1", "seeds")
	calls := watching(t, filepath.Join(parent, "seeds"))
	link(t, parent, "v2", "next")
	if err := os.Rename(filepath.Join(parent, "next"), filepath.Join(parent, "seeds")); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "the other folder")
	drain(calls)
	write(t, parent, "v2/b.txt", costs)
	await(t, calls, "a file in the other folder")
}

// TestASwappedDataFolderIsHeard is how Kubernetes updates a mounted volume.
func TestASwappedDataFolderIsHeard(t *testing.T) {
	root := t.TempDir()
	write(t, root, "..v1/a.txt", costs)
	write(t, root, "..v2/a.txt", critics)
	link(t, root, "..v1", "..data")
	link(t, root, "..data/a.txt", "a.txt")
	taken, _ := paths(t, root)
	if len(taken) != 1 || taken[0] != "a.txt" {
		t.Fatalf("taken %v", taken)
	}
	calls := watching(t, root)
	link(t, root, "..v2", "..next")
	if err := os.Rename(filepath.Join(root, "..next"), filepath.Join(root, "..data")); err != nil {
		t.Fatal(err)
	}
	await(t, calls, "the swap")
}

func TestWatchReportsABurstBeforeItEnds(t *testing.T) {
	root := t.TempDir()
	calls := watching(t, root)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(debounce / 5)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_ = os.WriteFile(filepath.Join(root, "a.txt"), []byte(time.Now().String()), 0o644)
			}
		}
	}()
	await(t, calls, "a file that is written all the time")
	close(stop)
	<-done
}

func TestASlowListenerHoldsNothingUp(t *testing.T) {
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- Watch(ctx, root, func() {
			entered <- struct{}{}
			<-leave
		})
	}()
	<-entered
	for range 5 {
		write(t, root, "a.txt", time.Now().String())
		if err := pause(ctx, debounce); err != nil {
			t.Fatal(err)
		}
	}
	leave <- struct{}{}
	<-entered // what happened meanwhile made one call
	cancel()
	leave <- struct{}{}
	for {
		select {
		case <-entered:
			leave <- struct{}{}
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}

// drain forgets a call that came early.
func drain(calls <-chan struct{}) {
	select {
	case <-calls:
	default:
	}
}
