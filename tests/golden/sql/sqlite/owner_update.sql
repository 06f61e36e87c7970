BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `notes.v1.Notebook` WHERE key = ? AND (? IS NULL OR `f_owner` = ?)
--   SEARCH notes.v1.Notebook USING INDEX sqlite_autoindex_notes.v1.Notebook_1 (key=?)

UPDATE `notes.v1.Notebook` SET doc = ?, version = ?, schema_id = ?, update_time = ?, request_id = ?, traceparent = ?, `f_title` = ?, `f_owner` = ?, `f_slug` = ? WHERE key = ?
--   SEARCH notes.v1.Notebook USING INDEX sqlite_autoindex_notes.v1.Notebook_1 (key=?)

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

