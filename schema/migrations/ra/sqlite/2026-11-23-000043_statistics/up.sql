-- What is counted for the ministry (報告): once for each application and event; no person.
CREATE TABLE counted_event (
    application TEXT NOT NULL REFERENCES application (id),
    event TEXT NOT NULL CHECK (event IN ('issued', 'revoked', 'handed-over')),
    municipality TEXT NOT NULL,
    day TEXT NOT NULL,
    class TEXT NOT NULL,
    waited_s BIGINT,
    PRIMARY KEY (application, event)
);
CREATE INDEX counted_event_of_day ON counted_event (municipality, day);
