DROP TABLE paper_order;
