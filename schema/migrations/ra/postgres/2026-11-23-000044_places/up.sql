-- Files of places (place × terminal × operator × profile, opening hours) as officers loaded
-- them; the one that was loaded last counts.
CREATE TABLE places (
    number BIGINT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL,
    loaded_by TEXT NOT NULL,
    loaded_at BIGINT NOT NULL
);

-- Days on which a supervisor keeps a place open longer; `sealed` holds the reason.
CREATE TABLE opening_extension (
    id TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    place TEXT NOT NULL,
    day TEXT NOT NULL,
    until_at BIGINT NOT NULL,
    operator TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX opening_extension_of_day ON opening_extension (municipality, place, day);

-- Shift changes (交代): who took the open applications of a terminal over.
CREATE TABLE shift_change (
    id TEXT NOT NULL PRIMARY KEY,
    municipality TEXT NOT NULL,
    terminal TEXT NOT NULL,
    operator TEXT NOT NULL,
    before_operator TEXT,
    applications BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX shift_change_of_terminal ON shift_change (terminal, at);
