-- +goose Up

-- Near-duplicates, stories, and what people have put right.

-- Keys of what entries say: days since 1970 above, a hash below (see feed.Mark). The
-- newest lie together at the end, so that the look-ups of a run stay among few pages.
CREATE TABLE mark (
    key      INTEGER NOT NULL ON CONFLICT FAIL,
    entry_id INTEGER NOT NULL ON CONFLICT FAIL,
    PRIMARY KEY (key, entry_id)
) STRICT, WITHOUT ROWID;

-- What decides which story an entry belongs to.
CREATE TABLE sketch (
    entry_id INTEGER PRIMARY KEY,
    terms    BLOB    NOT NULL ON CONFLICT FAIL
) STRICT;

CREATE TABLE story (
    id         INTEGER PRIMARY KEY,
    founder    TEXT NOT NULL ON CONFLICT FAIL, -- UUID of the item that it began with; its id is made from this
    updated    INTEGER NOT NULL ON CONFLICT FAIL, -- when a publisher last came to it; unique
    publishers INTEGER NOT NULL ON CONFLICT FAIL  -- different ones, of its live items
) STRICT;
CREATE UNIQUE INDEX story_founder ON story (founder);
CREATE UNIQUE INDEX story_updated ON story (updated);
-- Few stories have several publishers. Those with at least n are read as those with
-- n, those with n + 1 and so on, each the newest first: see store.levels.
CREATE INDEX story_carried ON story (publishers, updated) WHERE publishers >= 2;

CREATE TABLE correction (
    id    INTEGER PRIMARY KEY,
    kind  TEXT    NOT NULL,
    item  TEXT    NOT NULL, -- UUID
    other TEXT    NOT NULL, -- UUID
    entry INTEGER NOT NULL,
    moved TEXT    NOT NULL, -- JSON array of a merge's entries, '' of a split
    at    INTEGER NOT NULL
) STRICT;

ALTER TABLE item ADD COLUMN merged_into INTEGER; -- the item that a person put it into
ALTER TABLE item ADD COLUMN story_id INTEGER;    -- NULL: not decided yet, for it waits
ALTER TABLE item ADD COLUMN story_why TEXT NOT NULL ON CONFLICT FAIL DEFAULT ''; -- '': it founded its story
ALTER TABLE item ADD COLUMN publishers INTEGER NOT NULL ON CONFLICT FAIL DEFAULT 0; -- its story's
ALTER TABLE source ADD COLUMN priority INTEGER NOT NULL DEFAULT 0; -- of its copies the one with the largest is shown

-- Each item that was admitted is a story of its own.
INSERT INTO story (id, founder, updated, publishers)
    SELECT i.id, i.uuid, i.updated, CASE WHEN i.withdrawn IS NULL AND i.hidden IS NULL
        THEN (SELECT COUNT(DISTINCT e.source_id) FROM entry e WHERE e.item_id = i.id) ELSE 0 END
    FROM item i WHERE i.place IS NOT NULL;
UPDATE item SET story_id = id, publishers = (SELECT s.publishers FROM story s WHERE s.id = item.id)
    WHERE place IS NOT NULL;
ALTER TABLE meta ADD COLUMN last_story INTEGER NOT NULL DEFAULT 0;
UPDATE meta SET last_story = last_item;

CREATE INDEX item_story ON item (story_id) WHERE story_id IS NOT NULL;
CREATE INDEX item_carried ON item (publishers, place) WHERE publishers >= 2;
CREATE INDEX item_merged ON item (merged_into) WHERE merged_into IS NOT NULL;
