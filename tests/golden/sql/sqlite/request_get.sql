BEGIN

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

SELECT request, state, attempt, apply_time, consistency_token, result FROM trine_requests WHERE id = ?
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id=?)

COMMIT

BEGIN

SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)
--   SCAN CONSTANT ROW

SELECT request, state, attempt, apply_time, consistency_token, result FROM trine_requests WHERE id < ? ORDER BY id DESC LIMIT ?
--   SEARCH trine_requests USING INDEX sqlite_autoindex_trine_requests_1 (id<?)

COMMIT

