-- 'draft': admitted while its files are still being written, at most one, the newest. 'pruned': what it needs
-- is gone, it can never be served again.
ALTER TABLE trine.schema_history ADD COLUMN state text COLLATE "C" NOT NULL DEFAULT 'permanent';

-- Ids of older sets, the newest first, that need something which the newest has no more; 3,1 for instance.
ALTER TABLE trine.generation ADD COLUMN overlay text COLLATE "C" NOT NULL DEFAULT '';
