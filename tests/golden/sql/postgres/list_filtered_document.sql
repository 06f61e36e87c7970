SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN LATERAL (SELECT * FROM trine."blog.v1.Entry" WHERE parent = $1 AND delete_time IS NULL AND ((doc #>> $2) COLLATE "C" = $3 OR (doc #>> $4) IS NULL) AND (EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof((doc #> $5)) WHEN 'array' THEN (doc #> $6) END) AS e1(value) WHERE (e1.value #>> $7) COLLATE "C" = $8)) IS NOT TRUE ORDER BY key LIMIT $9) t ON TRUE ORDER BY t.key
--   Sort
--     Sort Key: "blog.v1.Entry".key COLLATE "C"
--     ->  Nested Loop Left Join
--           ->  Result
--           ->  Limit
--                 ->  Sort
--                       Sort Key: "blog.v1.Entry".key COLLATE "C"
--                       ->  Bitmap Heap Scan on "blog.v1.Entry"
--                             Recheck Cond: (parent = $)
--                             Filter: ((delete_time IS NULL) AND ((((doc #>> $))::text = $) OR ((doc #>> $) IS NULL)) AND ((SubPlan 1) IS NOT TRUE))
--                             ->  Bitmap Index Scan on "blog.v1.Entry:index:create_time"
--                                   Index Cond: (parent = $)
--                             SubPlan 1
--                               ->  Function Scan on jsonb_array_elements e1
--                                     Filter: (((value #>> $))::text = $)

