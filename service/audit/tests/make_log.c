/* Makes the logs that verifiers we did not write are tried on (tests/verifiers).
 *
 * Usage: make_log FOLDER. Leaves in FOLDER, all of tenant acme and one key:
 *     vkey, receipts-vkey   the verifier keys of its two logs
 *     honest/               300 records, 20 receipts
 *     cut/                  the same as it was at 200 records
 *     forked/               from there on 100 other records
 *     rewritten/            300 other records: what a dishonest owner could make
 *     head-N                the checkpoint that record N-1 was given, for some N
 * In each folder:
 *     data/                 store and key, as intelgraphd has them
 *     log/, receipts/       the logs as static files
 *     bundle-N.json         the receipt of hand-off N, for some N */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "service/audit/audit_receipt.h"
#include "service/migrations/migrations.h"

enum {
    RECORDS = 300,
    CUT = 200,
    RECEIPT_EACH = 15,
    BUNDLE_EACH = 60,
    BUNDLE_MAX = 1 << 20,
    PATH_ROOM = 4096,
    STORE_MAX = 64 << 20
};

static const struct str tenant = {"acme", 4};

struct maker {
    char folder[1024];
    struct store *store;
    struct audit *audit;
    struct buf note; /* the newest */
};

/* folder/name/rest; `rest` may be empty. */
static void path_of(const struct maker *maker, const char *name, const char *rest,
                    char out[PATH_ROOM])
{
    int len = snprintf(out, PATH_ROOM, "%s/%s%s%s", maker->folder, name, rest[0] ? "/" : "", rest);
    assert(len > 0 && len < PATH_ROOM);
}

static enum fault_code put(const struct maker *maker, const char *name, const char *rest,
                           struct str content, struct fault *fault)
{
    char path[PATH_ROOM];
    path_of(maker, name, rest, path);
    return file_replace(path, content, 0600, fault);
}

/* A file of the honest log's data folder, for another one's; the honest log is closed. */
static enum fault_code copy_file(const struct maker *maker, const char *name, const char *file,
                                 struct fault *fault)
{
    char path[PATH_ROOM];
    struct buf bytes;
    buf_init(&bytes, STORE_MAX);
    path_of(maker, name, "data", path);
    enum fault_code code = file_make_folder(path, 0700, fault);
    path_of(maker, "honest", file, path);
    if (code == FAULT_NONE)
        code = file_read(path, &bytes, fault);
    if (code == FAULT_NONE)
        code = put(maker, name, file, buf_str(&bytes), fault);
    buf_done(&bytes);
    return code;
}

/* The store of `name`, under the key of the honest one. */
static enum fault_code open_log(struct maker *maker, const char *name, struct fault *fault)
{
    char keys[PATH_ROOM];
    char path[PATH_ROOM];
    path_of(maker, name, "data", keys);
    path_of(maker, name, "data/intelgraph.db", path);
    enum fault_code code = file_make_folder(keys, 0700, fault);
    bool honest = strcmp(name, "honest") == 0;
    if (code == FAULT_NONE && !honest)
        code = copy_file(maker, name, "data/audit.key", fault);
    if (code == FAULT_NONE && !honest)
        code = copy_file(maker, name, "data/audit.vkey", fault);
    if (code == FAULT_NONE)
        code = store_open(path, &maker->store, fault);
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

/* The receipt of a hand-off, as a commit leaves it. */
static enum fault_code append_receipt(struct maker *maker, int number, const char *analyst,
                                      struct fault *fault)
{
    char handoff[33];
    char digest[SHA256_HEX + 1];
    char content[64];
    snprintf(content, sizeof content, "%s %d", analyst, number);
    struct sha256 sum = sha256_of(str_of(content));
    hex_of(sum.bytes, SHA256_SIZE, digest);
    snprintf(handoff, sizeof handoff, "%032d", number);
    struct audit_count counts[] = {{"rows", number * 1000}, {"entities_new", number}};
    struct audit_receipt receipt = {.tenant = tenant,
                                    .handoff = str_of(handoff),
                                    .content_sha256 = str_of(digest),
                                    .sid = STR("1.1"),
                                    .user = str_of(analyst),
                                    .committed_us = INT64_C(1764000000000000) + number,
                                    .audit_index = number - 1,
                                    .counts = counts,
                                    .count_count = 2};
    return audit_receipt_append(maker->audit, maker->store, &receipt, fault);
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
    if (code == FAULT_NONE && number % RECEIPT_EACH == 0)
        code = append_receipt(maker, number, analyst, fault);
    if (code != FAULT_NONE) {
        store_rollback(maker->store);
        return code;
    }
    return store_commit(maker->store, fault);
}

static enum fault_code put_bundle(struct maker *maker, const char *name, int number,
                                  struct fault *fault)
{
    char handoff[33];
    char file[64];
    struct buf bundle;
    buf_init(&bundle, BUNDLE_MAX);
    snprintf(handoff, sizeof handoff, "%032d", number);
    snprintf(file, sizeof file, "bundle-%d.json", number);
    enum fault_code code =
        audit_receipt_bundle(maker->audit, maker->store, tenant, str_of(handoff), &bundle, fault);
    if (code == FAULT_NONE)
        code = put(maker, name, file, buf_str(&bundle), fault);
    buf_done(&bundle);
    return code;
}

/* Both logs as files, and some bundles, as they are now. */
static enum fault_code export(struct maker *maker, const char *name, struct fault *fault) {
    char path[PATH_ROOM]; char log[AUDIT_LOG_MAX]; path_of(maker, name, "log", path);
    enum fault_code code = audit_log_name(tenant, true, log, fault);
    if (code == FAULT_NONE) code = audit_export(maker->store, tenant, path, fault);
    path_of(maker, name, "receipts", path);
    if (code == FAULT_NONE) code = audit_export(maker->store, str_of(log), path, fault);
    for (int number = BUNDLE_EACH; number <= CUT && code == FAULT_NONE; number += BUNDLE_EACH)
        code = put_bundle(maker, name, number, fault);
    return code;
}

static enum fault_code put_keys(struct maker *maker, struct fault *fault)
{
    struct buf vkey;
    enum fault_code code = FAULT_NONE;
    buf_init(&vkey, 1000);
    for (int receipts = 0; receipts < 2 && code == FAULT_NONE; receipts++) {
        char log[AUDIT_LOG_MAX];
        buf_clear(&vkey);
        code = audit_log_name(tenant, receipts, log, fault);
        if (code == FAULT_NONE) {
            audit_add_verifier_key(maker->audit, str_of(log), &vkey);
            buf_add_byte(&vkey, '\n');
            code = put(maker, receipts ? "receipts-vkey" : "vkey", "", buf_str(&vkey), fault);
        }
    }
    buf_done(&vkey);
    return code;
}

/* The log as it is now goes on as three: the honest one, one that stands still, another one. */
static enum fault_code part_ways(struct maker *maker, struct fault *fault)
{
    enum fault_code code = export(maker, "cut", fault);
    close_log(maker);
    if (code == FAULT_NONE)
        code = copy_file(maker, "cut", "data/intelgraph.db", fault);
    if (code == FAULT_NONE)
        code = copy_file(maker, "forked", "data/intelgraph.db", fault);
    return code == FAULT_NONE ? open_log(maker, "honest", fault) : code;
}

static enum fault_code make_honest(struct maker *maker, struct fault *fault)
{
    enum fault_code code = open_log(maker, "honest", fault);
    if (code == FAULT_NONE)
        code = put_keys(maker, fault);
    for (int number = 1; number <= RECORDS && code == FAULT_NONE; number++) {
        code = append(maker, number, "ann", fault);
        char name[32];
        snprintf(name, sizeof name, "head-%d", number);
        bool kept = number == 1 || number == 64 || number == 250 || number == 257;
        if (code == FAULT_NONE && kept)
            code = put(maker, name, "", buf_str(&maker->note), fault);
        if (code == FAULT_NONE && number == CUT)
            code = part_ways(maker, fault);
    }
    if (code == FAULT_NONE)
        code = export(maker, "honest", fault);
    close_log(maker);
    return code;
}

/* Another history from record `from` on. */
static enum fault_code make_other(struct maker *maker, const char *name, int from,
                                  struct fault *fault)
{
    enum fault_code code = open_log(maker, name, fault);
    for (int number = from; number <= RECORDS && code == FAULT_NONE; number++)
        code = append(maker, number, "somebody else", fault);
    if (code == FAULT_NONE)
        code = export(maker, name, fault);
    close_log(maker);
    return code;
}

static enum fault_code make_all(struct maker *maker, struct fault *fault)
{
    enum fault_code code = make_honest(maker, fault);
    if (code == FAULT_NONE)
        code = make_other(maker, "rewritten", 1, fault);
    if (code == FAULT_NONE)
        code = make_other(maker, "forked", CUT + 1, fault);
    if (code == FAULT_NONE) {
        code = open_log(maker, "cut", fault); /* leaves its key there */
        close_log(maker);
    }
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
        code = make_all(&maker, &fault);
    buf_done(&maker.note);
    if (code != FAULT_NONE)
        fprintf(stderr, "make_log: %s\n", fault.text);
    return code == FAULT_NONE ? 0 : 1;
}
