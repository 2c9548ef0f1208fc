/* A whole service in this process, on a folder of its own and a free port. */
#ifndef IG_MAIN_TESTS_MAIN_FIXTURE_H
#define IG_MAIN_TESTS_MAIN_FIXTURE_H

#include <stdlib.h>

#include "libs/core/log.h"
#include "libs/store/store_pool.h"
#include "libs/store/tests/place.h"
#include "service/audit/audit.h"
#include "service/identity/identity.h"
#include "service/budgets/budgets.h"
#include "service/main/main_data.h"
#include "service/main/main_routes.h"
#include "service/web/tests/web_client.h"

enum { FIXTURE_TOKEN_MAX = 128 };

struct fixture {
    char folder[64];
    struct main_data data;
    struct web_server *server;
    int port;
};

static inline void fixture_token(struct fixture *fixture, const char *tenant,
                                 enum identity_role role, int64_t expires_us,
                                 char out[FIXTURE_TOKEN_MAX])
{
    struct fault fault;
    struct buf token;
    buf_init(&token, FIXTURE_TOKEN_MAX);
    if (identity_token_create(fixture->data.service.identity, str_of(tenant), role,
                              str_of(identity_role_name(role)), expires_us, &token,
                              &fault) != FAULT_NONE ||
        !str_to_c(buf_str(&token), out, FIXTURE_TOKEN_MAX))
        abort();
    buf_done(&token);
}

static inline void fixture_start(struct fixture *fixture)
{
    struct fault fault;
    struct web_settings settings = client_settings();
    settings.admit = main_admit;
    log_level_set(LOG_ERROR);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/intelgraphd-test-XXXXXX");
    char place[PLACE_MAX];
    place_make("", place);
    if (!mkdtemp(fixture->folder) || main_data_open(&fixture->data, str_of(fixture->folder),
                                                    str_of(place), true, 6, &fault) != FAULT_NONE)
        abort();
    if (budgets_new(fixture->data.service.pool, fixture->data.service.audit,
                    &fixture->data.service.budgets, &fault) != FAULT_NONE)
        abort();
    fixture->data.service.events_kept = budgets_events_kept;
    fixture->data.service.public_url = STR("");
    if (web_server_start(&settings, main_tables, main_table_count, &fixture->data.service,
                         &fixture->server, &fault) != FAULT_NONE)
        abort();
    atomic_store(&fixture->data.service.server, fixture->server);
    fixture->port = web_server_port(fixture->server);
}

static inline void fixture_stop(struct fixture *fixture)
{
    char command[128];
    web_server_stop(fixture->server, 1000);
    budgets_free(fixture->data.service.budgets);
    fixture->data.service.budgets = NULL;
    main_data_close(&fixture->data);
    snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
    if (system(command) != 0)
        abort();
}

/* A request with a token (NULL: none) and further header lines. */
static inline struct client_reply fixture_ask(struct fixture *fixture, const char *method,
                                              const char *target, const char *token,
                                              const char *headers)
{
    char lines[1024];
    snprintf(lines, sizeof lines, "%s%s%s%s", token ? "Authorization: Bearer " : "",
             token ? token : "", token ? "\r\n" : "", headers);
    return client_ask(fixture->port, method, target, lines, STR(""));
}

/* The tenant's newest records as JSON text; owned by the caller. */
static inline struct buf fixture_records(struct fixture *fixture, const char *tenant)
{
    struct buf out;
    struct store *store;
    struct fault fault;
    buf_init(&out, 1 << 20);
    if (store_pool_take(fixture->data.service.pool, &store, &fault) != FAULT_NONE ||
        audit_list(store, str_of(tenant), -1, 500, &out, &fault) != FAULT_NONE)
        abort();
    store_pool_give(fixture->data.service.pool, store);
    return out;
}

static inline int fixture_count(struct fixture *fixture, const char *tenant, const char *text)
{
    struct buf records = fixture_records(fixture, tenant);
    struct str rest = buf_str(&records);
    int count = 0;
    for (size_t at = str_find(rest, str_of(text)); at < rest.len;
         at = str_find(rest, str_of(text))) {
        count++;
        rest = str_skip(rest, at + 1);
    }
    buf_done(&records);
    return count;
}

#endif
