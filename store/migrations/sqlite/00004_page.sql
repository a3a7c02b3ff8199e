-- +goose Up

-- What the page asks for: the search of items, and each source's days.

-- A row for each item that has a place, which is its rowid, so that the newest are
-- found first. Words are made by the program (see store.indexed): they are small already
-- and have a space between them, which is all that this tokenizer has to know.
CREATE VIRTUAL TABLE search USING fts5(words, content='', contentless_delete=1, tokenize="ascii tokenchars '_'");
-- Large pieces, seldom merged, halve the cost of an insert. What is gathered takes memory.
INSERT INTO search (search, rank) VALUES ('hashsize', 4194304);
INSERT INTO search (search, rank) VALUES ('automerge', 8);

-- Items with places below this are still to be indexed.
ALTER TABLE meta ADD COLUMN search_below INTEGER NOT NULL DEFAULT 0;
UPDATE meta SET search_below = last_place + 1 WHERE last_place > 0;

CREATE TABLE source_day (
    source_id    INTEGER NOT NULL,
    day          INTEGER NOT NULL, -- since 1970
    published    INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    copies       INTEGER NOT NULL,
    held         INTEGER NOT NULL,
    rejected     INTEGER NOT NULL,
    fetched      INTEGER NOT NULL,
    not_modified INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    PRIMARY KEY (source_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_day_day ON source_day (day);
