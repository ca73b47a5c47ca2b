-- Stops of gateways as they told them. One is open until two officers' signed release lies beside it.
CREATE TABLE gateway_stop (
    id           TEXT NOT NULL PRIMARY KEY,             -- the gateway's name of it, 32 hex digits
    gateway      TEXT NOT NULL,                         -- who told it first
    serial       TEXT NOT NULL,                         -- the certificate that showed the fault
    application  TEXT NOT NULL,
    terminal     TEXT NOT NULL,
    operator     TEXT NOT NULL,
    tripped_at   INTEGER NOT NULL,
    told_at      INTEGER NOT NULL,
    release      BLOB,                                  -- JSON, as the gateway is given it
    released_at  INTEGER,
    CHECK ((release IS NULL) = (released_at IS NULL))
) STRICT;
CREATE INDEX gateway_stop_open ON gateway_stop (gateway, released_at);
