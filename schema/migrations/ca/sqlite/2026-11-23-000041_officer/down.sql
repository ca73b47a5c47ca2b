DROP TABLE officer_act;
CREATE TABLE party_without_officers (
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
INSERT INTO party_without_officers
    SELECT kind, id, municipality, label, certificate, certificate_sha256, public_key, status, enrolled_at, changed_at
    FROM party WHERE kind NOT IN ('officer', 'auditor');
DROP TABLE party;
ALTER TABLE party_without_officers RENAME TO party;
