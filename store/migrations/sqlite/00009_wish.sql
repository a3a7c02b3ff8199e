-- +goose Up

-- The change number of a topic up to which who asks for it has missed nothing.
ALTER TABLE subscription_wish ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
