BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `notes.v1.Notebook` WHERE trine_in_time(version) AND `f_owner` = ? AND delete_time IS NULL ORDER BY key LIMIT ?
--   SEARCH notes.v1.Notebook USING INDEX notes.v1.Notebook:owner:owner (f_owner=?)

ROLLBACK

