-- Requests that were answered 202, and what became of them. Steps change only columns that no
-- index holds, except the two ends of a request's life, so that updates stay on their page (HOT).
CREATE TABLE trine.requests (
    id                text COLLATE "C" PRIMARY KEY,
    -- In the order of acceptance: what was answered before another was asked has the lower number, whichever
    -- processes accepted them. The time within the ids is of clocks that differ.
    number            bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- What a plain write writes: it waits for every older one of the same. Null: waits for nobody.
    resource          text COLLATE "C",
    -- SHA-256 of principal, scope and idempotency key.
    digest            bytea NOT NULL,
    fingerprint       bytea NOT NULL,
    -- The accepted request as JSON.
    request           text NOT NULL,
    state             text NOT NULL CHECK (state IN ('ACCEPTED', 'RUNNING', 'APPLYING', 'DONE')),
    attempt           bigint NOT NULL DEFAULT 0,
    -- Attempts that failed for a reason that waiting does not mend.
    faults            bigint NOT NULL DEFAULT 0,
    -- ACCEPTED: not claimed before. RUNNING, APPLYING: when the lease runs out.
    due_time          timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted_time     timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided           text,
    apply_time        text,
    consistency_token text,
    result            text,
    done_time         timestamptz,
    -- A failed request does not keep its key: a retry is a new request.
    failed            boolean NOT NULL DEFAULT false,
    -- Of the request's, for the index of what is still to be done.
    done              boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);

CREATE UNIQUE INDEX requests_key ON trine.requests (digest) WHERE NOT failed;
CREATE INDEX requests_pending ON trine.requests (id) WHERE NOT done;
CREATE INDEX requests_order ON trine.requests (resource, number) WHERE NOT done AND resource IS NOT NULL;
CREATE INDEX requests_done ON trine.requests (done_time) WHERE done;
