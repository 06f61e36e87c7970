UPDATE trine.requests SET state = 'DONE', done = TRUE, done_time = clock_timestamp(), result = $1, apply_time = $2, consistency_token = $3, failed = $4, decided = NULL WHERE id = $5 AND attempt = $6 AND state IN ('RUNNING', 'APPLYING')
--   Update on requests
--     ->  Index Scan using requests_pkey on requests
--           Index Cond: (id = $)
--           Filter: ((state = ANY ($)) AND (attempt = $))

