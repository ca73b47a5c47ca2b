-- Times are microseconds since 1970-01-01T00:00:00Z. Booleans are 0 and 1.
-- Columns that hold personal data (tbs, der) are sealed before they come here.

CREATE TABLE issuer (
    name         TEXT    NOT NULL PRIMARY KEY,           -- as in the URLs
    kind         TEXT    NOT NULL CHECK (kind IN ('signing', 'infrastructure')),
    certificate  BLOB    NOT NULL,
    key_id       BLOB    NOT NULL,                       -- subjectKeyIdentifier
    revocations  INTEGER NOT NULL DEFAULT 0              -- position of the newest revocation in the feed
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
    issuer           TEXT    NOT NULL REFERENCES issuer (name),
    serial           BLOB    NOT NULL CHECK (length(serial) BETWEEN 8 AND 20),
    state            TEXT    NOT NULL CHECK (state IN ('reserved', 'completed', 'abandoned')),
    node             TEXT    NOT NULL,                   -- who reserved it
    profile          TEXT    NOT NULL,
    profile_sha256   BLOB    NOT NULL CHECK (length(profile_sha256) = 32),
    municipality     TEXT,
    not_after        INTEGER NOT NULL,
    key_sha256       BLOB    NOT NULL CHECK (length(key_sha256) = 32),
    application      BLOB    NOT NULL CHECK (length(application) = 16),
    idempotency_key  BLOB    NOT NULL CHECK (length(idempotency_key) = 16),
    wish_sha256       BLOB    NOT NULL CHECK (length(wish_sha256) = 32),
    resident         BLOB,                               -- keyed hash
    in_effect        INTEGER NOT NULL CHECK (in_effect IN (0, 1)),
    tbs              BLOB,                               -- sealed; dropped once der holds it
    der              BLOB,                               -- sealed
    reserved_at      INTEGER NOT NULL,
    ended_at         INTEGER,                            -- completed or abandoned
    PRIMARY KEY (issuer, serial),
    CHECK ((state = 'reserved') = (ended_at IS NULL)),
    CHECK ((state = 'completed') = (der IS NOT NULL)),
    CHECK (in_effect = 0 OR state = 'completed')
) STRICT;

-- Art 6: never two in effect for one resident, and one request at a time.
CREATE UNIQUE INDEX certificate_in_effect ON certificate (issuer, resident) WHERE in_effect = 1;
CREATE UNIQUE INDEX certificate_in_work ON certificate (issuer, resident) WHERE state = 'reserved';
-- One live serial for a key; the look-up of all its serials is the next index.
CREATE UNIQUE INDEX certificate_live_key ON certificate (key_sha256) WHERE state = 'reserved' OR in_effect = 1;
CREATE INDEX certificate_key ON certificate (key_sha256);
-- One request yields one certificate.
CREATE UNIQUE INDEX certificate_request ON certificate (idempotency_key) WHERE state <> 'abandoned';
CREATE INDEX certificate_reserved ON certificate (node) WHERE state = 'reserved';

-- What is not to be relied on, revoked and abandoned alike: CRLs are made of this table alone.
CREATE TABLE revocation (
    issuer        TEXT    NOT NULL,
    serial        BLOB    NOT NULL,
    feed          INTEGER NOT NULL,                      -- 1, 2, 3, … in the order of commitment within an issuer
    revoked_at    INTEGER NOT NULL,
    ground        TEXT    NOT NULL,                      -- statutory ground, or 'abandoned'
    reason        INTEGER,                               -- RFC 5280 code; NULL is unspecified
    municipality  TEXT,
    not_after     INTEGER NOT NULL,
    PRIMARY KEY (issuer, serial),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX revocation_feed ON revocation (issuer, feed);
CREATE INDEX revocation_scope ON revocation (issuer, municipality, not_after);

CREATE TABLE crl (
    issuer        TEXT    NOT NULL REFERENCES issuer (name),
    scope         TEXT    NOT NULL,                      -- '' is the full list, else a municipality
    number        INTEGER NOT NULL CHECK (number > 0),
    state         TEXT    NOT NULL CHECK (state IN ('reserved', 'published')),
    node          TEXT    NOT NULL,
    feed          INTEGER NOT NULL,                      -- covers the feed up to here
    this_update   INTEGER NOT NULL,
    next_update   INTEGER NOT NULL,
    entries       INTEGER NOT NULL,
    sha256        BLOB,
    published_at  INTEGER,
    PRIMARY KEY (issuer, scope, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE party (
    kind                TEXT    NOT NULL CHECK (kind IN ('terminal', 'kiosk', 'operator', 'gateway', 'server', 'ocsp-responder')),
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

CREATE TABLE audit (
    lane      TEXT    NOT NULL,                          -- node and writer
    sequence  INTEGER NOT NULL CHECK (sequence > 0),
    at        INTEGER NOT NULL,
    event     TEXT    NOT NULL,
    outcome   TEXT    NOT NULL,                          -- 'done' or the name of the refusal
    actor     TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    detail    TEXT    NOT NULL,                          -- JSON, references only
    mac       BLOB    NOT NULL CHECK (length(mac) = 32),
    PRIMARY KEY (lane, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_state (
    lane      TEXT    NOT NULL PRIMARY KEY,
    sequence  INTEGER NOT NULL,
    mac       BLOB    NOT NULL CHECK (length(mac) = 32)
) STRICT, WITHOUT ROWID;

-- Keys of the vault, each wrapped by a key of the token.
CREATE TABLE data_key (
    id          INTEGER NOT NULL PRIMARY KEY,
    wrapped     BLOB    NOT NULL,
    wrapping    TEXT    NOT NULL,                        -- label of the token's key
    made_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE lease (
    name    TEXT    NOT NULL PRIMARY KEY,
    holder  TEXT    NOT NULL,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
