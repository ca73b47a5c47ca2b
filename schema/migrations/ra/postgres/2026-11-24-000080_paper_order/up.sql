-- Orders about kept papers: held beyond their day, released again. They outlive the paper. The reason is sealed.
CREATE TABLE paper_order (
    -- The approval on whose strength it was given: each is used once.
    approval TEXT NOT NULL PRIMARY KEY,
    paper TEXT NOT NULL,
    municipality TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('hold', 'release')),
    reason BYTEA NOT NULL,
    given_by TEXT NOT NULL,
    approved_by TEXT NOT NULL,
    given_at BIGINT NOT NULL
);
CREATE INDEX paper_order_of_paper ON paper_order (paper);
