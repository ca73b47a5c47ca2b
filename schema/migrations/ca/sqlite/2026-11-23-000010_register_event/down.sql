DROP TABLE register_position;
DROP TABLE register_event;
ALTER TABLE certificate DROP COLUMN identified_at;
