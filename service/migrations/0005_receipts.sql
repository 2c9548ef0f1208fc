-- What each receipt of a committed hand-off states, as it was signed: the payload of its Sigstore
-- bundle. The log "<tenant>/receipts" in audit_entries holds the entry of the same index, with the
-- payload's digest and signature.
CREATE TABLE audit_receipts (
    tenant TEXT NOT NULL,
    idx INTEGER NOT NULL CHECK (idx >= 0), -- in the log of receipts
    handoff TEXT NOT NULL,                 -- its id
    statement BLOB NOT NULL,               -- in-toto Statement v1, JSON
    PRIMARY KEY (tenant, idx)
) STRICT;

CREATE UNIQUE INDEX audit_receipts_by_handoff ON audit_receipts (tenant, handoff);
