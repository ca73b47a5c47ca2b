-- Notices about a card that its holder has: password services and erasures.
CREATE TABLE notice (
    id TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL CHECK (service IN ('change', 'unlock', 'initialise', 'erase')),
    step TEXT NOT NULL CHECK (step IN ('open', 'interim', 'done', 'given-up')),
    open BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    application TEXT NOT NULL,
    card TEXT NOT NULL,
    terminal TEXT NOT NULL,
    operator TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX notice_of_municipality ON notice (municipality, open, opened_at);
CREATE INDEX notice_of_application ON notice (application);

-- By what is printed on the copy the certificate is found again.
CREATE TABLE check_code (
    application TEXT NOT NULL PRIMARY KEY REFERENCES application (id),
    code TEXT NOT NULL
);
CREATE INDEX check_code_code ON check_code (code);
