BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

SAVEPOINT member

INSERT INTO `archive.v1.Page` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

SELECT count(*) FROM `archive.v1.Folder` WHERE key = ? AND delete_time IS NOT NULL
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

RELEASE member

SAVEPOINT member

INSERT INTO `archive.v1.Page` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

SELECT count(*) FROM `archive.v1.Folder` WHERE key = ? AND delete_time IS NOT NULL
--   SEARCH archive.v1.Folder USING INDEX sqlite_autoindex_archive.v1.Folder_1 (key=?)

RELEASE member

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

