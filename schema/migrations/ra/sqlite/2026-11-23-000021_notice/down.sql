DROP TABLE check_code;
DROP TABLE notice;
