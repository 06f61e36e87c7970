SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."notes.v1.Notebook" WHERE "f_owner" = $1 AND delete_time IS NULL AND "f_title" = $2 ORDER BY key LIMIT $3) t ON TRUE ORDER BY t.key
--   Sort
--     Sort Key: "notes.v1.Notebook".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Index Scan using "notes.v1.Notebook:index:title" on "notes.v1.Notebook"
--                       Index Cond: (f_title = $)
--                       Filter: ((delete_time IS NULL) AND (f_owner = $))

