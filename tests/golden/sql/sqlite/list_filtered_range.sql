BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL AND (`f_title` >= ? AND `f_title` < ?) AND (`f_state` = ? OR (json_extract(doc, ?) = ?) IS NOT TRUE) ORDER BY key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:title (parent=? AND f_title>? AND f_title<?)
--   USE TEMP B-TREE FOR ORDER BY

ROLLBACK

BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL AND `f_publish_time` >= ? AND `f_publish_time` < ? ORDER BY key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:publish_time (parent=? AND f_publish_time>? AND f_publish_time<?)
--   USE TEMP B-TREE FOR ORDER BY

ROLLBACK

