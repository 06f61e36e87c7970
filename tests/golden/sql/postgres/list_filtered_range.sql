SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.Entry" WHERE parent = $1 AND delete_time IS NULL AND ("f_title" >= $2 AND "f_title" < $3) AND ("f_state" = $4 OR ((doc #>> $5) COLLATE "C" = $6) IS NOT TRUE) ORDER BY key LIMIT $7) t ON TRUE ORDER BY t.key
--   Sort
--     Sort Key: "blog.v1.Entry".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Sort
--                       Sort Key: "blog.v1.Entry".key COLLATE "C"
--                       ->  Bitmap Heap Scan on "blog.v1.Entry"
--                             Recheck Cond: ((parent = $) AND (f_title >= $) AND (f_title < $))
--                             Filter: ((delete_time IS NULL) AND ((f_state = $) OR ((((doc #>> $))::text = $) IS NOT TRUE)))
--                             ->  Bitmap Index Scan on "blog.v1.Entry:index:title"
--                                   Index Cond: ((parent = $) AND (f_title >= $) AND (f_title < $))

SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.Entry" WHERE parent = $1 AND delete_time IS NULL AND "f_publish_time" >= $2 AND "f_publish_time" < $3 ORDER BY key LIMIT $4) t ON TRUE ORDER BY t.key
--   Sort
--     Sort Key: "blog.v1.Entry".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Sort
--                       Sort Key: "blog.v1.Entry".key COLLATE "C"
--                       ->  Bitmap Heap Scan on "blog.v1.Entry"
--                             Recheck Cond: ((parent = $) AND (f_publish_time >= $) AND (f_publish_time < $))
--                             Filter: (delete_time IS NULL)
--                             ->  Bitmap Index Scan on "blog.v1.Entry:index:publish_time"
--                                   Index Cond: ((parent = $) AND (f_publish_time >= $) AND (f_publish_time < $))

