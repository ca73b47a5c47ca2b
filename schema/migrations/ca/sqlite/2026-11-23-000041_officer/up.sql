-- Officers and auditors of the authority's console are parties too; SQLite changes a CHECK only
-- by making the table anew.
CREATE TABLE party_with_officers (
    kind                TEXT    NOT NULL CHECK (kind IN ('terminal', 'kiosk', 'operator', 'gateway', 'server', 'ocsp-responder', 'officer', 'auditor')),
    id                  TEXT    NOT NULL,
    municipality        TEXT,
    label               TEXT    NOT NULL,
    certificate         BLOB    NOT NULL,
    certificate_sha256  BLOB    NOT NULL UNIQUE,
    public_key          BLOB    NOT NULL,                -- SubjectPublicKeyInfo, DER
    status              TEXT    NOT NULL CHECK (status IN ('active', 'suspended')),
    enrolled_at         INTEGER NOT NULL,
    changed_at          INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
INSERT INTO party_with_officers
    SELECT kind, id, municipality, label, certificate, certificate_sha256, public_key, status, enrolled_at, changed_at FROM party;
DROP TABLE party;
ALTER TABLE party_with_officers RENAME TO party;

-- What officers decide: each with the signature of who proposed it and, where two have to
-- agree, of the second. The deed may name people, so it is sealed.
CREATE TABLE officer_act (
    id                BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    deed              TEXT    NOT NULL,                  -- kind of deed
    subject           TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('unsigned', 'awaiting', 'done', 'rejected')),
    proposer          TEXT    NOT NULL,
    first_signature   BLOB,                              -- ECDSA, DER
    second            TEXT,
    second_signature  BLOB,
    sealed            BLOB    NOT NULL,
    outcome           TEXT,                              -- what came of carrying it out
    made_at           INTEGER NOT NULL,
    since             INTEGER NOT NULL,                  -- when it came into this state
    CHECK (state = 'unsigned' OR first_signature IS NOT NULL),
    CHECK ((second IS NULL) = (second_signature IS NULL)),
    CHECK (second IS NULL OR second <> proposer)
) STRICT;
CREATE INDEX officer_act_state ON officer_act (state, since);
