SELECT digest, fingerprint, answer FROM trine.idempotency WHERE digest = ANY($1)
--   Append
--     ->  Bitmap Heap Scan on idempotency_hour idempotency_hour
--           Recheck Cond: (digest = ANY ($))
--           ->  Bitmap Index Scan on idempotency_hour_pkey
--                 Index Cond: (digest = ANY ($))
--     ->  Index Scan using idempotency_hour_pkey on idempotency_hour idempotency_hour
--           Index Cond: (digest = ANY ($))
--     ->  Index Scan using idempotency_other_pkey on idempotency_other idempotency_hour
--           Index Cond: (digest = ANY ($))

