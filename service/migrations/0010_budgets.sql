-- Prices, budgets, what they decided and who changed them.
--
-- An amount is a whole number: of the budget's unit (tokens, ms, calls; GB-hours of what is stored),
-- or micro-units of the currency (10^-6 EUR) where the budget or the price is of money. Times are UTC
-- microseconds; periods are half-open and named by their first moment.

CREATE TABLE prices_versions (
    tenant TEXT NOT NULL,
    version BIGINT NOT NULL,        -- 1, 2, 3 ... within the tenant
    currency TEXT NOT NULL,         -- ISO 4217; the same in all of them
    valid_from_us BIGINT NOT NULL,  -- the beginning of an hour; of two at one moment the later holds
    created_us BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, version)
) WITHOUT ROWID;

-- `price` micro-units for `per` of the unit.
CREATE TABLE prices (
    tenant TEXT NOT NULL,
    version BIGINT NOT NULL,
    meter TEXT NOT NULL,
    unit TEXT NOT NULL,
    per BIGINT NOT NULL,
    price BIGINT NOT NULL,
    PRIMARY KEY (tenant, version, meter)
) WITHOUT ROWID;

-- What holds now. `definition` is JSON as the API has it, without what the service adds.
CREATE TABLE budgets (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,               -- bdg_ and 22 characters
    name TEXT NOT NULL,
    version BIGINT NOT NULL,        -- grows with each change
    definition TEXT NOT NULL,
    created_us BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_us BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    deleted_us BIGINT,              -- its history stays
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX budgets_by_name ON budgets (tenant, name) WHERE deleted_us IS NULL;

CREATE TABLE budgets_versions (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    version BIGINT NOT NULL,
    definition TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (tenant, budget, version)
) WITHOUT ROWID;

CREATE TABLE budgets_overrides (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,               -- ovr_ and 22 characters
    budget TEXT NOT NULL,
    kind TEXT NOT NULL,             -- amount, bypass
    amount BIGINT,                  -- on top of the limit
    reason TEXT NOT NULL,
    state TEXT NOT NULL,            -- active, waiting, expired, revoked
    asked_us BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_token TEXT NOT NULL,      -- who asked does not approve
    expires_us BIGINT NOT NULL,
    approved_us BIGINT,
    approved_by TEXT,
    approved_why TEXT,
    ended_us BIGINT,                -- revoked, or seen to have expired
    ended_by TEXT,
    ended_why TEXT,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

-- One at a time for a budget, so that a form that was sent twice does not count twice.
CREATE UNIQUE INDEX budgets_overrides_open ON budgets_overrides (tenant, budget)
    WHERE ended_us IS NULL;
CREATE INDEX budgets_overrides_by_budget ON budgets_overrides (tenant, budget, asked_us);

-- Each crossing of a threshold, there and back, once: the key decides, whoever looks.
CREATE TABLE budgets_crossings (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period_from_us BIGINT NOT NULL,
    threshold TEXT NOT NULL,        -- "percent:80"
    ordinal BIGINT NOT NULL,        -- 1 crossed, 2 cleared, 3 crossed again ... within the period
    direction TEXT NOT NULL,        -- up, down
    at_us BIGINT NOT NULL,
    used BIGINT NOT NULL,
    limit_amount BIGINT NOT NULL,   -- overrides included
    PRIMARY KEY (tenant, budget, period_from_us, threshold, ordinal)
) WITHOUT ROWID;

CREATE TABLE budgets_history (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    budget TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    kind TEXT NOT NULL,
    done_by TEXT NOT NULL,
    detail TEXT NOT NULL,           -- a sentence
    threshold TEXT,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE INDEX budgets_history_by_budget ON budgets_history (tenant, budget, id);

-- What the events say a period has used, and what is promised on top of it.
CREATE TABLE budgets_counters (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period_from_us BIGINT NOT NULL,
    used BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    seq BIGINT NOT NULL,            -- of the last event that `used` holds
    PRIMARY KEY (tenant, budget, period_from_us)
) WITHOUT ROWID;

-- A reservation holds an amount of each budget that it falls under.
CREATE TABLE budgets_reservations (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,               -- rsv_ and 22 characters
    budget TEXT NOT NULL,
    period_from_us BIGINT NOT NULL,
    meter TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    holder TEXT NOT NULL,           -- the process that gave it
    state TEXT NOT NULL,            -- open, settled, released, expired
    made_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    ended_us BIGINT,
    PRIMARY KEY (tenant, id, budget)
) WITHOUT ROWID;

CREATE INDEX budgets_reservations_open ON budgets_reservations (tenant, budget, expires_us)
    WHERE ended_us IS NULL;

-- What of a budget is lent to a process, which decides within it by itself until it expires.
CREATE TABLE budgets_slices (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period_from_us BIGINT NOT NULL,
    holder TEXT NOT NULL,
    amount BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, budget, period_from_us, holder)
) WITHOUT ROWID;

-- Refusals, and what shadow budgets would have refused, each; the allowed ones are only counted.
CREATE TABLE budgets_decisions (
    tenant TEXT NOT NULL,
    id BIGINT NOT NULL,             -- 1, 2, 3 ... within the tenant
    decision TEXT NOT NULL,         -- dec_ and 22 characters
    at_us BIGINT NOT NULL,
    budget TEXT NOT NULL,
    budget_name TEXT NOT NULL,
    meter TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    used BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    limit_amount BIGINT NOT NULL,
    verdict TEXT NOT NULL,          -- throttle, block
    shadow BIGINT NOT NULL,
    caller TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE INDEX budgets_decisions_by_budget ON budgets_decisions (tenant, budget, id);

CREATE TABLE budgets_allowed (
    tenant TEXT NOT NULL,
    day_us BIGINT NOT NULL,
    holder TEXT NOT NULL,
    decisions BIGINT NOT NULL,
    PRIMARY KEY (tenant, day_us, holder)
) WITHOUT ROWID;

-- Grows with each change to a tenant's budgets, overrides and prices: how every process learns that
-- what it has in memory is old.
CREATE TABLE budgets_generations (
    tenant TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL
) WITHOUT ROWID;
