// Package cluster ingests with several processes on one PostgreSQL database, in place
// of the scheduler of one process alone. River (https://riverqueue.com) hands out the
// work; what is true stands in our own tables, so that a job that is lost or comes twice
// harms nothing:
//
//   - worker: who lives. Each process renews its row; what one holds is free
//     again when its row has run out, and what it still writes does not count.
//   - claim: who works on a source, so that no two ever do.
//   - host: who speaks to a host, and what all keep to there.
//   - run_part: what has become of the sources of a run that goes on.
//   - duty: who does what one process at a time does.
//
// All times in them are by the clock of the database.
package cluster
