BEGIN IMMEDIATE

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

UPDATE trine_requests SET state = 'APPLYING', decided = ? WHERE id = ? AND attempt = ? AND state = 'RUNNING'
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id=?)

COMMIT

