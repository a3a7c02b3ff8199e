package main

import (
	"strings"
	"testing"
	"time"
)

// servesItself starts the program under an address that others on this machine reach.
func (h *house) servesItself(addr string) *served {
	h.t.Helper()
	return h.serve("--listen", addr, "--base-url", "http://"+addr)
}

// says waits until what the program tells of its sources has this in it.
func (h *house) says(text string) {
	h.t.Helper()
	eventually(h.t, patience, "the sources are said to be "+text, func() bool {
		_, out, _ := h.run("source", "list", "--long")
		return strings.Contains(out, text)
	})
}

// What one program publishes another one has at once, by the hub of the first
// and without a poll; also after a restart of both.
func TestOneProgramPushesToAnother(t *testing.T) {
	t.Parallel()
	first := newHouse(t, "hub: own\ntitle: The first\n")
	first.write("seeds/one.md", "# The first document\n\nIts text.\n")
	addr := freeAddress(t)
	publisher := first.servesItself(addr)
	publisher.settles(1)

	second := newHouse(t, "push: on\nsources:\n  - url: http://"+addr+"/feed.atom\n    name: Upstream\n")
	its := freeAddress(t)
	reader := second.servesItself(its)
	reader.settles(1)
	second.says("pushed by " + addr + " until ")
	if page := reader.get("/sources/upstream"); !strings.Contains(page.body, "pushed by "+addr+" until ") {
		t.Errorf("the source's page does not say that it is pushed:\n%s", page.body)
	}

	first.write("seeds/two.md", "# The second document\n\nIts text.\n")
	publisher.shows("The second document")
	began := time.Now()
	reader.shows("The second document")
	t.Logf("it came %v after it was published", time.Since(began).Round(10*time.Millisecond))

	reader.stop()
	publisher.stop()
	publisher = first.servesItself(addr)
	publisher.settles(2)
	reader = second.servesItself(its)
	reader.settles(2)
	first.write("seeds/three.md", "# The third document\n\nIts text.\n")
	reader.shows("The third document")
	if _, out, _ := second.run("source", "list", "--long"); !strings.Contains(out, " in 1 request\n") {
		t.Errorf("it was polled:\n%s", out)
	}

	// Once the source is gone, so is the subscription.
	second.write("tributary.yaml", plain+"push: on\n")
	reader.stop()
	reader = second.servesItself(its)
	eventually(t, patience, "the hub is told that nobody wants its news", func() bool {
		return strings.Contains(reader.get("/metrics").body, `route="/push/{id}",status="200"} 1`)
	})
	if log := reader.log() + publisher.log(); strings.Contains(log, "level=ERROR") {
		t.Error(log)
	}
}
