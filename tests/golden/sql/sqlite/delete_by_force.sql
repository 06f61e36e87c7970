BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SAVEPOINT member

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `archive.v1.Cabinet` WHERE key = ?
--   SEARCH archive.v1.Cabinet USING INDEX sqlite_autoindex_archive.v1.Cabinet_1 (key=?)

DELETE FROM `archive.v1.Cabinet` WHERE key = ?
--   SEARCH archive.v1.Cabinet USING INDEX sqlite_autoindex_archive.v1.Cabinet_1 (key=?)

SELECT key FROM `archive.v1.Folder` WHERE key > ? AND key < ? AND delete_time IS NULL ORDER BY key LIMIT ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key>? AND key<?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

UPDATE `archive.v1.Folder` SET version = ?, update_time = ?, delete_time = ?, purge_time = ?, request_id = ?, traceparent = ? WHERE key = ?
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

SELECT key FROM `archive.v1.Page` WHERE key > ? AND key < ? ORDER BY key LIMIT ?
--   SEARCH archive.v1.Page USING COVERING INDEX sqlite_autoindex_archive.v1.Page_1 (key>? AND key<?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

DELETE FROM `archive.v1.Page` WHERE key = ?
--   SEARCH archive.v1.Page USING INDEX sqlite_autoindex_archive.v1.Page_1 (key=?)

RELEASE member

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

