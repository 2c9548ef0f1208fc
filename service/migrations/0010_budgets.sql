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

-- The processes that decide. Each beats while it lives; one that has not been seen to beat for
-- `grace_s` and a little more is dead, and what it held is free again. Watchers time that on their
-- own steady clocks: no moment of another machine is compared.
CREATE TABLE budgets_nodes (
    node BIGINT NOT NULL PRIMARY KEY, -- 1, 2, 3 ...; never given twice
    beat BIGINT NOT NULL,             -- grows
    grace_s BIGINT NOT NULL,          -- no reservation of it is open for longer
    started_us BIGINT NOT NULL
) WITHOUT ROWID;

-- What of a budget is lent to a process, which decides within it by itself. Used and held together
-- are never above the limit when something is lent. Only its process changes a row while it lives.
CREATE TABLE budgets_slices (
    tenant TEXT NOT NULL,
    budget TEXT NOT NULL,
    period_from_us BIGINT NOT NULL,
    node BIGINT NOT NULL,
    held BIGINT NOT NULL,           -- reserved or free to be
    reserved BIGINT NOT NULL,       -- as of its last beat
    recalled BIGINT NOT NULL,       -- 1: another process needs what is free of it
    PRIMARY KEY (tenant, budget, period_from_us, node)
) WITHOUT ROWID;

CREATE INDEX budgets_slices_by_node ON budgets_slices (node);

-- Reservations that were settled, each once, in whichever process it was; kept for a while, so that
-- settling again is known for what it is.
CREATE TABLE budgets_settled (
    tenant TEXT NOT NULL,
    node BIGINT NOT NULL,           -- the process that gave it
    number BIGINT NOT NULL,         -- within the process
    quantity BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    PRIMARY KEY (tenant, node, number)
) WITHOUT ROWID;

CREATE INDEX budgets_settled_by_time ON budgets_settled (at_us);

-- Reservations that have ended elsewhere than in the process that gave them, for it to read.
CREATE TABLE budgets_ended (
    node BIGINT NOT NULL,
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    settled BIGINT NOT NULL,        -- 1; 0: released
    PRIMARY KEY (node, tenant, number)
) WITHOUT ROWID;

-- What reservations' names are signed with. One row.
CREATE TABLE budgets_key (
    id BIGINT NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL
) WITHOUT ROWID;

-- Refusals, and what shadow budgets would have refused, each; the allowed ones are only counted.
CREATE TABLE budgets_decisions (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,               -- dec_ and 26 characters, which grow with time
    at_us BIGINT NOT NULL,
    budget TEXT NOT NULL,
    budget_name TEXT NOT NULL,
    meter TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    used BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    limit_amount BIGINT NOT NULL,
    is_cost BIGINT NOT NULL,        -- 1: the three above are micro-units of the currency
    verdict TEXT NOT NULL,          -- throttle, block
    shadow BIGINT NOT NULL,
    caller TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (tenant, id, budget)
) WITHOUT ROWID;

CREATE INDEX budgets_decisions_by_budget ON budgets_decisions (tenant, budget, id);

CREATE TABLE budgets_allowed (
    tenant TEXT NOT NULL,
    day_us BIGINT NOT NULL,         -- the day's beginning in the tenant's zone
    decisions BIGINT NOT NULL,
    PRIMARY KEY (tenant, day_us)
) WITHOUT ROWID;

-- Grows with each change to a tenant's budgets, overrides and prices: how every process learns that
-- what it has in memory is old.
CREATE TABLE budgets_generations (
    tenant TEXT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL
) WITHOUT ROWID;
