PRAGMA synchronous = NORMAL

BEGIN IMMEDIATE

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

UPDATE trine_requests SET attempt = attempt + 1, due_ms = ?, state = CASE WHEN decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END WHERE number IN (SELECT number FROM trine_requests due WHERE state <> 'DONE' AND due_ms <= ? AND NOT EXISTS (SELECT 1 FROM trine_requests older WHERE older.resource = due.resource AND older.number < due.number AND older.state <> 'DONE') ORDER BY due_ms, number LIMIT ?) RETURNING request, attempt, faults, decided
--   SEARCH trine_requests USING INTEGER PRIMARY KEY (rowid=?)
--   LIST SUBQUERY 2
--   SEARCH due USING INDEX trine_requests_due (due_ms<?)
--   CORRELATED SCALAR SUBQUERY 1
--   SEARCH older USING INDEX trine_requests_order (resource=? AND number<?)

COMMIT

