-- +goose Up

-- The first schema. Times are milliseconds since 1970, UTC; NULL: no such time.
-- Keys are the first 64 bits of a SHA-256; NULL: there is none.

-- One row: what the whole store counts. Row ids and places are given from here,
-- so that none is ever given twice, whatever was deleted in between.
CREATE TABLE meta (
    one         BIGINT  PRIMARY KEY CHECK (one = 1),
    change      BIGINT  NOT NULL DEFAULT 0, -- moves when output may have changed
    last_source BIGINT  NOT NULL DEFAULT 0,
    last_entry  BIGINT  NOT NULL DEFAULT 0,
    last_item   BIGINT  NOT NULL DEFAULT 0,
    last_place  BIGINT  NOT NULL DEFAULT 0,
    feed_id     TEXT    NOT NULL DEFAULT '' -- UUID of the combined feed
);
INSERT INTO meta (one) VALUES (1);

CREATE TABLE source (
    id       BIGINT  PRIMARY KEY,
    slug     TEXT COLLATE "C" NOT NULL,
    kind     TEXT    NOT NULL,
    url      TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    every    TEXT    NOT NULL,
    tags     TEXT    NOT NULL, -- JSON array, '' if empty
    enabled  BIGINT  NOT NULL,
    private  BIGINT  NOT NULL,
    origin   TEXT    NOT NULL,
    position BIGINT  NOT NULL,
    headers  TEXT    NOT NULL, -- JSON object of names and values, '' if empty
    removed  BIGINT,
    about    TEXT    NOT NULL, -- JSON object, '' if empty

    status           TEXT    NOT NULL,
    error            TEXT    NOT NULL,
    failures         BIGINT  NOT NULL,
    etag             TEXT    NOT NULL,
    last_modified    TEXT    NOT NULL,
    validators_since BIGINT,
    body_hash        BIGINT  NOT NULL,
    same_bodies      BIGINT  NOT NULL,
    fetch_url        TEXT    NOT NULL,
    redirect_to      TEXT    NOT NULL,
    redirect_since   BIGINT,
    redirect_seen    BIGINT  NOT NULL,
    last_fetch       BIGINT,
    last_success     BIGINT,
    last_change      BIGINT,
    next_due         BIGINT,
    due_reason       TEXT    NOT NULL,
    retry_after      BIGINT,
    fetches          BIGINT  NOT NULL,
    not_modified     BIGINT  NOT NULL,
    bytes_in         BIGINT  NOT NULL,
    bytes_saved      BIGINT  NOT NULL,
    last_size        BIGINT  NOT NULL,
    imported         BIGINT  NOT NULL
);
-- The seeds folder is known by its slug: its path may be any, even one of before.
CREATE UNIQUE INDEX source_url ON source (url, (slug = 'seeds'));
CREATE UNIQUE INDEX source_slug ON source (slug) WHERE removed IS NULL;

CREATE TABLE item (
    id        BIGINT  PRIMARY KEY,
    uuid      TEXT COLLATE "C" NOT NULL,
    place     BIGINT,           -- NULL: waiting for admission
    lead_id   BIGINT,           -- the entry that leads; NULL: its oldest one
    published BIGINT  NOT NULL,
    updated   BIGINT  NOT NULL, -- unique once admitted
    admitted  BIGINT,
    withdrawn BIGINT,
    hidden    BIGINT,
    run       TEXT COLLATE "C" NOT NULL  -- that brought it; '' once admitted
);
CREATE UNIQUE INDEX item_uuid ON item (uuid);
CREATE UNIQUE INDEX item_place ON item (place) WHERE place IS NOT NULL;
CREATE UNIQUE INDEX item_updated ON item (updated) WHERE place IS NOT NULL;
CREATE INDEX item_waiting ON item (id) WHERE place IS NULL AND withdrawn IS NULL;
CREATE INDEX item_withdrawn ON item (place) WHERE withdrawn IS NOT NULL;
CREATE INDEX item_hidden ON item (place) WHERE hidden IS NOT NULL;

-- Narrow columns first, text last: a look at the keys need not read the text.
CREATE TABLE entry (
    id             BIGINT  PRIMARY KEY,
    source_id      BIGINT  NOT NULL,
    item_id        BIGINT,
    identity_key   BIGINT  NOT NULL,
    raw_key        BIGINT  NOT NULL,
    url_key        BIGINT,
    content_key    BIGINT,
    shown_key      BIGINT  NOT NULL,
    decision       TEXT    NOT NULL,
    published      BIGINT,
    updated        BIGINT,
    first_seen     BIGINT  NOT NULL,
    unlisted       BIGINT,
    pruned         BIGINT  NOT NULL DEFAULT 0,
    canonical      TEXT    NOT NULL,
    identity       TEXT    NOT NULL,
    rule           TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    published_from TEXT    NOT NULL,
    language       TEXT    NOT NULL,
    url            TEXT    NOT NULL,
    title          TEXT    NOT NULL,
    authors        TEXT    NOT NULL, -- JSON array, '' if empty
    details        TEXT    NOT NULL, -- JSON object, '' if empty
    summary        TEXT    NOT NULL,
    content        TEXT    NOT NULL
);
CREATE UNIQUE INDEX entry_identity ON entry (source_id, identity_key);
CREATE INDEX entry_listed ON entry (source_id, id) WHERE unlisted IS NULL;
CREATE INDEX entry_url ON entry (url_key) WHERE url_key IS NOT NULL;
CREATE INDEX entry_content ON entry (content_key) WHERE content_key IS NOT NULL AND item_id IS NOT NULL;
CREATE INDEX entry_item ON entry (item_id, id) WHERE item_id IS NOT NULL;
CREATE INDEX entry_held ON entry (id) WHERE decision = 'held';
CREATE INDEX entry_prune ON entry (decision, unlisted) WHERE unlisted IS NOT NULL AND pruned = 0;

CREATE TABLE run (
    id      TEXT COLLATE "C" PRIMARY KEY,
    started BIGINT  NOT NULL,
    running BIGINT  NOT NULL,
    report  BYTEA   NOT NULL -- JSON, or gzip of it
);
CREATE INDEX run_started ON run (started);
CREATE INDEX run_running ON run (started) WHERE running = 1;
