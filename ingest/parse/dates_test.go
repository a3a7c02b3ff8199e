package parse

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

func TestDateStringsOfFeedparser(t *testing.T) {
	data, err := os.ReadFile("../../../shared/corpora/feeds/feedparser/date-strings.json")
	if err != nil {
		t.Skip("the corpus is not here:", err)
	}
	var cases []struct {
		Input  string `json:"input"`
		Expect []int  `json:"expect_utc"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got, ok := Date(c.Input)
		if c.Expect == nil {
			if ok {
				t.Errorf("Date(%q) = %v, want none", c.Input, got)
			}
			continue
		}
		e := c.Expect
		want := time.Date(e[0], time.Month(e[1]), e[2], e[3], e[4], e[5], 0, time.UTC)
		if !ok || !got.Truncate(time.Second).Equal(want) {
			t.Errorf("Date(%q) = %v %v, want %v", c.Input, got, ok, want)
		}
	}
}
