CREATE TABLE `blog.v1.Entry` (
    key TEXT PRIMARY KEY NOT NULL,
    parent TEXT NOT NULL,
    doc TEXT NOT NULL,
    version INTEGER NOT NULL,
    schema_id INTEGER NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    delete_time TEXT,
    purge_time TEXT,
    request_id TEXT,
    traceparent TEXT,
    `f_title` TEXT,
    `f_state` TEXT,
    `f_publish_time` TEXT
);

CREATE INDEX IF NOT EXISTS `blog.v1.Entry:index:title` ON `blog.v1.Entry` (parent, `f_title`, key);

CREATE INDEX IF NOT EXISTS `blog.v1.Entry:index:state` ON `blog.v1.Entry` (parent, `f_state`, key);

CREATE INDEX IF NOT EXISTS `blog.v1.Entry:index:publish_time` ON `blog.v1.Entry` (parent, `f_publish_time`, key);

CREATE INDEX IF NOT EXISTS `blog.v1.Entry:index:create_time` ON `blog.v1.Entry` (parent, create_time, key);

CREATE VIEW `blog_v1_entry` AS /* kept by Trine: blog.v1.Entry */ SELECT
    key AS `key`,
    parent AS `parent_key`,
    version AS `version`,
    'users/' || substr(key, 1, instr(key, '/') - 1) || '/entries/' || substr(key, instr(key, '/') + 1) AS `name`,
    `f_title` AS `title`,
    coalesce(CAST((doc ->> '$."body"') AS TEXT), '') AS `body`,
    coalesce(doc -> '$."tags"', '[]') AS `tags`,
    `f_state` AS `state`,
    `f_publish_time` AS `publish_time`,
    create_time AS `create_time`,
    update_time AS `update_time`,
    '"' || version || '"' AS `etag`
FROM `blog.v1.Entry`;

CREATE TABLE `blog.v1.Follow` (
    key TEXT PRIMARY KEY NOT NULL,
    parent TEXT NOT NULL,
    doc TEXT NOT NULL,
    version INTEGER NOT NULL,
    schema_id INTEGER NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    delete_time TEXT,
    purge_time TEXT,
    request_id TEXT,
    traceparent TEXT
);

CREATE VIEW `blog_v1_follow` AS /* kept by Trine: blog.v1.Follow */ SELECT
    key AS `key`,
    parent AS `parent_key`,
    version AS `version`,
    update_time AS `update_time`,
    'users/' || substr(key, 1, instr(key, '/') - 1) || '/follows/' || substr(key, instr(key, '/') + 1) AS `name`,
    coalesce(CAST((doc ->> '$."note"') AS TEXT), '') AS `note`,
    create_time AS `create_time`,
    '"' || version || '"' AS `etag`
FROM `blog.v1.Follow`;

CREATE TABLE `blog.v1.User` (
    key TEXT PRIMARY KEY NOT NULL,
    parent TEXT NOT NULL,
    doc TEXT NOT NULL,
    version INTEGER NOT NULL,
    schema_id INTEGER NOT NULL,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    delete_time TEXT,
    purge_time TEXT,
    request_id TEXT,
    traceparent TEXT,
    `f_email` TEXT,
    `f_entry_count` INTEGER
);

CREATE UNIQUE INDEX IF NOT EXISTS `blog.v1.User:unique:email` ON `blog.v1.User` (`f_email`) WHERE delete_time IS NULL AND `f_email` IS NOT NULL AND `f_email` <> '';

CREATE INDEX IF NOT EXISTS `blog.v1.User:index:entry_count` ON `blog.v1.User` (`f_entry_count`, key);

CREATE VIEW `blog_v1_user` AS /* kept by Trine: blog.v1.User */ SELECT
    key AS `key`,
    version AS `version`,
    'users/' || key AS `name`,
    coalesce(CAST((doc ->> '$."displayName"') AS TEXT), '') AS `display_name`,
    `f_email` AS `email`,
    create_time AS `create_time`,
    update_time AS `update_time`,
    '"' || version || '"' AS `etag`,
    `f_entry_count` AS `entry_count`,
    CASE WHEN (doc ->> '$."lastEntryTime"') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z' THEN substr((doc ->> '$."lastEntryTime"'), 1, 19) || '.000000000Z' WHEN (doc ->> '$."lastEntryTime"') GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9]*Z' THEN substr(substr((doc ->> '$."lastEntryTime"'), 1, length((doc ->> '$."lastEntryTime"')) - 1) || '000000000', 1, 29) || 'Z' END AS `last_entry_time`,
    CASE WHEN (doc ->> '$."dailyEntryCount"') IS NULL THEN 0 WHEN CAST(CAST((doc ->> '$."dailyEntryCount"') AS INTEGER) AS TEXT) = CAST((doc ->> '$."dailyEntryCount"') AS TEXT) THEN CAST((doc ->> '$."dailyEntryCount"') AS INTEGER) END AS `daily_entry_count`,
    CASE WHEN (doc ->> '$."dailyEntryLimit"') IS NULL THEN 0 WHEN CAST(CAST((doc ->> '$."dailyEntryLimit"') AS INTEGER) AS TEXT) = CAST((doc ->> '$."dailyEntryLimit"') AS TEXT) THEN CAST((doc ->> '$."dailyEntryLimit"') AS INTEGER) END AS `daily_entry_limit`
FROM `blog.v1.User`;

