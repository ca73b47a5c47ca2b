-- A resident may have a certificate of each profile: what an event of the register met beside the
-- certificate that stands in its own row.
CREATE TABLE register_event_also (
    municipality  TEXT    NOT NULL,
    sequence      INTEGER NOT NULL,
    issuer        TEXT    NOT NULL,
    serial        BLOB    NOT NULL,
    outcome       TEXT    NOT NULL CHECK (outcome IN ('revoked', 'relinked', 'superseded')),
    PRIMARY KEY (municipality, sequence, issuer, serial),
    FOREIGN KEY (municipality, sequence) REFERENCES register_event (municipality, sequence),
    FOREIGN KEY (issuer, serial) REFERENCES certificate (issuer, serial)
) STRICT, WITHOUT ROWID;
