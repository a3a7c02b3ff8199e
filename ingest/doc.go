// Package ingest takes sources through one straight line, pipeline.go: fetch,
// parse, recognise, clean, and then, in one transaction, look up what is
// known, decide and apply. Each step is a package below this one; the steps
// do not know each other.
package ingest
