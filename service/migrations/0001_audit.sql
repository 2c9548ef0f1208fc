-- The audit log: one Merkle tree (RFC 6962) a tenant.

-- The records themselves, in order, without gaps: what a leaf hash is of.
CREATE TABLE audit_entries (
    tenant TEXT NOT NULL,
    idx INTEGER NOT NULL CHECK (idx >= 0),
    entry BLOB NOT NULL,
    PRIMARY KEY (tenant, idx)
) STRICT;

-- Hashes of complete subtrees of height 8 * level: 256 of one level in a row are a tile.
CREATE TABLE audit_hashes (
    tenant TEXT NOT NULL,
    level INTEGER NOT NULL CHECK (level >= 0),
    idx INTEGER NOT NULL CHECK (idx >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (tenant, level, idx)
) STRICT, WITHOUT ROWID;

-- The newest head: `edge` holds the hashes of the complete subtrees that make up the tree, largest
-- first, so that an append needs no other row; `checkpoint` is the signed note that was given out.
CREATE TABLE audit_heads (
    tenant TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size > 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    edge BLOB NOT NULL,
    checkpoint BLOB NOT NULL
) STRICT, WITHOUT ROWID;
