DROP INDEX certificate_partition_end;
DROP INDEX revocation_partition_ended;
DROP INDEX revocation_partition_feed;
CREATE INDEX revocation_scope_feed ON revocation (issuer, municipality, feed);
CREATE INDEX revocation_scope ON revocation (issuer, municipality, not_after);
ALTER TABLE revocation DROP COLUMN partition;
ALTER TABLE certificate DROP COLUMN partition;
