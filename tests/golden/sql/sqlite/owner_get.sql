SELECT c.value, e.key, e.doc, e.version, e.create_time, e.update_time, e.delete_time, e.purge_time, e.schema_id, k.key FROM trine_counter c LEFT JOIN json_each(?) k LEFT JOIN `notes.v1.Notebook` e ON e.key = json_extract(k.value, '$[0]') AND (json_extract(k.value, '$[1]') IS NULL OR e.`f_owner` = json_extract(k.value, '$[1]'))
--   SCAN c
--   SCAN k VIRTUAL TABLE INDEX 1: LEFT-JOIN
--   SEARCH e USING INDEX sqlite_autoindex_notes.v1.Notebook_1 (key=?) LEFT-JOIN

