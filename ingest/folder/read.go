package folder

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// ErrEmpty: a file without any text. Errors of Read wrap it.
var ErrEmpty = errors.New("no text")

// Read makes an entry of a file that a scan found. It always has a title (at
// most 120 characters); the summary (at most 300) may be empty; the content is
// HTML, not yet sanitised. GUID is the file's path, Link its front matter's
// url or its page's canonical address.
//
// Errors concern this file alone and begin with its path, and the line where
// one is known: feed.CodeInvalid for what must be edited (errors.Is ErrEmpty:
// nothing in it), feed.CodeUnavailable for a file that changed, went or became
// unreadable since the scan: the next scan tells.
//
// Dates later than now are not believed.
func Read(root string, f File, now time.Time) (feed.RawEntry, error) {
	in, err := openWithin(root, f.Path)
	if err != nil {
		return feed.RawEntry{}, feed.Errorf(feed.CodeUnavailable, "%s: cannot be read (%w): it is tried again with the next scan", f.Path, err)
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
	if err != nil {
		return feed.RawEntry{}, feed.Errorf(feed.CodeUnavailable, "%s: cannot be read (%w): it is tried again with the next scan", f.Path, err)
	}
	if sum := sha256.Sum256(body); leading(sum[:]) != f.Hash {
		return feed.RawEntry{}, feed.Errorf(feed.CodeUnavailable, "%s: changed since the scan: it is taken with the next one", f.Path)
	}
	return document(f.Path, body, f.ModTime, now)
}

// document makes an entry of a file's bytes.
func document(name string, body []byte, modTime, now time.Time) (feed.RawEntry, error) {
	kind := strings.ToLower(path.Ext(name))
	text, err := decode(body, kind == ".html")
	if err != nil {
		return feed.RawEntry{}, feed.Errorf(feed.CodeInvalid, "%s: %w", name, err)
	}
	front, rest, err := splitFront(text)
	if err != nil {
		return feed.RawEntry{}, feed.Errorf(feed.CodeInvalid, "%s:%w", name, err)
	}
	var d draft
	switch kind {
	case ".html":
		d, err = readHTML(rest, front)
	case ".md":
		d, err = readMarkdown(rest, front)
	default:
		d = readText(rest, front)
	}
	if err != nil {
		return feed.RawEntry{}, feed.Errorf(feed.CodeInvalid, "%s:%w", name, err)
	}
	if !visible(d.plain) && !d.rich {
		return feed.RawEntry{}, feed.Errorf(feed.CodeInvalid, "%s: %w in it: write some, or remove the file", name, ErrEmpty)
	}
	return entry(name, front, d, modTime, now), nil
}

// entry weighs what front matter, the document and the file say, in this order.
func entry(name string, front meta, d draft, modTime, now time.Time) feed.RawEntry {
	e := feed.RawEntry{
		GUID:       name,
		Link:       cmp.Or(front.url, d.url),
		Title:      feed.Text{Value: titleOf(name, front.title, d.title)},
		Content:    feed.Text{Value: d.content, HTML: true},
		Authors:    front.authors,
		Categories: front.tags,
		Language:   cmp.Or(front.language, d.language),
	}
	e.Base = e.Link
	if len(e.Authors) == 0 {
		e.Authors = d.authors
	}
	e.Summary.Value = summary(cmp.Or(front.summary, d.summary), d.plain)
	when := believed(slices.Concat(front.published, d.published), modTime, now)
	e.PublishedAt, e.PublishedFrom = when.at, when.from
	e.UpdatedAt = updated(front.updated, d.updated, when.at, now)
	return e
}

// titleOf is the first of the candidates that shows anything, else the file's name.
func titleOf(name string, candidates ...string) string {
	stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
	for _, s := range append(candidates, strings.NewReplacer("-", " ", "_", " ").Replace(stem), name) {
		if s = cut(tidy(s), titleRunes); visible(s) {
			return s
		}
	}
	return "Untitled"
}

// summary shortens s; a summary that says all the content does is none.
func summary(s, content string) string {
	s = cut(tidy(s), summaryRunes)
	if !visible(s) || sameText(s, content) {
		return ""
	}
	return s
}

// believed is the first date that is not in the future; else the file's time,
// which a wrong clock or a copy may have set ahead.
func believed(candidates []dated, modTime, now time.Time) dated {
	for _, c := range candidates {
		if !c.at.After(now) {
			return c
		}
	}
	return dated{earlier(modTime, now).UTC(), fromFile}
}

// updated is when the document says that it last changed. A file's time is
// no such word: a copy or a checkout moves it, and readers would see the item
// as changed.
func updated(front, document, published, now time.Time) time.Time {
	at := published
	for _, said := range []time.Time{document, front} {
		if !said.IsZero() && !said.After(now) && !said.Before(published) {
			at = said
		}
	}
	return at.UTC()
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
