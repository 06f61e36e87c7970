WITH step AS MATERIALIZED (SELECT step.* FROM trine.requests r JOIN unnest($1, $2, $3, $4, $5, $6) AS step (id, attempt, result, failed, apply_time, token) ON r.id = step.id ORDER BY r.id FOR UPDATE OF r) UPDATE trine.requests r SET state = 'DONE', done = TRUE, done_time = clock_timestamp(), result = step.result, failed = step.failed, apply_time = step.apply_time, consistency_token = step.token, decided = NULL FROM step WHERE r.id = step.id AND r.attempt = step.attempt AND r.state IN ('RUNNING', 'APPLYING') RETURNING r.id, r.attempt, EXISTS (SELECT 1 FROM trine.requests later WHERE later.resource = r.resource AND later.number > r.number AND NOT later.done)
--   Update on requests r
--     CTE step
--       ->  LockRows
--             ->  Sort
--                   Sort Key: step_1.id COLLATE "C"
--                   ->  Nested Loop
--                         ->  Function Scan on step_1
--                         ->  Index Scan using requests_pkey on requests r_1
--                               Index Cond: (id = (step_1.id)::text)
--     ->  Nested Loop
--           ->  CTE Scan on step
--           ->  Index Scan using requests_pkey on requests r
--                 Index Cond: (id = (step.id)::text)
--                 Filter: ((state = ANY ($)) AND (step.attempt = attempt))
--     SubPlan 2
--       ->  Index Only Scan using requests_order on requests later
--             Index Cond: ((resource = r.resource) AND (number > r.number))

