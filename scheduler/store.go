package scheduler

import (
	"context"

	"tributary/feed"
	"tributary/ingest"
	"tributary/store"
)

// ForPipeline shows a store as the pipeline wants to see it.
func ForPipeline(st *store.Store) ingest.Store { return pipelineStore{st} }

type pipelineStore struct{ *store.Store }

// Write differs from the store's own only in naming the transaction by the
// pipeline's interface.
func (s pipelineStore) Write(ctx context.Context, do func(ingest.Tx) error) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return do(tx) })
}

// Doubtful gives a page of what is held for a person to look over.
func (s pipelineStore) Doubtful(ctx context.Context, before int64, limit int) ([]feed.HeldEntry, error) {
	return s.HeldEntries(ctx, store.HeldQuery{Rules: []string{ingest.RuleDoubtful}, Before: before, Limit: limit, WithContent: true})
}

// ForEditor shows a store as the editor wants to see it.
func ForEditor(st *store.Store) ingest.EditorStore { return pipelineStore{st} }
