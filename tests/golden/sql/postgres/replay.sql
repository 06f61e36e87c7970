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

SELECT digest, fingerprint, answer FROM trine.idempotency WHERE digest = ANY($1)
--   Append
--     ->  Bitmap Heap Scan on idempotency_hour idempotency_hour
--           Recheck Cond: (digest = ANY ($))
--           ->  Bitmap Index Scan on idempotency_hour_pkey
--                 Index Cond: (digest = ANY ($))
--     ->  Index Scan using idempotency_hour_pkey on idempotency_hour idempotency_hour
--           Index Cond: (digest = ANY ($))
--     ->  Index Scan using idempotency_other_pkey on idempotency_other idempotency_hour
--           Index Cond: (digest = ANY ($))

SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline
--   Result

