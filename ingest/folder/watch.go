package folder

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"tributary/feed"
)

const (
	debounce = 250 * time.Millisecond // quiet time that ends a burst of events
	burst    = time.Second            // a burst that goes on is reported after this long all the same
	glance   = 500 * time.Millisecond // between looks whether the folder is the same one
	retry    = 20                     // looks between attempts to watch what could not be watched
)

// Watch calls onChange when the folder may have changed: once when the watches
// stand (so that nothing falls between an earlier scan and them), then at most
// a second after each change, and when the folder goes, comes back or is
// replaced. Calls never overlap; what happens during one makes one more.
//
// It is a hint only: network mounts give no events, and a system limit on
// watches leaves parts unseen. Watch returns nil when ctx ends, after the last
// onChange has returned; an error (feed.CodeUnavailable) only if this system
// gives no events at all.
func Watch(ctx context.Context, root string, onChange func()) error {
	w := &watcher{root: root}
	if err := w.renew(ctx); err != nil {
		return err
	}
	hints := make(chan struct{}, 1)
	var caller sync.WaitGroup
	caller.Go(func() {
		for range hints {
			onChange()
		}
	})
	w.loop(ctx, hints)
	close(hints)
	caller.Wait()
	return w.events.Close()
}

// watcher holds the watches of one folder. They are made anew whenever the
// tree of directories changes: fsnotify is not recursive, and after a
// directory was renamed its watches speak of the old name.
type watcher struct {
	root     string
	identity os.FileInfo // of the folder when the watches were made; nil: it was not there
	dirs     []string    // watched directories
	partial  bool        // some directory could not be read or watched
	events   *fsnotify.Watcher
}

// renew watches the tree as it is now. Only the lack of any events is an error.
func (w *watcher) renew(ctx context.Context) error {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return feed.Errorf(feed.CodeUnavailable, "no events for %s, so changes show at the next rescan: raise fs.inotify.max_user_instances (%w)", w.root, err)
	}
	w.identity, err = os.Stat(w.root)
	if err != nil {
		w.identity = nil
	}
	t, err := walk(ctx, w.root)
	w.dirs, w.partial = t.dirs, err != nil && w.identity != nil
	for _, dir := range w.dirs {
		if events.Add(dir) != nil {
			w.partial = true
		}
	}
	if w.events != nil {
		w.events.Close() //nolint:errcheck // nothing is lost with the old one: a scan follows
	}
	w.events = events
	return nil
}

// loop turns events into hints until ctx ends.
func (w *watcher) loop(ctx context.Context, hints chan<- struct{}) {
	look := time.NewTicker(glance)
	defer look.Stop()
	quiet := time.NewTimer(0) // the first hint
	defer quiet.Stop()
	var since time.Time // of the first event not yet reported; zero: none
	structural := false // the tree of directories changed
	for looks := 1; ; {
		changed, tree := false, false
		select {
		case <-ctx.Done():
			return
		case event := <-w.events.Events:
			changed, tree = w.judge(event)
		case <-w.events.Errors: // an overflow: anything may have happened
			changed, tree = true, true
		case <-look.C:
			tree = w.replaced() || w.partial && looks%retry == 0
			changed = tree
			looks++
		case <-quiet.C:
			w.report(ctx, structural, hints)
			since, structural = time.Time{}, false
		}
		structural = structural || tree
		if changed {
			since = postpone(quiet, since)
		}
	}
}

// postpone sets the timer to the end of the burst that began at since.
func postpone(quiet *time.Timer, since time.Time) time.Time {
	now := time.Now()
	if since.IsZero() {
		since = now
	}
	quiet.Reset(min(debounce, since.Add(burst).Sub(now)))
	return since
}

// report gives a hint, with the watches on the whole tree before it.
func (w *watcher) report(ctx context.Context, structural bool, hints chan<- struct{}) {
	if structural && w.renew(ctx) != nil {
		w.partial = true // out of instances: the old watches stay, a later look tries again
	}
	select {
	case hints <- struct{}{}:
	default: // one is waiting already
	}
}

// judge says whether an event matters, and whether the tree of directories
// may have changed: then what went was a directory or a link to one, what came
// is one, or became readable.
func (w *watcher) judge(event fsnotify.Event) (changed, tree bool) {
	base := filepath.Base(event.Name)
	document := isDocument(base) && !passedOver(base)
	if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
		tree = slices.Contains(w.dirs, event.Name) || !document && !passedOver(base)
	}
	if event.Has(fsnotify.Create) || event.Has(fsnotify.Chmod) {
		info, err := os.Lstat(event.Name)
		tree = tree || err == nil && (info.IsDir() || info.Mode()&os.ModeSymlink != 0)
	}
	return tree || document && event.Op != fsnotify.Chmod, tree
}

// replaced tells whether the folder's name now means another directory, or
// none, than the one watched. No event tells of a mount or of a link set anew.
func (w *watcher) replaced() bool {
	now, err := os.Stat(w.root)
	if err != nil || w.identity == nil {
		return (err == nil) != (w.identity != nil)
	}
	return !os.SameFile(w.identity, now)
}
