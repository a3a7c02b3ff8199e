package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"tributary/feed"
)

// changeView is what an administrator may do to an item, and has done.
type changeView struct {
	Correct bool   // entries and items may be parted and put together here
	Problem string // why nothing was done
	Done    string // what was done
}

// changesDone says what was done, by the word in the address that a form leads to.
var changesDone = map[string]string{
	"split":  "This entry is an item of its own now.",
	"merged": "The two are one item now. Split the entry off again below to part them.",
}

// changeItem takes the forms on an item's page.
func (s *Server) changeItem(w http.ResponseWriter, r *http.Request, form url.Values) {
	id := r.PathValue("id")
	to, err := s.changeByForm(r.Context(), id, form)
	if err != nil {
		s.itemForAdmin(w, r, s.problemStatus(w, r, err), id, changeView{Problem: message(err)})
		return
	}
	s.Poke()
	http.Redirect(w, r, s.root+to, http.StatusSeeOther)
}

// changeByForm does what the pressed button says, and gives the path that shows
// what came of it.
func (s *Server) changeByForm(ctx context.Context, id string, form url.Values) (path string, err error) {
	switch {
	case form.Has("refuse"):
		return s.refuseByForm(ctx, form)
	case form.Has("split"), form.Has("merge"):
		if s.opt.Corrector == nil {
			return "", feed.Errorf(feed.CodeUnavailable, "Items cannot be corrected here; use the command `tributary item`.")
		}
		if form.Has("split") {
			return s.splitByForm(ctx, id, form)
		}
		return s.mergeByForm(ctx, id, form)
	}
	return "", feed.Errorf(feed.CodeInvalid, "The form does not say what to do; use one of its buttons.")
}

// refuseByForm keeps an item's entry out. It leads to the entry, where that can be undone.
func (s *Server) refuseByForm(ctx context.Context, form url.Values) (path string, err error) {
	if s.opt.Moderator == nil {
		return "", noModerator()
	}
	entry, err := entryOf(form, "refuse")
	if err != nil {
		return "", err
	}
	return heldRequest{list: heldList, entry: entry}.path(), s.decide(ctx, "refuse", entry)
}

func (s *Server) splitByForm(ctx context.Context, id string, form url.Values) (path string, err error) {
	entry, err := entryOf(form, "split")
	if err != nil {
		return "", err
	}
	made, err := s.opt.Corrector.Split(ctx, id, entry)
	if feed.CodeOf(err) == feed.CodeNotFound {
		err = feed.Errorf(feed.CodeNotFound, "This item has no such entry any more. Those that it has are below.")
	}
	return "/items/" + made + "?done=split", err
}

func (s *Server) mergeByForm(ctx context.Context, id string, form url.Values) (path string, err error) {
	with := itemNamed(form.Get("other"))
	if with == "" {
		with = itemNamed(form.Get("with"))
	}
	if with == "" {
		return "", feed.Errorf(feed.CodeInvalid, "Choose the item to put this one together with, or give its address.")
	}
	other, err := s.store.Item(ctx, with)
	if feed.CodeOf(err) == feed.CodeNotFound {
		return "", feed.Errorf(feed.CodeNotFound, "There is no item “%s” here. Open the item's page and copy its address.", with)
	}
	if err != nil {
		return "", err
	}
	kept, err := s.opt.Corrector.Merge(ctx, id, other.ID)
	return "/items/" + kept + "?done=merged", err
}

// entryOf reads the number of the entry that a button stands at.
func entryOf(form url.Values, button string) (int64, error) {
	entry, err := numberOf(form, button)
	if err == nil && entry == 0 {
		err = feed.Errorf(feed.CodeInvalid, "The form does not say which entry; use one of its buttons.")
	}
	return entry, err
}

// itemNamed reads an item's id from what a person gives: the id, or the address
// of the item's page.
func itemNamed(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "?")
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimRight(text, "/")
	return text[strings.LastIndexByte(text, '/')+1:]
}
