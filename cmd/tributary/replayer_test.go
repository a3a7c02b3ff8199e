package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

func TestAThresholdIsTriedOnlyWhereSomethingIsScored(t *testing.T) {
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "tributary.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	mode := ingest.FilterRules
	r := replayer{editor(st), st, func() ingest.Filter { return ingest.Filter{Mode: mode} }}
	_, err = r.Replay(t.Context(), time.Now(), 0.4)
	if feed.CodeOf(err) != feed.CodeInvalid || !strings.Contains(err.Error(), "topic.filter is rules") {
		t.Errorf("where rules alone decide it says %v", err)
	}
	mode = ingest.FilterLearned
	if changes, err := r.Replay(t.Context(), time.Now(), 0.4); err != nil || len(changes) != 0 {
		t.Errorf("of nothing it says %v, %v", changes, err)
	}
}
