package folder

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	rest     = 200 * time.Millisecond // a file counts once its size and time have stood still this long
	patience = 5                      // looks at a file that is being written, a rest apart
	skew     = time.Minute            // a file's clock may be this far ahead of ours
)

// Scan lists the documents of a folder with the hash of their bytes. It is
// complete or an error (feed.CodeUnavailable): a folder that is missing, not a
// folder, or has a folder in it that cannot be listed gives no result at all,
// so that nobody takes half a folder for the whole. An empty folder is a result.
//
// Left alone without a word: dot-files and dot-folders, temporary files,
// other kinds of file. Skipped with a word: what cannot be taken as it is, what
// we may not read, and what is still being written; the scan waits up to a
// second for such files.
//
// known may be nil; a file with the size and time of its stamp there is not
// read again. now is the time of the scan.
func Scan(ctx context.Context, root string, known map[string]Stamp, now time.Time) (Result, error) {
	t, err := walk(ctx, root)
	if err != nil {
		return Result{}, err
	}
	files, err := t.settled(ctx, now)
	if err != nil {
		return Result{}, err
	}
	r, err := os.OpenRoot(t.root)
	if err != nil {
		return Result{}, unavailable(root, err)
	}
	defer r.Close()
	var result Result
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		file, err := t.hashed(r, f, known)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errSkipped) {
			continue
		}
		if err != nil {
			return Result{}, unavailable(filepath.Join(t.root, f.real), err)
		}
		result.Files = append(result.Files, file)
	}
	result.Skipped = t.skipped
	slices.SortFunc(result.Skipped, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
	return result, nil
}

// settled waits for files that changed a moment ago, all at once, and returns
// those at rest; the others are skipped with a word.
func (t *tree) settled(ctx context.Context, now time.Time) ([]found, error) {
	var quiet, fresh []found
	for _, f := range t.files {
		if age := now.Sub(f.info.ModTime()); age < rest && age > -skew {
			fresh = append(fresh, f)
		} else {
			quiet = append(quiet, f)
		}
	}
	for look := 0; len(fresh) > 0; look++ {
		if look == patience {
			for _, f := range fresh {
				t.skip(f.path, stillWritten)
			}
			break
		}
		if err := pause(ctx, rest); err != nil {
			return nil, err
		}
		var err error
		if quiet, fresh, err = t.lookAgain(quiet, fresh); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(quiet, func(a, b found) int { return strings.Compare(a.path, b.path) })
	return quiet, nil
}

const stillWritten = "is still being written: it is taken when its size rests"

// lookAgain moves files that did not change since the last look from fresh to quiet.
func (t *tree) lookAgain(quiet, fresh []found) (q, f []found, err error) {
	var moving []found
	for _, was := range fresh {
		info, err := os.Stat(filepath.Join(t.root, was.real))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, nil, unavailable(was.path, err)
		case info.Size() == was.info.Size() && info.ModTime().Equal(was.info.ModTime()):
			quiet = append(quiet, was)
		default:
			moving = append(moving, found{was.path, was.real, info})
		}
	}
	return quiet, moving, nil
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// errSkipped: the file was skipped with a word.
var errSkipped = errors.New("skipped")

// unfit says why a file of this size is not read, or "".
func unfit(size int64) string {
	switch {
	case size == 0:
		return "is empty"
	case size > MaxBytes:
		return "is larger than 5 MB: split or shorten it"
	}
	return ""
}

// hashed makes a File of f, reading it only when its stamp is not known.
func (t *tree) hashed(r *os.Root, f found, known map[string]Stamp) (File, error) {
	file := File{Path: f.path, ModTime: f.info.ModTime(), Size: f.info.Size()}
	if why := unfit(file.Size); why != "" {
		t.skip(f.path, why)
		return File{}, errSkipped
	}
	if s, ok := known[f.path]; ok && s.Size == file.Size && s.ModTime.Equal(file.ModTime) {
		file.Hash = s.Hash
		return file, nil
	}
	in, err := r.OpenFile(f.real, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		t.skip(f.path, fmt.Sprintf("cannot be read by user id %d: allow it, for example with chmod a+r, or run as its owner", os.Getuid()))
		return File{}, errSkipped
	}
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, io.LimitReader(in, MaxBytes+1))
	if err != nil {
		return File{}, err
	}
	if n != file.Size {
		t.skip(f.path, stillWritten)
		return File{}, errSkipped
	}
	file.Hash = leading(digest.Sum(nil))
	return file, nil
}

// leading is the first 64 bits of a digest; 0 means "none" everywhere and is avoided.
func leading(digest []byte) int64 {
	bits := int64(binary.BigEndian.Uint64(digest)) //nolint:gosec // bits, not a quantity
	if bits == 0 {
		return 1
	}
	return bits
}
