-- +goose Up

-- The topic: its profiles, how near entries are to it, what people have said.

-- A version is not changed once it is made: a score is of one version.
CREATE TABLE profile (
    version      BIGINT PRIMARY KEY,
    made         BIGINT NOT NULL,
    learned_from TEXT NOT NULL, -- equal, if what it is learned from is
    data         BYTEA NOT NULL -- gzip of JSON
);

-- Apart from the entries, of which it would lie behind the text.
CREATE TABLE score (
    entry_id BIGINT PRIMARY KEY,
    value    BIGINT NOT NULL, -- thousandths
    profile  BIGINT NOT NULL, -- version
    why      TEXT NOT NULL
);

CREATE TABLE judgement (
    entry_id BIGINT PRIMARY KEY,
    verdict  TEXT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX judgement_at ON judgement (at);

CREATE TABLE reader_key (
    name TEXT COLLATE "C" PRIMARY KEY,
    hash TEXT NOT NULL, -- SHA-256 of the key, in hexadecimal
    made BIGINT NOT NULL
);
CREATE UNIQUE INDEX reader_key_hash ON reader_key (hash);

ALTER TABLE source ADD COLUMN topic TEXT NOT NULL DEFAULT ''; -- 'off': it is on topic by itself
ALTER TABLE source ADD COLUMN scored BIGINT NOT NULL DEFAULT 0; -- of late
ALTER TABLE source ADD COLUMN on_topic BIGINT NOT NULL DEFAULT 0; -- of these

-- What each rule holds. All that is held, by whatever rule, is in entry_held.
CREATE INDEX entry_rule ON entry (rule, id) WHERE decision = 'held';
CREATE INDEX entry_seen ON entry (first_seen, id);
