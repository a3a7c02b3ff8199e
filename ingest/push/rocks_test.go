package push_test

import (
	"net/http"
	"strings"
	"testing"

	"tributary/feed"
)

// The tests of a subscriber at websub.rocks, by its numbers and names.

// discovers checks that what a page of the site names is subscribed to, and nothing else.
func discovers(t *testing.T, mediaType string, body func(s *site) string, links func(s *site) []string) {
	t.Helper()
	r := newRig(t, nil)
	var header []string
	if links != nil {
		header = links(r.site)
	}
	r.site.page("/page", mediaType, body(r.site), header...)
	r.polls("/page")
	p := r.subscribed(r.site.URL + "/topic")
	asked := r.site.asked("subscribe")
	if len(asked) != 1 || asked[0].path != "/hub" || asked[0].Get("hub.topic") != p.Hub.Topic || asked[0].Get("hub.callback") != p.Callback() {
		t.Errorf("the hub was asked %v", asked)
	}
}

func linked(hub, self string) func(s *site) []string {
	return func(s *site) []string {
		return []string{`<` + s.URL + hub + `>; rel="hub"`, `<` + s.URL + self + `>; rel="self"`}
	}
}

func TestRocks100HTTPHeaderDiscovery(t *testing.T) {
	discovers(t, "text/html", func(*site) string { return "<title>A page</title>" }, linked("/hub", "/topic"))
}

func TestRocks101HTMLTagDiscovery(t *testing.T) {
	discovers(t, "text/html", func(s *site) string {
		return `<!doctype html><html><head><title>A page</title><link rel="hub" href="` + s.URL + `/hub"><link rel="self" href="` + s.URL + `/topic"></head></html>`
	}, nil)
}

func TestRocks102AtomFeedDiscovery(t *testing.T) {
	discovers(t, "application/atom+xml", func(s *site) string { return s.atom("/hub", "/topic") }, nil)
}

func TestRocks103RSSFeedDiscovery(t *testing.T) {
	discovers(t, "application/rss+xml", func(s *site) string {
		return `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>T</title><link>` + s.URL + `</link>
			<atom:link rel="hub" href="` + s.URL + `/hub"/><atom:link rel="self" href="` + s.URL + `/topic" type="application/rss+xml"/></channel></rss>`
	}, nil)
}

func TestRocks104DiscoveryPriority(t *testing.T) {
	discovers(t, "application/atom+xml", func(s *site) string { return s.atom("/hub/wrong", "/wrong") }, linked("/hub", "/topic"))
}

func TestRocks200SubscribingToAURLThatReportsADifferentRelSelf(t *testing.T) {
	discovers(t, "application/atom+xml", func(s *site) string { return s.atom("/hub", "/topic") }, linked("/hub", "/topic"))
}

func TestRocks201SubscribingToATopicThatIsRedirectedTemporarily(t *testing.T) {
	redirectedTopic(t, http.StatusFound)
}

func TestRocks202SubscribingToATopicThatIsRedirectedPermanently(t *testing.T) {
	redirectedTopic(t, http.StatusMovedPermanently)
}

func redirectedTopic(t *testing.T, status int) {
	r := newRig(t, nil)
	r.site.serve("/old", func(w http.ResponseWriter) {
		w.Header().Set("Link", `</hub/wrong>; rel="hub", </old>; rel="self"`)
		w.Header().Set("Location", "/topic")
		w.WriteHeader(status)
	})
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/old")
	p := r.subscribed(r.site.URL + "/topic")
	if p.Hub.URL != r.site.URL+"/hub" {
		t.Errorf("the hub is %s", p.Hub.URL)
	}
}

func TestRocks203SubscribingToAHubThatRedirectsTemporarily(t *testing.T) {
	redirectedHub(t, http.StatusTemporaryRedirect)
	redirectedHub(t, http.StatusFound)
}

func TestRocks204SubscribingToAHubThatRedirectsPermanently(t *testing.T) {
	redirectedHub(t, http.StatusPermanentRedirect)
	redirectedHub(t, http.StatusMovedPermanently)
}

func redirectedHub(t *testing.T, status int) {
	r := newRig(t, nil)
	r.site.hub("/hub/old", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/hub/new")
		w.WriteHeader(status)
	})
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub/old", "/topic"))
	r.polls("/topic")
	r.subscribed(r.site.URL + "/topic")
	if asked := r.site.asked("subscribe"); len(asked) != 1 || asked[0].path != "/hub/new" || len(asked[0].Get("hub.secret")) != 64 {
		t.Errorf("%d: the hub was asked %v", status, asked)
	}
}

func TestRocks205RejectsAVerificationWithAnInvalidTopic(t *testing.T) {
	r := newRig(t, nil)
	r.site.set(func() { r.site.silent = true })
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	r.eventually("request", func() bool { return len(r.site.asked("subscribe")) > 0 })
	callback, topic := r.site.asked("subscribe")[0].Get("hub.callback"), r.site.URL+"/topic"
	for _, wrong := range []struct{ mode, topic string }{{"subscribe", topic + "/other"}, {"subscribe", ""}, {"unsubscribe", topic}, {"", topic}, {"denied", topic + "/other"}} {
		if e := r.site.verify(callback, wrong.mode, wrong.topic); e.status != http.StatusNotFound || strings.Contains(e.body, "<b>") {
			t.Errorf("%v is confirmed: %+v", wrong, e)
		}
	}
	if e := r.site.verify(callback+"0", "subscribe", topic); e.status != http.StatusNotFound {
		t.Errorf("an unknown callback confirms: %+v", e)
	}
	e := r.site.verify(callback, "subscribe", topic)
	if e != (echo{200, "<b>subscribe</b>", "text/plain; charset=utf-8"}) {
		t.Errorf("what was asked for is answered %+v", e)
	}
	r.subscribed(topic)
}

// delivered is a rig with a subscription.
func delivered(t *testing.T) (*rig, feed.Push) {
	r := newRig(t, nil)
	r.site.page("/topic", "application/atom+xml", r.site.atom("/hub", "/topic"))
	r.polls("/topic")
	return r, r.subscribed(r.site.URL + "/topic")
}

func TestRocks300Returns2xxWhenThePayloadIsDelivered(t *testing.T) {
	r, p := delivered(t)
	if status := r.sends(p, "<feed/>", sha256Of(p, "<feed/>")); status != http.StatusAccepted {
		t.Errorf("answered %d", status)
	}
	r.eventually("document", func() bool { return len(r.documents()) == 1 && r.count("taken") == 1 })
	if doc := r.documents()[0]; string(doc.Body) != "<feed/>" || doc.MediaType != "application/atom+xml" || doc.URL != r.site.URL+"/topic" {
		t.Errorf("%+v", doc)
	}
}

func TestRocks301RejectsADistributionWithAnInvalidSignature(t *testing.T) {
	r, p := delivered(t)
	good := sha256Of(p, "<feed/>")
	for _, bad := range []string{sha256Of(p, "<feed></feed>"), "sha256=", "sha256", "sha256=zz", good[:len(good)-2], good + "00", "md5=" + good[7:], "sha512=" + good[7:], strings.TrimPrefix(good, "sha256=")} {
		if status := r.sends(p, "<feed/>", bad); status != http.StatusAccepted {
			t.Errorf("%s: answered %d", bad, status)
		}
	}
	r.eventually("count", func() bool { return r.count("forged") == 9 })
	r.never("document", func() bool { return len(r.documents()) > 0 })
}

func TestRocks302RejectsADistributionWithoutASignature(t *testing.T) {
	r, p := delivered(t)
	if status := r.sends(p, "<feed/>", ""); status != http.StatusAccepted {
		t.Errorf("answered %d", status)
	}
	r.eventually("count", func() bool { return r.count("forged") == 1 })
	r.never("document", func() bool { return len(r.documents()) > 0 })
}
