package dedupe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tributary/feed"
	"tributary/ingest/dedupe"
)

const article = "https://news.example/world/troops-talks"

// entry is a new entry of source 2 at the article's address.
func entry(change func(*feed.Entry)) feed.Entry {
	e := feed.Entry{SourceID: 2, Identity: "id:b", URL: article, Canonical: article,
		Keys: feed.Keys{Identity: 21, URL: 1, Content: 5, Shown: 7}}
	if change != nil {
		change(&e)
	}
	return e
}

// known is an entry of source 1 that supports item 10.
func known(change func(*feed.Known)) feed.Known {
	k := feed.Known{EntryID: 100, SourceID: 1, ItemID: 10, Canonical: article, Listed: true, Decision: feed.Published,
		Keys: feed.Keys{Identity: 11, URL: 1, Content: 5, Shown: 7}}
	if change != nil {
		change(&k)
	}
	return k
}

func TestDecide(t *testing.T) {
	tests := []struct {
		name  string
		entry feed.Entry
		near  []feed.Known
		want  feed.DecisionKind
		rule  string
	}{
		{"nothing near", entry(nil), nil, feed.Published, "new"},
		{"the same address in another source", entry(func(e *feed.Entry) { e.Keys.Content, e.Keys.Shown = 6, 8 }),
			[]feed.Known{known(nil)}, feed.CopyOf, "url"},
		{"a colliding URL key with another address", entry(func(e *feed.Entry) { e.Keys.Content = 6 }),
			[]feed.Known{known(func(k *feed.Known) { k.Canonical = "https://other.example/x" })}, feed.Published, "new"},
		{"the same text elsewhere, under another title", entry(func(e *feed.Entry) { e.Keys.URL, e.Keys.Shown = 2, 8 }),
			[]feed.Known{known(nil)}, feed.CopyOf, "content"},
		{"a publisher's standing text under another title", entry(func(e *feed.Entry) { e.SourceID, e.Keys.URL, e.Keys.Shown = 1, 2, 8 }),
			[]feed.Known{known(nil)}, feed.Published, "new"},
		{"a publisher's page, republished under a new address", entry(func(e *feed.Entry) { e.SourceID, e.Keys.URL = 1, 2 }),
			[]feed.Known{known(nil)}, feed.CopyOf, "content"},
		{"a file with another file's text", entry(func(e *feed.Entry) {
			e.SourceID, e.Keys.URL, e.Keys.Shown, e.Identity = 1, 2, 8, dedupe.File("b.txt")
		}), []feed.Known{known(nil)}, feed.CopyOf, "content"},
		{"no text to compare", entry(func(e *feed.Entry) { e.Keys.URL, e.Keys.Content = 0, 0 }),
			[]feed.Known{known(func(k *feed.Known) { k.Keys.URL, k.Keys.Content = 0, 0 })}, feed.Published, "new"},
		{"a source that changed its ids", entry(func(e *feed.Entry) { e.SourceID, e.Keys.Shown = 1, 8 }),
			[]feed.Known{known(func(k *feed.Known) { k.Listed = false })}, feed.Updated, "identity"},
		{"two different entries at one address in one document", entry(func(e *feed.Entry) { e.SourceID, e.Keys.Shown, e.Keys.Content = 1, 8, 6 }),
			[]feed.Known{known(nil)}, feed.Published, "new"},
		{"a held entry that changed its id", entry(func(e *feed.Entry) { e.SourceID = 1 }),
			[]feed.Known{known(func(k *feed.Known) { k.ItemID, k.Listed, k.Decision = 0, false, feed.Held })}, feed.Updated, "identity"},
		{"a held entry of another source", entry(nil),
			[]feed.Known{known(func(k *feed.Known) { k.ItemID, k.Decision = 0, feed.Held })}, feed.Published, "new"},
		{"an entry listed twice under two ids", entry(func(e *feed.Entry) { e.SourceID = 1 }),
			[]feed.Known{known(nil)}, feed.CopyOf, "url"},
		{"a live blog's posts", entry(func(e *feed.Entry) {
			e.SourceID, e.Keys.Shown, e.Keys.Content, e.URL = 1, 8, 6, article+"#post-2"
		}), []feed.Known{known(func(k *feed.Known) { k.Listed = false })}, feed.Published, "new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := dedupe.Decide(tt.entry, tt.near)
			if got.Decision.Kind != tt.want || got.Decision.Rule != tt.rule {
				t.Errorf("decided %s by %q, want %s by %q", got.Decision.Kind, got.Decision.Rule, tt.want, tt.rule)
			}
			if got.Decision.Reason == "" {
				t.Error("the decision has no reason")
			}
			if (got.Copy != nil) != (tt.want == feed.CopyOf) || (got.Same != nil) != (tt.want == feed.Updated) {
				t.Errorf("verdict and decision disagree: %+v", got)
			}
		})
	}
}

func TestAnAddressIsStrongerEvidenceThanAText(t *testing.T) {
	text := known(func(k *feed.Known) { k.ItemID, k.Keys.URL, k.Canonical = 9, 2, "https://other.example/y" })
	got := dedupe.Decide(entry(nil), []feed.Known{text, known(nil)})
	if got.Copy == nil || got.Copy.ItemID != 10 {
		t.Errorf("copy of %+v, want item 10, which has the address", got.Copy)
	}
}

func TestIdentityPrefersIDThenAddressThenText(t *testing.T) {
	for _, tt := range []struct{ guid, canonical, want string }{
		{" tag:a ", article, "id:tag:a"},
		{"", article, "url:" + article},
		{"", "", "text:ff"},
	} {
		if got := dedupe.Identity(tt.guid, tt.canonical, 255); got != tt.want {
			t.Errorf("Identity(%q, %q) = %q, want %q", tt.guid, tt.canonical, got, tt.want)
		}
	}
}

func TestStringsThatSeveralEntriesShareNameNone(t *testing.T) {
	title := func(s string) feed.Text { return feed.Text{Value: s} }
	got := dedupe.SharedIn([]feed.RawEntry{
		{GUID: "1", Link: "https://a.example/", Title: title("One")},
		{GUID: "1", Link: "https://a.example/two", Title: title("Two")},
		{GUID: "3", Link: "https://a.example/", Title: title("Three")},
		{GUID: "4", Link: "https://a.example/four", Title: title("Four")},
		{GUID: "4", Link: "https://a.example/four", Title: title("Four")},
	})
	want := dedupe.Shared{GUIDs: map[string]bool{"1": true}, Links: map[string]bool{"https://a.example/": true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStandingTextsAndFrontPagesAreNoEvidence(t *testing.T) {
	entries := []feed.Entry{
		{Canonical: "a.example/1", Keys: feed.Keys{URL: 1, Content: 9, Shown: 1}},
		{Canonical: "a.example/2", Keys: feed.Keys{URL: 2, Content: 9, Shown: 2}},
		{Canonical: "https://a.example", Keys: feed.Keys{URL: 3, Content: 8, Shown: 3}},
		{Canonical: "https://a.example/4", Keys: feed.Keys{URL: 4, Content: 7, Shown: 4}},
		{Canonical: "https://a.example/4", Keys: feed.Keys{URL: 4, Content: 7, Shown: 4}},
	}
	dedupe.Weigh(entries)
	want := []feed.Keys{
		{URL: 1, Shown: 1}, {URL: 2, Shown: 2}, {Content: 8, Shown: 3},
		{URL: 4, Content: 7, Shown: 4}, {URL: 4, Content: 7, Shown: 4},
	}
	for i := range want {
		if diff := cmp.Diff(want[i], entries[i].Keys); diff != "" {
			t.Errorf("entry %d: %s", i, diff)
		}
	}
}
