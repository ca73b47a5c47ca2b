-- Four eyes (四眼): what was asked for, who decided, with the statement that their card
-- signed. `sealed` holds reference and reason as the approver saw them.
CREATE TABLE approval (
    id TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    act TEXT NOT NULL,
    application TEXT,
    subject_sha256 BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    standing TEXT NOT NULL CHECK (standing IN ('waiting', 'approved', 'rejected', 'spent')),
    decided_by TEXT,
    decided_at BIGINT,
    statement BYTEA,
    signature BYTEA,
    spent_by TEXT,
    spent_at BIGINT,
    CHECK (decided_by IS NULL OR decided_by <> requested_by),
    CHECK (spent_by IS NULL OR spent_by <> decided_by)
);
CREATE INDEX approval_of_municipality ON approval (municipality, requested_at);
