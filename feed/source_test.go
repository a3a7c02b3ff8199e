package feed

import (
	"bytes"
	"testing"
	"time"
)

func TestRedactedAddressesShowNoPassword(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example/x?y=@z":       "https://a.example/x?y=@z",
		"https://ann:secret@a.example/x": "https://ann:xxxxx@a.example/x",
		"https://secret@a.example/x":     "https://xxxxx@a.example/x",
		"https://ann:$KEY@a.example/":    "https://ann:xxxxx@a.example/",
		"https://ann:secret@a.example:x": "the address",
		"/srv/my seeds":                  "/srv/my seeds",
	} {
		if got := Redacted(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func TestASourceWithSecretsIsInNoList(t *testing.T) {
	open := Source{Kind: KindFeed, URL: "https://open.example/", Name: "Open"}
	keyed := Source{Kind: KindFeed, URL: "https://keyed.example/", Name: "Keyed", Headers: map[string]string{"X-Api-Key": "$KEY"}}
	login := Source{Kind: KindFeed, URL: "https://ann@login.example/", Name: "Login"}
	folder := Source{Kind: KindFolder, URL: "/srv/a@b"}
	for _, c := range []struct {
		src  Source
		want bool
	}{{open, false}, {keyed, true}, {login, true}, {folder, false}} {
		if got := c.src.HasSecrets(); got != c.want {
			t.Errorf("%s: %t", c.src.URL, got)
		}
	}
	doc, err := OPML("T", []Source{open, keyed, login}, time.Time{})
	if err != nil || !bytes.Contains(doc, []byte("Open")) || bytes.Contains(doc, []byte("Keyed")) || bytes.Contains(doc, []byte("Login")) {
		t.Errorf("%v\n%s", err, doc)
	}
	if o := originOf(&Item{Source: keyed}); o != nil {
		t.Errorf("an item names its source: %+v", o)
	}
}

func TestEveryStatusHasItsWords(t *testing.T) {
	seen := map[string]Status{}
	for _, s := range []Status{StatusNew, StatusOK, StatusTruncated, StatusFailing, StatusLimited, StatusBlocked, StatusNotFeed, StatusGone} {
		words := Source{Enabled: true, State: SourceState{Status: s}}.Condition()
		if other, twice := seen[words]; twice || words == "" {
			t.Errorf("%s and %s are both %q", s, other, words)
		}
		seen[words] = s
	}
	if got := (Source{State: SourceState{Status: StatusOK}}).Condition(); got != "switched off" {
		t.Error(got)
	}
}
