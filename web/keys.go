package web

import (
	"net/http"
	"net/url"
	"strings"
)

// keysView is the body of /keys.
type keysView struct {
	Keys    []keyView
	May     bool // keys can be made here
	Closed  bool // the feeds need one too
	Problem string
	Made    *madeKey // shown this once
	Removed bool
}

type keyView struct {
	Name string
	Made moment
}

// madeKey is a key that was just made, with the addresses that it opens.
type madeKey struct {
	Name, Key string
	Addresses []string
}

func (s *Server) keysPage(w http.ResponseWriter, r *http.Request) {
	s.showKeys(w, r, http.StatusOK, keysView{Removed: r.URL.Query().Get("done") == "removed"})
}

func (s *Server) showKeys(w http.ResponseWriter, r *http.Request, status int, v keysView) {
	keys, err := s.store.ReaderKeys(r.Context())
	if err != nil {
		s.failPage(w, r, err)
		return
	}
	for _, k := range keys {
		v.Keys = append(v.Keys, keyView{k.Name, s.moment(k.Made)})
	}
	v.May, v.Closed = s.opt.Keys != nil, s.opt.Private
	s.freshPage(w, r, status, "keys", page{Title: "Reader keys", NoIndex: true, Section: "keys", Body: v})
}

// changeKeys takes the forms on /keys: one makes a key, which the answer shows
// and nothing else ever does; the others remove one.
func (s *Server) changeKeys(w http.ResponseWriter, r *http.Request, form url.Values) {
	if s.opt.Keys == nil {
		s.errorPage(w, r, http.StatusServiceUnavailable, "This cannot be done here", "Reader keys are made with the command `tributary key add NAME`.")
		return
	}
	if name := form.Get("remove"); name != "" {
		if err := s.opt.Keys.Remove(r.Context(), name); err != nil {
			s.showKeys(w, r, s.problemStatus(w, r, err), keysView{Problem: message(err)})
			return
		}
		http.Redirect(w, r, s.root+"/keys?done=removed", http.StatusSeeOther)
		return
	}
	name := strings.TrimSpace(form.Get("name"))
	key, err := s.opt.Keys.Make(r.Context(), name)
	if err != nil {
		s.showKeys(w, r, s.problemStatus(w, r, err), keysView{Problem: message(err)})
		return
	}
	s.showKeys(w, r, http.StatusOK, keysView{Made: &madeKey{name, key, s.keyed(key)}})
}

// keyed are the addresses that a reader key opens.
func (s *Server) keyed(key string) []string {
	var all []string
	if s.opt.Private {
		for _, m := range docMedia {
			all = append(all, s.opt.Site.BaseURL+"/feed."+m.ext+"?key="+key)
		}
	}
	for _, path := range []string{"/held.atom", "/ops.atom"} {
		all = append(all, s.opt.Site.BaseURL+path+"?key="+key)
	}
	return all
}
