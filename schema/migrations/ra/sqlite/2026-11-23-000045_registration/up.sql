-- Registrations of terminals, kiosks and operators: asked for by one officer, approved by
-- another.
CREATE TABLE registration (
    id TEXT NOT NULL PRIMARY KEY,
    record TEXT NOT NULL,
    party TEXT NOT NULL,
    role TEXT,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    approved_by TEXT,
    approved_at BIGINT,
    CHECK (approved_by IS NULL OR approved_by <> requested_by)
);
