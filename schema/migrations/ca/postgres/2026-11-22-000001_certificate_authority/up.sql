-- Times are microseconds since 1970-01-01T00:00:00Z.
-- Columns that hold personal data (tbs, der) are sealed before they come here.

CREATE TABLE issuer (
    name         TEXT    NOT NULL PRIMARY KEY,           -- as in the URLs
    kind         TEXT    NOT NULL CHECK (kind IN ('signing', 'infrastructure')),
    certificate  BYTEA   NOT NULL,
    key_id       BYTEA   NOT NULL,                       -- subjectKeyIdentifier
    revocations  BIGINT  NOT NULL DEFAULT 0              -- position of the newest revocation in the feed
);

CREATE TABLE certificate (
    issuer           TEXT    NOT NULL REFERENCES issuer (name),
    serial           BYTEA   NOT NULL CHECK (length(serial) BETWEEN 8 AND 20),
    state            TEXT    NOT NULL CHECK (state IN ('reserved', 'completed', 'abandoned')),
    node             TEXT    NOT NULL,                   -- who reserved it
    profile          TEXT    NOT NULL,
    profile_sha256   BYTEA   NOT NULL CHECK (length(profile_sha256) = 32),
    municipality     TEXT,
    not_after        BIGINT  NOT NULL,
    key_sha256       BYTEA   NOT NULL CHECK (length(key_sha256) = 32),
    application      BYTEA   NOT NULL CHECK (length(application) = 16),
    idempotency_key  BYTEA   NOT NULL CHECK (length(idempotency_key) = 16),
    wish_sha256       BYTEA   NOT NULL CHECK (length(wish_sha256) = 32),
    resident         BYTEA,                               -- keyed hash
    in_effect        BOOLEAN NOT NULL,
    tbs              BYTEA,                               -- sealed; dropped once der holds it
    der              BYTEA,                               -- sealed
    reserved_at      BIGINT  NOT NULL,
    ended_at         BIGINT ,                            -- completed or abandoned
    PRIMARY KEY (issuer, serial),
    CHECK ((state = 'reserved') = (ended_at IS NULL)),
    CHECK ((state = 'completed') = (der IS NOT NULL)),
    CHECK (NOT in_effect OR state = 'completed')
);

-- Art 6: never two in effect for one resident, and one request at a time.
CREATE UNIQUE INDEX certificate_in_effect ON certificate (issuer, resident) WHERE in_effect;
CREATE UNIQUE INDEX certificate_in_work ON certificate (issuer, resident) WHERE state = 'reserved';
-- One live serial for a key; the look-up of all its serials is the next index.
CREATE UNIQUE INDEX certificate_live_key ON certificate (key_sha256) WHERE state = 'reserved' OR in_effect;
CREATE INDEX certificate_key ON certificate (key_sha256);
-- One request yields one certificate.
CREATE UNIQUE INDEX certificate_request ON certificate (idempotency_key) WHERE state <> 'abandoned';
CREATE INDEX certificate_reserved ON certificate (node) WHERE state = 'reserved';

-- What is not to be relied on, revoked and abandoned alike: CRLs are made of this table alone.
CREATE TABLE revocation (
    issuer        TEXT    NOT NULL,
    serial        BYTEA   NOT NULL,
    feed          BIGINT  NOT NULL,                      -- 1, 2, 3, … in the order of commitment within an issuer
    revoked_at    BIGINT  NOT NULL,
    ground        TEXT    NOT NULL,                      -- statutory ground, or 'abandoned'
    reason        INTEGER,                               -- RFC 5280 code; NULL is unspecified
    municipality  TEXT,
    not_after     BIGINT  NOT NULL,
    PRIMARY KEY (issuer, serial),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
);
CREATE UNIQUE INDEX revocation_feed ON revocation (issuer, feed);
CREATE INDEX revocation_scope ON revocation (issuer, municipality, not_after);

CREATE TABLE crl (
    issuer        TEXT    NOT NULL REFERENCES issuer (name),
    scope         TEXT    NOT NULL,                      -- '' is the full list, else a municipality
    number        BIGINT  NOT NULL CHECK (number > 0),
    state         TEXT    NOT NULL CHECK (state IN ('reserved', 'published')),
    node          TEXT    NOT NULL,
    feed          BIGINT  NOT NULL,                      -- covers the feed up to here
    this_update   BIGINT  NOT NULL,
    next_update   BIGINT  NOT NULL,
    entries       BIGINT  NOT NULL,
    sha256        BYTEA,
    published_at  BIGINT ,
    PRIMARY KEY (issuer, scope, number)
);

CREATE TABLE party (
    kind                TEXT    NOT NULL CHECK (kind IN ('terminal', 'kiosk', 'operator', 'gateway', 'server', 'ocsp-responder')),
    id                  TEXT    NOT NULL,
    municipality        TEXT,
    label               TEXT    NOT NULL,
    certificate         BYTEA   NOT NULL,
    certificate_sha256  BYTEA   NOT NULL UNIQUE,
    public_key          BYTEA   NOT NULL,                -- SubjectPublicKeyInfo, DER
    status              TEXT    NOT NULL CHECK (status IN ('active', 'suspended')),
    enrolled_at         BIGINT  NOT NULL,
    changed_at          BIGINT  NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE audit (
    lane      TEXT    NOT NULL,                          -- node and writer
    sequence  BIGINT  NOT NULL CHECK (sequence > 0),
    at        BIGINT  NOT NULL,
    event     TEXT    NOT NULL,
    outcome   TEXT    NOT NULL,                          -- 'done' or the name of the refusal
    actor     TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    detail    TEXT    NOT NULL,                          -- JSON, references only
    mac       BYTEA   NOT NULL CHECK (length(mac) = 32),
    PRIMARY KEY (lane, sequence)
);

CREATE TABLE audit_state (
    lane      TEXT    NOT NULL PRIMARY KEY,
    sequence  BIGINT  NOT NULL,
    mac       BYTEA   NOT NULL CHECK (length(mac) = 32)
);

-- Keys of the vault, each wrapped by a key of the token.
CREATE TABLE data_key (
    id          BIGINT  NOT NULL PRIMARY KEY,
    wrapped     BYTEA   NOT NULL,
    wrapping    TEXT    NOT NULL,                        -- label of the token's key
    made_at     BIGINT  NOT NULL
);

CREATE TABLE lease (
    name    TEXT    NOT NULL PRIMARY KEY,
    holder  TEXT    NOT NULL,
    until   BIGINT  NOT NULL
);

-- What `ca-server status` may read: no sealed columns, no hashes of residents, no audit.
-- Give it to the login role of the status nodes: GRANT jitsuin_status TO "name";
DO $$
BEGIN
    CREATE ROLE jitsuin_status NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role jitsuin_status was not made: an administrator has to make it and run the grants';
END
$$;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jitsuin_status') THEN
        GRANT SELECT ON issuer, revocation, crl TO jitsuin_status;
        GRANT SELECT (issuer, serial, state, not_after) ON certificate TO jitsuin_status;
    END IF;
END
$$;
