-- The signed acts themselves, kept as proof in a dispute: who asked for the certificate, and
-- who for its revocation.
CREATE TABLE proof (
    issuer   TEXT    NOT NULL,
    serial   BLOB    NOT NULL,
    deed     TEXT    NOT NULL CHECK (deed IN ('issue', 'revoke')),
    sealed   INTEGER NOT NULL CHECK (sealed IN (0, 1)),  -- 0: recorded while the vault could not be used
    act      BLOB    NOT NULL,                           -- payload and both signatures, JSON
    kept_at  INTEGER NOT NULL,
    PRIMARY KEY (issuer, serial, deed),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
) STRICT, WITHOUT ROWID;
