-- +goose Up

-- Sources whose articles' pages are read.

ALTER TABLE source ADD COLUMN full_text INTEGER NOT NULL DEFAULT 0;
