DROP INDEX register_event_ended;
DROP TABLE register_hold;
