-- +goose Up

-- The topic: its profiles, how near entries are to it, what people have said.

-- A version is not changed once it is made: a score is of one version.
CREATE TABLE profile (
    version      INTEGER PRIMARY KEY,
    made         INTEGER NOT NULL,
    learned_from TEXT NOT NULL, -- equal, if what it is learned from is
    data         BLOB NOT NULL -- gzip of JSON
) STRICT;

-- Apart from the entries, of which it would lie behind the text.
CREATE TABLE score (
    entry_id INTEGER PRIMARY KEY,
    value    INTEGER NOT NULL ON CONFLICT FAIL, -- thousandths
    profile  INTEGER NOT NULL ON CONFLICT FAIL, -- version
    why      TEXT NOT NULL ON CONFLICT FAIL
) STRICT;

CREATE TABLE judgement (
    entry_id INTEGER PRIMARY KEY,
    verdict  TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX judgement_at ON judgement (at);

CREATE TABLE reader_key (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL, -- SHA-256 of the key, in hexadecimal
    made INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reader_key_hash ON reader_key (hash);

ALTER TABLE source ADD COLUMN topic TEXT NOT NULL DEFAULT ''; -- 'off': it is on topic by itself
ALTER TABLE source ADD COLUMN scored INTEGER NOT NULL DEFAULT 0; -- of late
ALTER TABLE source ADD COLUMN on_topic INTEGER NOT NULL DEFAULT 0; -- of these

-- What each rule holds. All that is held, by whatever rule, is in entry_held.
-- A row's id follows the columns of an index by itself.
CREATE INDEX entry_rule ON entry (rule) WHERE decision = 'held';
CREATE INDEX entry_seen ON entry (first_seen);
