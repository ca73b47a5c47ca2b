-- When the holder was compared with the register; NULL in rows of parties, and in rows that
-- are older than this column.
ALTER TABLE certificate ADD COLUMN identified_at BIGINT;

-- Events of the resident register, each applied once (Art 12).
CREATE TABLE register_event (
    municipality  TEXT    NOT NULL,
    sequence      BIGINT  NOT NULL CHECK (sequence > 0), -- the municipality's own count
    kind          TEXT    NOT NULL,
    resident      BYTEA   NOT NULL CHECK (length(resident) = 32),                -- keyed hash
    former        BYTEA   CHECK (former IS NULL OR length(former) = 32),         -- before a merger
    bears         BOOLEAN NOT NULL,                      -- on certificates at all
    recorded_at   BIGINT  NOT NULL,                      -- in the register
    applied_at    BIGINT  NOT NULL,                      -- here
    outcome       TEXT    NOT NULL CHECK (outcome IN ('revoked', 'relinked', 'superseded', 'nothing')),
    issuer        TEXT,                                  -- the certificate it met, if any
    serial        BYTEA,
    PRIMARY KEY (municipality, sequence),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
);
CREATE INDEX register_event_resident ON register_event (resident, recorded_at) WHERE bears;
CREATE INDEX register_event_former ON register_event (former, recorded_at) WHERE bears;
CREATE INDEX register_event_told ON register_event (municipality, sequence) WHERE outcome = 'revoked';

-- How far each municipality's notices were applied.
CREATE TABLE register_position (
    municipality  TEXT    NOT NULL PRIMARY KEY,
    batch         BIGINT  NOT NULL,                      -- the newest that was begun; 0 before the first
    batch_sha256  BYTEA   NOT NULL,                      -- of that batch's whole file
    complete      BOOLEAN NOT NULL,
    sequence      BIGINT  NOT NULL,                      -- the newest event that was applied
    trouble       TEXT,                                  -- why the next batch is not taken
    changed_at    BIGINT  NOT NULL
);
