DROP TABLE trine.requests;
