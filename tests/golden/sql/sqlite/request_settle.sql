BEGIN IMMEDIATE

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

UPDATE trine_requests SET state = 'DONE', result = ?, apply_time = ?, consistency_token = ?, done_time = ?, failed = ?, decided = NULL WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING')
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id=?)

COMMIT

