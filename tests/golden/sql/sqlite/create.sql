BEGIN IMMEDIATE

SELECT g.digest, g.schema_id, c.value FROM trine_generation g, trine_counter c
--   SCAN g
--   SCAN c

INSERT INTO `blog.v1.Entry` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_title`, `f_state`, `f_publish_time`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

INSERT INTO `blog.v1.Entry` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_title`, `f_state`, `f_publish_time`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

INSERT INTO `blog.v1.Entry` (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, `f_title`, `f_state`, `f_publish_time`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING

UPDATE trine_counter SET value = ? WHERE id = 1
--   SEARCH trine_counter USING INTEGER PRIMARY KEY (rowid=?)

COMMIT

