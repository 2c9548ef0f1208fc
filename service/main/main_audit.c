/* intelgraphd audit verify | export | key */
#include "service/main/main_run.h"

#include <unistd.h>

#include "libs/core/file.h"
#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/main/main_data.h"

enum { CONNECTIONS = 2, VERDICT_MAX = 16 << 20 };

/* Verdict lines go out whatever the verdict is. */
static enum fault_code say(const struct buf *lines, enum fault_code code, struct fault *fault)
{
    struct fault unwritten;
    enum fault_code said =
        file_write_all(STDOUT_FILENO, buf_str(lines), "standard output", &unwritten);
    if (code == FAULT_NONE && said != FAULT_NONE)
        *fault = unwritten;
    return code != FAULT_NONE ? code : said;
}

enum fault_code main_run_audit_verify(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    struct store *store = NULL;
    struct buf lines;
    enum fault_code code = main_data_open(&data, options->data, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&lines, VERDICT_MAX);
    code = store_pool_take(data.service.pool, &store, fault);
    if (code == FAULT_NONE)
        code = audit_verify(data.service.audit, store, &lines, fault);
    code = say(&lines, code, fault);
    if (store)
        store_pool_give(data.service.pool, store);
    buf_done(&lines);
    main_data_close(&data);
    return code;
}

enum fault_code main_run_audit_export(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    struct store *store = NULL;
    char folder[MAIN_PATH_MAX];
    if (!str_to_c(options->out, folder, sizeof folder))
        return fault_field(fault, FAULT_INPUT, "out", "the folder's name is too long");
    enum fault_code code = main_data_open(&data, options->data, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_pool_take(data.service.pool, &store, fault);
    if (code == FAULT_NONE)
        code = audit_export(store, options->tenant, folder, fault);
    if (store)
        store_pool_give(data.service.pool, store);
    main_data_close(&data);
    return code;
}

enum fault_code main_run_audit_key(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    struct buf line;
    enum fault_code code = main_data_open(&data, options->data, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&line, 1024);
    audit_add_verifier_key(data.service.audit, options->tenant, &line);
    buf_add_byte(&line, '\n');
    code = buf_check(&line, "the key", fault);
    code = say(&line, code, fault);
    buf_done(&line);
    main_data_close(&data);
    return code;
}
