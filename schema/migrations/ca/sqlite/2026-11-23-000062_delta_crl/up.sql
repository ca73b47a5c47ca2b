-- A delta goes with the complete list of the same number (RFC 5280 section 5.2.4) and is recorded with it.
CREATE TABLE delta_crl (
    issuer   TEXT    NOT NULL,
    scope    TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    base     INTEGER NOT NULL,                           -- number of the complete list that it is added to
    entries  INTEGER NOT NULL,
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (issuer, scope, number),
    FOREIGN KEY (issuer, scope, number) REFERENCES crl (issuer, scope, number),
    CHECK (base < number)
) STRICT, WITHOUT ROWID;
-- The oldest list that still holds is a delta's base.
CREATE INDEX crl_holding ON crl (issuer, scope, next_update) WHERE state = 'published';
