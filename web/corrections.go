package web

import (
	"context"
	"net/http"
	"time"

	"tributary/feed"
)

// Corrector carries out what people put right about items.
type Corrector interface {
	// Split takes an entry out of an item, into one of its own, whose id it returns.
	Split(ctx context.Context, itemID string, entryID int64) (newID string, err error)
	// Merge puts two items together, and returns the id of the one that is kept.
	Merge(ctx context.Context, idA, idB string) (kept string, err error)
}

// correctionJSON is a correction in the API.
type correctionJSON struct {
	Kind  string    `json:"kind"` // "split" or "merge"
	Item  string    `json:"item"`
	Other string    `json:"other"`           // the item that a split made, or that a merge ended
	Entry int64     `json:"entry,omitempty"` // of a split
	At    time.Time `json:"at"`
}

// apiCorrections lists what people have put right, newest first.
func (s *Server) apiCorrections(w http.ResponseWriter, r *http.Request) {
	limit, err := limitOf(r, 50, 500)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.store.Corrections(r.Context(), limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := make([]correctionJSON, len(all))
	for i, c := range all {
		out[i] = correctionJSON{c.Kind, c.Item, c.Other, c.Entry, c.At.UTC()}
	}
	writeJSON(w, http.StatusOK, out)
}

// apiSplit makes an entry of an item one of its own: POST
// /api/items/{id}/split with {"entry": 17}. It answers 201 with the new item's id.
func (s *Server) apiSplit(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Entry int64 `json:"entry"`
	}
	s.correct(w, r, &req, `{"entry": 17}`, http.StatusCreated, func(ctx context.Context, item feed.Item) (string, error) {
		if req.Entry <= 0 {
			return "", feed.Errorf(feed.CodeInvalid, "There is no “entry”; give the number of one of the item's entries, which GET /api/items/%s lists.", item.ID)
		}
		return s.opt.Corrector.Split(ctx, item.ID, req.Entry)
	})
}

// apiMerge puts an item and another together: POST /api/items/{id}/merge with
// {"with": "ID"}. It answers 200 with the id of the older, which is kept.
func (s *Server) apiMerge(w http.ResponseWriter, r *http.Request) {
	var req struct {
		With string `json:"with"`
	}
	s.correct(w, r, &req, `{"with": "7c6f51c9-4d8e-5f71-90d2-8e9dacb12008"}`, http.StatusOK, func(ctx context.Context, item feed.Item) (string, error) {
		if req.With == "" {
			return "", feed.Errorf(feed.CodeInvalid, "The body has no “with”; give the id of the other item.")
		}
		other, err := s.store.Item(ctx, req.With)
		if err != nil {
			return "", err
		}
		return s.opt.Corrector.Merge(ctx, item.ID, other.ID)
	})
}

// correct reads a correction of an item, has it carried out, and answers with
// the item that came of it.
func (s *Server) correct(w http.ResponseWriter, r *http.Request, req any, example string, status int, carryOut func(context.Context, feed.Item) (string, error)) {
	if !s.authorised(w, r) {
		return
	}
	if s.opt.Corrector == nil {
		s.fail(w, r, feed.Errorf(feed.CodeUnavailable, "Items cannot be corrected here; use the command `tributary item`."))
		return
	}
	err := readBody(w, r, req, example)
	var item feed.Item
	if err == nil {
		item, err = s.store.Item(r.Context(), r.PathValue("id"))
	}
	var id string
	if err == nil {
		id, err = carryOut(r.Context(), item)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.Poke()
	if status == http.StatusCreated {
		w.Header().Set("Location", s.root+"/api/items/"+id)
	}
	writeJSON(w, status, map[string]string{"id": id, "page": s.opt.Site.ItemURL(id)})
}
