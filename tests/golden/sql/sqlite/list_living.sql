BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `archive.v1.Folder` WHERE trine_in_time(version) AND key > ? AND key < ? AND delete_time IS NULL ORDER BY key LIMIT ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key>? AND key<?)

ROLLBACK

