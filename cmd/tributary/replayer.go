package main

import (
	"cmp"
	"context"
	"time"

	"tributary/feed"
	"tributary/ingest"
	"tributary/scheduler"
	"tributary/store"
)

// replayer tries other thresholds on what is stored, by the present filter.
type replayer struct {
	*ingest.Editor
	store  *store.Store
	filter func() ingest.Filter
}

// Replay tells which entries would change sides; threshold 0 is the configuration's.
func (r replayer) Replay(ctx context.Context, since time.Time, threshold float64) ([]ingest.Change, error) {
	filter := r.filter()
	if threshold != 0 && filter.Mode != ingest.FilterLearned {
		return nil, feed.Errorf(feed.CodeInvalid, "No threshold can be tried: nothing is scored, since topic.filter is %s.", filter.Mode)
	}
	filter.Threshold = cmp.Or(threshold, filter.Threshold)
	judge, err := ingest.Learned(ctx, scheduler.ForPipeline(r.store), filter)
	if err != nil {
		return nil, err
	}
	return r.Editor.Replay(ctx, judge, since)
}
