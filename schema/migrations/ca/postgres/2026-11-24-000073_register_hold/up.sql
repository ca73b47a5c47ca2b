-- Batches of the register that the brake held, each by its bytes, and what officers decided.
CREATE TABLE register_hold (
    municipality    TEXT    NOT NULL,
    batch           BIGINT NOT NULL CHECK (batch > 0),
    batch_sha256    BYTEA NOT NULL CHECK (octet_length(batch_sha256) = 32),
    first_sequence  BIGINT NOT NULL,
    last_sequence   BIGINT NOT NULL CHECK (last_sequence >= first_sequence),
    kinds           TEXT    NOT NULL,                      -- events by kind, JSON
    ends            BIGINT NOT NULL,                      -- certificates that it would end
    in_effect       BIGINT NOT NULL,                      -- as it was held
    ended_today     BIGINT NOT NULL,
    allowed         BIGINT NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('held', 'refused', 'released', 'applied')),
    held_at         BIGINT NOT NULL,
    decided_by      TEXT,                                  -- the officers
    decided_at      BIGINT,
    PRIMARY KEY (municipality, batch, batch_sha256)
);
-- What the register ended on a day.
CREATE INDEX register_event_ended ON register_event (municipality, applied_at)
    WHERE outcome IN ('revoked', 'superseded');
