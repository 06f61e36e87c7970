BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SAVEPOINT member

SELECT operation FROM trine_operations WHERE id = ?
--   SEARCH trine_operations USING PRIMARY KEY (id=?)

SELECT fingerprint, answer FROM trine_idempotency WHERE principal = ? AND scope = ? AND key = ?
--   SEARCH trine_idempotency USING PRIMARY KEY (principal=? AND scope=? AND key=?)

INSERT INTO `blog.v1.User` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_email`, `f_entry_count`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

INSERT INTO trine_idempotency (principal, scope, key, fingerprint, answer, hour) VALUES (?, ?, ?, ?, ?, ?)

INSERT INTO trine_operations (id, operation, done_time) VALUES (?, ?, ?)

RELEASE member

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

