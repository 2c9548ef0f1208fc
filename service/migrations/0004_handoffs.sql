-- Hand-offs: those that are committed, and those whose parts are still coming.

CREATE TABLE handoffs (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,       -- 1, 2, 3 ... within the tenant, in the order of commits
    id TEXT NOT NULL,             -- 32 hexadecimal digits (libs/wire/handoff.h)
    title TEXT NOT NULL,
    investigation TEXT NOT NULL,
    analyst TEXT NOT NULL,        -- the Splunk user
    app TEXT NOT NULL,
    sid TEXT NOT NULL,
    command TEXT NOT NULL,
    target TEXT NOT NULL,
    client TEXT NOT NULL,
    search_sha256 TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    earliest_us BIGINT NOT NULL,  -- of the search; 0: not given
    latest_us BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    value_count BIGINT NOT NULL,
    placeholders BIGINT NOT NULL,
    invalid BIGINT NOT NULL,
    entities BIGINT NOT NULL,
    entities_new BIGINT NOT NULL,
    entities_merged BIGINT NOT NULL,
    entities_skipped BIGINT NOT NULL,
    relations BIGINT NOT NULL,
    relations_new BIGINT NOT NULL,
    relations_merged BIGINT NOT NULL,
    relations_skipped BIGINT NOT NULL,
    opens BIGINT NOT NULL,        -- clicks on its link
    committed_us BIGINT NOT NULL,
    committed_by TEXT NOT NULL,   -- the token's public id
    audit_index BIGINT NOT NULL,
    audit_origin TEXT NOT NULL,
    checkpoint TEXT NOT NULL,     -- the log's head with this commit in it
    PRIMARY KEY (tenant, number)
);

CREATE UNIQUE INDEX handoffs_by_id ON handoffs (tenant, id);

-- Opened and not yet committed. One that is not touched for 24 hours is removed.
CREATE TABLE handoffs_open (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    manifest TEXT NOT NULL,       -- the hand-off line as it came
    part_count BIGINT NOT NULL,
    touched_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE handoffs_parts (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    part BIGINT NOT NULL,         -- 1 .. part_count
    size BIGINT NOT NULL,         -- bytes of lines
    lines BYTEA NOT NULL,         -- entity and relation lines, checked one by one
    PRIMARY KEY (tenant, id, part)
);
