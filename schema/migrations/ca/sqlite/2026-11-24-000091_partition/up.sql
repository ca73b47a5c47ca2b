-- A municipality's list may be cut further: which part of it a certificate names (1 is the one it began with).
ALTER TABLE certificate ADD COLUMN partition INTEGER NOT NULL DEFAULT 1;
ALTER TABLE revocation ADD COLUMN partition INTEGER NOT NULL DEFAULT 1;
-- A part's revocations in the order of the feed, and what of them ended between two lists.
DROP INDEX revocation_scope;
DROP INDEX revocation_scope_feed;
CREATE INDEX revocation_partition_feed ON revocation (issuer, municipality, partition, feed);
CREATE INDEX revocation_partition_ended ON revocation (issuer, municipality, partition, not_after);
-- Which parts there are, and when the last certificate of a part ends.
CREATE INDEX certificate_partition_end ON certificate (issuer, municipality, partition, not_after);
