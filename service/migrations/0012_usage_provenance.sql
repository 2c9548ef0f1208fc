-- Where usage events come from, and what of their origin they gave.

-- Sources of events, each once; at most 10,000 a tenant.
CREATE TABLE usage_sources (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    source TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX usage_sources_by_value ON usage_sources (tenant, source);

-- Accepted events by the UTC day of their time. `provenance` is the column of usage_events: the
-- source's id times 16, and 1 source, 2 time, 4 actor, 8 trace. Id 0 is of events that came before
-- sources were kept, or beyond the cap. Written with the events; `usage rebuild` counts it again.
CREATE TABLE usage_provenance (
    tenant TEXT NOT NULL,
    day_us BIGINT NOT NULL,
    provenance BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (tenant, day_us, provenance)
) WITHOUT ROWID;

INSERT INTO usage_provenance (tenant, day_us, provenance, events)
SELECT tenant, time_us - time_us % 86400000000, provenance, count(*) FROM usage_events
GROUP BY tenant, time_us - time_us % 86400000000, provenance;

-- How many of a source were refused, and when.
CREATE INDEX usage_dlq_by_time ON usage_dlq (tenant, received_us, source);

-- Where a tenant's audit log ended when the service began to meter what is on record there; no row:
-- it was empty. `usage reconcile` compares from there on.
CREATE TABLE usage_metered_from (
    tenant TEXT NOT NULL PRIMARY KEY,
    idx BIGINT NOT NULL
) WITHOUT ROWID;

INSERT INTO usage_metered_from (tenant, idx) SELECT tenant, size FROM audit_heads;
