BEGIN

SELECT value FROM trine_counter
--   SCAN trine_counter

SELECT key, doc, version, create_time, update_time, delete_time, purge_time, schema_id FROM `blog.v1.User` WHERE trine_in_time(version) AND delete_time IS NULL AND (`f_email` = ? AND `f_email` <> '') ORDER BY key LIMIT ?
--   SEARCH blog.v1.User USING INDEX blog.v1.User:unique:email (f_email=?)

ROLLBACK

