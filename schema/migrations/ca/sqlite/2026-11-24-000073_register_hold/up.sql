-- Batches of the register that the brake held, each by its bytes, and what officers decided.
CREATE TABLE register_hold (
    municipality    TEXT    NOT NULL,
    batch           INTEGER NOT NULL CHECK (batch > 0),
    batch_sha256    BLOB NOT NULL CHECK (length(batch_sha256) = 32),
    first_sequence  INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL CHECK (last_sequence >= first_sequence),
    kinds           TEXT    NOT NULL,                      -- events by kind, JSON
    ends            INTEGER NOT NULL,                      -- certificates that it would end
    in_effect       INTEGER NOT NULL,                      -- as it was held
    ended_today     INTEGER NOT NULL,
    allowed         INTEGER NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('held', 'refused', 'released', 'applied')),
    held_at         INTEGER NOT NULL,
    decided_by      TEXT,                                  -- the officers
    decided_at      INTEGER,
    PRIMARY KEY (municipality, batch, batch_sha256)
) STRICT, WITHOUT ROWID;
-- What the register ended on a day.
CREATE INDEX register_event_ended ON register_event (municipality, applied_at)
    WHERE outcome IN ('revoked', 'superseded');
