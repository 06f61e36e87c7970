DROP TABLE trine_operations;
DROP TABLE trine_idempotency;
DROP TABLE trine_counter;
DROP TABLE trine_identity;
DROP TABLE trine_generation;
DROP TABLE trine_schema_history;
