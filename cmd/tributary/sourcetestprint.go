package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tributary/feed"
)

// entriesTold is how many of a feed's entries are told one by one.
const entriesTold = 5

// printTrial tells a person what came of a test, step by step.
func (p *program) printTrial(cfg Config, v trialView) {
	if len(v.Exchanges) == 0 {
		p.say("Nothing was sent.")
		return
	}
	for i, x := range v.Exchanges {
		p.printSent(v.Exchanges, i)
		p.printReceived(x)
	}
	if v.Feed != nil {
		p.printRead(cfg, v)
		p.printKept(cfg, v)
	}
	if len(v.Feeds) > 0 {
		p.say("\nThis is a web page. It names %s", plural(len(v.Feeds), "feed"))
		for _, f := range v.Feeds {
			p.say("    %s  (%s)", f.URL, strings.TrimPrefix(f.Title+", "+f.Type, ", "))
		}
	}
	p.printNext(cfg, v)
	p.say("\nNothing was stored.")
}

// printSent tells a request. Of one that follows a redirect it tells what is
// different.
func (p *program) printSent(all []exchangeView, i int) {
	x := all[i]
	u, err := url.Parse(x.URL)
	if err != nil {
		u = &url.URL{Path: x.URL}
	}
	if i == 0 {
		p.say("We asked %s", x.Host)
	} else {
		p.say("\nSo we asked %s", x.Host)
	}
	protocol := "HTTP/1.1"
	if strings.HasPrefix(x.Protocol, "HTTP/2") {
		protocol = x.Protocol
	}
	p.say("    GET %s %s", u.RequestURI(), protocol)
	p.say("    Host: %s", u.Host)
	if i == 0 {
		p.printHeaders(x.Sent, slices.Sorted(maps.Keys(x.Sent)))
		return
	}
	var kept []string
	for _, name := range slices.Sorted(maps.Keys(all[i-1].Sent)) {
		if x.Sent[name] == nil {
			kept = append(kept, name)
		}
	}
	if len(kept) > 0 {
		p.say("    and the same headers but %s, which other hosts are not shown", strings.Join(kept, ", "))
		return
	}
	p.say("    and the same headers")
}

// tellingHeaders are those of an answer that say something about how a feed
// fares; --json has all.
var tellingHeaders = []string{
	"Location", "Retry-After", "Www-Authenticate", "Content-Type", "Content-Encoding", "Etag", "Last-Modified",
	"Cache-Control", "Expires", "Server", "Cf-Mitigated", "X-Amzn-Waf-Action", "X-Vercel-Mitigated",
}

// printReceived tells an answer.
func (p *program) printReceived(x exchangeView) {
	if x.Status == 0 {
		p.say("\nThere was no answer")
		return
	}
	body := size(x.Bytes)
	switch {
	case x.Unpacked > 0 && int64(x.Unpacked) != x.Bytes:
		body += ", unpacked " + size(int64(x.Unpacked))
	case x.Bytes == 0:
		body = "no body"
	}
	p.say("\nThe answer")
	p.say("    %s (%s)", strings.TrimSpace(fmt.Sprint(x.Protocol, " ", x.Status, " ", http.StatusText(x.Status))), body)
	p.printHeaders(x.Received, tellingHeaders)
	if x.Status == http.StatusOK && x.Received["Etag"] == nil && x.Received["Last-Modified"] == nil {
		p.say("    (no ETag and no Last-Modified: it cannot be asked whether anything has changed, and is always sent whole)")
	}
}

func (p *program) printHeaders(h http.Header, names []string) {
	for _, name := range names {
		for _, value := range h[name] {
			p.say("    %s: %s", name, clip(oneLine(value), 200))
		}
	}
}

// printRead tells what the document says of itself.
func (p *program) printRead(cfg Config, v trialView) {
	f := v.Feed
	p.say("\nWe read")
	p.detail("format", f.Format+", in "+f.Charset)
	p.detail("title", cmp.Or(oneLine(f.Title), "none"))
	p.detail("site", f.Site)
	if !f.Updated.IsZero() {
		p.detail("updated", when(f.Updated, cfg.TimeZone))
	}
	entries := entriesOf(f.Entries)
	if f.LeftOut > 0 {
		entries += fmt.Sprintf("; %d more were left out, since a document is read no further", f.LeftOut)
	}
	p.detail("has", entries)
	if f.Truncated {
		p.detail("truncated", "the document breaks off; its whole entries were read")
	}
	p.detail("asks for", strings.Join(f.wishes(), "; "))
}

// wishes are what feed and server ask of those who poll it, in words.
func (f *feedView) wishes() []string {
	var list []string
	if f.Interval > 0 {
		list = append(list, shortDuration(time.Duration(f.Interval)*time.Second)+" between polls")
	}
	if len(f.SkipHours) > 0 {
		list = append(list, "no polls in the hours "+strings.Trim(fmt.Sprint(f.SkipHours), "[]")+" (UTC)")
	}
	if len(f.SkipDays) > 0 {
		list = append(list, "no polls on "+strings.Join(f.SkipDays, ", "))
	}
	if f.FreshFor > 0 {
		list = append(list, "no polls within "+shortDuration(time.Duration(f.FreshFor)*time.Second)+", for which its server calls it fresh")
	}
	if list == nil {
		list = []string{"nothing in particular"}
	}
	return list
}

// printKept tells the first entries, and what would become of all.
func (p *program) printKept(cfg Config, v trialView) {
	if len(v.Entries) == 0 {
		p.say("\nThere is no entry in it")
		return
	}
	told := v.Entries[:min(len(v.Entries), entriesTold)]
	p.say("\nThe first %d of %d, as they would be kept", len(told), len(v.Entries))
	for i, e := range told {
		p.say("%4d. %s", i+1, clip(cmp.Or(oneLine(e.Title), "(no title)"), 100))
		p.say("      date     %s", e.date(cfg.TimeZone))
		p.say("      address  %s", cmp.Or(e.URL, "none"))
		p.say("      text     %s", plural(e.Characters, "character"))
		p.say("      becomes  %s", e.becomes())
	}
	what := "Of all its entries"
	if v.First {
		what += ", this being the first import"
	}
	p.say("\n%s", what)
	for _, line := range foreseen(v.Counts) {
		p.say("%s", line)
	}
}

// date is an entry's date and where it comes from, or why it has none.
func (e entryView) date(zone *time.Location) string {
	switch {
	case !e.Published.IsZero() && e.From == "feed, updated":
		return when(e.Published, zone) + " (of its last change: the feed gives no other)"
	case !e.Published.IsZero():
		return when(e.Published, zone) + " (as the feed says)"
	case e.DateSaid != "":
		return fmt.Sprintf("none: %q cannot be read as a date, or is in the future; it gets the time of its first sight", clip(oneLine(e.DateSaid), 60))
	}
	return "none: it gets the time of its first sight"
}

// becomes says what would become of an entry.
func (e entryView) becomes() string {
	switch e.Decision {
	case feed.Published:
		return "a new item"
	case feed.CopyOf:
		return "a copy, of " + e.CopyOf + ". " + e.Reason
	case feed.Held:
		return "held, and not shown. " + e.Reason
	}
	return string(e.Decision) + ". " + e.Reason
}

// foreseen says what would become of a feed's entries, a line for each kind.
func foreseen(c feed.Counts) []string {
	var lines []string
	for _, k := range []struct {
		n    int
		what string
	}{
		{c.Published, "new items"},
		{c.Updated, "known, and changed: their items are updated"},
		{c.Copies, "copies of what is there already: they join its items"},
		{c.Held, "held: off topic, or past the newest 50 of a first import"},
		{c.Unchanged, "known, and as before"},
	} {
		if k.n > 0 {
			lines = append(lines, fmt.Sprintf("%6d  %s", k.n, k.what))
		}
	}
	return lines
}

// printNext tells when it would be asked again.
func (p *program) printNext(cfg Config, v trialView) {
	due := when(v.NextDue, cfg.TimeZone)
	switch {
	case v.Status == feed.StatusGone:
		due = "never"
	case v.NextDue.IsZero():
		due = "at the next run"
	}
	what := "It would be asked again"
	switch {
	case v.Source == "" && v.Error != "":
		return // nobody makes a source of it
	case v.Source == "":
		what = "As a source, it would be asked again"
	case !v.Enabled:
		what = "It is switched off; else it would be asked again"
	}
	p.say("\n%s\n    %s: %s", what, due, strings.TrimPrefix(v.DueReason, "never: "))
}

// detail prints a name and a value below a heading, if there is a value.
func (p *program) detail(name, value string) {
	if value != "" {
		p.say("    %-12s %s", name, value)
	}
}

// oneLine is foreign text without line breaks and what else moves a terminal.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }), " ")
}
