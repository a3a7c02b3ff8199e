package web

import (
	"errors"
	"net/http"
	"slices"

	"tributary/feed"
)

const (
	// importBytes bounds a list of sources that is sent here. The largest one
	// known to us has half a megabyte.
	importBytes = 5 << 20
	// importRows is how many rows of a report are shown.
	importRows = 500
)

// importView is the body of /sources/import.
type importView struct {
	Problem               string
	Report                []importRow // those left out, then added, then known already
	Added, Already, Wrong int
	Hidden                int // rows beyond those shown
}

// importRow is what became of a feed in the list.
type importRow struct {
	Slug, Name, Address string
	Tone, Outcome       string
	Problem             string
}

func (s *Server) importPage(w http.ResponseWriter, r *http.Request) {
	s.showImport(w, r, http.StatusOK, importView{})
}

func (s *Server) showImport(w http.ResponseWriter, r *http.Request, status int, v importView) {
	s.freshPage(w, r, status, "sourceimport", page{Title: "Import and export sources", NoIndex: true, Section: "sources", Body: v})
}

// importSources takes an OPML file.
func (s *Server) importSources(w http.ResponseWriter, r *http.Request) {
	report, err := s.readImport(w, r)
	if err != nil {
		s.showImport(w, r, s.problemStatus(w, r, err), importView{Problem: message(err)})
		return
	}
	s.showImport(w, r, http.StatusOK, importReport(report))
}

func (s *Server) readImport(w http.ResponseWriter, r *http.Request) ([]ImportedSource, error) {
	r.Body = http.MaxBytesReader(w, r.Body, importBytes)
	file, _, err := r.FormFile("file")
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, feed.Errorf(feed.CodeTooLarge, "The file is over %d MB. Split it, or import it with the command `tributary source import`.", importBytes>>20)
	case errors.Is(err, http.ErrMissingFile):
		return nil, feed.Errorf(feed.CodeInvalid, "No file was chosen: choose the OPML file that your feed reader exports.")
	case err != nil:
		return nil, feed.Errorf(feed.CodeInvalid, "The file did not arrive whole; choose it again.")
	}
	defer file.Close()
	patient(w) // some thousand sources take a while
	return s.sources.Import(r.Context(), file)
}

// importReport sorts the rows by what needs a person's eye.
func importReport(report []ImportedSource) importView {
	var wrong, added, already []importRow
	for _, one := range report {
		switch row := importRowOf(one); {
		case one.Problem != "":
			wrong = append(wrong, row)
		case one.Added:
			added = append(added, row)
		default:
			already = append(already, row)
		}
	}
	v := importView{Report: slices.Concat(wrong, added, already), Wrong: len(wrong), Added: len(added), Already: len(already)}
	if v.Hidden = max(0, len(v.Report)-importRows); v.Hidden > 0 {
		v.Report = v.Report[:importRows]
	}
	return v
}

func importRowOf(one ImportedSource) importRow {
	row := importRow{Name: one.Source.Name, Address: feed.Redacted(one.Source.URL), Problem: one.Problem}
	switch {
	case one.Problem != "":
		row.Tone, row.Outcome = "bad", "left out"
	case one.Added:
		row.Tone, row.Outcome, row.Slug = "good", "added", one.Source.Slug
	default:
		row.Tone, row.Outcome = "off", "there already"
	}
	return row
}
