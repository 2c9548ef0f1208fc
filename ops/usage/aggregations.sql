-- How usage events add up. The service runs these very texts (they are built into it), on SQLite and
-- on PostgreSQL; `intelgraphd usage rebuild` runs them over all events again and must come to the
-- same numbers.
--
-- A sum is high * 10^15 + low with 0 <= low < 10^15. What is added comes in the same form, so that
-- low + low is below 2 * 10^15 and one carry is enough; a negative amount has a negative high.
-- Each text begins with its name and ends with a semicolon.

-- name: add_hour
INSERT INTO usage_hours (tenant, meter, from_us, dimset, high, low, events)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, meter, from_us, dimset) DO UPDATE SET
    high = usage_hours.high + excluded.high
         + (usage_hours.low + excluded.low) / 1000000000000000,
    low = (usage_hours.low + excluded.low) % 1000000000000000,
    events = usage_hours.events + excluded.events;

-- name: add_day
INSERT INTO usage_days (tenant, meter, from_us, dimset, high, low, events)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, meter, from_us, dimset) DO UPDATE SET
    high = usage_days.high + excluded.high
         + (usage_days.low + excluded.low) / 1000000000000000,
    low = (usage_days.low + excluded.low) % 1000000000000000,
    events = usage_days.events + excluded.events;

-- Where events come from: by UTC day, source, and what of their origin they gave.

-- name: add_provenance
INSERT INTO usage_provenance (tenant, day_us, provenance, events) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, day_us, provenance) DO UPDATE SET
    events = usage_provenance.events + excluded.events;

-- The rows of a report, in the order of their periods. Months and billing periods are made of days.

-- name: read_hours
SELECT from_us, dimset, high, low, events FROM usage_hours
WHERE tenant = $1 AND meter = $2 AND from_us >= $3 AND from_us < $4
ORDER BY from_us, dimset;

-- name: read_days
SELECT from_us, dimset, high, low, events FROM usage_days
WHERE tenant = $1 AND meter = $2 AND from_us >= $3 AND from_us < $4
ORDER BY from_us, dimset;

-- A level holds from its time until the next one of the same dimensions. The one before and the one
-- after a moment:

-- name: level_before
SELECT time_us, event_key, level FROM usage_levels
WHERE tenant = $1 AND meter = $2 AND dimset = $3 AND (time_us, event_key) < ($4, $5)
ORDER BY time_us DESC, event_key DESC LIMIT 1;

-- name: level_after
SELECT time_us, event_key, level FROM usage_levels
WHERE tenant = $1 AND meter = $2 AND dimset = $3 AND (time_us, event_key) > ($4, $5)
ORDER BY time_us, event_key LIMIT 1;

-- The levels that hold now: what they add until a report's end is not in the rollups yet.

-- name: levels_now
SELECT dimset, time_us, level FROM usage_levels AS l
WHERE tenant = $1 AND meter = $2 AND NOT EXISTS (
    SELECT 1 FROM usage_levels AS n
    WHERE n.tenant = l.tenant AND n.meter = l.meter AND n.dimset = l.dimset
      AND (n.time_us, n.event_key) > (l.time_us, l.event_key))
ORDER BY dimset;

-- For a rebuild: everything that is derived goes, then each event counts again in its order.

-- name: forget_hours
DELETE FROM usage_hours WHERE tenant = $1;

-- name: forget_days
DELETE FROM usage_days WHERE tenant = $1;

-- name: forget_levels
DELETE FROM usage_levels WHERE tenant = $1;

-- name: forget_corrections
DELETE FROM usage_corrections WHERE tenant = $1;

-- name: forget_provenance
DELETE FROM usage_provenance WHERE tenant = $1;

-- name: each_event
SELECT e.seq, e.event_key, e.meter, e.kind, e.time_us, e.quantity, e.dimset, e.refers_to,
    e.provenance, e.content, coalesce(d.dimensions, '')
FROM usage_events AS e LEFT JOIN usage_dimsets AS d ON d.tenant = e.tenant AND d.id = e.dimset
WHERE e.tenant = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3;

-- The index of events by key, which follows some ten thousand events behind. It may have some of
-- them already: from a transaction after which the service was ended, or from another service.

-- name: add_key
INSERT INTO usage_keys (event_key, tenant, seq)
VALUES ($1, $2, $3)
ON CONFLICT (event_key, tenant) DO NOTHING;

-- A request that was taken: its place in the tenant's chain over all events.

-- name: add_batch
INSERT INTO usage_batches (tenant, last_seq, events, chain, accepted_us)
VALUES ($1, $2, $3, $4, $5);
