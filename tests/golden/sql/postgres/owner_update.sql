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

SELECT t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint FROM unnest($1, $2) AS r(key, owner) JOIN trine."notes.v1.Notebook" t ON t.key = r.key AND (r.owner IS NULL OR t."f_owner" = r.owner) ORDER BY t.key FOR UPDATE OF t SKIP LOCKED
--   LockRows
--     ->  Sort
--           Sort Key: t.key COLLATE "C"
--           ->  Nested Loop
--                 ->  Function Scan on r
--                 ->  Index Scan using "notes.v1.Notebook_pkey" on "notes.v1.Notebook" t
--                       Index Cond: (key = (r.key)::text)
--                       Filter: ((r.owner IS NULL) OR (f_owner = r.owner))

UPDATE trine."notes.v1.Notebook" AS t SET doc = r.doc::jsonb, version = r.version, schema_id = CASE t.schema_id WHEN 0 THEN 0 ELSE $1 END, update_time = $2, request_id = r.request_id, traceparent = r.traceparent, "f_title" = r."f_title", "f_owner" = r."f_owner", "f_slug" = r."f_slug" FROM unnest($3, $4, $5, $6, $7, $8, $9, $10) AS r(key, doc, version, request_id, traceparent, "f_title", "f_owner", "f_slug") WHERE t.key = r.key RETURNING t.key, t.doc::text, t.schema_id::bigint
--   Update on "notes.v1.Notebook" t
--     ->  Nested Loop
--           ->  Function Scan on r
--           ->  Index Scan using "notes.v1.Notebook_pkey" on "notes.v1.Notebook" t
--                 Index Cond: (key = (r.key)::text)

SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline
--   Result

