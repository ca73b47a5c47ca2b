-- The gateway's database on SQLite. Times are microseconds since 1970 (UTC);
-- identifiers are lower-case hex; `sealed` columns are AES-256-GCM under the
-- data key, with the row's name as additional data.

-- Terminals, kiosks and operators that the infrastructure CA has certified.
CREATE TABLE party (
    kind TEXT NOT NULL CHECK (kind IN ('terminal', 'kiosk', 'operator')),
    id TEXT NOT NULL,
    municipality TEXT NOT NULL,
    label TEXT NOT NULL,
    certificate BLOB NOT NULL,
    certificate_sha256 BLOB NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE operator_challenge (
    id TEXT NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL,
    terminal TEXT NOT NULL,
    challenge BLOB NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX operator_challenge_expiry ON operator_challenge (expires_at);

-- A session is known by the SHA-256 of its token; the token itself is nowhere.
CREATE TABLE operator_session (
    token_sha256 BLOB NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL,
    terminal TEXT NOT NULL,
    terminal_certificate_sha256 BLOB NOT NULL,
    opened_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX operator_session_operator ON operator_session (operator);
CREATE INDEX operator_session_expiry ON operator_session (expires_at);

CREATE TABLE application (
    id TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    receive_key TEXT NOT NULL UNIQUE,
    step TEXT NOT NULL,
    open BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    terminal TEXT NOT NULL,
    operator TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    resident_hash BLOB,
    visit TEXT UNIQUE,
    spki_sha256 BLOB UNIQUE,
    issue_key TEXT UNIQUE,
    serial TEXT UNIQUE,
    sealed BLOB NOT NULL
);
CREATE INDEX application_of_municipality ON application (municipality, open, received_at);
CREATE INDEX application_of_resident ON application (municipality, resident_hash);

-- Visits that were opened once: none is ever opened again.
CREATE TABLE visit (
    id TEXT NOT NULL PRIMARY KEY,
    application TEXT NOT NULL REFERENCES application (id),
    card TEXT NOT NULL,
    kiosk TEXT NOT NULL,
    opened_at BIGINT NOT NULL
);

CREATE TABLE kiosk_record (
    visit TEXT NOT NULL,
    record_sha256 BLOB NOT NULL,
    kiosk TEXT NOT NULL,
    record BLOB NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (visit, record_sha256)
);

CREATE TABLE kiosk_health (
    kiosk TEXT NOT NULL PRIMARY KEY,
    self_test TEXT NOT NULL,
    software_sha256 TEXT NOT NULL,
    state TEXT NOT NULL,
    kiosk_time BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);

-- Money taken, and counter-entries that correct it; rows are never changed.
CREATE TABLE fee_entry (
    number TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    fiscal_year INTEGER NOT NULL,
    application TEXT NOT NULL REFERENCES application (id),
    idempotency_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('fee', 'counter-entry')),
    amount_yen BIGINT NOT NULL,
    counter_of TEXT UNIQUE REFERENCES fee_entry (number),
    operator TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX fee_entry_of_application ON fee_entry (application);
CREATE INDEX fee_entry_of_day ON fee_entry (municipality, at);

CREATE TABLE fee_counter (
    municipality TEXT NOT NULL,
    fiscal_year INTEGER NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (municipality, fiscal_year)
);

-- While a row has no release, nothing is issued through this gateway.
CREATE TABLE breaker (
    id TEXT NOT NULL PRIMARY KEY,
    tripped_at BIGINT NOT NULL,
    application TEXT NOT NULL,
    serial TEXT NOT NULL,
    terminal TEXT NOT NULL,
    operator TEXT NOT NULL,
    released_at BIGINT,
    released_by TEXT,
    reason TEXT
);

-- Data keys, wrapped under a key that only the gateway's token can derive.
CREATE TABLE data_key (
    id INTEGER NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL,
    made_at BIGINT NOT NULL
);

-- Every act and every authenticated refusal; no personal data.
CREATE TABLE audit (
    node TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    act TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
    reason TEXT,
    terminal TEXT,
    operator TEXT,
    kiosk TEXT,
    application TEXT,
    reference TEXT,
    mac BLOB NOT NULL,
    PRIMARY KEY (node, sequence)
);
CREATE INDEX audit_of_application ON audit (application);

CREATE TABLE audit_head (
    node TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    mac BLOB NOT NULL
);
