-- +goose Up

-- What several processes on one database share. Times are by the clock of the database.

-- The oldest schema whose programs still do right on this one: see docs/scaling.md.
ALTER TABLE meta ADD COLUMN compatible BIGINT NOT NULL DEFAULT 8;

-- One life of one process. What it holds, below, is free again when it is gone.
CREATE TABLE worker (
    id      TEXT COLLATE "C" PRIMARY KEY,
    name    TEXT   NOT NULL, -- for people
    role    TEXT   NOT NULL,
    seeds   BIGINT NOT NULL, -- it sees the seeds folder
    started BIGINT NOT NULL,
    until   BIGINT NOT NULL  -- it counts as alive until then
);

-- Who works on a source, '' for nobody, and when a job was last made for it. Beside
-- source, whose rows are wide.
CREATE TABLE claim (
    source_id BIGINT PRIMARY KEY,
    holder    TEXT COLLATE "C" NOT NULL,
    queued    BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX source_due ON source (next_due) WHERE removed IS NULL AND enabled = 1;

-- Who speaks to a host, '' for nobody, and what all keep to.
CREATE TABLE host (
    name    TEXT COLLATE "C" PRIMARY KEY,
    holder  TEXT COLLATE "C" NOT NULL,
    next    BIGINT NOT NULL, -- no request begins before
    until   BIGINT NOT NULL, -- it is paused until then
    limited BIGINT NOT NULL  -- 429 answers in a row
) WITH (fillfactor = 50);

-- A source's part of a run that is not over.
CREATE TABLE run_part (
    run_id    TEXT COLLATE "C" NOT NULL,
    source_id BIGINT NOT NULL,
    forced    BIGINT NOT NULL,
    asked     BIGINT NOT NULL,
    worker    TEXT   NOT NULL, -- its name, once it has the source
    report    BYTEA,           -- JSON; NULL: it has not been done yet
    PRIMARY KEY (run_id, source_id)
);
CREATE INDEX run_part_open ON run_part (source_id) WHERE report IS NULL;

-- Who does what one process at a time does.
CREATE TABLE duty (
    name   TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL
);
