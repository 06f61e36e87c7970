BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL ORDER BY create_time DESC, key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:create_time (parent=?)
--   USE TEMP B-TREE FOR LAST TERM OF ORDER BY

ROLLBACK

BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL ORDER BY create_time DESC, key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:create_time (parent=?)
--   USE TEMP B-TREE FOR LAST TERM OF ORDER BY

ROLLBACK

BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE trine_in_time(version) AND parent = ? AND delete_time IS NULL AND create_time <= ? AND (((create_time < ? OR create_time IS NULL)) OR (create_time = ? AND key > ?)) ORDER BY create_time DESC, key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX blog.v1.Entry:index:create_time (parent=? AND create_time<?)
--   USE TEMP B-TREE FOR LAST TERM OF ORDER BY

ROLLBACK

