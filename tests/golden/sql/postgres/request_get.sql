SELECT request, state, attempt, apply_time, consistency_token, result FROM trine.requests WHERE id = $1
--   Index Scan using requests_pkey on requests
--     Index Cond: (id = $)

SELECT request, state, attempt, apply_time, consistency_token, result FROM trine.requests WHERE id < $1 ORDER BY id DESC LIMIT $2
--   Limit
--     ->  Index Scan Backward using requests_pkey on requests
--           Index Cond: (id < $)

