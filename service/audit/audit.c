#include "service/audit/audit.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "service/audit/audit_internal.h"

enum { VKEY_MAX = 256 };

struct paths {
    char key[PATH_MAX];
    char vkey[PATH_MAX];
};

static enum fault_code make_paths(const char *folder, struct paths *out, struct fault *fault)
{
    int key = snprintf(out->key, sizeof out->key, "%s/audit.key", folder);
    int vkey = snprintf(out->vkey, sizeof out->vkey, "%s/audit.vkey", folder);
    if (key >= (int)sizeof out->key || vkey >= (int)sizeof out->vkey)
        return fault_set(fault, FAULT_INPUT, "the folder name %s is too long", folder);
    return FAULT_NONE;
}

/* Some tenant that has a head: one is enough to tell whether the key is the one that signed. */
static enum fault_code find_tenant(struct store *store, char out[AUDIT_TENANT_MAX + 1],
                                   bool *out_records, struct fault *fault)
{
    static const char sql[] = "SELECT coalesce((SELECT min(tenant) FROM audit_heads), ''), "
                              "EXISTS (SELECT 1 FROM audit_heads) OR "
                              "EXISTS (SELECT 1 FROM audit_entries)";
    struct statement *query;
    bool row = false;
    enum fault_code code = store_prepare(store, sql, &query, fault);
    if (code == FAULT_NONE)
        code = store_step(query, &row, fault);
    if (code != FAULT_NONE)
        return code;
    assert(row);
    if (!str_to_c(store_text(query, 0), out, AUDIT_TENANT_MAX + 1))
        out[0] = '\0';
    *out_records = store_whole(query, 1) != 0;
    store_reset(query);
    return FAULT_NONE;
}

/* Makes the key of a new log, or says that the key of an old one is lost. */
static enum fault_code make_key(const char *folder, const char *path, bool records,
                                struct sign_key **out, struct fault *fault)
{
    if (records)
        return fault_set(fault, FAULT_CORRUPT,
                         "the audit log's signing key %s is missing while the log holds records; "
                         "restore it from the backup",
                         path);
    struct sign_key *key = NULL;
    enum fault_code code = file_make_folder(folder, 0700, fault);
    if (code == FAULT_NONE)
        code = sign_key_new(&key, fault);
    if (code == FAULT_NONE)
        code = sign_key_save(key, path, fault);
    if (code != FAULT_NONE) {
        sign_key_free(key);
        return code;
    }
    *out = key;
    return FAULT_NONE;
}

/* The verifier key beside the key: written once, then compared. */
static enum fault_code keep_vkey(const struct audit *audit, const struct paths *paths,
                                 struct fault *fault)
{
    struct buf expected;
    struct buf kept;
    buf_init(&expected, VKEY_MAX);
    buf_init(&kept, VKEY_MAX);
    audit_add_verifier_key(audit, STR(AUDIT_SERVICE_TENANT), &expected);
    buf_add_byte(&expected, '\n');
    enum fault_code code = buf_check(&expected, "the verifier key", fault);
    if (code == FAULT_NONE)
        code = file_read(paths->vkey, &kept, fault);
    if (code == FAULT_NOT_FOUND)
        code = file_replace(paths->vkey, buf_str(&expected), 0644, fault);
    else if (code == FAULT_NONE && !str_equal(buf_str(&expected), buf_str(&kept)))
        code = fault_set(fault, FAULT_CORRUPT,
                         "the audit log's signing key %s is not the one that %s verifies; restore "
                         "both from the backup",
                         paths->key, paths->vkey);
    buf_done(&expected);
    buf_done(&kept);
    return code;
}

static enum fault_code check_signer(const struct audit *audit, struct store *store,
                                    struct str tenant, const char *path, struct fault *fault)
{
    struct audit_head head;
    enum fault_code code = audit_head_read(store, tenant, &head, fault);
    if (code == FAULT_NONE)
        code = audit_head_check(&audit->public_key, tenant, &head, fault);
    return code == FAULT_CORRUPT
               ? fault_prefix(fault, "the audit log cannot go on with the key %s: ", path)
               : code;
}

static enum fault_code open_keys(const char *folder, struct store *store, struct audit *audit,
                                 struct fault *fault)
{
    struct paths paths = {.key = ""};
    char tenant[AUDIT_TENANT_MAX + 1] = "";
    bool records = false;
    enum fault_code code = make_paths(folder, &paths, fault);
    if (code == FAULT_NONE)
        code = find_tenant(store, tenant, &records, fault);
    if (code == FAULT_NONE)
        code = sign_key_load(paths.key, &audit->key, fault);
    if (code == FAULT_NOT_FOUND)
        code = make_key(folder, paths.key, records, &audit->key, fault);
    if (code != FAULT_NONE)
        return code;
    audit->public_key = sign_key_public(audit->key);
    /* The signer first: a wrong key must not leave its verifier key behind. */
    if (tenant[0] != '\0')
        code = check_signer(audit, store, str_of(tenant), paths.key, fault);
    return code == FAULT_NONE ? keep_vkey(audit, &paths, fault) : code;
}

enum fault_code audit_open(const char *folder, struct store *store, struct audit **out,
                           struct fault *fault)
{
    struct audit *audit = os_alloc(sizeof *audit);
    if (!audit)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the audit log");
    int rc = pthread_mutex_init(&audit->lock, NULL);
    assert(rc == 0);
    /* Two programs that start at once on a new folder must agree on one key. */
    enum fault_code code = store_begin(store, fault);
    if (code == FAULT_NONE) {
        code = open_keys(folder, store, audit, fault);
        store_rollback(store);
    }
    if (code != FAULT_NONE) {
        audit_close(audit);
        return code;
    }
    *out = audit;
    return FAULT_NONE;
}

void audit_close(struct audit *taken)
{
    if (!taken)
        return;
    sign_key_free(taken->key);
    pthread_mutex_destroy(&taken->lock);
    os_free(taken);
}

enum fault_code audit_log_name(struct str tenant, bool receipts, char out[AUDIT_LOG_MAX],
                               struct fault *fault)
{
    enum fault_code code = audit_check_tenant(tenant, fault);
    if (code == FAULT_NONE)
        snprintf(out, AUDIT_LOG_MAX, "%.*s%s", STR_ARG(tenant), receipts ? AUDIT_RECEIPTS : "");
    return code;
}

enum fault_code audit_derive_key(const struct audit *audit, const char *purpose,
                                 uint8_t out[AUDIT_DERIVED_SIZE], struct fault *fault)
{
    char text[128];
    struct signature signature;
    int len = snprintf(text, sizeof text, "a key for: %s", purpose);
    assert(len > 0 && (size_t)len < sizeof text);
    enum fault_code code =
        sign_message(audit->key, (struct str){text, (size_t)len}, &signature, fault);
    if (code != FAULT_NONE)
        return code;
    struct sha256 digest = sha256_of((struct str){(const char *)signature.bytes, SIGN_SIZE});
    memcpy(out, digest.bytes, AUDIT_DERIVED_SIZE);
    explicit_bzero(&digest, sizeof digest);
    explicit_bzero(&signature, sizeof signature);
    return FAULT_NONE;
}

void audit_add_verifier_key(const struct audit *audit, struct str log, struct buf *out)
{
    assert(log.len < AUDIT_LOG_MAX);
    note_add_vkey(&audit->public_key, log, out);
}
