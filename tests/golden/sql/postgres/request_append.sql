WITH new AS MATERIALIZED (SELECT id, digest, fingerprint, request, resource, lease_ms, CASE WHEN EXISTS (SELECT 1 FROM trine.requests older WHERE older.resource = new.resource AND NOT older.done) THEN 0 ELSE attempt END AS attempt FROM unnest($1, $2, $3, $4, $5, $6, $7) AS new (id, digest, fingerprint, request, resource, attempt, lease_ms)) INSERT INTO trine.requests (id, digest, fingerprint, request, resource, attempt, state, due_time) SELECT id, digest, fingerprint, request, resource, attempt, CASE attempt WHEN 0 THEN 'ACCEPTED' ELSE 'RUNNING' END, clock_timestamp() + sign(attempt) * lease_ms * interval '1 millisecond' FROM new ON CONFLICT DO NOTHING RETURNING id, attempt
--   Insert on requests
--     Conflict Resolution: NOTHING
--     CTE new
--       ->  Function Scan on new_1
--             SubPlan 1
--               ->  Index Only Scan using requests_order on requests older
--                     Index Cond: (resource = new_1.resource)
--     ->  Subquery Scan on "*SELECT*"
--           ->  CTE Scan on new

SELECT id, fingerprint FROM trine.requests WHERE (digest = $1 AND NOT failed) OR id = $2
--   Bitmap Heap Scan on requests
--     Recheck Cond: (((digest = $) AND (NOT failed)) OR (id = $))
--     ->  BitmapOr
--           ->  Bitmap Index Scan on requests_key
--                 Index Cond: (digest = $)
--           ->  Bitmap Index Scan on requests_pkey
--                 Index Cond: (id = $)

SELECT request, state, attempt, apply_time, consistency_token, result FROM trine.requests WHERE id = $1
--   Index Scan using requests_pkey on requests
--     Index Cond: (id = $)

