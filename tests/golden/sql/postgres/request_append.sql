INSERT INTO trine.requests (id, digest, fingerprint, request, attempt, state, due_time) SELECT id, digest, fingerprint, request, attempt, CASE attempt WHEN 0 THEN 'ACCEPTED' ELSE 'RUNNING' END, clock_timestamp() + lease_ms * interval '1 millisecond' FROM unnest($1, $2, $3, $4, $5, $6) AS new (id, digest, fingerprint, request, attempt, lease_ms) ON CONFLICT DO NOTHING RETURNING id
--   Insert on requests
--     Conflict Resolution: NOTHING
--     ->  Subquery Scan on "*SELECT*"
--           ->  Function Scan on new

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

