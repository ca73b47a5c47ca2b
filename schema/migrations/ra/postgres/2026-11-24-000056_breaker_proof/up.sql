-- The release as two officers signed it, JSON.
ALTER TABLE breaker ADD COLUMN proof TEXT;
