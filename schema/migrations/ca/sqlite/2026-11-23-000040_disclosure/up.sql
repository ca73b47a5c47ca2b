-- 開示・訂正の請求 (Arts 29 to 31). The request, its history and the answer are sealed; what lies
-- open is what the clock and the lists need, and names nobody.
CREATE TABLE disclosure (
    id               BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    municipality     TEXT    NOT NULL,
    wish             TEXT    NOT NULL CHECK (wish IN ('disclosure', 'correction')),
    step             TEXT    NOT NULL CHECK (step IN ('open', 'answered', 'delivered')),
    requested_on     TEXT    NOT NULL,                   -- YYYY-MM-DD, a Japanese day
    due              TEXT,                               -- YYYY-MM-DD; NULL: without delay
    version          INTEGER NOT NULL CHECK (version > 0),
    idempotency_key  BLOB    NOT NULL UNIQUE CHECK (length(idempotency_key) = 16),
    wish_sha256      BLOB    NOT NULL CHECK (length(wish_sha256) = 32),
    resident         BLOB,                               -- keyed hash
    sealed           BLOB    NOT NULL,
    answer           BLOB,                               -- sealed
    received_at      INTEGER NOT NULL,
    changed_at       INTEGER NOT NULL,
    CHECK ((step = 'open') = (answer IS NULL))
) STRICT;
CREATE INDEX disclosure_due ON disclosure (step, due);
CREATE INDEX disclosure_place ON disclosure (municipality, received_at);
-- The issue records of one person, whether in effect or not.
CREATE INDEX certificate_resident ON certificate (issuer, resident) WHERE resident IS NOT NULL;
