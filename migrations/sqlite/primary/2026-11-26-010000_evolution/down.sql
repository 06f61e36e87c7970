ALTER TABLE trine_generation DROP COLUMN overlay;
ALTER TABLE trine_schema_history DROP COLUMN state;
