-- Jobs that one of several processes does, notices on their way out, and usage that is out of the
-- ordinary. Times are UTC microseconds.

-- Who does a job at present. Not of a tenant: a job goes over all of them. Whether the holder still
-- lives is told by `beat`, which it raises; each process watches it by its own clock, so that no two
-- clocks are ever compared.
CREATE TABLE jobs_leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,           -- of a process, drawn at its start; "": nobody
    fence BIGINT NOT NULL,          -- one more with each holder: what an earlier one writes is refused
    beat BIGINT NOT NULL,
    began_us BIGINT NOT NULL,       -- of the last run that came to its end; 0: none
    error TEXT NOT NULL             -- of the last run; "": it went well
) WITHOUT ROWID;

-- What was done once and for all, however many processes tried.
CREATE TABLE jobs_results (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    period_us BIGINT NOT NULL,      -- the first moment of the period it is about
    revision BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    done_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, period_us, revision)
) WITHOUT ROWID;

-- Whom to tell.
CREATE TABLE notify_recipients (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,               -- rcp_...
    kind TEXT NOT NULL,             -- webhook, email
    target TEXT NOT NULL,           -- URL or address
    name TEXT NOT NULL,
    state TEXT NOT NULL,            -- active, disabled
    disabled_why TEXT NOT NULL,
    secret TEXT NOT NULL,           -- of a webhook, sealed under a key made of audit.key
    old_secret TEXT NOT NULL,       -- the one before, which signs beside it
    old_until_us BIGINT NOT NULL,   -- until then
    failures BIGINT NOT NULL,       -- in a row
    created_us BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

-- What was said, once for a key.
CREATE TABLE notify_messages (
    tenant TEXT NOT NULL,
    message_key TEXT NOT NULL,
    id TEXT NOT NULL,               -- msg_..., made of tenant and key: the webhook-id
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    data TEXT NOT NULL,             -- JSON, an object
    created_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, message_key)
) WITHOUT ROWID;

-- A message to one recipient.
CREATE TABLE notify_deliveries (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    message_key TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,            -- waiting, delivered, dead
    attempts BIGINT NOT NULL,       -- since it was enqueued or replayed
    next_us BIGINT NOT NULL,        -- not before then
    status BIGINT NOT NULL,         -- of the last answer, HTTP's or SMTP's; 0: none came
    error TEXT NOT NULL,            -- why the last attempt failed
    created_us BIGINT NOT NULL,
    ended_us BIGINT,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE INDEX notify_deliveries_by_state ON notify_deliveries (tenant, state, id);
CREATE INDEX notify_deliveries_due ON notify_deliveries (tenant, recipient, next_us)
    WHERE state = 'waiting';

-- How a tenant wants to be told of unusual usage. No row: looked for, told to nobody.
CREATE TABLE anomaly_settings (
    tenant TEXT NOT NULL PRIMARY KEY,
    sensitivity TEXT NOT NULL,      -- off, low, medium, high
    recipients TEXT NOT NULL,       -- JSON, an array of ids
    updated_us BIGINT NOT NULL,
    updated_by TEXT NOT NULL
) WITHOUT ROWID;

-- A day's usage that is out of the ordinary. Amounts stand in two columns, as in the rollups.
CREATE TABLE anomalies (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    meter TEXT NOT NULL,
    from_us BIGINT NOT NULL,        -- the day
    to_us BIGINT NOT NULL,
    direction TEXT NOT NULL,        -- above, below
    high BIGINT NOT NULL,           -- what was used
    low BIGINT NOT NULL,
    usual_high BIGINT NOT NULL,     -- the median of the days it was compared with
    usual_low BIGINT NOT NULL,
    z_milli BIGINT NOT NULL,        -- thousandths
    robust_milli BIGINT NOT NULL,
    baseline TEXT NOT NULL,         -- weekday, window
    days BIGINT NOT NULL,           -- compared with
    dimension TEXT NOT NULL,        -- the one that explains most; "": the meter has none
    value TEXT NOT NULL,
    explains_ppm BIGINT NOT NULL,   -- of the difference; over a million when others made up for it
    state TEXT NOT NULL,            -- open, acknowledged
    detected_us BIGINT NOT NULL,
    ended_us BIGINT,
    ended_by TEXT,
    ended_why TEXT,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX anomalies_by_day ON anomalies (tenant, meter, from_us, direction);
CREATE INDEX anomalies_by_state ON anomalies (tenant, state, id);
