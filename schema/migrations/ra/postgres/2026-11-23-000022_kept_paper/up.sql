-- Scanned forms and documents. Days are texts `YYYY-MM-DD` of the Japanese calendar day.
CREATE TABLE kept_paper (
    id TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    -- What it belongs to: an application or a notice.
    subject TEXT NOT NULL CHECK (subject IN ('application', 'notice')),
    subject_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    media TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    pages INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    terminal TEXT NOT NULL,
    operator TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    -- Not before this day it is looked at for deletion.
    due_on TEXT NOT NULL,
    -- A legal hold: by whom, since when. The reason is sealed.
    held_by TEXT,
    held_at BIGINT,
    hold_reason BYTEA
);
CREATE INDEX kept_paper_of_subject ON kept_paper (subject, subject_id);
CREATE INDEX kept_paper_due ON kept_paper (due_on);

CREATE TABLE kept_paper_chunk (
    paper TEXT NOT NULL REFERENCES kept_paper (id),
    number INTEGER NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (paper, number)
);

-- What was deleted, when, by which rule; never what it said.
CREATE TABLE paper_deletion (
    paper TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    rule TEXT NOT NULL,
    due_on TEXT NOT NULL,
    deleted_at BIGINT NOT NULL
);
