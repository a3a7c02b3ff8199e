-- +goose Up

-- The first schema. Times are milliseconds since 1970, UTC; NULL: no such time.
-- Keys are the first 64 bits of a SHA-256; NULL: there is none.

-- One row: what the whole store counts. Row ids and places are given from here,
-- so that none is ever given twice, whatever was deleted in between.
CREATE TABLE meta (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    change      INTEGER NOT NULL DEFAULT 0, -- moves when output may have changed
    last_source INTEGER NOT NULL DEFAULT 0,
    last_entry  INTEGER NOT NULL DEFAULT 0,
    last_item   INTEGER NOT NULL DEFAULT 0,
    last_place  INTEGER NOT NULL DEFAULT 0,
    feed_id     TEXT    NOT NULL DEFAULT '' -- UUID of the combined feed
) STRICT;
INSERT INTO meta (one) VALUES (1);

CREATE TABLE source (
    id       INTEGER PRIMARY KEY,
    slug     TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    url      TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    every    TEXT    NOT NULL,
    tags     TEXT    NOT NULL, -- JSON array, '' if empty
    enabled  INTEGER NOT NULL,
    private  INTEGER NOT NULL,
    origin   TEXT    NOT NULL,
    position INTEGER NOT NULL,
    headers  TEXT    NOT NULL, -- JSON object of names and values, '' if empty
    removed  INTEGER,
    about    TEXT    NOT NULL, -- JSON object, '' if empty

    status           TEXT    NOT NULL,
    error            TEXT    NOT NULL,
    failures         INTEGER NOT NULL,
    etag             TEXT    NOT NULL,
    last_modified    TEXT    NOT NULL,
    validators_since INTEGER,
    body_hash        INTEGER NOT NULL,
    same_bodies      INTEGER NOT NULL,
    fetch_url        TEXT    NOT NULL,
    redirect_to      TEXT    NOT NULL,
    redirect_since   INTEGER,
    redirect_seen    INTEGER NOT NULL,
    last_fetch       INTEGER,
    last_success     INTEGER,
    last_change      INTEGER,
    next_due         INTEGER,
    due_reason       TEXT    NOT NULL,
    retry_after      INTEGER,
    fetches          INTEGER NOT NULL,
    not_modified     INTEGER NOT NULL,
    bytes_in         INTEGER NOT NULL,
    bytes_saved      INTEGER NOT NULL,
    last_size        INTEGER NOT NULL,
    imported         INTEGER NOT NULL
) STRICT;
-- The seeds folder is known by its slug: its path may be any, even one of before.
CREATE UNIQUE INDEX source_url ON source (url, (slug = 'seeds'));
CREATE UNIQUE INDEX source_slug ON source (slug) WHERE removed IS NULL;

-- ON CONFLICT FAIL, here and for entry: a statement of many rows that could stop
-- half-way and be undone alone makes SQLite copy every page that it changes; one that
-- leaves the undoing to the transaction does not. It halves the cost of an insert.
CREATE TABLE item (
    id        INTEGER PRIMARY KEY,
    uuid      TEXT    NOT NULL ON CONFLICT FAIL,
    place     INTEGER,          -- NULL: waiting for admission
    lead_id   INTEGER,          -- the entry that leads; NULL: its oldest one
    published INTEGER NOT NULL ON CONFLICT FAIL,
    updated   INTEGER NOT NULL ON CONFLICT FAIL, -- unique once admitted
    admitted  INTEGER,
    withdrawn INTEGER,
    hidden    INTEGER,
    run       TEXT    NOT NULL ON CONFLICT FAIL  -- that brought it; '' once admitted
) STRICT;
CREATE UNIQUE INDEX item_uuid ON item (uuid);
CREATE UNIQUE INDEX item_place ON item (place) WHERE place IS NOT NULL;
CREATE UNIQUE INDEX item_updated ON item (updated) WHERE place IS NOT NULL;
CREATE INDEX item_waiting ON item (id) WHERE place IS NULL AND withdrawn IS NULL;
CREATE INDEX item_withdrawn ON item (place) WHERE withdrawn IS NOT NULL;
CREATE INDEX item_hidden ON item (place) WHERE hidden IS NOT NULL;

-- Narrow columns first, text last: a look at the keys need not read the text.
CREATE TABLE entry (
    id             INTEGER PRIMARY KEY,
    source_id      INTEGER NOT NULL ON CONFLICT FAIL,
    item_id        INTEGER,
    identity_key   INTEGER NOT NULL ON CONFLICT FAIL,
    raw_key        INTEGER NOT NULL ON CONFLICT FAIL,
    url_key        INTEGER,
    content_key    INTEGER,
    shown_key      INTEGER NOT NULL ON CONFLICT FAIL,
    decision       TEXT    NOT NULL ON CONFLICT FAIL,
    published      INTEGER,
    updated        INTEGER,
    first_seen     INTEGER NOT NULL ON CONFLICT FAIL,
    unlisted       INTEGER,
    pruned         INTEGER NOT NULL ON CONFLICT FAIL DEFAULT 0,
    canonical      TEXT    NOT NULL ON CONFLICT FAIL,
    identity       TEXT    NOT NULL ON CONFLICT FAIL,
    rule           TEXT    NOT NULL ON CONFLICT FAIL,
    reason         TEXT    NOT NULL ON CONFLICT FAIL,
    published_from TEXT    NOT NULL ON CONFLICT FAIL,
    language       TEXT    NOT NULL ON CONFLICT FAIL,
    url            TEXT    NOT NULL ON CONFLICT FAIL,
    title          TEXT    NOT NULL ON CONFLICT FAIL,
    authors        TEXT    NOT NULL ON CONFLICT FAIL, -- JSON array, '' if empty
    details        TEXT    NOT NULL ON CONFLICT FAIL, -- JSON object, '' if empty
    summary        TEXT    NOT NULL ON CONFLICT FAIL,
    content        TEXT    NOT NULL ON CONFLICT FAIL
) STRICT;
CREATE UNIQUE INDEX entry_identity ON entry (source_id, identity_key);
CREATE INDEX entry_listed ON entry (source_id) WHERE unlisted IS NULL;
CREATE INDEX entry_url ON entry (url_key) WHERE url_key IS NOT NULL;
CREATE INDEX entry_content ON entry (content_key) WHERE content_key IS NOT NULL AND item_id IS NOT NULL;
CREATE INDEX entry_item ON entry (item_id) WHERE item_id IS NOT NULL;
CREATE INDEX entry_held ON entry (id) WHERE decision = 'held';
CREATE INDEX entry_prune ON entry (decision, unlisted) WHERE unlisted IS NOT NULL AND pruned = 0;

CREATE TABLE run (
    id      TEXT    PRIMARY KEY,
    started INTEGER NOT NULL,
    running INTEGER NOT NULL,
    report  BLOB    NOT NULL -- JSON, or gzip of it
) STRICT, WITHOUT ROWID;
CREATE INDEX run_started ON run (started);
CREATE INDEX run_running ON run (started) WHERE running = 1;
