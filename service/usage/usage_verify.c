#include "service/usage/usage_verify.h"

#include <string.h>

#include "service/usage/usage_store.h"

#define CURE                                                                                       \
    "nothing was counted anew; restore the store from a backup, or find out who wrote to it"

void usage_verify_begin(struct usage_verifier *verifier, struct store *store, struct str tenant)
{
    *verifier = (struct usage_verifier){.store = store, .tenant = tenant};
}

void usage_verify_done(struct usage_verifier *verifier)
{
    sha256_free(verifier->state);
}

/* --- one event ------------------------------------------------------------------------------ */

/* A correction has no meter and no dimensions of its own; the store has those of what it corrects.
 */
static bool says_its_content(const struct usage_event *kept, struct str dimensions,
                             struct str content)
{
    uint8_t said[USAGE_CONTENT_SIZE];
    struct usage_event event = *kept;
    event.dimensions = dimensions;
    if (event.kind != USAGE_USE) {
        event.meter = NULL;
        event.dimensions = STR("");
    }
    usage_event_content(&event, said);
    return content.len == sizeof said && memcmp(content.ptr, said, sizeof said) == 0;
}

/* --- the chain ------------------------------------------------------------------------------ */

/* The request that brought event `seq`: the first one that ends there or later. */
static enum fault_code open_request(struct usage_verifier *verifier, int64_t seq,
                                    struct fault *fault)
{
    static const char sql[] = "SELECT last_seq, events, chain FROM usage_batches"
                              " WHERE tenant = $1 AND last_seq >= $2 ORDER BY last_seq LIMIT 1";
    struct statement *query;
    bool found = false;
    enum fault_code code = store_prepare(verifier->store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, verifier->tenant);
    store_bind_whole(query, 2, seq);
    code = store_step(query, &found, fault);
    if (code != FAULT_NONE)
        return code;
    if (!found || store_text(query, 2).len != SHA256_SIZE) {
        store_reset(query);
        return fault_set(fault, FAULT_CORRUPT, "event %lld is of no request that was taken: " CURE,
                         (long long)seq);
    }
    verifier->last_seq = store_whole(query, 0);
    verifier->left = store_whole(query, 1);
    memcpy(verifier->want.bytes, store_text(query, 2).ptr, SHA256_SIZE);
    store_reset(query);
    verifier->state = sha256_new();
    if (!verifier->state)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left to check events");
    sha256_add(verifier->state, (struct str){(const char *)verifier->chain.bytes, SHA256_SIZE});
    return FAULT_NONE;
}

static enum fault_code broken(const struct usage_verifier *verifier, struct fault *fault)
{
    return fault_set(fault, FAULT_CORRUPT,
                     "the events up to %lld are not those that were taken, one is missing, changed "
                     "or too many: " CURE,
                     (long long)verifier->last_seq);
}

static enum fault_code close_request(struct usage_verifier *verifier, struct fault *fault)
{
    verifier->chain = sha256_end(verifier->state);
    verifier->state = NULL;
    if (verifier->left != 0 ||
        memcmp(verifier->chain.bytes, verifier->want.bytes, SHA256_SIZE) != 0)
        return broken(verifier, fault);
    return FAULT_NONE;
}

enum fault_code usage_verify_event(struct usage_verifier *verifier, int64_t seq,
                                   const struct usage_event *event, struct str dimensions,
                                   struct str content, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    /* What stands for all that was over the cap has lost the dimensions that it was sent with. */
    bool is_told = !str_equal(dimensions, STR(USAGE_OVERFLOW));
    if (is_told && !says_its_content(event, dimensions, content))
        return fault_set(
            fault, FAULT_CORRUPT,
            "event %lld is not what was taken, its columns do not come to its digest: " CURE,
            (long long)seq);
    if (verifier->state && seq > verifier->last_seq)
        return broken(verifier, fault);
    if (!verifier->state)
        code = open_request(verifier, seq, fault);
    if (code != FAULT_NONE)
        return code;
    sha256_add(verifier->state, content);
    verifier->left--;
    return seq == verifier->last_seq ? close_request(verifier, fault) : FAULT_NONE;
}

enum fault_code usage_verify_end(struct usage_verifier *verifier, struct fault *fault)
{
    static const char sql[] =
        "SELECT count(*) FROM usage_batches WHERE tenant = $1 AND last_seq > $2";
    struct statement *query;
    int64_t more = 0;
    if (verifier->state)
        return broken(verifier, fault);
    enum fault_code code = store_prepare(verifier->store, sql, &query, fault);
    if (code != FAULT_NONE)
        return code;
    store_bind_text(query, 1, verifier->tenant);
    store_bind_whole(query, 2, verifier->last_seq);
    code = store_read_whole(query, &more, fault);
    if (code == FAULT_NONE && more > 0)
        code = fault_set(fault, FAULT_CORRUPT,
                         "the events of %lld requests after event %lld are gone: " CURE,
                         (long long)more, (long long)verifier->last_seq);
    return code;
}
