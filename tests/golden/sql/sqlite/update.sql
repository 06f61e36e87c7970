BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE key = ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?)

UPDATE `blog.v1.Entry` SET doc = ?, version = ?, schema_id = ?, update_time = ?, request_id = ?, traceparent = ?, `f_title` = ?, `f_state` = ?, `f_publish_time` = ? WHERE key = ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?)

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE key = ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?)

UPDATE `blog.v1.Entry` SET doc = ?, version = ?, schema_id = ?, update_time = ?, request_id = ?, traceparent = ?, `f_title` = ?, `f_state` = ?, `f_publish_time` = ? WHERE key = ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?)

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.Entry` WHERE key = ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?)

UPDATE `blog.v1.Entry` SET doc = ?, version = ?, schema_id = ?, update_time = ?, request_id = ?, traceparent = ?, `f_title` = ?, `f_state` = ?, `f_publish_time` = ? WHERE key = ?
--   SEARCH blog.v1.Entry USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?)

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

