package fulltext

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// What stands in an article's place.
var (
	errPaywall = errors.New("the page is for those who pay")
	errConsent = errors.New("a page that asks for consent stands before it")
	errLogIn   = errors.New("a page to log in stands before it")
	errFront   = errors.New("its address leads to the site's front page")
)

const (
	// A text of so many letters is an article, whatever else it says: one about
	// cookies asks for none.
	consentLetters = 1500
	// Up to so many letters, a call to subscribe anywhere in the page is the
	// end of what is shown to all.
	teaserLetters = 2500
	// Of a longer text only the end is looked at: so many bytes.
	tailBytes = 600
)

// elsewhere tells by where redirects have led that what came is no article.
func elsewhere(asked string, at *url.URL) error {
	from, err := url.Parse(asked)
	if err != nil || from.Host == at.Host && from.Path == at.Path {
		return nil
	}
	host, _, _ := strings.Cut(strings.ToLower(at.Hostname()), ".")
	path := strings.Split(strings.ToLower(strings.Trim(at.Path, "/")), "/")
	switch {
	case slices.Contains(consentHosts, host), hasAny(path, consentPaths):
		return errConsent
	case slices.Contains(logInHosts, host), hasAny(path, logInPaths):
		return errLogIn
	case strings.Trim(at.Path, "/") == "" && at.RawQuery == "" && strings.Trim(from.Path, "/") != "":
		return errFront
	}
	return nil
}

// Where publishers and their services ask: the first label of the host, and
// parts of the path.
var (
	consentHosts = []string{"consent", "guce", "myprivacy", "privacy-mgmt", "cmp", "cookiewall", "privacygate"}
	consentPaths = []string{"consent", "collectconsent", "cookiewall", "cookie-wall", "privacygate", "privacy-gate", "gdpr", "cookie-consent"}
	logInHosts   = []string{"login", "signin", "auth", "accounts", "account", "sso"}
	logInPaths   = []string{"login", "log-in", "signin", "sign-in", "register", "subscribe", "paywall", "subscription", "anmelden", "connexion"}
)

func hasAny(parts, of []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(of, p) })
}

// gate tells by what the page says that its text, as far as it was found, is
// not the article's.
func (s sight) gate(found string) error {
	n := letters(found)
	said, all := folded(found), ""
	if n < teaserLetters {
		all = folded(s.text)
	}
	if n < consentLetters {
		if count(said, consentPhrases) > 1 || n < little && count(all, consentPhrases) > 1 {
			return errConsent
		}
	}
	end := said
	if n >= teaserLetters {
		end = said[max(0, len(said)-tailBytes):]
	}
	if count(end, calls)+count(end, offers) > 0 || count(all, calls) > 0 {
		return errPaywall
	}
	return nil
}

// count is how many of the phrases stand in a folded text.
func count(text string, phrases []string) (n int) {
	for _, p := range phrases {
		if strings.Contains(text, p) {
			n++
		}
	}
	return n
}

// folded is a text in lower case, with single spaces and straight apostrophes.
func folded(text string) string {
	var b strings.Builder
	space := true
	for _, r := range text {
		if unicode.IsSpace(r) {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		if r == '’' || r == 'ʼ' {
			r = '\''
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// calls to subscribe stand where the article breaks off, and hardly elsewhere.
var calls = []string{
	"subscribe to continue", "subscribe to keep reading", "subscribe to read the", "subscribe now to read", "to continue reading",
	"to keep reading", "to read the full article", "to read the rest of this", "sign in to read", "log in to continue",
	"register to continue", "you have reached your limit", "you've reached your limit", "you have used all your free articles",
	"this article is for subscribers", "this content is for subscribers", "this story is for subscribers", "this post is for paid subscribers",
	"um diesen artikel zu lesen", "um weiterzulesen", "jetzt abonnieren und weiterlesen", "jetzt weiterlesen mit", "dieser artikel ist für abonnenten",
	"pour lire la suite", "la suite est réservée", "cet article est réservé aux abonnés", "abonnez-vous pour lire",
	"para seguir leyendo", "para continuar leyendo", "suscríbete para leer", "contenido exclusivo para suscriptores",
	"per continuare a leggere", "contenuto riservato agli abbonati", "abbonati per continuare",
	"om dit artikel te lezen", "dit artikel is alleen voor abonnees", "lees verder met een abonnement",
	"para continuar lendo", "para continuar a ler", "conteúdo exclusivo para assinantes",
	"aby czytać dalej", "ten artykuł jest dla prenumeratorów", "чтобы читать дальше", "щоб читати далі", "доступно только подписчикам", "доступно лише передплатникам",
}

// offers stand on free pages too, but not within an article's text.
var offers = []string{
	"already a subscriber", "subscriber-only", "for subscribers only", "become a member to read", "create a free account to",
	"start your free trial", "unlock this article", "artikel freischalten", "nur für abonnenten", "réservé aux abonnés",
	"déjà abonné", "solo para suscriptores", "ya soy suscriptor", "riservato agli abbonati", "alleen voor abonnees", "exclusivo para assinantes",
}

var consentPhrases = []string{
	"we value your privacy", "before you continue", "accept all cookies", "accept all", "reject all", "manage preferences", "manage options",
	"cookie settings", "cookie policy", "cookie preferences", "we and our partners", "our partners store", "consent to the use",
	"your privacy choices", "personalised ads", "personalized ads", "withdraw your consent",
	"alle akzeptieren", "alle cookies akzeptieren", "cookie-einstellungen", "wir und unsere partner", "ihre einwilligung", "zustimmen und weiter", "datenschutzerklärung",
	"tout accepter", "tout refuser", "continuer sans accepter", "nous et nos partenaires", "votre consentement", "politique de confidentialité",
	"aceptar todas", "aceptar y continuar", "rechazar todo", "nosotros y nuestros socios", "política de cookies",
	"accetta tutti", "accetta e continua", "noi e i nostri partner", "il tuo consenso", "informativa sui cookie",
	"alles accepteren", "alle cookies accepteren", "wij en onze partners", "cookie-instellingen", "je toestemming",
	"akceptuję wszystkie", "zaakceptuj wszystko", "polityka prywatności", "aceitar todos", "принять все", "прийняти всі",
}

// saysPaid tells whether an element declares the page to be for those who pay.
func saysPaid(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Meta:
		name, content := attr(n, "name")+attr(n, "property"), strings.ToLower(attr(n, "content"))
		return strings.EqualFold(name, "article:content_tier") && content == "locked" ||
			strings.EqualFold(attr(n, "itemprop"), "isAccessibleForFree") && content == "false"
	case atom.Script:
		if strings.EqualFold(strings.TrimSpace(attr(n, "type")), "application/ld+json") && n.FirstChild != nil {
			var said any
			return json.Unmarshal([]byte(n.FirstChild.Data), &said) == nil && notFree(said, 0)
		}
	}
	return false
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// notFree looks for isAccessibleForFree: false (schema.org) of the page's own
// article, in JSON-LD; what the page merely lists does not count.
func notFree(said any, depth int) bool {
	if depth > 6 {
		return false
	}
	switch v := said.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return notFree(e, depth+1) })
	case map[string]any:
		switch free := v["isAccessibleForFree"].(type) {
		case bool:
			if !free {
				return true
			}
		case string:
			if _, word, _ := cutLast(free, "/"); strings.EqualFold(word, "false") {
				return true
			}
		}
		return notFree(v["@graph"], depth+1) || notFree(v["mainEntity"], depth+1) || notFree(v["hasPart"], depth+1)
	}
	return false
}

// cutLast parts s at the last sep; without one all of it is after.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}
