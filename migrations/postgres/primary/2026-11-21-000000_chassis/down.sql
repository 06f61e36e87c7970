DROP TABLE trine.operations, trine.idempotency, trine.writers, trine.identity, trine.backfill,
    trine.generation, trine.schema_history;
DROP SEQUENCE trine.version;
