DROP TABLE remittance;
DROP TABLE day_close;
DROP TABLE till;
DROP INDEX fee_entry_of_booked_day;
ALTER TABLE fee_entry DROP COLUMN approval;
ALTER TABLE fee_entry DROP COLUMN booked_on;
ALTER TABLE fee_entry DROP COLUMN application_kind;
