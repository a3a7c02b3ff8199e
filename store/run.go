package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tributary/feed"
)

// RunsKept is how many reports are kept.
const RunsKept = 500

// SaveRun stores a run's report, in place of an earlier one of the same ID. The
// newest 500 are kept.
func (s *Store) SaveRun(ctx context.Context, r feed.Report) error {
	report, err := PackReport(r)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(t *Tx) error {
		_, err := t.exec(ctx, `INSERT INTO run (id, started, running, report) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET started = EXCLUDED.started, running = EXCLUDED.running, report = EXCLUDED.report`,
			r.ID, r.Started.UnixMilli(), bit(r.State == "running"), report)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM run WHERE running = 0 AND started <
			(SELECT MIN(kept.started) FROM (SELECT started FROM run ORDER BY started DESC LIMIT $1) kept)`, int64(RunsKept))
		return err
	})
}

// packLimit is the size from which a report's JSON is compressed: a line for each of
// 10,000 sources makes 3 MB, of which gzip leaves a twentieth.
const packLimit = 4 << 10

// PackReport is a report as it is stored: JSON, or gzip of it.
func PackReport(r feed.Report) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil || len(plain) < packLimit {
		return plain, err
	}
	return pack(plain)
}

// pack compresses.
func pack(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	_, err = z.Write(plain)
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// unpack undoes pack.
func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// UnpackReport undoes PackReport.
func UnpackReport(b []byte) (r feed.Report, err error) {
	var in io.Reader = bytes.NewReader(b)
	if !bytes.HasPrefix(b, []byte("{")) {
		if in, err = gzip.NewReader(in); err != nil {
			return r, fmt.Errorf("unpack the report of a run: %w", err)
		}
	}
	if err = json.NewDecoder(in).Decode(&r); err != nil {
		err = fmt.Errorf("decode the report of a run: %w", err)
	}
	return r, err
}

// Run is the report of a run.
func (s *Store) Run(ctx context.Context, id string) (feed.Report, error) {
	var b []byte
	found, err := s.reader.one(ctx, `SELECT report FROM run WHERE id = $1`, []any{id}, &b)
	if err == nil && !found {
		err = feed.Errorf(feed.CodeNotFound, "there is no run %q: the newest %d are kept", id, RunsKept)
	}
	if err != nil {
		return feed.Report{}, err
	}
	return UnpackReport(b)
}

// Runs are the newest reports, newest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]feed.Report, error) {
	return s.runs(ctx, `SELECT report FROM run ORDER BY started DESC, id DESC LIMIT $1`, int64(limit))
}

// RunningRuns are the reports of runs that have not ended, by all that is stored.
func (s *Store) RunningRuns(ctx context.Context) ([]feed.Report, error) {
	return s.runs(ctx, `SELECT report FROM run WHERE running = 1 ORDER BY started DESC`)
}

func (s *Store) runs(ctx context.Context, query string, args ...any) ([]feed.Report, error) {
	var all []feed.Report
	err := s.reader.each(ctx, query, args,
		func(scan scanner) error {
			var b []byte
			if err := scan(&b); err != nil {
				return err
			}
			r, err := UnpackReport(b)
			all = append(all, r)
			return err
		})
	return all, err
}
