UPDATE trine.requests r SET state = 'APPLYING', decided = step.decided FROM unnest($1, $2, $3) AS step (id, attempt, decided) WHERE r.id = step.id AND r.attempt = step.attempt AND r.state = 'RUNNING' RETURNING r.id, r.attempt
--   Update on requests r
--     ->  Nested Loop
--           ->  Function Scan on step
--           ->  Index Scan using requests_pkey on requests r
--                 Index Cond: (id = (step.id)::text)
--                 Filter: ((state = $) AND (step.attempt = attempt))

