DROP FUNCTION trine.boolean_of(jsonb, boolean), trine.integer_of(jsonb, bigint),
    trine.unsigned_of(jsonb, numeric), trine.real_of(jsonb, double precision), trine.time_of(text) CASCADE;
