package ingest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"tributary/feed"
	"tributary/ingest/clean"
	"tributary/ingest/dedupe"
	"tributary/ingest/folder"
	"tributary/ingest/parse"
)

// prepareFolder is prepare for a folder: each file is a document of one entry.
// Nothing is concluded from a scan that was not complete.
func (p *Pipeline) prepareFolder(ctx context.Context, run Run, src feed.Source) (prepared, error) {
	out := prepared{source: src, about: src.About, report: newReport(src)}
	listed, err := p.Store.Listed(ctx, src.ID)
	if err != nil {
		return out, err
	}
	scan, err := folder.Scan(ctx, src.URL, p.stamps.of(src.URL), p.Now())
	if err == nil && len(scan.Files)+len(scan.Skipped) == 0 && len(listed) > 0 {
		err = feed.Errorf(feed.CodeUnavailable, "the folder %s is suddenly empty, so nothing is withdrawn; "+
			"put at least one document back, or name another folder", src.URL)
	}
	if err != nil {
		out.fail(err)
		return out, ctx.Err()
	}
	p.stamps.keep(src.URL, scan.Known(p.Now()))
	if err := p.sort(ctx, run, listed, scan, &out); err != nil {
		return out, err
	}
	out.judge(run.judge)
	out.read()
	return out, nil
}

// stamps remember, by folder, what files had which size and time, so that a
// scan reads only what has changed.
type stamps struct{ byFolder sync.Map }

func (s *stamps) of(root string) map[string]folder.Stamp {
	known, ok := s.byFolder.Load(root)
	if !ok {
		return nil
	}
	return known.(map[string]folder.Stamp)
}

func (s *stamps) keep(root string, known map[string]folder.Stamp) { s.byFolder.Store(root, known) }

// sort tells new, edited, moved and vanished files from unchanged ones. Of a
// file that was skipped, what is known stands.
func (p *Pipeline) sort(ctx context.Context, run Run, listed []feed.Known, scan folder.Result, out *prepared) error {
	known, moved, err := p.knownFiles(ctx, out.source, listed, scan.Files)
	if err != nil {
		return err
	}
	claimed := map[int64]bool{}
	for _, s := range scan.Skipped {
		out.problems = append(out.problems, s.Path+": "+s.Why)
		claimed[known[clean.Key(dedupe.File(s.Path))].EntryID] = true
	}
	for _, f := range scan.Files {
		k, ok := known[fileKeys(f).Identity]
		if !ok {
			k, ok = moved.take(fileKeys(f).Raw)
		}
		if ok {
			claimed[k.EntryID] = true
		}
		out.addFile(run, f, k, ok)
	}
	for _, k := range listed {
		if !claimed[k.EntryID] {
			out.unlisted = append(out.unlisted, k)
		}
	}
	return nil
}

// knownFiles gives what the store knows of files at their present paths, and,
// by their bytes, of those that may have moved here.
func (p *Pipeline) knownFiles(ctx context.Context, src feed.Source, listed []feed.Known, files []folder.File) (map[int64]feed.Known, moves, error) {
	known := map[int64]feed.Known{}
	add(known, listed)
	var paths, bytes []int64
	for _, f := range files {
		k := fileKeys(f)
		if have, ok := known[k.Identity]; !ok || have.Keys.Raw != k.Raw {
			paths, bytes = append(paths, k.Identity), append(bytes, k.Raw)
		}
	}
	if len(paths) == 0 {
		return known, nil, nil
	}
	earlier, err := p.Store.ByIdentity(ctx, src.ID, paths)
	if err != nil {
		return nil, nil, err
	}
	add(known, earlier)
	alike, err := p.Store.ByRaw(ctx, src.ID, bytes)
	if err != nil {
		return nil, nil, err
	}
	known, moved := resolve(known, files, alike)
	return known, moved, nil
}

// moves are entries whose bytes were seen under another path.
type moves map[int64][]feed.Known

func (m moves) take(raw int64) (feed.Known, bool) {
	if len(m[raw]) == 0 {
		return feed.Known{}, false
	}
	k := m[raw][0]
	m[raw] = m[raw][1:]
	return k, true
}

// resolve finds the moves among entries with equal bytes. A path that now has
// the bytes of another known file is a target of a move, not an edit: two
// files that changed names are two moves. A path whose bytes nobody knows was
// edited, and keeps its entry even if a file with its old bytes turns up.
func resolve(known map[int64]feed.Known, files []folder.File, alike []feed.Known) (map[int64]feed.Known, moves) {
	stays := map[int64]bool{}
	moved := movesOf(alike, nil)
	for _, f := range files {
		keys := fileKeys(f)
		have, ok := known[keys.Identity]
		switch {
		case !ok:
		case have.Keys.Raw != keys.Raw && len(moved[keys.Raw]) > 0:
			delete(known, keys.Identity)
		default:
			stays[have.EntryID] = true
		}
	}
	return known, movesOf(alike, stays)
}

func movesOf(alike []feed.Known, stays map[int64]bool) moves {
	m := moves{}
	for _, k := range alike {
		if !stays[k.EntryID] {
			m[k.Keys.Raw] = append(m[k.Keys.Raw], k)
		}
	}
	return m
}

// fileKeys recognise a file: by its path, and by its bytes and the cleaner
// that has seen them.
func fileKeys(f folder.File) feed.Keys {
	return feed.Keys{
		Identity: clean.Key(dedupe.File(f.Path)),
		Raw:      clean.Key(fmt.Sprintf("%d %x", clean.Version, f.Hash)),
	}
}

// addFile puts a file where it belongs: unchanged, back, or to be decided.
func (p *prepared) addFile(run Run, f folder.File, k feed.Known, known bool) {
	keys := fileKeys(f)
	if known && k.Keys.Raw == keys.Raw && k.Keys.Identity == keys.Identity {
		p.report.Counts.Unchanged++
		if !k.Listed {
			p.relisted = append(p.relisted, k)
		}
		return
	}
	entry, err := fileEntry(p.source.URL, f, run)
	if err != nil {
		p.problems = append(p.problems, err.Error())
		return
	}
	s := sighting{entry: entry, seed: fmt.Sprintf("document\n%x", uint64(f.Hash))}
	if known {
		s.known = &k
	}
	p.sightings = append(p.sightings, s)
}

// fileEntry reads and cleans a file.
func fileEntry(root string, f folder.File, run Run) (feed.Entry, error) {
	said, err := folder.Read(root, f, run.Now)
	if err != nil {
		return feed.Entry{}, err
	}
	e := clean.Entry(said, clean.Context{Now: run.Now, Date: parse.Date})
	keys := fileKeys(f)
	e.Identity = dedupe.File(f.Path)
	e.Keys.Identity, e.Keys.Raw = keys.Identity, keys.Raw
	e.FirstSeen = run.Now
	return e, nil
}

// folderState is what a scan means for the folder's state. A folder is always
// due: looking costs nobody anything.
func folderState(state feed.SourceState, p *prepared, now time.Time) feed.SourceState {
	state.Fetches++
	state.LastFetch = now
	state.Status, state.Error = feed.StatusOK, strings.Join(p.problems, "; ")
	p.report.Error = state.Error
	if p.report.Outcome == feed.OutcomeFailed {
		state.Status = feed.StatusFailing
		state.Failures++
		return state
	}
	state.Failures, state.Imported, state.LastSuccess = 0, true, now
	if p.report.Counts.Changed() {
		state.LastChange = now
	}
	return state
}
