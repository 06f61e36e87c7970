BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

INSERT INTO `blog.v1.User` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_email`, `f_entry_count`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SAVEPOINT member

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.User` WHERE key = ?
--   SEARCH blog.v1.User USING INDEX sqlite_autoindex_blog.v1.User_1 (key=?)

DELETE FROM `blog.v1.User` WHERE key = ?
--   SEARCH blog.v1.User USING INDEX sqlite_autoindex_blog.v1.User_1 (key=?)

SELECT key FROM `blog.v1.Entry` WHERE key > ? AND key < ? ORDER BY key LIMIT ?
--   SEARCH blog.v1.Entry USING COVERING INDEX sqlite_autoindex_blog.v1.Entry_1 (key>? AND key<?)

SELECT key FROM `blog.v1.Follow` WHERE key > ? AND key < ? ORDER BY key LIMIT ?
--   SEARCH blog.v1.Follow USING COVERING INDEX sqlite_autoindex_blog.v1.Follow_1 (key>? AND key<?)

RELEASE member

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

