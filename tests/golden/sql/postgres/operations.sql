SELECT id, operation FROM trine.operations WHERE id = ANY($1)
--   Index Scan using operations_pkey on operations
--     Index Cond: (id = ANY ($))

SELECT operation FROM trine.operations WHERE id < $1 ORDER BY id DESC LIMIT $2
--   Limit
--     ->  Index Scan Backward using operations_pkey on operations
--           Index Cond: (id < $)

