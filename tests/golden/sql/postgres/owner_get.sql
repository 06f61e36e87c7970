SELECT p.lsn, p.timeline, t.key, t.doc::text, t.version, t.create_time, t.update_time, t.delete_time, t.purge_time, t.schema_id::bigint, t.ordinal FROM (SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, CASE WHEN pg_is_in_recovery() THEN coalesce((pg_stat_get_wal_receiver()).received_tli, (pg_control_checkpoint()).timeline_id)::bigint ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline) p LEFT JOIN (SELECT t.*, r.ordinal FROM unnest($1, $2) WITH ORDINALITY AS r(key, owner, ordinal) JOIN trine."notes.v1.Notebook" t ON t.key = r.key AND (r.owner IS NULL OR t."f_owner" = r.owner)) t ON TRUE
--   Nested Loop Left Join
--     ->  Result
--     ->  Nested Loop
--           ->  Function Scan on r
--           ->  Index Scan using "notes.v1.Notebook_pkey" on "notes.v1.Notebook" t
--                 Index Cond: (key = (r.key)::text)
--                 Filter: ((r.owner IS NULL) OR (f_owner = r.owner))

