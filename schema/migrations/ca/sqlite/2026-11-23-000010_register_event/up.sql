-- When the holder was compared with the register; NULL in rows of parties, and in rows that
-- are older than this column.
ALTER TABLE certificate ADD COLUMN identified_at INTEGER;

-- Events of the resident register, each applied once (Art 12).
CREATE TABLE register_event (
    municipality  TEXT    NOT NULL,
    sequence      INTEGER NOT NULL CHECK (sequence > 0), -- the municipality's own count
    kind          TEXT    NOT NULL,
    resident      BLOB    NOT NULL CHECK (length(resident) = 32),                -- keyed hash
    former        BLOB    CHECK (former IS NULL OR length(former) = 32),         -- before a merger
    bears         INTEGER NOT NULL CHECK (bears IN (0, 1)),                      -- on certificates at all
    recorded_at   INTEGER NOT NULL,                      -- in the register
    applied_at    INTEGER NOT NULL,                      -- here
    outcome       TEXT    NOT NULL CHECK (outcome IN ('revoked', 'relinked', 'superseded', 'nothing')),
    issuer        TEXT,                                  -- the certificate it met, if any
    serial        BLOB,
    PRIMARY KEY (municipality, sequence),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX register_event_resident ON register_event (resident, recorded_at) WHERE bears = 1;
CREATE INDEX register_event_former ON register_event (former, recorded_at) WHERE bears = 1;
CREATE INDEX register_event_told ON register_event (municipality, sequence) WHERE outcome = 'revoked';

-- How far each municipality's notices were applied.
CREATE TABLE register_position (
    municipality  TEXT    NOT NULL PRIMARY KEY,
    batch         INTEGER NOT NULL,                      -- the newest that was begun; 0 before the first
    batch_sha256  BLOB    NOT NULL,                      -- of that batch's whole file
    complete      INTEGER NOT NULL CHECK (complete IN (0, 1)),
    sequence      INTEGER NOT NULL,                      -- the newest event that was applied
    trouble       TEXT,                                  -- why the next batch is not taken
    changed_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
