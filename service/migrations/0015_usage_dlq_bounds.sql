-- The DLQ has bounds: an event that comes again while it waits is the same entry, a tenant has so
-- many open ones and no more, and what has ended is forgotten after a time.
ALTER TABLE usage_dlq ADD COLUMN digest BYTEA; -- of reason and event; NULL: told apart from all others
ALTER TABLE usage_dlq ADD COLUMN times BIGINT NOT NULL DEFAULT 1; -- it came so often
ALTER TABLE usage_dlq ADD COLUMN last_us BIGINT; -- when it came last; NULL: it came once

CREATE INDEX usage_dlq_by_digest ON usage_dlq (tenant, digest) WHERE state = 'open';
CREATE INDEX usage_dlq_by_end ON usage_dlq (tenant, ended_us) WHERE state <> 'open';

-- One row a tenant. Ids are given from here: those of forgotten entries are not given again.
CREATE TABLE usage_dlq_books (
    tenant TEXT NOT NULL PRIMARY KEY,
    last_id BIGINT NOT NULL,
    open_entries BIGINT NOT NULL,
    unkept BIGINT NOT NULL          -- events that found no room: told to their sender, kept nowhere
) WITHOUT ROWID;

INSERT INTO usage_dlq_books (tenant, last_id, open_entries, unkept)
SELECT tenant, max(id), CAST(sum(CASE WHEN state = 'open' THEN 1 ELSE 0 END) AS BIGINT), 0
FROM usage_dlq GROUP BY tenant;
