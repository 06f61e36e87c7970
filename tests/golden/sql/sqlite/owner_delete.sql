BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SAVEPOINT member

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `notes.v1.Notebook` WHERE key = ? AND (? IS NULL OR `f_owner` = ?)
--   SEARCH notes.v1.Notebook USING INDEX sqlite_autoindex_notes.v1.Notebook_1 (key=?)

UPDATE `notes.v1.Notebook` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH notes.v1.Notebook USING INDEX sqlite_autoindex_notes.v1.Notebook_1 (key=?)

SELECT count(*) FROM (SELECT 1 FROM `notes.v1.Page` WHERE key > ? AND key < ? AND `f_owner` IS NOT ? LIMIT 1)
--   CO-ROUTINE (subquery-1)
--   SEARCH notes.v1.Page USING INDEX sqlite_autoindex_notes.v1.Page_1 (key>? AND key<?)
--   SCAN (subquery-1)

SELECT key FROM `notes.v1.Page` WHERE key > ? AND key < ? ORDER BY key LIMIT ?
--   SEARCH notes.v1.Page USING COVERING INDEX sqlite_autoindex_notes.v1.Page_1 (key>? AND key<?)

RELEASE member

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

