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

SELECT t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM trine."archive.v1.Cabinet" t WHERE t.key = ANY($1) ORDER BY t.key FOR UPDATE OF t SKIP LOCKED
--   LockRows
--     ->  Sort
--           Sort Key: key COLLATE "C"
--           ->  Bitmap Heap Scan on "archive.v1.Cabinet" t
--                 Recheck Cond: (key = ANY ($))
--                 ->  Bitmap Index Scan on "archive.v1.Cabinet_pkey"
--                       Index Cond: (key = ANY ($))

DELETE FROM trine."archive.v1.Cabinet" WHERE key = ANY($1)
--   Delete on "archive.v1.Cabinet"
--     ->  Bitmap Heap Scan on "archive.v1.Cabinet"
--           Recheck Cond: (key = ANY ($))
--           ->  Bitmap Index Scan on "archive.v1.Cabinet_pkey"
--                 Index Cond: (key = ANY ($))

SELECT count(*) FROM (SELECT 1 FROM trine."archive.v1.Folder" WHERE key > $1 AND key < $2 AND delete_time IS NULL LIMIT $3) AS found
--   Aggregate
--     ->  Limit
--           ->  Index Scan using "archive.v1.Folder_pkey" on "archive.v1.Folder"
--                 Index Cond: ((key > $) AND (key < $))
--                 Filter: (delete_time IS NULL)

UPDATE trine."archive.v1.Folder" SET version = nextval('trine.version'), update_time = $1, delete_time = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"000Z"'), purge_time = to_char(now() AT TIME ZONE 'UTC' + interval '30 days', 'YYYY-MM-DD"T"HH24:MI:SS.US"000Z"'), request_id = $2, traceparent = $3 WHERE key > $4 AND key < $5 AND delete_time IS NULL
--   Update on "archive.v1.Folder"
--     ->  Bitmap Heap Scan on "archive.v1.Folder"
--           Recheck Cond: ((key > $) AND (key < $))
--           Filter: (delete_time IS NULL)
--           ->  Bitmap Index Scan on "archive.v1.Folder_pkey"
--                 Index Cond: ((key > $) AND (key < $))

SELECT count(*) FROM (SELECT 1 FROM trine."archive.v1.Page" WHERE key > $1 AND key < $2 LIMIT $3) AS found
--   Aggregate
--     ->  Limit
--           ->  Index Only Scan using "archive.v1.Page_pkey" on "archive.v1.Page"
--                 Index Cond: ((key > $) AND (key < $))

DELETE FROM trine."archive.v1.Page" WHERE key > $1 AND key < $2
--   Delete on "archive.v1.Page"
--     ->  Bitmap Heap Scan on "archive.v1.Page"
--           Recheck Cond: ((key > $) AND (key < $))
--           ->  Bitmap Index Scan on "archive.v1.Page_pkey"
--                 Index Cond: ((key > $) AND (key < $))

SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline
--   Result

