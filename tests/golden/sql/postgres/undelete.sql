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

SELECT t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM trine."archive.v1.Folder" t WHERE t.key = ANY($1) ORDER BY t.key FOR UPDATE OF t SKIP LOCKED
--   LockRows
--     ->  Sort
--           Sort Key: key COLLATE "C"
--           ->  Bitmap Heap Scan on "archive.v1.Folder" t
--                 Recheck Cond: (key = ANY ($))
--                 ->  Bitmap Index Scan on "archive.v1.Folder_pkey"
--                       Index Cond: (key = ANY ($))

SELECT r.ordinal FROM unnest($1, $2, $3) AS r(ordinal, key, "f_code") JOIN trine."archive.v1.Folder" t ON t."f_code" = r."f_code"::text AND t.delete_time IS NULL AND t."f_code" IS NOT NULL AND t."f_code" <> '' AND t.key <> r.key
--   Nested Loop
--     ->  Function Scan on r
--     ->  Index Scan using "archive.v1.Folder:unique:code" on "archive.v1.Folder" t
--           Index Cond: (f_code = (r.f_code)::text)
--           Filter: (key <> r.key)

UPDATE trine."archive.v1.Folder" AS t SET version = r.version, update_time = $1, delete_time = NULL, purge_time = NULL, request_id = r.request_id, traceparent = r.traceparent FROM unnest($2, $3, $4, $5) AS r(key, version, request_id, traceparent) WHERE t.key = r.key RETURNING t.key, t.delete_time, t.purge_time
--   Update on "archive.v1.Folder" t
--     ->  Nested Loop
--           ->  Function Scan on r
--           ->  Index Scan using "archive.v1.Folder_pkey" on "archive.v1.Folder" t
--                 Index Cond: (key = (r.key)::text)

SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline
--   Result

