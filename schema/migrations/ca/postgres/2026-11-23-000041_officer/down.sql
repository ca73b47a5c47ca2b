DROP TABLE officer_act;
DELETE FROM party WHERE kind IN ('officer', 'auditor');
ALTER TABLE party DROP CONSTRAINT party_kind_check;
ALTER TABLE party ADD CONSTRAINT party_kind_check
    CHECK (kind IN ('terminal', 'kiosk', 'operator', 'gateway', 'server', 'ocsp-responder'));
