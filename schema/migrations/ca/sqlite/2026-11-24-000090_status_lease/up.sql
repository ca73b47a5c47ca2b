-- How far each status node has read each issuer's feed. While it renews, it may answer from memory.
CREATE TABLE status_lease (
    node        TEXT    NOT NULL,                       -- one start of one status node
    issuer      TEXT    NOT NULL,
    place       INTEGER NOT NULL,                       -- nothing up to here is in its memory as good
    renewal     INTEGER NOT NULL,                       -- 1, 2, 3, …: a row that does not change is dead
    renewed_at  INTEGER NOT NULL,                       -- by the node's clock; for people
    PRIMARY KEY (node, issuer)
) STRICT;
