PRAGMA synchronous = NORMAL

BEGIN IMMEDIATE

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

UPDATE trine_requests SET attempt = attempt + 1, due_ms = ?, state = CASE WHEN decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END WHERE id IN (SELECT id FROM trine_requests WHERE state <> 'DONE' AND due_ms <= ? ORDER BY due_ms, id LIMIT ?) RETURNING request, attempt, faults, decided
--   SEARCH trine_requests USING COVERING INDEX sqlite_autoindex_trine_requests_1 (id=?)
--   LIST SUBQUERY 1
--   SEARCH trine_requests USING INDEX trine_requests_due (due_ms<?)
--   USE TEMP B-TREE FOR LAST TERM OF ORDER BY

COMMIT

