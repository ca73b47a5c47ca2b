DROP TABLE counted_event;
