-- 署名検証者: who may ask for revocation information (Art 17), each after a written arrangement.
-- They stand outside the inner network, so they are in a registry of their own.
CREATE TABLE verifier (
    id                  TEXT    NOT NULL PRIMARY KEY,
    label               TEXT    NOT NULL,
    arrangement         TEXT    NOT NULL,                -- number and date of the arrangement (Art 17 (4))
    certificate         BLOB    NOT NULL,
    certificate_sha256  BLOB    NOT NULL UNIQUE,
    status              TEXT    NOT NULL CHECK (status IN ('active', 'suspended')),
    enrolled_at         INTEGER NOT NULL,
    changed_at          INTEGER NOT NULL
) STRICT;

-- What was provided to whom, counted by the status nodes for the yearly report (Art 18 (5)).
-- A node writes its day's totals again and again, so writing them twice changes nothing.
CREATE TABLE provision (
    run       TEXT    NOT NULL,                          -- one start of one status node
    day       TEXT    NOT NULL CHECK (length(day) = 10), -- Japanese day, 2026-11-23
    verifier  TEXT    NOT NULL,                          -- empty: a caller who is in no registry
    kind      TEXT    NOT NULL CHECK (kind IN ('list', 'delta', 'answer', 'certificate', 'refused')),
    count     INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (run, day, verifier, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX provision_day ON provision (day);
