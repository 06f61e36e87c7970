-- Every descriptor set that was ever admitted; the newest is the storage catalogue.
CREATE TABLE trine_schema_history (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    digest         TEXT NOT NULL UNIQUE,
    descriptor_set BLOB NOT NULL,
    admitted_time  TEXT NOT NULL
);

-- One row. Every commit compares the digest with the catalogue it was prepared with.
CREATE TABLE trine_generation (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    schema_id  INTEGER NOT NULL REFERENCES trine_schema_history (id)
);

-- One row: who this database is, and the secret of its consistency tokens.
CREATE TABLE trine_identity (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    cluster      INTEGER NOT NULL,
    token_secret BLOB NOT NULL
);

-- One row: the last version given, never given again; also the database's position.
CREATE TABLE trine_counter (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
);
INSERT INTO trine_counter (id, value) VALUES (1, 0);

-- Answers kept under idempotency keys. `hour` (hours since the epoch) is for retention.
CREATE TABLE trine_idempotency (
    principal   TEXT NOT NULL,
    scope       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer      TEXT NOT NULL,
    hour        INTEGER NOT NULL,
    PRIMARY KEY (principal, scope, key)
) WITHOUT ROWID;
CREATE INDEX trine_idempotency_hour ON trine_idempotency (hour);

-- Finished operations, applied or failed. Ids are UUIDv7: the newest is the greatest.
CREATE TABLE trine_operations (
    id        TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    done_time TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX trine_operations_done_time ON trine_operations (done_time);
