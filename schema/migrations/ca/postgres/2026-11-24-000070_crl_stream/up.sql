-- A list is made of the one before it: what has ended is left out, what the feed brought is put behind.
ALTER TABLE crl ADD COLUMN ended_before BIGINT NOT NULL DEFAULT 0;  -- certificates that ended before are not in it
-- All of a municipality's revocations in the order of the feed, for a list that is made from nothing.
CREATE INDEX revocation_scope_feed ON revocation (issuer, municipality, feed);
-- What ended between two lists; of a municipality, revocation_scope has it.
CREATE INDEX revocation_ended ON revocation (issuer, not_after);
