BEGIN

SELECT fingerprint, answer FROM trine_idempotency WHERE principal = ? AND scope = ? AND key = ?
--   SEARCH trine_idempotency USING PRIMARY KEY (principal=? AND scope=? AND key=?)

SELECT fingerprint, answer FROM trine_idempotency WHERE principal = ? AND scope = ? AND key = ?
--   SEARCH trine_idempotency USING PRIMARY KEY (principal=? AND scope=? AND key=?)

ROLLBACK

