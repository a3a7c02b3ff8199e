// Package folder reads a folder source: a directory of .txt, .md and .html
// files, each of which is a document with one entry.
//
// Scan tells which files there are, Read makes an entry of one of them, Watch
// says when it is worth scanning again. Events are hints, a complete scan is
// the truth; so Scan answers in full or not at all.
//
// A file needs no metadata. Read finds title, date, summary and paragraphs by
// rules for news texts in general; front matter (YAML) overrides each of them.
package folder

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"tributary/feed"
)

// MaxBytes is the size that a file may have to be read.
const MaxBytes = 5 << 20

// File is a document that a scan found.
type File struct {
	Path    string // below the folder, with slashes
	Hash    int64  // the first 64 bits of the SHA-256 of its bytes; never 0
	ModTime time.Time
	Size    int64 // bytes
}

// Skip is a document that is there but was not taken, and why. What is known
// of it from before still stands: only a file that a scan names neither here
// nor among its files is gone.
type Skip struct {
	Path string
	Why  string // for people: what is wrong and what to do
}

// Result is a complete scan, both lists sorted by path.
type Result struct {
	Files   []File
	Skipped []Skip
}

// Stamp says what a file's bytes were when it had this size and time.
type Stamp struct {
	Size    int64
	ModTime time.Time
	Hash    int64
}

// young is the age below which a file's time proves nothing: a second write
// within one tick of a coarse file clock (2 s on FAT) leaves size and time alike.
const young = 2 * time.Second

// Known gives the stamps of a scan made at now, to be passed to the next one,
// which then hashes only what changed. Files too young at that time are left out.
func (r Result) Known(now time.Time) map[string]Stamp {
	known := make(map[string]Stamp, len(r.Files))
	for _, f := range r.Files {
		if now.Sub(f.ModTime) >= young {
			known[f.Path] = Stamp{f.Size, f.ModTime, f.Hash}
		}
	}
	return known
}

// unavailable words a failure to read path, which is the folder or something in it.
func unavailable(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return feed.Errorf(feed.CodeUnavailable, "%s is not there: create or mount it, or name another folder (%w)", path, err)
	case errors.Is(err, fs.ErrPermission):
		return feed.Errorf(feed.CodeUnavailable, "%s cannot be read by user id %d: allow it, for example with chmod -R a+rX, or run as its owner (%w)", path, os.Getuid(), err)
	}
	return feed.Errorf(feed.CodeUnavailable, "%s cannot be read: check the disk or the mount (%w)", path, err)
}
