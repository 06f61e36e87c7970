ALTER TABLE trine.generation DROP COLUMN overlay;
ALTER TABLE trine.schema_history DROP COLUMN state;
