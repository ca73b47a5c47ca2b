DROP INDEX revocation_ended;
DROP INDEX revocation_scope_feed;
ALTER TABLE crl DROP COLUMN ended_before;
