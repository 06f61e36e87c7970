BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE key > ? AND key < ? AND delete_time IS NULL ORDER BY key LIMIT ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key>? AND key<?)

ROLLBACK

