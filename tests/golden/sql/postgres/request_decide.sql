WITH step AS MATERIALIZED (SELECT step.* FROM trine.requests r JOIN unnest($1, $2, $3) AS step (id, attempt, decided) ON r.id = step.id ORDER BY r.id FOR UPDATE OF r) UPDATE trine.requests r SET state = 'APPLYING', decided = step.decided FROM step WHERE r.id = step.id AND r.attempt = step.attempt AND r.state = 'RUNNING' RETURNING r.id, r.attempt, FALSE
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
--                 Filter: ((state = $) AND (step.attempt = attempt))

