DROP TABLE shift_change;
DROP TABLE opening_extension;
DROP TABLE places;
