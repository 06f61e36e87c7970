UPDATE trine.requests SET state = 'APPLYING', decided = $1 WHERE id = $2 AND attempt = $3 AND state = 'RUNNING'
--   Update on requests
--     ->  Index Scan using requests_pkey on requests
--           Index Cond: (id = $)
--           Filter: ((attempt = $) AND (state = $))

