-- Finding hand-off records by time, analyst and search. Written with the record, in its transaction;
-- `intelgraphd audit verify` compares. It only finds: what is told is the record itself.
CREATE TABLE audit_handoffs (
    tenant TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    idx INTEGER NOT NULL CHECK (idx >= 0), -- in the tenant's log of records
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    sid TEXT NOT NULL,
    token TEXT NOT NULL,
    handoff TEXT NOT NULL,
    PRIMARY KEY (tenant, time_us, idx)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_handoffs_by_subject ON audit_handoffs (tenant, subject, time_us, idx);
CREATE INDEX audit_handoffs_by_sid ON audit_handoffs (tenant, sid, time_us, idx);

-- sqlite: what was recorded before this table. No such record is on PostgreSQL, which came later.
INSERT INTO audit_handoffs (tenant, time_us, idx, action, subject, sid, token, handoff)
SELECT tenant, json_extract(body, '$.time_us'), idx, json_extract(body, '$.action'),
    coalesce(json_extract(body, '$.subject'), ''), coalesce(json_extract(body, '$.sid'), ''),
    coalesce(json_extract(body, '$.token'), ''), coalesce(json_extract(body, '$.handoff'), '')
FROM (SELECT tenant, idx, CAST(entry AS TEXT) AS body FROM audit_entries) AS entries
WHERE CASE WHEN json_valid(body)
    THEN json_extract(body, '$.action') >= 'handoff.' AND json_extract(body, '$.action') < 'handoff/'
        AND json_type(body, '$.time_us') = 'integer'
    ELSE 0 END;
