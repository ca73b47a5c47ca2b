DROP TABLE status_lease;
