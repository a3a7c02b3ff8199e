package web

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// openStore opens an empty SQLite store.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "tributary.db"))
}

func openFile(t testing.TB, path string) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Path: path})
	must(t, err)
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// sampleStore opens a store of its own that holds the sample.
func sampleStore(t testing.TB) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tributary.db")
	must(t, os.WriteFile(path, sampleFile(t), 0o600))
	return openFile(t, path)
}

var sampleBytes struct {
	sync.Mutex
	file []byte
}

// sampleFile is a store's file with the sample in it. It is made once: the
// schema takes longer than most tests.
func sampleFile(t testing.TB) []byte {
	t.Helper()
	sampleBytes.Lock()
	defer sampleBytes.Unlock()
	if sampleBytes.file != nil {
		return sampleBytes.file
	}
	st := openStore(t)
	addItems(t, st, addSources(t, st, sampleSources()), sampleItems())
	for _, r := range sampleReports() {
		must(t, st.SaveRun(t.Context(), r))
	}
	backup := filepath.Join(t.TempDir(), "sample.db")
	must(t, st.Backup(t.Context(), backup))
	dateChange(t, backup, at(time.January, 6, 12, 45))
	file, err := os.ReadFile(backup)
	must(t, err)
	sampleBytes.file = file
	return file
}

// dateChange makes the last change of a closed store's file one of a time.
func dateChange(t testing.TB, path string, at time.Time) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	_, err = db.ExecContext(t.Context(), `UPDATE meta SET change = $1`, at.UnixMilli())
	must(t, errors.Join(err, db.Close()))
}

// addSources stores sources with what they say of themselves and their state,
// and returns their row ids by slug.
func addSources(t testing.TB, st *store.Store, sources []feed.Source) map[string]int64 {
	t.Helper()
	ids := map[string]int64{}
	for _, src := range sources {
		added, err := addSource(t, st, src)
		must(t, err)
		ids[src.Slug] = added.ID
		must(t, st.Write(t.Context(), func(tx *store.Tx) error {
			return tx.SaveSource(t.Context(), added.ID, src.About, src.State)
		}))
	}
	return ids
}

// addSource adds a source, as which the seeds folder cannot be added.
func addSource(t testing.TB, st *store.Store, src feed.Source) (feed.Source, error) {
	if src.Slug != feed.SeedsSlug {
		return st.AddSource(t.Context(), src, noon)
	}
	must(t, st.SyncSources(t.Context(), feed.OriginConfig, []feed.Source{src}, noon))
	return st.Source(t.Context(), src.Slug)
}

// addItems publishes items, each admitted a moment after its date.
func addItems(t testing.TB, st *store.Store, sources map[string]int64, items []sampleItem) {
	t.Helper()
	ctx := t.Context()
	must(t, st.Write(ctx, func(tx *store.Tx) error {
		for _, it := range items {
			item := feed.Item{ID: it.id, Published: it.entry.Published, Updated: it.entry.Published}
			if err := tx.InsertItem(ctx, &item, "run"); err != nil {
				return err
			}
			e := it.entry
			e.SourceID, e.ItemID, e.FirstSeen = sources[it.source], item.RowID, it.entry.Published.Add(time.Minute)
			e.Keys.Identity = key(it.id)
			e.Decision = feed.Decision{Kind: feed.Published, Rule: "new", Reason: "No other entry has its id, its address or its text."}
			if err := tx.InsertEntry(ctx, &e); err != nil {
				return err
			}
			for _, slug := range slices.Sorted(maps.Keys(it.copies)) {
				c := feed.Entry{SourceID: sources[slug], ItemID: item.RowID, Title: e.Title, URL: it.copies[slug], FirstSeen: e.FirstSeen}
				c.Keys.Identity = key(it.copies[slug])
				c.Decision = feed.Decision{Kind: feed.CopyOf, Rule: "content", Reason: "Its text is equal, word for word, to one that was there first."}
				if err := tx.InsertEntry(ctx, &c); err != nil {
					return err
				}
			}
		}
		admitted, err := tx.Admit(ctx, nil, noon)
		if err != nil {
			return err
		}
		return tx.FoundStories(ctx, admitted)
	}))
	for _, it := range items {
		if it.story != "" {
			join(t, st, it.id, it.story)
		}
	}
	for _, it := range items {
		if !it.updated.IsZero() {
			touch(t, st, it.id, it.updated)
		}
	}
}

// join puts an item into another's story.
func join(t testing.TB, st *store.Store, id, other string) {
	t.Helper()
	item, err := st.Item(t.Context(), id)
	must(t, err)
	to, err := st.Item(t.Context(), other)
	must(t, err)
	must(t, st.Write(t.Context(), func(tx *store.Tx) error { return tx.JoinStory(t.Context(), item.RowID, to.StoryRow, "one event", noon) }))
}

// touch moves an item's updated.
func touch(t testing.TB, st *store.Store, id string, updated time.Time) {
	t.Helper()
	item, err := st.Item(t.Context(), id)
	must(t, err)
	must(t, st.Write(t.Context(), func(tx *store.Tx) error { return tx.TouchItem(t.Context(), item.RowID, updated) }))
}

func key(s string) int64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return int64(h.Sum64())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scheduler stands in for the program's: it notes what it is asked for.
type scheduler struct {
	st       Store
	next     time.Time
	running  bool
	requests []feed.RunRequest
	report   feed.Report
	takes    time.Duration // of the run
	err      error
}

func (s *scheduler) Trigger(_ context.Context, req feed.RunRequest) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	s.requests = append(s.requests, req)
	return "run-2", nil
}

func (s *scheduler) Wait(ctx context.Context, _ string) (feed.Report, error) {
	select {
	case <-time.After(s.takes):
		return s.report, nil
	case <-ctx.Done():
		return feed.Report{}, ctx.Err()
	}
}
func (s *scheduler) Report(ctx context.Context, id string) (feed.Report, error) {
	return s.st.Run(ctx, id)
}
func (s *scheduler) NextRun() time.Time { return s.next }
func (s *scheduler) Running() bool      { return s.running }

// catalogue stands in for what adds and removes sources: it does so without fetching.
type catalogue struct {
	st       *store.Store
	found    string
	preview  SourcePreview
	imported []ImportedSource
	err      error
}

func (c catalogue) Preview(context.Context, feed.Source) (SourcePreview, error) {
	return c.preview, c.err
}

func (c catalogue) Add(ctx context.Context, src feed.Source) (feed.Source, string, string, error) {
	if c.err != nil {
		return feed.Source{}, "", "", c.err
	}
	src.Slug = "added"
	added, err := c.st.AddSource(ctx, src, noon)
	return added, c.found, "run-2", err
}

func (c catalogue) Update(ctx context.Context, src feed.Source) error {
	if c.err != nil {
		return c.err
	}
	return c.st.UpdateSource(ctx, src)
}

func (c catalogue) Import(_ context.Context, file io.Reader) ([]ImportedSource, error) {
	if _, err := io.ReadAll(file); err != nil {
		return nil, err
	}
	return c.imported, c.err
}

func (c catalogue) Remove(ctx context.Context, slug string, purge bool) error {
	return c.st.RemoveSource(ctx, slug, purge, noon)
}

// sampleOptions are those of the goldens.
func sampleOptions() Options {
	return Options{
		Site: sampleSite("https://guarantees.example"), Token: sampleToken, MaxAge: 15 * time.Minute,
		UserAgent: "tributary/1.0.0 (+https://guarantees.example/fetching)",
		Logger:    slog.New(slog.DiscardHandler),
		Now:       func() time.Time { return noon },
	}
}

// newServer makes a server on st with the sample's options, changed by each of change.
func newServer(t testing.TB, st *store.Store, change ...func(*Options)) *Server {
	t.Helper()
	o := sampleOptions()
	for _, c := range change {
		c(&o)
	}
	return New(o, st, &scheduler{st: st, next: at(time.January, 6, 12, 15)}, catalogue{st: st, found: "an Atom feed"})
}

func textLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// ask sends a request through the whole stack. Headers come as name, value, …
func ask(t testing.TB, srv *Server, method, target, body string, header ...string) answer {
	t.Helper()
	return askFor(t.Context(), t, srv, method, target, body, header...)
}

// askFor is ask for as long as ctx lasts.
func askFor(ctx context.Context, t testing.TB, srv *Server, method, target, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	srv.Handler().ServeHTTP(w, r)
	return answer{w.Result(), w.Body.String()}
}

// formType is the media type of forms.
const formType = "application/x-www-form-urlencoded"

// login logs in as a person does, and gives the header that a browser then sends.
func login(t testing.TB, srv *Server) (header []string) {
	t.Helper()
	a := ask(t, srv, http.MethodPost, "/login", url.Values{"token": {sampleToken}}.Encode(), "Content-Type", formType)
	wantStatus(t, a, http.StatusSeeOther)
	return []string{"Cookie", a.Cookies()[0].Name + "=" + a.Cookies()[0].Value}
}

func get(t testing.TB, srv *Server, target string, header ...string) answer {
	t.Helper()
	return ask(t, srv, http.MethodGet, target, "", header...)
}

// wantStatus ends the test if the answer has another status.
func wantStatus(t testing.TB, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d; body:\n%s", a.StatusCode, status, a.body)
	}
}

// wantField compares a header field.
func wantField(t testing.TB, a answer, name, want string) {
	t.Helper()
	if got := a.Header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

// golden compares with a file under testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(file, []byte(unhashed(got)), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if diff := cmp.Diff(unhashed(string(want)), unhashed(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it anew:\n%s", name, diff)
	}
}

var hashes = regexp.MustCompile(`(/assets/[a-z.]+)\.[0-9a-f]{12}\.`)

// unhashed is a page without the hashes of the assets, so that a style moves no golden file.
func unhashed(page string) string { return hashes.ReplaceAllString(page, "$1.") }
