WITH due AS (SELECT id FROM trine.requests candidate WHERE NOT done AND due_time <= clock_timestamp() AND NOT EXISTS (SELECT 1 FROM trine.requests older WHERE older.resource = candidate.resource AND older.number < candidate.number AND NOT older.done) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) UPDATE trine.requests r SET attempt = r.attempt + 1, due_time = clock_timestamp() + $2 * interval '1 millisecond', state = CASE WHEN r.decided IS NULL THEN 'RUNNING' ELSE 'APPLYING' END FROM due WHERE r.id = due.id RETURNING r.request, r.attempt, r.faults, r.decided
--   Update on requests r
--     CTE due
--       ->  Limit
--             ->  LockRows
--                   ->  Nested Loop Anti Join
--                         ->  Index Scan using requests_pending on requests candidate
--                               Filter: ((NOT done) AND (due_time <= clock_timestamp()))
--                         ->  Index Scan using requests_order on requests older
--                               Index Cond: ((resource = candidate.resource) AND (number < candidate.number))
--                               Filter: (NOT done)
--     ->  Nested Loop
--           ->  CTE Scan on due
--           ->  Index Scan using requests_pkey on requests r
--                 Index Cond: (id = due.id)

