package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A session is its own proof: "EXPIRY.NONCE.MAC", authenticated with a key made
// of the token. So nothing is stored, each replica knows it, and all sessions end
// when the token is changed.
const (
	sessionFor    = 30 * 24 * time.Hour
	sessionCookie = "tributary"
	sessionLabel  = "tributary page session 1"
)

// sessions makes and checks log-ins by cookie.
type sessions struct {
	key []byte // nil: nobody can log in, for there is no token
	now func() time.Time
}

func newSessions(token string, now func() time.Time) sessions {
	if token == "" {
		return sessions{now: now}
	}
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(sessionLabel))
	return sessions{mac.Sum(nil), now}
}

// start is the value of a new session's cookie.
func (s sessions) start() string {
	claim := strconv.FormatInt(s.now().Add(sessionFor).Unix(), 10) + "." + rand.Text()
	return claim + "." + s.sign(claim)
}

// valid tells whether a cookie's value is a session that has not ended.
func (s sessions) valid(value string) bool {
	at := strings.LastIndexByte(value, '.')
	if s.key == nil || at < 0 {
		return false
	}
	claim, mac := value[:at], value[at+1:]
	if !hmac.Equal([]byte(mac), []byte(s.sign(claim))) {
		return false
	}
	until, _, _ := strings.Cut(claim, ".")
	expiry, err := strconv.ParseInt(until, 10, 64)
	return err == nil && s.now().Unix() < expiry
}

func (s sessions) sign(claim string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(claim))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// viewer is who looks at a page.
type viewer struct {
	Admin bool // logged in: sees what is private, and may change things
}

// viewer tells who a request for a page comes from. Of cookies with our name
// there may be several: another Tributary may live higher up on the same host.
func (s *Server) viewer(r *http.Request) viewer {
	return viewer{Admin: slices.ContainsFunc(r.CookiesNamed(sessionCookie), func(c *http.Cookie) bool { return s.sessions.valid(c.Value) })}
}

// setSession sends the session's cookie; an empty value ends it. Other sites
// cannot send it along (SameSite=Strict), scripts cannot read it.
func (s *Server) setSession(w http.ResponseWriter, r *http.Request, value string) {
	c := &http.Cookie{
		Name: sessionCookie, Value: value, Path: s.root + "/", MaxAge: int(sessionFor.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.overTLS(r),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// loginView is the body of the page to log in.
type loginView struct {
	Next    string // path to go on to
	Problem string
	Closed  bool // the whole site is private
	None    bool // no token is set: nobody can log in
}

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("next")
	if next == "" {
		next = s.cameFrom(r)
	}
	if s.viewer(r).Admin {
		s.goOn(w, r, s.ownPath(next))
		return
	}
	s.showLogin(w, r, http.StatusOK, next, "")
}

// showLogin answers with the page to log in, with what was wrong above its form.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request, status int, next, problem string) {
	s.freshPage(w, r, status, "login", page{Title: "Log in", NoIndex: true, Section: "login", Body: loginView{
		Next: s.ownPath(next), Problem: problem, Closed: s.opt.Private, None: s.sessions.key == nil,
	}})
}

// cameFrom is the page of ours that the request says it was sent from; "" if it
// does not say.
func (s *Server) cameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host && !strings.HasPrefix(r.Referer(), s.opt.Site.BaseURL+"/") {
		return ""
	}
	return from.RequestURI()
}

// ownPath is a path of ours to go on to; the front page instead of anything else,
// so that nobody is sent to another site from here, nor to what else lives on
// this host. To browsers "//" is the start of a host, and "%2e%2e" the folder above.
func (s *Server) ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, misread) ||
		!strings.HasPrefix(next, s.root+"/") || !strings.HasPrefix(path.Clean(u.Path)+"/", s.root+"/") || u.Path == s.root+"/login" {
		return s.root + "/"
	}
	return next
}

// misread tells what browsers leave out of an address, or take for a slash.
func misread(r rune) bool { return r == '\\' || unicode.IsControl(r) }

// goOn leads to another page of ours.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// login takes the token, once.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	if err := s.guard.check(s.client(r), strings.TrimSpace(form.Get("token"))); err != nil {
		s.showLogin(w, r, s.problemStatus(w, r, err), form.Get("next"), message(err))
		return
	}
	s.setSession(w, r, s.sessions.start())
	s.goOn(w, r, s.ownPath(form.Get("next")))
}

// logout ends the session in this browser.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	s.setSession(w, r, "")
	s.goOn(w, r, s.root+"/")
}

// formBytes bounds a form.
const formBytes = 16 << 10

// form reads a form. It answers itself, and returns false, if it cannot be read.
func (s *Server) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, formBytes)
	if err := r.ParseForm(); err != nil {
		s.errorPage(w, r, http.StatusBadRequest, "This cannot be done", "The form could not be read. Open the page again and do it there.")
		return nil, false
	}
	return r.PostForm, true
}

// adminForm lets an administrator's forms through to h, and sends others to log
// in. Nothing is read of what strangers send.
func (s *Server) adminForm(h func(w http.ResponseWriter, r *http.Request, form url.Values)) http.HandlerFunc {
	return s.adminPage(func(w http.ResponseWriter, r *http.Request) {
		if form, ok := s.form(w, r); ok {
			h(w, r, form)
		}
	})
}

// adminPage lets an administrator through to h, and sends others to log in.
func (s *Server) adminPage(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.viewer(r).Admin {
			s.sendToLogin(w, r)
			return
		}
		h(w, r)
	}
}

// sendToLogin leads to the page to log in, and from there to the page that was
// asked for, or that the form was on. htmx would put the page to log in into the
// one that is there: it is told to leave that.
func (s *Server) sendToLogin(w http.ResponseWriter, r *http.Request) {
	to := s.root + "/login?next=" + url.QueryEscape(s.ownPath(s.wanted(r)))
	if wantsFragment(r) {
		w.Header().Set("HX-Redirect", to)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.goOn(w, r, to)
}

// wanted is the page that a visitor wants to see, or was on.
func (s *Server) wanted(r *http.Request) string {
	if wantsFragment(r) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return s.cameFrom(r)
	}
	asked := r.URL.RequestURI()
	if !strings.HasPrefix(asked, s.root+"/") { // a proxy has stripped it
		asked = s.root + asked
	}
	return asked
}
