/* Tokens for minutes in the store (service/migrations/0007_grants.sql). */
#include "service/identity/identity_grant.h"

#include <string.h>

static const int64_t kept_us = INT64_C(3600) * 1000000;

static struct str bytes_of(const struct sha256 *hash)
{
    return (struct str){(const char *)hash->bytes, sizeof hash->bytes};
}

static int64_t earlier(int64_t expires_us, int64_t parent_us)
{
    return parent_us != 0 && parent_us < expires_us ? parent_us : expires_us;
}

static enum fault_code read_row(struct statement *statement, struct arena *arena,
                                struct identity_row *out, struct fault *fault)
{
    bool there;
    enum identity_scope scope;
    enum fault_code code = store_step(statement, &there, fault);
    if (code != FAULT_NONE)
        return code;
    if (!there)
        return fault_set(fault, FAULT_NOT_FOUND, "there is no such token");
    struct identity_row row = {
        .token = {.id = arena_copy(arena, store_text(statement, 0)),
                  .tenant = arena_copy(arena, store_text(statement, 1)),
                  .name = arena_copy(arena, store_text(statement, 2)),
                  .parent = arena_copy(arena, store_text(statement, 3)),
                  .search_head = arena_copy(arena, store_text(statement, 10)),
                  .created_us = store_whole(statement, 5),
                  .expires_us = earlier(store_whole(statement, 6), store_whole(statement, 7)),
                  .revoked_us = store_whole(statement, 8)},
    };
    bool scoped = identity_scope_of_name(store_text(statement, 4), &scope);
    struct str secret = store_text(statement, 9);
    bool whole = scoped && secret.len == sizeof row.secret.bytes;
    if (whole)
        memcpy(row.secret.bytes, secret.ptr, secret.len);
    store_reset(statement);
    if (!row.token.id.ptr || !row.token.tenant.ptr || !row.token.name.ptr ||
        !row.token.parent.ptr || !row.token.search_head.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to read the token");
    if (!whole)
        return fault_set(fault, FAULT_CORRUPT, "token %.*s: what is stored of it is not whole",
                         STR_ARG(row.token.id));
    row.token.role = str_of(identity_role_name(identity_scope_role(scope)));
    *out = row;
    return FAULT_NONE;
}

enum fault_code identity_grant_store_find(struct store *store, struct arena *arena, struct str id,
                                          struct identity_row *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT g.id, g.tenant, g.subject, g.parent, g.scope, g.created_us, g.expires_us, "
        "t.expires_us, t.revoked_us, g.secret_sha256, g.search_head FROM identity_grants g "
        "JOIN identity_tokens t ON t.id = g.parent WHERE g.id = $1";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, id);
    return read_row(statement, arena, out, fault);
}

static enum fault_code sweep(struct store *store, int64_t before_us, struct fault *fault)
{
    struct statement *statement;
    enum fault_code code = store_prepare(store, "DELETE FROM identity_grants WHERE expires_us < $1",
                                         &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, before_us);
    return store_run(statement, fault);
}

enum fault_code identity_grant_store_add(struct store *store, const struct identity_grant *grant,
                                         struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO identity_grants (id, tenant, parent, subject, scope, search_head, "
        "secret_sha256, created_us, expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    struct statement *statement;
    enum fault_code code = sweep(store, grant->created_us - kept_us, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, grant->id);
    store_bind_text(statement, 2, grant->tenant);
    store_bind_text(statement, 3, grant->parent);
    store_bind_text(statement, 4, grant->ask.subject);
    store_bind_text(statement, 5, str_of(identity_scope_name(grant->ask.scope)));
    store_bind_text(statement, 6, grant->ask.search_head);
    store_bind_bytes(statement, 7, bytes_of(&grant->secret));
    store_bind_whole(statement, 8, grant->created_us);
    store_bind_whole(statement, 9, grant->expires_us);
    return store_run(statement, fault);
}
