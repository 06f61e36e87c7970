PRAGMA synchronous = FULL

BEGIN IMMEDIATE

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

SELECT EXISTS (SELECT 1 FROM trine_requests WHERE resource = ? AND state <> 'DONE')
--   SCAN CONSTANT ROW
--   SCALAR SUBQUERY 1
--   SEARCH trine_requests USING INDEX trine_requests_order (resource=?)

INSERT INTO trine_requests (id, resource, principal, scope, key, fingerprint, request, state, attempt, due_ms, accepted_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

SELECT EXISTS (SELECT 1 FROM trine_requests WHERE resource = ? AND state <> 'DONE')
--   SCAN CONSTANT ROW
--   SCALAR SUBQUERY 1
--   SEARCH trine_requests USING INDEX trine_requests_order (resource=?)

INSERT INTO trine_requests (id, resource, principal, scope, key, fingerprint, request, state, attempt, due_ms, accepted_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

SELECT id, fingerprint FROM trine_requests WHERE (principal = ? AND scope = ? AND key = ? AND failed = 0) OR id = ?
--   MULTI-INDEX OR
--   INDEX 1
--   SEARCH trine_requests USING INDEX trine_requests_key (principal=? AND scope=? AND key=?)
--   INDEX 2
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id=?)

SELECT request, state, attempt, apply_time, consistency_token, result FROM trine_requests WHERE id = ?
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id=?)

COMMIT

