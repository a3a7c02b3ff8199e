-- +goose Up

-- What the page asks for: the search of items, and each source's days.

-- A row for each item that has a place, which is its rowid. Words are made by the
-- program (see store.indexed), which is why this is no column of the server's making.
CREATE TABLE search (
    rowid BIGINT PRIMARY KEY,
    words TSVECTOR NOT NULL
);
CREATE INDEX search_words ON search USING gin (words);

-- Where a search for a time begins.
CREATE INDEX item_published ON item (published) WHERE place IS NOT NULL;

-- Items with places below this are still to be indexed.
ALTER TABLE meta ADD COLUMN search_below BIGINT NOT NULL DEFAULT 0;
UPDATE meta SET search_below = last_place + 1 WHERE last_place > 0;

CREATE TABLE source_day (
    source_id    BIGINT NOT NULL,
    day          BIGINT NOT NULL, -- since 1970
    published    BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    copies       BIGINT NOT NULL,
    held         BIGINT NOT NULL,
    rejected     BIGINT NOT NULL,
    fetched      BIGINT NOT NULL,
    not_modified BIGINT NOT NULL,
    failed       BIGINT NOT NULL,
    PRIMARY KEY (source_id, day)
);
CREATE INDEX source_day_day ON source_day (day);
