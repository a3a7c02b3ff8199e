-- +goose Up

-- The oldest schema whose programs still do right on this one. All else of this
-- number is for several processes on PostgreSQL.
ALTER TABLE meta ADD COLUMN compatible INTEGER NOT NULL DEFAULT 8;
