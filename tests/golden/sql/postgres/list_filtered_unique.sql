SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.User" WHERE delete_time IS NULL AND "f_email" = $1 ORDER BY key LIMIT $2) t ON TRUE ORDER BY t.key
--   Sort
--     Sort Key: "blog.v1.User".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Sort
--                       Sort Key: "blog.v1.User".key COLLATE "C"
--                       ->  Index Scan using "blog.v1.User:unique:email" on "blog.v1.User"
--                             Index Cond: (f_email = $)

