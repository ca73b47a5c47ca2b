DROP TABLE register_event_also;
