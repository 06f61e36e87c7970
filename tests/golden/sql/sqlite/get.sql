SELECT c.value, e.key, e.doc, e.version, e.create_time, e.update_time, e.delete_time, e.purge_time, e.schema_id, k.key FROM trine_counter c LEFT JOIN json_each(?) k LEFT JOIN `blog.v1.Entry` e ON e.key = k.value
--   SCAN c
--   SCAN k VIRTUAL TABLE INDEX 1: LEFT-JOIN
--   SEARCH e USING INDEX sqlite_autoindex_blog.v1.Entry_1 (key=?) LEFT-JOIN

