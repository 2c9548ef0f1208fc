-- What each tenant has used: events as they came, never changed, and what they add up to.
--
-- Quantities are whole numbers in the meter's base unit. Sums stand in two columns, high * 10^15 +
-- low, 0 <= low < 10^15: byte-microseconds of a petabyte do not fit into 64 bits. Times are UTC
-- microseconds; periods are half-open and named by their first moment.

-- Where a tenant's hours, days and billing periods begin. No row: UTC, the first of the month.
CREATE TABLE usage_tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    zone TEXT NOT NULL,             -- IANA, "Europe/Berlin"
    anchor_day BIGINT NOT NULL      -- 1 .. 31
) WITHOUT ROWID;

-- Combinations of dimensions, each once.
CREATE TABLE usage_dimsets (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    meter TEXT NOT NULL,
    dimensions TEXT NOT NULL,       -- canonical JSON, members sorted: what makes it one
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX usage_dimsets_by_value ON usage_dimsets (tenant, meter, dimensions);

-- seq grows in the order of acceptance, over all tenants: "as of seq" fixes what a report saw.
-- event_key begins with the event's time, so that ids which clients drew at random still lie
-- together; the tenant is part of the key.
CREATE TABLE usage_events (
    seq INTEGER PRIMARY KEY,
    event_key BYTEA NOT NULL,       -- 6 bytes of time in ms, 10 of SHA-256 over source and id
    tenant TEXT NOT NULL,
    meter TEXT NOT NULL,
    kind BIGINT NOT NULL,           -- 0 use, 1 void, 2 amend
    time_us BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    dimset BIGINT NOT NULL,
    refers_to BYTEA,                -- event_key of the event that a void or amendment corrects
    content BYTEA NOT NULL,         -- 16 bytes of SHA-256 over all of it: tells a repeat from a clash
    provenance BIGINT NOT NULL,     -- 1 source, 2 time, 4 actor, 8 trace: which of them it gave
    received_us BIGINT NOT NULL
);

CREATE UNIQUE INDEX usage_events_by_key ON usage_events (event_key, tenant);

-- Which events were corrected, each at most once at a time.
CREATE TABLE usage_corrections (
    tenant TEXT NOT NULL,
    event_key BYTEA NOT NULL,       -- the one corrected
    correction BYTEA NOT NULL,      -- the void or amendment that holds now
    quantity BIGINT NOT NULL,       -- what counts in its place; a void: 0
    PRIMARY KEY (tenant, event_key)
) WITHOUT ROWID;

CREATE TABLE usage_hours (
    tenant TEXT NOT NULL,
    meter TEXT NOT NULL,
    from_us BIGINT NOT NULL,
    dimset BIGINT NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    events BIGINT NOT NULL,         -- accepted in it, corrections apart
    PRIMARY KEY (tenant, meter, from_us, dimset)
) WITHOUT ROWID;

CREATE TABLE usage_days (
    tenant TEXT NOT NULL,
    meter TEXT NOT NULL,
    from_us BIGINT NOT NULL,
    dimset BIGINT NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (tenant, meter, from_us, dimset)
) WITHOUT ROWID;

-- Levels of meters that are integrated over time: from time_us on the quantity is that much. What
-- lies between two of them is in the rollups; what follows the last one is added when it is read.
CREATE TABLE usage_levels (
    tenant TEXT NOT NULL,
    meter TEXT NOT NULL,
    dimset BIGINT NOT NULL,
    time_us BIGINT NOT NULL,
    event_key BYTEA NOT NULL,       -- of two at the same moment the larger key holds
    level BIGINT NOT NULL,
    PRIMARY KEY (tenant, meter, dimset, time_us, event_key)
) WITHOUT ROWID;

-- Events that could not be taken, with the reason, until somebody replays or discards them.
CREATE TABLE usage_dlq (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    state TEXT NOT NULL,            -- open, replayed, discarded
    reason TEXT NOT NULL,           -- a word: clash, future, late, invalid ...
    detail TEXT NOT NULL,           -- the sentence
    source TEXT,
    event_id TEXT,
    event TEXT NOT NULL,            -- as it came, or as it was edited
    received_us BIGINT NOT NULL,
    ended_us BIGINT,                -- when it was replayed or discarded
    ended_by TEXT,
    ended_why TEXT,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE INDEX usage_dlq_by_state ON usage_dlq (tenant, state, id);

-- One row a request that was taken: a chain over all events of the tenant, in the order of seq.
CREATE TABLE usage_batches (
    tenant TEXT NOT NULL,
    last_seq BIGINT NOT NULL,
    events BIGINT NOT NULL,
    chain BYTEA NOT NULL,           -- SHA-256 over the chain before and the contents of its events
    accepted_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, last_seq)
) WITHOUT ROWID;

-- The rollups as they were, beside those that a rebuild makes: empty but within its transaction.
CREATE TABLE usage_rebuild_old (
    tenant TEXT NOT NULL,
    unit TEXT NOT NULL,
    meter TEXT NOT NULL,
    from_us BIGINT NOT NULL,
    dimset BIGINT NOT NULL,
    high BIGINT NOT NULL,
    low BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (tenant, unit, meter, from_us, dimset)
) WITHOUT ROWID;
