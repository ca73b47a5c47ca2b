DROP TABLE paper_deletion;
DROP TABLE kept_paper_chunk;
DROP TABLE kept_paper;
