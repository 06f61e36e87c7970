SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.Entry" WHERE parent = $1 AND delete_time IS NULL ORDER BY create_time DESC NULLS LAST, key LIMIT $2) t ON TRUE ORDER BY t.create_time DESC NULLS LAST, t.key
--   Sort
--     Sort Key: "blog.v1.Entry".create_time COLLATE "C" DESC NULLS LAST, "blog.v1.Entry".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Incremental Sort
--                       Sort Key: "blog.v1.Entry".create_time COLLATE "C" DESC NULLS LAST, "blog.v1.Entry".key COLLATE "C"
--                       Presorted Key: "blog.v1.Entry".create_time
--                       ->  Index Scan Backward using "blog.v1.Entry:index:create_time" on "blog.v1.Entry"
--                             Index Cond: (parent = $)
--                             Filter: (delete_time IS NULL)

SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.Entry" WHERE parent = $1 AND delete_time IS NULL ORDER BY create_time DESC NULLS LAST, key LIMIT $2) t ON TRUE ORDER BY t.create_time DESC NULLS LAST, t.key
--   Sort
--     Sort Key: "blog.v1.Entry".create_time COLLATE "C" DESC NULLS LAST, "blog.v1.Entry".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Incremental Sort
--                       Sort Key: "blog.v1.Entry".create_time COLLATE "C" DESC NULLS LAST, "blog.v1.Entry".key COLLATE "C"
--                       Presorted Key: "blog.v1.Entry".create_time
--                       ->  Index Scan Backward using "blog.v1.Entry:index:create_time" on "blog.v1.Entry"
--                             Index Cond: (parent = $)
--                             Filter: (delete_time IS NULL)

SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.Entry" WHERE parent = $1 AND delete_time IS NULL AND create_time <= $2 AND (((create_time < $3 OR create_time IS NULL)) OR (create_time = $4 AND key > $5)) ORDER BY create_time DESC NULLS LAST, key LIMIT $6) t ON TRUE ORDER BY t.create_time DESC NULLS LAST, t.key
--   Sort
--     Sort Key: "blog.v1.Entry".create_time COLLATE "C" DESC NULLS LAST, "blog.v1.Entry".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Incremental Sort
--                       Sort Key: "blog.v1.Entry".create_time COLLATE "C" DESC NULLS LAST, "blog.v1.Entry".key COLLATE "C"
--                       Presorted Key: "blog.v1.Entry".create_time
--                       ->  Index Scan Backward using "blog.v1.Entry:index:create_time" on "blog.v1.Entry"
--                             Index Cond: ((parent = $) AND (create_time <= $))
--                             Filter: ((delete_time IS NULL) AND ((create_time < $) OR (create_time IS NULL) OR ((create_time = $) AND (key > $))))

