-- The till (収納): each entry counts in the book of one day; a closed day takes no more.
ALTER TABLE fee_entry ADD COLUMN application_kind TEXT NOT NULL DEFAULT 'first';
ALTER TABLE fee_entry ADD COLUMN booked_on TEXT NOT NULL DEFAULT '';
ALTER TABLE fee_entry ADD COLUMN approval TEXT;
UPDATE fee_entry SET booked_on = to_char(to_timestamp(at / 1000000 + 32400) AT TIME ZONE 'UTC', 'YYYY-MM-DD');
CREATE INDEX fee_entry_of_booked_day ON fee_entry (municipality, booked_on);

-- How far a municipality's book is closed; its row is locked by every entry and close.
CREATE TABLE till (
    municipality TEXT NOT NULL PRIMARY KEY,
    closed_through TEXT
);

-- Days that were closed (締め); `sealed` holds the reason of a difference, which a second
-- person approved.
CREATE TABLE day_close (
    municipality TEXT NOT NULL,
    day TEXT NOT NULL,
    closed_at BIGINT NOT NULL,
    operator TEXT NOT NULL,
    lines BIGINT NOT NULL,
    booked_yen BIGINT NOT NULL,
    counted_yen BIGINT NOT NULL,
    sealed BYTEA,
    approval TEXT,
    PRIMARY KEY (municipality, day),
    CHECK (booked_yen = counted_yen OR approval IS NOT NULL)
);

-- Months whose fees were remitted to the prefecture (納付): final.
CREATE TABLE remittance (
    municipality TEXT NOT NULL,
    month TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    operator TEXT NOT NULL,
    lines BIGINT NOT NULL,
    booked_yen BIGINT NOT NULL,
    PRIMARY KEY (municipality, month)
);
