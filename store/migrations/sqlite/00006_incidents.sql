-- +goose Up

-- What whoever runs the feed should look at, and should have looked at of late.
CREATE TABLE incident (
    id      TEXT    PRIMARY KEY, -- a UUID
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    began   INTEGER NOT NULL,
    ended   INTEGER,             -- NULL: it goes on
    updated INTEGER NOT NULL,
    title   TEXT    NOT NULL,
    text    TEXT    NOT NULL,
    outcome TEXT    NOT NULL     -- how it ended
) STRICT;
CREATE UNIQUE INDEX incident_updated ON incident (updated);
CREATE UNIQUE INDEX incident_open ON incident (kind, subject) WHERE ended IS NULL;
