SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN trine."blog.v1.Entry" t ON t.key = ANY($1)
--   Nested Loop Left Join
--     ->  Result
--     ->  Bitmap Heap Scan on "blog.v1.Entry" t
--           Recheck Cond: (key = ANY ($))
--           ->  Bitmap Index Scan on "blog.v1.Entry_pkey"
--                 Index Cond: (key = ANY ($))

