package ingest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/dedupe"
	"tributary/ingest/story"
	"tributary/ingest/words"
)

// reading is by what an entry finds others and is found: made once, before the
// transaction.
type reading struct {
	own, look []int64 // marks of its text, and those under which copies may be found
	terms     []byte  // what decides about its story
}

func read(title, body words.Text, when time.Time, language string) reading {
	r := reading{terms: story.Read(title, body, language).Encode()}
	r.own, r.look = dedupe.Read(title, body).Marks(when)
	return r
}

// neighbourhood is where neighbours are looked up: the transaction, or a
// store that is only looked at.
type neighbourhood interface {
	Copies(ctx context.Context, urls, contents []int64) ([]feed.Known, error)
	Marked(ctx context.Context, keys []int64) ([]feed.Mark, error)
	Candidates(ctx context.Context, entryIDs []int64) ([]feed.Candidate, error)
}

// neighbours are the known entries that a source's new ones may be copies of.
type neighbours struct {
	in               neighbourhood
	byURL, byContent map[int64][]feed.Known
	byMark           index
	fresh            []fresh // of this document; byMark names them -1, -2 …
}

// fresh is an entry of the document that is being decided.
type fresh struct {
	known feed.Known
	*sighting
}

func (f fresh) candidate() dedupe.Candidate {
	return dedupe.Candidate{Candidate: feed.Candidate{Known: f.known, Entry: f.entry}, Text: f.text()}
}

// lookUp finds them all at once; texts are read later, when one is to be compared.
func lookUp(ctx context.Context, in neighbourhood, sightings []sighting) (*neighbours, error) {
	near := &neighbours{in: in, byURL: map[int64][]feed.Known{}, byContent: map[int64][]feed.Known{}, byMark: index{}}
	var urls, contents, marks []int64
	for _, s := range sightings {
		switch {
		case s.known != nil: // only for what is to be marked anew
			marks = append(marks, s.reading.own...)
		case s.hold == nil:
			urls = appendKey(urls, s.entry.Keys.URL)
			contents = appendKey(contents, s.entry.Keys.Content)
			marks = append(marks, s.reading.look...)
		}
	}
	if len(urls)+len(contents)+len(marks) == 0 {
		return near, nil
	}
	found, err := in.Copies(ctx, urls, contents)
	if err != nil {
		return nil, err
	}
	for _, k := range found {
		near.addKeys(k)
	}
	return near, near.byMark.load(ctx, in, marks)
}

func appendKey(keys []int64, key int64) []int64 {
	if key == 0 {
		return keys
	}
	return append(keys, key)
}

func (n *neighbours) addKeys(k feed.Known) {
	if k.Keys.URL != 0 {
		n.byURL[k.Keys.URL] = append(n.byURL[k.Keys.URL], k)
	}
	if k.Keys.Content != 0 {
		n.byContent[k.Keys.Content] = append(n.byContent[k.Keys.Content], k)
	}
}

// add makes an entry of this document a neighbour of those that follow.
func (n *neighbours) add(k feed.Known, s *sighting) {
	n.addKeys(k)
	n.fresh = append(n.fresh, fresh{k, s})
	n.byMark.add(s.reading.own, -int64(len(n.fresh)))
}

// of gives the entry's neighbours by address and text. One that shares both
// keys comes twice, which decides nothing else.
func (n *neighbours) of(e feed.Entry) []feed.Known {
	var out []feed.Known
	if e.Keys.URL != 0 {
		out = append(out, n.byURL[e.Keys.URL]...)
	}
	if e.Keys.Content != 0 {
		out = append(out, n.byContent[e.Keys.Content]...)
	}
	return out
}

// compared is how many entries an entry's text is compared with at most: those
// that share most marks.
const compared = 12

// alike gives the entries whose texts may be the entry's, with their texts.
func (n *neighbours) alike(ctx context.Context, s *sighting) ([]dedupe.Candidate, error) {
	var out []dedupe.Candidate
	var stored []int64
	for _, id := range n.byMark.most(s.reading.look, compared) {
		if id < 0 {
			out = append(out, n.fresh[-id-1].candidate())
		} else {
			stored = append(stored, id)
		}
	}
	if len(stored) == 0 {
		return out, nil
	}
	found, err := n.in.Candidates(ctx, stored)
	for _, c := range found {
		out = append(out, comparable(c))
	}
	return out, err
}

// comparable reads a stored entry as a new one is read.
func comparable(c feed.Candidate) dedupe.Candidate {
	return dedupe.Candidate{Candidate: c, Text: dedupe.Read(split(c.Entry))}
}

// split reads the words of a stored entry.
func split(e feed.Entry) (title, body words.Text) {
	text := clean.Plain(feed.Text{Value: e.Content, HTML: true})
	if text == "" {
		text = e.Summary
	}
	return words.Split(e.Title), words.Split(text)
}

// judge decides about an entry that is new to its source: by address and equal
// text, else by likeness.
func (n *neighbours) judge(ctx context.Context, s *sighting) (dedupe.Verdict, error) {
	verdict := dedupe.Decide(s.entry, n.of(s.entry))
	if verdict.Same != nil || verdict.Copy != nil {
		return verdict, nil
	}
	alike, err := n.alike(ctx, s)
	if err != nil || len(alike) == 0 {
		return verdict, err
	}
	return dedupe.Near(s.entry, s.text(), alike), nil
}

// index finds entries by their marks.
type index map[int64][]int64

// crowd is how many entries may have a mark: one that more have says nothing,
// and would make looking it up slow.
const crowd = 64

func (x index) load(ctx context.Context, in interface {
	Marked(ctx context.Context, keys []int64) ([]feed.Mark, error)
}, keys []int64) error {
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	found, err := in.Marked(ctx, slices.Compact(keys))
	for _, m := range found {
		x[m.Key] = append(x[m.Key], m.EntryID)
	}
	return err
}

func (x index) add(keys []int64, id int64) {
	for _, k := range keys {
		x[k] = append(x[k], id)
	}
}

// keep adds an id under those of the keys that fewer than most have, and gives
// these keys.
func (x index) keep(keys []int64, id int64, most int) (kept []int64) {
	for _, k := range keys {
		if len(x[k]) < most {
			x[k] = append(x[k], id)
			kept = append(kept, k)
		}
	}
	return kept
}

// marks are those to store for an entry: not the ones that a crowd has.
func (x index) marks(keys []int64, entryID int64) []feed.Mark {
	var out []feed.Mark
	for _, k := range keys {
		if len(x[k]) <= crowd {
			out = append(out, feed.Mark{Key: k, EntryID: entryID})
		}
	}
	return out
}

// most are the ids that have most of these keys, at most n of them; among
// equals the older ones, and those of this document last.
func (x index) most(keys []int64, n int) []int64 {
	var all []int64
	for _, k := range keys {
		all = append(all, x[k]...)
	}
	slices.Sort(all)
	type shared struct {
		id    int64
		marks int
	}
	var list []shared
	for i, id := range all {
		if i == 0 || id != all[i-1] {
			list = append(list, shared{id: id})
		}
		list[len(list)-1].marks++
	}
	slices.SortFunc(list, func(a, b shared) int {
		return cmp.Or(cmp.Compare(b.marks, a.marks), cmp.Compare(uint64(a.id), uint64(b.id)))
	})
	ids := make([]int64, min(len(list), n))
	for i := range ids {
		ids[i] = list[i].id
	}
	return ids
}
