-- +goose Up

-- WebSub: who is told of our documents, and which hubs tell us of others'.

-- Callbacks that have confirmed that they want a topic, and, as 'ping', hubs
-- elsewhere that are told when one changes.
CREATE TABLE subscription (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never given again: deliveries under way name it
    topic       TEXT NOT NULL,
    callback    TEXT NOT NULL,
    host        TEXT NOT NULL, -- of callback
    kind        TEXT NOT NULL, -- 'push', 'ping'
    secret      TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    failures    INTEGER NOT NULL -- in a row
) STRICT;
CREATE UNIQUE INDEX subscription_who ON subscription (topic, callback);
CREATE INDEX subscription_host ON subscription (host);
CREATE INDEX subscription_lease ON subscription (lease_until);

-- What was asked for and is not confirmed yet; until then the subscription stays as it is.
CREATE TABLE subscription_wish (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    topic    TEXT NOT NULL,
    callback TEXT NOT NULL,
    host     TEXT NOT NULL,
    leave    INTEGER NOT NULL, -- 1: unsubscribe
    secret   TEXT NOT NULL,
    lease    INTEGER NOT NULL, -- milliseconds
    next     INTEGER NOT NULL, -- not verified before
    attempts INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX subscription_wish_who ON subscription_wish (topic, callback);
CREATE INDEX subscription_wish_host ON subscription_wish (host);
CREATE INDEX subscription_wish_next ON subscription_wish (next);

-- What subscribers have been told of, or are being told of.
CREATE TABLE subscription_topic (
    topic  TEXT PRIMARY KEY,
    change INTEGER NOT NULL, -- change number of the document
    marks  BLOB NOT NULL     -- of what it listed
) STRICT, WITHOUT ROWID;

-- The queue: one row for each subscription that is to get its topic's present document.
CREATE TABLE delivery (
    subscription_id INTEGER PRIMARY KEY,
    topic           TEXT NOT NULL,
    host            TEXT NOT NULL,
    change          INTEGER NOT NULL, -- an older document is not sent
    since           INTEGER NOT NULL, -- when that document came
    next            INTEGER NOT NULL, -- not before; of one that is taken, when it is given up for lost
    taken           INTEGER NOT NULL,
    attempts        INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_next ON delivery (next);

-- The hub that a source's last document named, and what it is asked for there.
ALTER TABLE source ADD COLUMN hub TEXT NOT NULL DEFAULT '';
ALTER TABLE source ADD COLUMN hub_topic TEXT NOT NULL DEFAULT '';
-- The last document that came from there; NULL: a poll has found news that it did not bring.
ALTER TABLE source ADD COLUMN pushed INTEGER;
CREATE INDEX source_hub ON source (id) WHERE hub <> '';

-- What we have subscribed to: one row a source, and beside it those that are being given up.
CREATE TABLE push (
    callback    TEXT PRIMARY KEY, -- the part of its address that nobody can guess
    base        TEXT NOT NULL, -- the rest of the address
    source_id   INTEGER NOT NULL, -- maybe of a source that is gone
    hub         TEXT NOT NULL,
    topic       TEXT NOT NULL,
    secret      TEXT NOT NULL,
    state       TEXT NOT NULL, -- 'asked', 'active', 'refused', 'leaving'
    lease_until INTEGER, -- NULL: it was never confirmed
    next        INTEGER NOT NULL, -- the hub is not asked before
    attempts    INTEGER NOT NULL, -- to have the present wish confirmed
    error       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX push_source ON push (source_id) WHERE state <> 'leaving';
