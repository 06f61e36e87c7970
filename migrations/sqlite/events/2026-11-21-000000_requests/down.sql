DROP TABLE trine_requests;
