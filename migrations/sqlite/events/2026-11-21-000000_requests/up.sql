-- Requests that were answered 202, and what became of them. With rowids: a row is longer than what a page
-- of a table without them holds, and each would be kept, and written twice, on a page of its own.
CREATE TABLE trine_requests (
    -- In the order of acceptance. Declared, so that VACUUM keeps it.
    number          INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    -- What a plain write writes: it waits for every older one of the same. Null: waits for nobody.
    resource        TEXT,
    principal       TEXT NOT NULL,
    scope           TEXT NOT NULL,
    key             TEXT NOT NULL,
    fingerprint     BLOB NOT NULL,
    -- The accepted request as JSON.
    request         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('ACCEPTED', 'RUNNING', 'APPLYING', 'DONE')),
    attempt         INTEGER NOT NULL DEFAULT 0,
    -- Attempts that failed for a reason that waiting does not mend.
    faults          INTEGER NOT NULL DEFAULT 0,
    -- ACCEPTED: not claimed before. RUNNING, APPLYING: when the lease runs out. Milliseconds since the epoch.
    due_ms          INTEGER NOT NULL,
    accepted_ms     INTEGER NOT NULL,
    decided         TEXT,
    apply_time      TEXT,
    consistency_token TEXT,
    result          TEXT,
    done_time       TEXT,
    -- A failed request does not keep its key: a retry is a new request.
    failed          INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX trine_requests_key ON trine_requests (principal, scope, key) WHERE failed = 0;
CREATE INDEX trine_requests_due ON trine_requests (due_ms) WHERE state <> 'DONE';
CREATE INDEX trine_requests_order ON trine_requests (resource, number)
    WHERE state <> 'DONE' AND resource IS NOT NULL;
CREATE INDEX trine_requests_done ON trine_requests (done_time) WHERE state = 'DONE';
