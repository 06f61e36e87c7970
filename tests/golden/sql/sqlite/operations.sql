BEGIN

SELECT operation FROM trine_operations WHERE id = ?
--   SEARCH trine_operations USING PRIMARY KEY (id=?)

ROLLBACK

SELECT operation FROM trine_operations WHERE id < ? ORDER BY id DESC LIMIT ?
--   SEARCH trine_operations USING PRIMARY KEY (id<?)

