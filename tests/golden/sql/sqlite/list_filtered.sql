BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL AND `f_title` = ? ORDER BY key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:title (parent=? AND f_title=?)

ROLLBACK

