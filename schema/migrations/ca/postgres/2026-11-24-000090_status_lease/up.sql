-- How far each status node has read each issuer's feed. While it renews, it may answer from memory.
CREATE TABLE status_lease (
    node        TEXT    NOT NULL,                       -- one start of one status node
    issuer      TEXT    NOT NULL,
    place       BIGINT  NOT NULL,                       -- nothing up to here is in its memory as good
    renewal     BIGINT  NOT NULL,                       -- 1, 2, 3, …: a row that does not change is dead
    renewed_at  BIGINT  NOT NULL,                       -- by the node's clock; for people
    PRIMARY KEY (node, issuer)
);

-- Beside the counts of what was provided, the only table that a status node writes.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jitsuin_status') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON status_lease TO jitsuin_status;
    END IF;
END
$$;
