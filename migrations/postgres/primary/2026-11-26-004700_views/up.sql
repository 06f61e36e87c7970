-- Values of documents for the relational views. None of these ever fails: one row that holds something
-- unexpected must not take the query of every other row with it. NULL: absent means `absent`; a value
-- that is no such value is NULL.

CREATE FUNCTION trine.boolean_of(value jsonb, absent boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $function$
    SELECT CASE
        WHEN value IS NULL OR value = 'null' THEN absent
        WHEN value = 'true' THEN true
        WHEN value = 'false' THEN false
    END
$function$;

-- int32 and int64, which JSON writes as a string.
CREATE FUNCTION trine.integer_of(value jsonb, absent bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
DECLARE
    digits text := value #>> '{}';
BEGIN
    IF digits IS NULL THEN
        RETURN absent;
    ELSIF digits !~ '^-?[0-9]{1,19}$' THEN
        RETURN NULL;
    ELSIF digits::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
        RETURN digits::bigint;
    END IF;
    RETURN NULL;
END
$function$;

CREATE FUNCTION trine.unsigned_of(value jsonb, absent numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
DECLARE
    digits text := value #>> '{}';
BEGIN
    IF digits IS NULL THEN
        RETURN absent;
    ELSIF digits !~ '^[0-9]{1,20}$' OR digits::numeric > 18446744073709551615 THEN
        RETURN NULL;
    END IF;
    RETURN digits::numeric;
END
$function$;

CREATE FUNCTION trine.real_of(value jsonb, absent double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
DECLARE
    number numeric;
BEGIN
    IF value IS NULL OR value = 'null' THEN
        RETURN absent;
    ELSIF jsonb_typeof(value) = 'string' THEN
        RETURN CASE value #>> '{}'
            WHEN 'NaN' THEN 'NaN'::double precision
            WHEN 'Infinity' THEN 'Infinity'::double precision
            WHEN '-Infinity' THEN '-Infinity'::double precision
        END;
    ELSIF jsonb_typeof(value) <> 'number' THEN
        RETURN NULL;
    END IF;
    number := value::numeric;
    -- A document may hold what no double can.
    IF abs(number) > 1.7976931348623157e308 THEN
        RETURN NULL;
    ELSIF abs(number) < 5e-324 THEN
        RETURN 0;
    END IF;
    RETURN number::double precision;
END
$function$;

-- Cut to microseconds, not rounded: the last instant of the year 9999 stays in it.
CREATE FUNCTION trine.time_of(value text) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
BEGIN
    IF value IS NULL OR value !~ ('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?Z$') OR value LIKE '0000%' THEN
        RETURN NULL;
    ELSIF substr(value, 9, 2)::integer > extract(day FROM
        make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1)
        + interval '1 month' - interval '1 day') THEN
        RETURN NULL;
    ELSIF length(value) > 27 THEN
        RETURN (left(value, 26) || 'Z')::timestamptz;
    END IF;
    RETURN value::timestamptz;
END
$function$;
