UPDATE trine.requests r SET state = 'DONE', done = TRUE, done_time = clock_timestamp(), result = step.result, failed = step.failed, apply_time = step.apply_time, consistency_token = step.token, decided = NULL FROM unnest($1, $2, $3, $4, $5, $6) AS step (id, attempt, result, failed, apply_time, token) WHERE r.id = step.id AND r.attempt = step.attempt AND r.state IN ('RUNNING', 'APPLYING') RETURNING r.id, r.attempt
--   Update on requests r
--     ->  Nested Loop
--           ->  Function Scan on step
--           ->  Index Scan using requests_pkey on requests r
--                 Index Cond: (id = (step.id)::text)
--                 Filter: ((state = ANY ($)) AND (step.attempt = attempt))

