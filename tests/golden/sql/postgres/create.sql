BEGIN; SELECT pg_advisory_xact_lock_shared(1953655150, 1)
--   Result

WITH mark AS (UPDATE trine.writers SET mark = $1, since = now() WHERE id = $2 RETURNING id) SELECT digest, schema_id::bigint, (SELECT count(*) FROM mark), ARRAY(SELECT nextval('trine.version') FROM generate_series(1, $3)), ARRAY(SELECT pg_try_advisory_xact_lock(key) FROM unnest($4) AS key), ARRAY(SELECT pg_try_advisory_xact_lock_shared(1953655150, tree) FROM unnest($5) AS tree) || ARRAY(SELECT pg_try_advisory_xact_lock(1953655150, tree) FROM unnest($6) AS tree) FROM trine.generation WHERE id = 1
--   Index Scan using generation_pkey on generation
--     Index Cond: (id = 1)
--     CTE mark
--       ->  Update on writers
--             ->  Index Scan using writers_pkey on writers
--                   Index Cond: (id = $)
--     InitPlan 2 (returns $)
--       ->  Aggregate
--             ->  CTE Scan on mark
--     InitPlan 3 (returns $)
--       ->  Function Scan on generate_series
--     InitPlan 4 (returns $)
--       ->  Function Scan on unnest key
--     InitPlan 5 (returns $)
--       ->  Function Scan on unnest tree
--     InitPlan 6 (returns $)
--       ->  Function Scan on unnest tree_1

INSERT INTO trine."blog.v1.Entry" (key, parent, doc, version, schema_id, create_time, update_time, request_id, traceparent, "f_title", "f_state", "f_publish_time") SELECT r.key, r.parent, r.doc::jsonb, r.version, $1, $2, $3, r.request_id, r.traceparent, r."f_title", r."f_state", r."f_publish_time" FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12) AS r(key, parent, doc, version, request_id, traceparent, "f_title", "f_state", "f_publish_time") ON CONFLICT DO NOTHING RETURNING key, doc::text, schema_id::bigint
--   Insert on "blog.v1.Entry"
--     Conflict Resolution: NOTHING
--     ->  Function Scan on r

SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline
--   Result

