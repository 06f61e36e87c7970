BEGIN IMMEDIATE

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

UPDATE trine_requests SET state = 'DONE', result = ?, apply_time = ?, consistency_token = ?, done_time = ?, failed = ?, decided = NULL WHERE id = ? AND attempt = ? AND state IN ('RUNNING', 'APPLYING') RETURNING EXISTS (SELECT 1 FROM trine_requests later WHERE later.resource = trine_requests.resource AND later.number > trine_requests.number AND later.state <> 'DONE')
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id=?)
--   CORRELATED SCALAR SUBQUERY 1
--   SEARCH later USING INDEX trine_requests_order (resource=? AND number>?)

COMMIT

