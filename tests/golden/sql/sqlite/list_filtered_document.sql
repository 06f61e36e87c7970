BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL AND (json_extract(doc, ?) = ? OR json_extract(doc, ?) IS NULL) AND (EXISTS (SELECT 1 FROM json_each(doc, ?) AS e1 WHERE e1.value = ?)) IS NOT TRUE ORDER BY key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:create_time (parent=?)
--   CORRELATED SCALAR SUBQUERY 1
--   SCAN e1 VIRTUAL TABLE INDEX 3:
--   USE TEMP B-TREE FOR ORDER BY

ROLLBACK

