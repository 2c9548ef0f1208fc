/* intelgraphd token create | list | revoke */
#include "service/main/main_run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/text/time.h"
#include "service/identity/identity.h"
#include "service/main/main_data.h"

enum { CONNECTIONS = 2, LIST_MAX = 16 << 20 };

enum fault_code main_run_token_create(const struct main_options *options, struct fault *fault)
{
    enum identity_role role;
    if (!identity_role_of_name(options->role, &role))
        return fault_field(fault, FAULT_INPUT, "role",
                           "there is no role \"%.*s\"; choose viewer, analyst, auditor, admin, "
                           "broker or meter",
                           STR_ARG(options->role));
    struct main_data data;
    enum fault_code code =
        main_data_open(&data, options->data, options->store, true, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    struct buf token;
    buf_init(&token, 256);
    int64_t expires_us = options->expires_s ? os_now_us() + options->expires_s * 1000000 : 0;
    code = identity_token_create(data.service.identity, options->tenant, role, options->name,
                                 expires_us, &token, fault);
    if (code == FAULT_NONE) {
        buf_add_byte(&token, '\n');
        code = file_write_all(STDOUT_FILENO, buf_str(&token), "standard output", fault);
    }
    if (token.ptr)
        explicit_bzero(token.ptr, token.room);
    buf_done(&token);
    main_data_close(&data);
    return code;
}

static void add_time(struct buf *out, int64_t us)
{
    if (us == 0)
        buf_add(out, STR("-"));
    else
        time_add_rfc3339(out, us / 1000000 * 1000000);
}

static void add_token(void *context, const struct identity_token *token)
{
    struct buf *out = context;
    buf_addf(out, "%.*s\t%.*s\t%.*s\t", STR_ARG(token->id), STR_ARG(token->tenant),
             STR_ARG(token->role));
    const int64_t times[] = {token->created_us, token->expires_us, token->revoked_us,
                             token->last_used_us};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        add_time(out, times[i]);
        buf_add_byte(out, '\t');
    }
    buf_add(out, token->name);
    buf_add_byte(out, '\n');
}

enum fault_code main_run_token_list(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    enum fault_code code =
        main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    struct buf list;
    buf_init(&list, LIST_MAX);
    buf_add(&list, STR("id\ttenant\trole\tcreated\texpires\trevoked\tlast_used\tname\n"));
    code = identity_token_each(data.service.identity, options->tenant, add_token, &list, fault);
    if (code == FAULT_NONE)
        code = buf_check(&list, "the list of tokens", fault);
    if (code == FAULT_NONE)
        code = file_write_all(STDOUT_FILENO, buf_str(&list), "standard output", fault);
    buf_done(&list);
    main_data_close(&data);
    return code;
}

enum fault_code main_run_token_revoke(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    enum fault_code code =
        main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    code = identity_token_revoke(data.service.identity, options->tenant, options->id, NULL, NULL,
                                 fault);
    main_data_close(&data);
    return code;
}
