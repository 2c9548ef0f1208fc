#include "service/identity/identity_store.h"

#include <string.h>

#define TOKEN_COLUMNS                                                                              \
    "t.id, t.tenant, t.name, t.role, t.created_us, t.expires_us, t.revoked_us, t.last_used_us"

static struct identity_token read_token(struct statement *statement)
{
    return (struct identity_token){
        .id = store_text(statement, 0),
        .tenant = store_text(statement, 1),
        .name = store_text(statement, 2),
        .role = store_text(statement, 3),
        .created_us = store_whole(statement, 4),
        .expires_us = store_whole(statement, 5),
        .revoked_us = store_whole(statement, 6),
        .last_used_us = store_whole(statement, 7),
    };
}

static struct str bytes_of(const struct sha256 *hash)
{
    return (struct str){(const char *)hash->bytes, sizeof hash->bytes};
}

/* The one row of a bound statement: TOKEN_COLUMNS and the hash of the secret. */
static enum fault_code read_row(struct statement *statement, struct arena *arena,
                                struct identity_row *out, struct fault *fault)
{
    bool there;
    enum fault_code code = store_step(statement, &there, fault);
    if (code != FAULT_NONE)
        return code;
    if (!there)
        return fault_set(fault, FAULT_NOT_FOUND, "there is no such token");
    struct identity_row row = {.token = read_token(statement)};
    struct str *texts[] = {&row.token.id, &row.token.tenant, &row.token.name, &row.token.role};
    bool kept = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_copy(arena, *texts[i]);
        kept = kept && texts[i]->ptr;
    }
    struct str secret = store_text(statement, 8);
    bool whole = secret.len == sizeof row.secret.bytes;
    if (whole)
        memcpy(row.secret.bytes, secret.ptr, secret.len);
    store_reset(statement);
    if (!kept)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to read the token");
    if (!whole)
        return fault_set(fault, FAULT_CORRUPT, "token %.*s: its stored hash is not one",
                         STR_ARG(row.token.id));
    *out = row;
    return FAULT_NONE;
}

enum fault_code identity_store_find(struct store *store, struct arena *arena, struct str id,
                                    struct identity_row *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT " TOKEN_COLUMNS ", t.secret_sha256 FROM identity_tokens t WHERE t.id = $1";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, id);
    return read_row(statement, arena, out, fault);
}

enum fault_code identity_store_find_session(struct store *store, struct arena *arena,
                                            const struct sha256 *session, int64_t now_us,
                                            struct identity_row *out, struct fault *fault)
{
    static const char sql[] =
        "SELECT t.id, t.tenant, t.name, t.role, t.created_us, s.expires_us, t.revoked_us, "
        "t.last_used_us, t.secret_sha256 FROM identity_sessions s "
        "JOIN identity_tokens t ON t.id = s.token_id "
        "WHERE s.session_sha256 = $1 AND s.expires_us > $2 AND t.revoked_us = 0";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_bytes(statement, 1, bytes_of(session));
    store_bind_whole(statement, 2, now_us);
    return read_row(statement, arena, out, fault);
}

enum fault_code identity_store_add(struct store *store, const struct identity_row *row,
                                   struct fault *fault)
{
    static const char sql[] =
        "INSERT INTO identity_tokens (id, tenant, name, role, secret_sha256, created_us, "
        "expires_us, revoked_us, last_used_us) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, row->token.id);
    store_bind_text(statement, 2, row->token.tenant);
    store_bind_text(statement, 3, row->token.name);
    store_bind_text(statement, 4, row->token.role);
    store_bind_bytes(statement, 5, bytes_of(&row->secret));
    store_bind_whole(statement, 6, row->token.created_us);
    store_bind_whole(statement, 7, row->token.expires_us);
    return store_run(statement, fault);
}

enum fault_code identity_store_revoke(struct store *store, struct str id, int64_t now_us,
                                      bool *out_changed, struct fault *fault)
{
    static const char revoke[] =
        "UPDATE identity_tokens SET revoked_us = $1 WHERE id = $2 AND revoked_us = 0";
    static const char end_sessions[] = "DELETE FROM identity_sessions WHERE token_id = $1";
    struct statement *statement;
    enum fault_code code = store_prepare(store, revoke, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, now_us);
    store_bind_text(statement, 2, id);
    code = store_run(statement, fault);
    if (code != FAULT_NONE)
        return code;
    bool changed = store_changes(store) > 0;
    code = store_prepare(store, end_sessions, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(statement, 1, id);
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        *out_changed = changed;
    return code;
}

enum fault_code identity_store_used(struct store *store, struct str id, int64_t now_us,
                                    struct fault *fault)
{
    static const char sql[] = "UPDATE identity_tokens SET last_used_us = $1 WHERE id = $2";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, now_us);
    store_bind_text(statement, 2, id);
    return store_run(statement, fault);
}

enum fault_code identity_store_open_session(struct store *store, const struct sha256 *session,
                                            struct str id, int64_t now_us, int64_t expires_us,
                                            struct fault *fault)
{
    static const char sweep[] = "DELETE FROM identity_sessions WHERE expires_us <= $1";
    static const char add[] = "INSERT INTO identity_sessions (session_sha256, token_id, opened_us, "
                              "expires_us) VALUES ($1, $2, $3, $4)";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sweep, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_whole(statement, 1, now_us);
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        code = store_prepare(store, add, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_bytes(statement, 1, bytes_of(session));
    store_bind_text(statement, 2, id);
    store_bind_whole(statement, 3, now_us);
    store_bind_whole(statement, 4, expires_us);
    return store_run(statement, fault);
}

enum fault_code identity_store_close_session(struct store *store, const struct sha256 *session,
                                             bool *out_closed, struct fault *fault)
{
    static const char sql[] = "DELETE FROM identity_sessions WHERE session_sha256 = $1";
    struct statement *statement;
    enum fault_code code = store_prepare(store, sql, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_bytes(statement, 1, bytes_of(session));
    code = store_run(statement, fault);
    if (code == FAULT_NONE)
        *out_closed = store_changes(store) > 0;
    return code;
}

enum fault_code identity_store_each(struct store *store, struct str tenant,
                                    void (*visit)(void *context,
                                                  const struct identity_token *token),
                                    void *context, struct fault *fault)
{
    static const char of_tenant[] = "SELECT " TOKEN_COLUMNS " FROM identity_tokens t "
                                    "WHERE t.tenant = $1 ORDER BY t.created_us, t.id";
    static const char of_all[] =
        "SELECT " TOKEN_COLUMNS " FROM identity_tokens t ORDER BY t.tenant, t.created_us, t.id";
    struct statement *statement;
    enum fault_code code =
        store_prepare(store, tenant.len > 0 ? of_tenant : of_all, &statement, fault);
    if (code != FAULT_NONE)
        return code;
    if (tenant.len > 0)
        store_bind_text(statement, 1, tenant);
    for (;;) {
        bool more;
        code = store_step(statement, &more, fault);
        if (code != FAULT_NONE || !more)
            return code;
        struct identity_token token = read_token(statement);
        visit(context, &token);
    }
}
