package folder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"tributary/feed"
)

// found is a document's file before its bytes were looked at.
type found struct {
	path string // below the folder as a person sees it, with slashes
	real string // below the folder with links resolved, for os.Root
	info fs.FileInfo
}

// tree is what a folder holds: each real directory and each real file once,
// whatever links lead to it.
type tree struct {
	root    string   // links resolved
	dirs    []string // absolute, links resolved, the root first
	files   []found
	skipped []Skip

	links   []string        // paths below the folder, followed last
	visited map[string]bool // directories and files by their real path below the folder
}

// walk lists the folder. Links are followed after all real directories were
// read, and only to what these did not show (the hidden folder of a mounted
// Kubernetes volume, say): so links may cross and loop as they like, and a
// document's path does not depend on the order of names. With an error comes
// what was seen until then, which is good for watching only.
func walk(ctx context.Context, root string) (*tree, error) {
	t := &tree{visited: map[string]bool{}}
	var err error
	if t.root, err = resolveRoot(root); err != nil {
		return t, err
	}
	if err := t.directory(ctx, ".", "."); err != nil {
		return t, err
	}
	for len(t.links) > 0 {
		link := t.links[0]
		t.links = t.links[1:]
		if err := t.follow(ctx, link); err != nil {
			return t, err
		}
	}
	slices.SortFunc(t.files, func(a, b found) int { return strings.Compare(a.path, b.path) })
	return t, nil
}

// resolveRoot checks that root is a directory and resolves its links.
func resolveRoot(root string) (string, error) {
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", unavailable(root, err)
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return "", unavailable(root, err)
	}
	if !info.IsDir() {
		return "", feed.Errorf(feed.CodeUnavailable, "%s is not a folder: name the folder that holds the documents", root)
	}
	return filepath.Abs(resolved)
}

// directory lists one directory: shown is its path for people, real the one without links.
func (t *tree) directory(ctx context.Context, shown, real string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.visited[real] {
		return nil
	}
	t.visited[real] = true
	absolute := filepath.Join(t.root, real)
	entries, err := os.ReadDir(absolute)
	if errors.Is(err, fs.ErrNotExist) && real != "." {
		return nil // removed since its parent was listed
	}
	if err != nil {
		return unavailable(absolute, err)
	}
	t.dirs = append(t.dirs, absolute)
	for _, entry := range entries {
		if err := t.entry(ctx, entry, path.Join(shown, entry.Name()), path.Join(real, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// entry takes one name of a directory.
func (t *tree) entry(ctx context.Context, entry fs.DirEntry, shown, real string) error {
	if passedOver(entry.Name()) {
		return nil
	}
	switch {
	case entry.IsDir():
		return t.directory(ctx, shown, real)
	case entry.Type()&fs.ModeSymlink != 0:
		t.links = append(t.links, shown)
	case entry.Type().IsRegular() && isDocument(entry.Name()):
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return unavailable(filepath.Join(t.root, real), err)
		}
		t.file(shown, real, info)
	}
	return nil
}

// follow takes what a link inside the folder leads to.
func (t *tree) follow(ctx context.Context, link string) error {
	absolute := filepath.Join(t.root, filepath.FromSlash(link))
	target, err := filepath.EvalSymlinks(absolute)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return unavailable(absolute, err)
	case err != nil: // dangling or going round in circles
		t.skipLink(link, "is a link that leads nowhere: mend or remove it")
		return nil
	}
	real, err := filepath.Rel(t.root, target)
	if err != nil || !filepath.IsLocal(real) {
		t.skipLink(link, "is a link that leads out of the folder: put a copy of the file here instead")
		return nil
	}
	info, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unavailable(absolute, err)
	}
	switch {
	case info.IsDir():
		return t.directory(ctx, link, real)
	case info.Mode().IsRegular() && isDocument(link):
		t.file(link, real, info)
	}
	return nil
}

// skipLink mentions a link that is not followed, if it looks like a document.
func (t *tree) skipLink(link, why string) {
	if isDocument(link) {
		t.skip(link, why)
	}
}

func (t *tree) skip(path, why string) {
	t.skipped = append(t.skipped, Skip{strings.ToValidUTF8(path, "�"), why})
}

// file takes a regular file with a document's name.
func (t *tree) file(shown, real string, info fs.FileInfo) {
	if t.visited[real] {
		return
	}
	t.visited[real] = true
	if !printable(shown) {
		t.skip(shown, "has a name with characters that cannot be shown: rename it")
		return
	}
	t.files = append(t.files, found{shown, real, info})
}

// printable: the path becomes an identity in a database and a word in logs.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// isDocument tells by its name whether a file is a document.
func isDocument(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".md", ".html":
		return true
	}
	return false
}

// passedOver: hidden names, and what editors and downloads leave while at work.
func passedOver(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") {
		return true
	}
	for _, suffix := range []string{"~", ".swp", ".swx", ".part", ".tmp", ".crdownload"} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return true
		}
	}
	return false
}

// openWithin opens the file at path below root, wherever links inside the
// folder lead, but never outside: os.Root holds even against a link that is
// swapped in between. A pipe that took the file's place does not block.
func openWithin(root, path string) (*os.File, error) {
	resolved, err := resolveRoot(root)
	if err != nil {
		return nil, err
	}
	target, err := filepath.EvalSymlinks(filepath.Join(resolved, filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	real, err := filepath.Rel(resolved, target)
	if err != nil {
		return nil, err
	}
	r, err := os.OpenRoot(resolved)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.OpenFile(real, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
