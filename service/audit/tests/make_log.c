/* Makes the logs that verifiers we did not write are tried on (tests/verifiers/run).
 *
 * Usage: make_log FOLDER. Leaves in FOLDER:
 *     vkey             the verifier key of tenant acme
 *     log/             its log of 300 records as static files
 *     cut/             the same as it was at 200 records
 *     rewritten/       300 other records under the same key: what a dishonest owner could make
 *     receipt-N        the checkpoint that record N-1 was given, for some N */
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "service/audit/audit.h"
#include "service/migrations/migrations.h"

enum { RECORDS = 300, CUT = 200 };

static const struct str tenant = {"acme", 4};

struct maker {
    char folder[4096];
    struct store *store;
    struct audit *audit;
    struct buf note; /* the newest */
};

static enum fault_code put(const struct maker *maker, const char *name, struct str content,
                           struct fault *fault)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", maker->folder, name);
    return file_replace(path, content, 0644, fault);
}

static enum fault_code open_log(struct maker *maker, const char *name, struct fault *fault)
{
    char path[4200];
    char keys[4200];
    snprintf(path, sizeof path, "%s/%s", maker->folder, name);
    snprintf(keys, sizeof keys, "%s/keys", maker->folder);
    enum fault_code code = store_open(path, &maker->store, fault);
    if (code == FAULT_NONE)
        code = store_migrate(maker->store, service_migrations, service_migration_count, fault);
    if (code == FAULT_NONE)
        code = audit_open(keys, maker->store, &maker->audit, fault);
    return code;
}

static void close_log(struct maker *maker)
{
    audit_close(maker->audit);
    store_close(maker->store);
    maker->audit = NULL;
    maker->store = NULL;
}

/* Records of very different lengths, some with bytes that need care. */
static enum fault_code append(struct maker *maker, int number, const char *analyst,
                              struct fault *fault)
{
    static char long_reason[20000];
    memset(long_reason, 'r', sizeof long_reason);
    char handoff[32];
    int64_t index;
    snprintf(handoff, sizeof handoff, "handoff-%04d", number);
    struct audit_count counts[] = {{"rows", number * 1000}, {"entities_new", number}};
    struct audit_record record = {.action = number % 3 ? "handoff.committed" : "access.denied",
                                  .result = number % 3 ? "success" : "failure",
                                  .tenant = tenant,
                                  .subject = str_of(analyst),
                                  .handoff = str_of(handoff),
                                  .reason = STR("no \"right\"\nto \xe2\x80\x94 this"),
                                  .counts = counts,
                                  .count_count = 2};
    if (number % 50 == 0)
        record.reason = (struct str){long_reason, sizeof long_reason};
    buf_clear(&maker->note);
    enum fault_code code = store_begin(maker->store, fault);
    if (code == FAULT_NONE)
        code = audit_append(maker->audit, maker->store, &record, &index, &maker->note, fault);
    if (code != FAULT_NONE) {
        store_rollback(maker->store);
        return code;
    }
    return store_commit(maker->store, fault);
}

static enum fault_code export(const struct maker *maker, const char *name, struct fault *fault) {
    char path[4200]; snprintf(path, sizeof path, "%s/%s", maker->folder, name);
    return audit_export(maker->store, tenant, path, fault);
}

static enum fault_code make_honest(struct maker *maker, struct fault *fault)
{
    struct buf vkey;
    buf_init(&vkey, 1000);
    enum fault_code code = open_log(maker, "log.db", fault);
    for (int number = 1; number <= RECORDS && code == FAULT_NONE; number++) {
        code = append(maker, number, "ann", fault);
        char name[32];
        snprintf(name, sizeof name, "receipt-%d", number);
        bool kept = number == 1 || number == 64 || number == 250 || number == 257;
        if (code == FAULT_NONE && kept)
            code = put(maker, name, buf_str(&maker->note), fault);
        if (code == FAULT_NONE && number == CUT)
            code = export(maker, "cut", fault);
    }
    if (code == FAULT_NONE)
        code = export(maker, "log", fault);
    if (code == FAULT_NONE) {
        audit_add_verifier_key(maker->audit, tenant, &vkey);
        buf_add_byte(&vkey, '\n');
        code = put(maker, "vkey", buf_str(&vkey), fault);
    }
    close_log(maker);
    buf_done(&vkey);
    return code;
}

static enum fault_code make_rewritten(struct maker *maker, struct fault *fault)
{
    enum fault_code code = open_log(maker, "rewritten.db", fault);
    for (int number = 1; number <= RECORDS && code == FAULT_NONE; number++)
        code = append(maker, number, number == 50 ? "somebody else" : "ann", fault);
    if (code == FAULT_NONE)
        code = export(maker, "rewritten", fault);
    close_log(maker);
    return code;
}

int main(int argc, char **argv)
{
    struct maker maker = {.store = NULL};
    struct fault fault;
    if (argc != 2 || !str_to_c(str_of(argv[1]), maker.folder, sizeof maker.folder)) {
        fprintf(stderr, "usage: make_log FOLDER\n");
        return 2;
    }
    buf_init(&maker.note, 1000);
    enum fault_code code = file_make_folder(maker.folder, 0755, &fault);
    if (code == FAULT_NONE)
        code = make_honest(&maker, &fault);
    if (code == FAULT_NONE)
        code = make_rewritten(&maker, &fault);
    buf_done(&maker.note);
    if (code != FAULT_NONE)
        fprintf(stderr, "make_log: %s\n", fault.text);
    return code == FAULT_NONE ? 0 : 1;
}
