/* intelgraphd audit verify | export | key */
#include "service/main/main_run.h"

#include <unistd.h>

#include "libs/core/file.h"
#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/main/main_data.h"

enum { CONNECTIONS = 2, VERDICT_MAX = 16 << 20, HEADS_BYTES_MAX = 1 << 30 };

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

static enum fault_code read_heads(struct str name, struct audit_heads **out, struct fault *fault)
{
    char path[MAIN_PATH_MAX];
    struct buf text;
    if (name.len == 0)
        return FAULT_NONE;
    if (!str_to_c(name, path, sizeof path))
        return fault_field(fault, FAULT_INPUT, "heads", "the file's name is too long");
    buf_init(&text, HEADS_BYTES_MAX);
    enum fault_code code = file_read(path, &text, fault);
    if (code == FAULT_NONE)
        code = audit_heads_read(buf_str(&text), out, fault);
    if (code != FAULT_NONE)
        fault_prefix(fault, "--heads %s: ", path);
    buf_done(&text);
    return code;
}

/* The log that --tenant and --log name. */
static enum fault_code log_of(const struct main_options *options, char out[AUDIT_LOG_MAX],
                              struct fault *fault)
{
    bool receipts = str_equal(options->log, STR("receipts"));
    if (!receipts && !str_equal(options->log, STR("records")))
        return fault_field(fault, FAULT_INPUT, "log",
                           "there is no log \"%.*s\"; choose records or receipts",
                           STR_ARG(options->log));
    return audit_log_name(options->tenant, receipts, out, fault);
}

enum fault_code main_run_audit_verify(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    struct store *store = NULL;
    struct audit_heads *heads = NULL;
    struct buf lines;
    enum fault_code code = read_heads(options->heads, &heads, fault);
    if (code != FAULT_NONE)
        return code;
    code = main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE) {
        audit_heads_free(heads);
        return code;
    }
    buf_init(&lines, VERDICT_MAX);
    code = store_pool_take(data.service.pool, &store, fault);
    if (code == FAULT_NONE)
        code = audit_verify(data.service.audit, store, heads, &lines, fault);
    code = say(&lines, code, fault);
    if (store)
        store_pool_give(data.service.pool, store);
    buf_done(&lines);
    audit_heads_free(heads);
    main_data_close(&data);
    return code;
}

enum fault_code main_run_audit_export(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    struct store *store = NULL;
    char folder[MAIN_PATH_MAX];
    char log[AUDIT_LOG_MAX];
    if (!str_to_c(options->out, folder, sizeof folder))
        return fault_field(fault, FAULT_INPUT, "out", "the folder's name is too long");
    enum fault_code code = log_of(options, log, fault);
    if (code == FAULT_NONE)
        code = main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_pool_take(data.service.pool, &store, fault);
    if (code == FAULT_NONE)
        code = audit_export(store, str_of(log), folder, fault);
    if (store)
        store_pool_give(data.service.pool, store);
    main_data_close(&data);
    return code;
}

enum fault_code main_run_audit_key(const struct main_options *options, struct fault *fault)
{
    struct main_data data;
    struct buf line;
    char log[AUDIT_LOG_MAX];
    enum fault_code code = log_of(options, log, fault);
    if (code == FAULT_NONE)
        code = main_data_open(&data, options->data, options->store, false, CONNECTIONS, fault);
    if (code != FAULT_NONE)
        return code;
    buf_init(&line, 1024);
    audit_add_verifier_key(data.service.audit, str_of(log), &line);
    buf_add_byte(&line, '\n');
    code = buf_check(&line, "the key", fault);
    code = say(&line, code, fault);
    buf_done(&line);
    main_data_close(&data);
    return code;
}
