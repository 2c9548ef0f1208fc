-- The tables of 0003 in the order of their keys (WITHOUT ROWID), and with keys under which new things
-- lie together: one tree is written for each table, and few of its pages. Why: docs/adr/0021.

CREATE TABLE graph_entities_new (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,
    value_key BYTEA NOT NULL,     -- the value's first 8 bytes, zeros behind a shorter one, then 16
                                  -- of SHA-256 over kind and value
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    first_us BIGINT,
    last_us BIGINT,
    handoffs BIGINT NOT NULL,
    last_handoff BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE TABLE graph_relations_new (
    tenant TEXT NOT NULL,
    newer BIGINT NOT NULL,        -- the larger of the two ends: relations of new entities are
                                  -- appended, not strewn among those of the old ones
    from_entity BIGINT NOT NULL,
    to_entity BIGINT NOT NULL,
    type TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    first_us BIGINT,
    last_us BIGINT,
    handoffs BIGINT NOT NULL,
    last_handoff BIGINT NOT NULL,
    PRIMARY KEY (tenant, newer, from_entity, to_entity, type)
) WITHOUT ROWID;

CREATE TABLE graph_handoff_entities_new (
    tenant TEXT NOT NULL,
    handoff BIGINT NOT NULL,
    entity BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    first_us BIGINT,
    last_us BIGINT,
    degree BIGINT NOT NULL,
    earlier BIGINT NOT NULL,
    fields TEXT,
    samples TEXT,
    PRIMARY KEY (tenant, handoff, entity)
) WITHOUT ROWID;

CREATE TABLE graph_handoff_relations_new (
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
) WITHOUT ROWID;

-- sqlite: what was merged before. PostgreSQL came later.
INSERT INTO graph_entities_new (tenant, id, value_key, kind, value, row_count, first_us, last_us,
    handoffs, last_handoff)
SELECT tenant, id, CAST(substr(CAST(CAST(value AS BLOB) || zeroblob(8) AS BLOB), 1, 8) || value_key AS BLOB),
    kind, value, row_count, first_us, last_us, handoffs, last_handoff FROM graph_entities;

INSERT INTO graph_relations_new (tenant, newer, from_entity, to_entity, type, row_count, first_us,
    last_us, handoffs, last_handoff)
SELECT tenant, CASE WHEN from_entity > to_entity THEN from_entity ELSE to_entity END, from_entity,
    to_entity, type, row_count, first_us, last_us, handoffs, last_handoff FROM graph_relations;

INSERT INTO graph_handoff_entities_new (tenant, handoff, entity, row_count, first_us, last_us,
    degree, earlier, fields, samples)
SELECT tenant, handoff, entity, row_count, first_us, last_us, degree, earlier, fields, samples
FROM graph_handoff_entities;

INSERT INTO graph_handoff_relations_new (tenant, handoff, from_entity, to_entity, type, row_count,
    first_us, last_us, earlier, samples)
SELECT tenant, handoff, from_entity, to_entity, type, row_count, first_us, last_us, earlier, samples
FROM graph_handoff_relations;

DROP TABLE graph_entities;
DROP TABLE graph_relations;
DROP TABLE graph_handoff_entities;
DROP TABLE graph_handoff_relations;

ALTER TABLE graph_entities_new RENAME TO graph_entities;
ALTER TABLE graph_relations_new RENAME TO graph_relations;
ALTER TABLE graph_handoff_entities_new RENAME TO graph_handoff_entities;
ALTER TABLE graph_handoff_relations_new RENAME TO graph_handoff_relations;

CREATE UNIQUE INDEX graph_entities_by_key ON graph_entities (tenant, value_key);
