CREATE SCHEMA IF NOT EXISTS trine;

CREATE TABLE trine."blog.v1.Entry" (
    key text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" NOT NULL,
    doc jsonb NOT NULL,
    version bigint NOT NULL,
    schema_id integer NOT NULL,
    create_time text COLLATE "C" NOT NULL,
    update_time text COLLATE "C" NOT NULL,
    delete_time text COLLATE "C",
    purge_time text COLLATE "C",
    request_id text,
    traceparent text,
    "f_title" text COLLATE "C",
    "f_state" text COLLATE "C",
    "f_publish_time" text COLLATE "C"
) WITH (fillfactor = 85);

CREATE INDEX "blog.v1.Entry:index:title" ON trine."blog.v1.Entry" (parent, "f_title" NULLS FIRST, key);

CREATE INDEX "blog.v1.Entry:index:state" ON trine."blog.v1.Entry" (parent, "f_state" NULLS FIRST, key);

CREATE INDEX "blog.v1.Entry:index:publish_time" ON trine."blog.v1.Entry" (parent, "f_publish_time" NULLS FIRST, key);

CREATE INDEX "blog.v1.Entry:index:create_time" ON trine."blog.v1.Entry" (parent, create_time NULLS FIRST, key);

CREATE SCHEMA IF NOT EXISTS "blog_v1";

CREATE OR REPLACE VIEW "blog_v1"."entry" AS SELECT
    key AS "key",
    parent AS "parent_key",
    version AS "version",
    'users/' || split_part(key, '/', 1) || '/entries/' || split_part(key, '/', 2) AS "name",
    "f_title" AS "title",
    COALESCE(doc->>'body', '') COLLATE "C" AS "body",
    COALESCE(doc->'tags', '[]') AS "tags",
    "f_state" AS "state",
    trine.time_of("f_publish_time") AS "publish_time",
    "f_publish_time" AS "publish_time_text",
    trine.time_of(create_time) AS "create_time",
    create_time AS "create_time_text",
    trine.time_of(update_time) AS "update_time",
    '"' || version || '"' AS "etag"
FROM trine."blog.v1.Entry" CROSS JOIN (SELECT) AS nothing;

DROP TRIGGER IF EXISTS trine_write ON "blog_v1"."entry";

COMMENT ON VIEW "blog_v1"."entry" IS 'kept by Trine: blog.v1.Entry 55685b18f2d2983e';

CREATE TABLE trine."blog.v1.Follow" (
    key text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" NOT NULL,
    doc jsonb NOT NULL,
    version bigint NOT NULL,
    schema_id integer NOT NULL,
    create_time text COLLATE "C" NOT NULL,
    update_time text COLLATE "C" NOT NULL,
    delete_time text COLLATE "C",
    purge_time text COLLATE "C",
    request_id text,
    traceparent text
) WITH (fillfactor = 85);

CREATE SCHEMA IF NOT EXISTS "blog_v1";

CREATE OR REPLACE VIEW "blog_v1"."follow" AS SELECT
    key AS "key",
    parent AS "parent_key",
    version AS "version",
    trine.time_of(update_time) AS "update_time",
    'users/' || split_part(key, '/', 1) || '/follows/' || split_part(key, '/', 2) AS "name",
    COALESCE(doc->>'note', '') COLLATE "C" AS "note",
    trine.time_of(create_time) AS "create_time",
    '"' || version || '"' AS "etag"
FROM trine."blog.v1.Follow" CROSS JOIN (SELECT) AS nothing;

DROP TRIGGER IF EXISTS trine_write ON "blog_v1"."follow";

COMMENT ON VIEW "blog_v1"."follow" IS 'kept by Trine: blog.v1.Follow 1317a28e5590f105';

CREATE TABLE trine."blog.v1.User" (
    key text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" NOT NULL,
    doc jsonb NOT NULL,
    version bigint NOT NULL,
    schema_id integer NOT NULL,
    create_time text COLLATE "C" NOT NULL,
    update_time text COLLATE "C" NOT NULL,
    delete_time text COLLATE "C",
    purge_time text COLLATE "C",
    request_id text,
    traceparent text,
    "f_email" text COLLATE "C",
    "f_entry_count" bigint
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX "blog.v1.User:unique:email" ON trine."blog.v1.User" ("f_email") WHERE delete_time IS NULL AND "f_email" IS NOT NULL AND "f_email" <> '';

CREATE INDEX "blog.v1.User:index:entry_count" ON trine."blog.v1.User" ("f_entry_count" NULLS FIRST, key);

CREATE SCHEMA IF NOT EXISTS "blog_v1";

CREATE OR REPLACE VIEW "blog_v1"."user" AS SELECT
    key AS "key",
    version AS "version",
    'users/' || split_part(key, '/', 1) AS "name",
    COALESCE(doc->>'displayName', '') COLLATE "C" AS "display_name",
    "f_email" AS "email",
    trine.time_of(create_time) AS "create_time",
    trine.time_of(update_time) AS "update_time",
    '"' || version || '"' AS "etag",
    "f_entry_count" AS "entry_count",
    trine.time_of(doc->>'lastEntryTime') AS "last_entry_time",
    trine.integer_of(doc->'dailyEntryCount', 0) AS "daily_entry_count",
    trine.integer_of(doc->'dailyEntryLimit', 0) AS "daily_entry_limit"
FROM trine."blog.v1.User" CROSS JOIN (SELECT) AS nothing;

DROP TRIGGER IF EXISTS trine_write ON "blog_v1"."user";

COMMENT ON VIEW "blog_v1"."user" IS 'kept by Trine: blog.v1.User 8d27b5d99a6063e9';

