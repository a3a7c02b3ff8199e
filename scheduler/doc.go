// Package scheduler says when: cron, what is due, folder events, back-off. It
// carries runs out with an embedded runner, one process at a time.
package scheduler
