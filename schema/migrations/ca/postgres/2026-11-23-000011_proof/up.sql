-- The signed acts themselves, kept as proof in a dispute: who asked for the certificate, and
-- who for its revocation.
CREATE TABLE proof (
    issuer   TEXT    NOT NULL,
    serial   BYTEA   NOT NULL,
    deed     TEXT    NOT NULL CHECK (deed IN ('issue', 'revoke')),
    sealed   BOOLEAN NOT NULL,                           -- false: recorded while the vault could not be used
    act      BYTEA   NOT NULL,                           -- payload and both signatures, JSON
    kept_at  BIGINT  NOT NULL,
    PRIMARY KEY (issuer, serial, deed),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
);
