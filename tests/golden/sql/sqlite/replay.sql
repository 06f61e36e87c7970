BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SAVEPOINT member

SELECT fingerprint, answer FROM trine_idempotency WHERE principal = ? AND scope = ? AND key = ?
--   SEARCH trine_idempotency USING PRIMARY KEY (principal=? AND scope=? AND key=?)

RELEASE member

COMMIT

