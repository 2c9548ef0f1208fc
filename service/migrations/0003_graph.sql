-- The graph of each tenant: every entity and relation once, and what each hand-off saw of them.
--
-- Every key begins with the tenant, so that no query crosses tenants and the tables shard by it.
-- "handoff" is the hand-off's number within the tenant (handoffs.number); numbers grow in the order
-- of commits. Times are UTC microseconds, NULL when no row had one.

CREATE TABLE graph_entities (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,           -- 1, 2, 3 ... within the tenant
    value_key BYTEA NOT NULL,     -- 16 bytes of SHA-256 over kind and value: what makes it one
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    row_count BIGINT NOT NULL,    -- rows that named it, over all hand-offs
    first_us BIGINT,
    last_us BIGINT,
    handoffs BIGINT NOT NULL,     -- hand-offs that named it
    last_handoff BIGINT NOT NULL, -- the newest of them
    PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX graph_entities_by_key ON graph_entities (tenant, value_key);

CREATE TABLE graph_relations (
    tenant TEXT NOT NULL,
    from_entity BIGINT NOT NULL,
    to_entity BIGINT NOT NULL,
    type TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    first_us BIGINT,
    last_us BIGINT,
    handoffs BIGINT NOT NULL,
    last_handoff BIGINT NOT NULL,
    PRIMARY KEY (tenant, from_entity, to_entity, type)
);

-- What one hand-off saw. "earlier" is the number of hand-offs that had named the thing before this
-- one: commits are one after the other, so it is known at the commit and never changes. "degree"
-- counts the hand-off's relations at the entity.
CREATE TABLE graph_handoff_entities (
    tenant TEXT NOT NULL,
    handoff BIGINT NOT NULL,
    entity BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    first_us BIGINT,
    last_us BIGINT,
    degree BIGINT NOT NULL,
    earlier BIGINT NOT NULL,
    fields TEXT,                  -- JSON: ["src_ip"]; NULL: none
    samples TEXT,                 -- JSON: [{"row":0,"time_us":1,"ref":"5:1"}]; NULL: none
    PRIMARY KEY (tenant, handoff, entity)
);

CREATE TABLE graph_handoff_relations (
    tenant TEXT NOT NULL,
    handoff BIGINT NOT NULL,
    from_entity BIGINT NOT NULL,
    to_entity BIGINT NOT NULL,
    type TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    first_us BIGINT,
    last_us BIGINT,
    earlier BIGINT NOT NULL,
    samples TEXT,
    PRIMARY KEY (tenant, handoff, from_entity, to_entity, type)
);
