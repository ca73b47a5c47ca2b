-- Officers and auditors of the authority's console are parties too.
ALTER TABLE party DROP CONSTRAINT party_kind_check;
ALTER TABLE party ADD CONSTRAINT party_kind_check
    CHECK (kind IN ('terminal', 'kiosk', 'operator', 'gateway', 'server', 'ocsp-responder', 'officer', 'auditor'));

-- What officers decide: each with the signature of who proposed it and, where two have to
-- agree, of the second. The deed may name people, so it is sealed.
CREATE TABLE officer_act (
    id                BYTEA   NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    deed              TEXT    NOT NULL,                  -- kind of deed
    subject           TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('unsigned', 'awaiting', 'done', 'rejected')),
    proposer          TEXT    NOT NULL,
    first_signature   BYTEA,                              -- ECDSA, DER
    second            TEXT,
    second_signature  BYTEA,
    sealed            BYTEA   NOT NULL,
    outcome           TEXT,                              -- what came of carrying it out
    made_at           BIGINT  NOT NULL,
    since             BIGINT  NOT NULL,                  -- when it came into this state
    CHECK (state = 'unsigned' OR first_signature IS NOT NULL),
    CHECK ((second IS NULL) = (second_signature IS NULL)),
    CHECK (second IS NULL OR second <> proposer)
);
CREATE INDEX officer_act_state ON officer_act (state, since);
