-- Tokens for minutes, issued by a broker's token for one analyst and one scope. They hold as long as
-- the token that issued them does, so a revocation ends them all; what has expired is swept away.
CREATE TABLE identity_grants (
    id TEXT NOT NULL PRIMARY KEY,  -- 16 hexadecimal digits
    tenant TEXT NOT NULL,
    parent TEXT NOT NULL,          -- identity_tokens.id
    subject TEXT NOT NULL,         -- whom it stands for: the Splunk user
    scope TEXT NOT NULL,           -- handoff, read, audit
    search_head TEXT NOT NULL,
    secret_sha256 BYTEA NOT NULL,  -- 32 bytes
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

CREATE INDEX identity_grants_by_expiry ON identity_grants (expires_us);
