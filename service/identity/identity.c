/* Tokens made, listed and revoked: by the command line and by the admin page. */
#include "service/identity/identity_internal.h"

#include <string.h>

#include "libs/core/os.h"
#include "service/identity/identity_rules.h"

enum { DENIED_EVERY_US = 1000000, DENIED_MOST_IN_SECOND = 50, ROW_MAX = 64 * 1024 };

enum fault_code identity_new(struct store_pool *pool, struct audit *audit, struct identity **out,
                             struct fault *fault)
{
    struct identity *identity = os_alloc(sizeof *identity);
    if (!identity)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the identity tables");
    identity->pool = pool;
    identity->audit = audit;
    identity->used.every_us = IDENTITY_USED_EVERY_US;
    identity->denied.every_us = DENIED_EVERY_US;
    identity->denied.most_in_second = DENIED_MOST_IN_SECOND;
    pthread_mutex_init(&identity->lock, NULL);
    identity_recent_init(&identity->recent);
    *out = identity;
    return FAULT_NONE;
}

void identity_free(struct identity *taken)
{
    if (!taken)
        return;
    pthread_mutex_destroy(&taken->lock);
    identity_recent_done(&taken->recent);
    os_free(taken);
}

void identity_public_url_set(struct identity *identity, struct str url)
{
    identity->public_url = url;
}

static enum fault_code check_names(struct str tenant, struct str name, struct fault *fault)
{
    if (!identity_tenant_is_good(tenant))
        return fault_field(fault, FAULT_INPUT, "tenant",
                           "tenant must be 1 to %d of A-Z a-z 0-9 . _ - and begin with neither . "
                           "nor _",
                           IDENTITY_NAME_MAX);
    if (!identity_name_is_good(name))
        return fault_field(fault, FAULT_INPUT, "name",
                           "name must be 1 to %d of A-Z a-z 0-9 . _ - @ and blanks inside",
                           IDENTITY_NAME_MAX);
    return FAULT_NONE;
}

struct creation {
    struct identity *identity;
    const struct identity_row *row;
};

static enum fault_code create_in(struct store *store, void *context, struct fault *fault)
{
    const struct creation *creation = context;
    const struct identity_row *row = creation->row;
    const struct identity_event event = {.action = "token.created",
                                         .tenant = row->token.tenant,
                                         .token = &row->token,
                                         .subject = STR("command line")};
    enum fault_code code = identity_store_add(store, row, fault);
    if (code == FAULT_NONE)
        code = identity_record(creation->identity, store, NULL, &event, fault);
    return code;
}

enum fault_code identity_token_create(struct identity *identity, struct str tenant,
                                      enum identity_role role, struct str name, int64_t expires_us,
                                      struct buf *out_token, struct fault *fault)
{
    enum fault_code code = check_names(tenant, name, fault);
    if (code != FAULT_NONE)
        return code;
    int64_t now_us = os_now_us();
    if (expires_us != 0 && expires_us <= now_us)
        return fault_field(fault, FAULT_INPUT, "expires", "the token would have expired already");

    uint8_t random[IDENTITY_ID_BYTES + IDENTITY_SECRET_BYTES];
    char id[2 * IDENTITY_ID_BYTES + 1];
    char secret[2 * IDENTITY_SECRET_BYTES + 1];
    if (os_random(random, sizeof random) != 0)
        return fault_set(fault, FAULT_IO, "the system gives no random numbers for a token");
    hex_of(random, IDENTITY_ID_BYTES, id);
    hex_of(random + IDENTITY_ID_BYTES, IDENTITY_SECRET_BYTES, secret);
    const struct identity_row row = {
        .token = {.id = str_of(id),
                  .tenant = tenant,
                  .name = name,
                  .role = str_of(identity_role_name(role)),
                  .created_us = now_us,
                  .expires_us = expires_us},
        .secret = sha256_of(str_of(secret)),
    };
    struct creation creation = {identity, &row};
    code = store_pool_write(identity->pool, create_in, &creation, fault);
    if (code == FAULT_NONE) {
        buf_addf(out_token, "igt_%s_%s", id, secret);
        code = buf_check(out_token, "the token", fault);
    }
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(random, sizeof random);
    return code;
}

enum fault_code identity_token_each(struct identity *identity, struct str tenant,
                                    void (*visit)(void *context,
                                                  const struct identity_token *token),
                                    void *context, struct fault *fault)
{
    struct store *store;
    enum fault_code code = store_pool_take(identity->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = identity_store_each(store, tenant, visit, context, fault);
    store_pool_give(identity->pool, store);
    return code;
}

struct revocation {
    struct identity *identity;
    struct arena arena;
    struct str tenant; /* "": any */
    struct str id;
    const struct web_request *request;
    const struct identity_caller *by; /* NULL: the command line */
};

static enum fault_code revoke_in(struct store *store, void *context, struct fault *fault)
{
    struct revocation *revocation = context;
    const struct identity_caller *by = revocation->by;
    struct str tenant = revocation->tenant;
    struct identity_row row;
    bool changed = false;
    enum fault_code code =
        identity_store_find(store, &revocation->arena, revocation->id, &row, fault);
    if (code == FAULT_NOT_FOUND ||
        (code == FAULT_NONE && tenant.len > 0 && !str_equal(tenant, row.token.tenant)))
        return fault_field(fault, FAULT_NOT_FOUND, "id", "there is no token with this id");
    if (code == FAULT_NONE)
        code = identity_store_revoke(store, revocation->id, os_now_us(), &changed, fault);
    if (code != FAULT_NONE || !changed)
        return code;
    const struct identity_event event = {.action = "token.revoked",
                                         .tenant = row.token.tenant,
                                         .token = &row.token,
                                         .subject = by ? by->name : STR("command line")};
    return identity_record(revocation->identity, store, revocation->request, &event, fault);
}

enum fault_code identity_token_revoke(struct identity *identity, struct str tenant, struct str id,
                                      const struct web_request *request,
                                      const struct identity_caller *by, struct fault *fault)
{
    struct revocation revocation = {
        .identity = identity, .tenant = tenant, .id = id, .request = request, .by = by};
    arena_init(&revocation.arena, ROW_MAX);
    enum fault_code code = store_pool_write(identity->pool, revoke_in, &revocation, fault);
    identity_recent_forget(&identity->recent); /* whatever came of it */
    arena_done(&revocation.arena);
    return code;
}
