DROP INDEX application_by_change;
