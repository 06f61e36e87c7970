-- Every descriptor set that was ever admitted; the newest is the storage catalogue.
CREATE TABLE trine.schema_history (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest         text COLLATE "C" NOT NULL UNIQUE,
    descriptor_set bytea NOT NULL,
    admitted_time  timestamptz NOT NULL DEFAULT now()
);

-- One row. Every commit compares the digest with the catalogue it was prepared with.
CREATE TABLE trine.generation (
    id         integer PRIMARY KEY CHECK (id = 1),
    generation bigint NOT NULL,
    digest     text COLLATE "C" NOT NULL,
    schema_id  integer NOT NULL REFERENCES trine.schema_history (id)
);

-- Tables with columns that were added for a schema which is not admitted yet: their rows must be
-- filled (again) before it is.
CREATE TABLE trine.backfill (
    table_name text COLLATE "C" PRIMARY KEY
);

-- One row: the secret of this database's consistency tokens. Who it is, the control file says.
CREATE TABLE trine.identity (
    id           integer PRIMARY KEY CHECK (id = 1),
    token_secret bytea NOT NULL
);

-- Versions of resources, never given twice.
CREATE SEQUENCE trine.version AS bigint;

-- One row a writing connection. Each commit leaves its random mark, so that a connection lost at
-- COMMIT can be asked for its outcome.
CREATE TABLE trine.writers (
    id    bigint PRIMARY KEY,
    mark  bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);

-- Answers kept under idempotency keys, in partitions of an hour that are dropped whole.
CREATE TABLE trine.idempotency (
    digest      bytea NOT NULL,
    fingerprint bytea NOT NULL,
    answer      text NOT NULL,
    -- Hours since 1970.
    hour        bigint NOT NULL DEFAULT (floor(extract(epoch FROM now()) / 3600)::bigint),
    PRIMARY KEY (digest, hour)
) PARTITION BY RANGE (hour);

-- Takes what no hour was made for, so that a write never fails for want of a partition.
CREATE TABLE trine.idempotency_other PARTITION OF trine.idempotency DEFAULT;

-- Finished operations, applied or failed. Ids are UUIDv7: the newest is the greatest.
CREATE TABLE trine.operations (
    id        text COLLATE "C" PRIMARY KEY,
    operation text NOT NULL,
    done_time timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX operations_done ON trine.operations (done_time);
