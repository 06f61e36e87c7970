BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

INSERT INTO `blog.v1.User` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_email`, `f_entry_count`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

INSERT INTO `blog.v1.User` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_email`, `f_entry_count`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

INSERT INTO `blog.v1.User` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_email`, `f_entry_count`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.User` WHERE key = ?
--   SEARCH blog.v1.User USING INDEX sqlite_autoindex_blog.v1.User_1 (key=?)

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

