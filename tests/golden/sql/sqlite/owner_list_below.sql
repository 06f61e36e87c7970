BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `notes.v1.Page` WHERE trine_in_time(version) AND key > ? AND key < ? AND `f_owner` = ? AND delete_time IS NULL ORDER BY key LIMIT ?
--   SEARCH notes.v1.Page USING INDEX notes.v1.Page:owner:owner (f_owner=? AND key>? AND key<?)

ROLLBACK

