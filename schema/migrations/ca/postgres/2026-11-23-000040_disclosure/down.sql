DROP INDEX certificate_resident;
DROP TABLE disclosure;
