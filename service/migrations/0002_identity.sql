-- Who may come in: API tokens and the browser sessions opened with them.
--
-- A token is looked up by its public id before its tenant is known, so the id alone is the key; it is
-- random and unique over all tenants. Only a hash of the secret is kept: the secret has 256 random
-- bits, so a plain SHA-256 is as good as a slow one.

CREATE TABLE identity_tokens (
    id TEXT NOT NULL PRIMARY KEY,  -- 16 hexadecimal digits
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_sha256 BYTEA NOT NULL,  -- 32 bytes
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,    -- 0: never
    revoked_us BIGINT NOT NULL,    -- 0: not
    last_used_us BIGINT NOT NULL   -- 0: never; to within a few minutes
);

CREATE INDEX identity_tokens_by_tenant ON identity_tokens (tenant, created_us, id);

CREATE TABLE identity_sessions (
    session_sha256 BYTEA NOT NULL PRIMARY KEY, -- of the cookie's value
    token_id TEXT NOT NULL,                    -- ends with the token's expiry or revocation
    opened_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

CREATE INDEX identity_sessions_by_token ON identity_sessions (token_id);
