-- Events by key, apart from the events: an index that is kept with each event would write a page for
-- each of them. All events up to usage_keys_done.seq are in it; later ones follow, sorted, many at
-- once, and the service knows them in memory until then (service/usage/usage_keys.h).
CREATE TABLE usage_keys (
    event_key BYTEA NOT NULL,
    tenant TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (event_key, tenant)
) WITHOUT ROWID;

INSERT INTO usage_keys (event_key, tenant, seq)
SELECT event_key, tenant, seq FROM usage_events ORDER BY event_key, tenant;

-- One row.
CREATE TABLE usage_keys_done (
    one BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
) WITHOUT ROWID;

INSERT INTO usage_keys_done (one, seq) SELECT 1, coalesce(max(seq), 0) FROM usage_events;

DROP INDEX usage_events_by_key;
