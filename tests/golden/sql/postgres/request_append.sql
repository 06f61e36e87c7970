INSERT INTO trine.requests (id, digest, fingerprint, request, state) VALUES ($1, $2, $3, $4, 'ACCEPTED') ON CONFLICT DO NOTHING
--   Insert on requests
--     Conflict Resolution: NOTHING
--     ->  Result

INSERT INTO trine.requests (id, digest, fingerprint, request, state) VALUES ($1, $2, $3, $4, 'ACCEPTED') ON CONFLICT DO NOTHING
--   Insert on requests
--     Conflict Resolution: NOTHING
--     ->  Result

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

