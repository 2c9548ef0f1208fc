#include "service/usage/usage_ingest.h"

#include <stdio.h>
#include <string.h>

#include "service/usage/usage_count.h"
#include "service/usage/usage_dlq.h"
#include "service/usage/usage_ledger.h"
#include "service/usage/usage_scan.h"

#define SECOND_US INT64_C(1000000)

/* --- before the turn to write --------------------------------------------------------------- */

static enum fault_code reject(struct usage_batch *batch, struct usage_item *item, int status,
                              const char *reason, const char *sentence, struct fault *fault)
{
    item->outcome = USAGE_REJECTED;
    item->status = status;
    item->reason = reason;
    item->detail = arena_copy(batch->arena, str_of(sentence));
    return item->detail.ptr ? FAULT_NONE
                            : fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch");
}

static enum fault_code judge_time(struct usage_batch *batch, struct usage_item *item,
                                  struct fault *fault)
{
    int64_t behind_us = batch->received_us - item->event.time_us;
    char sentence[160];
    if (behind_us < -(int64_t)USAGE_FUTURE_MAX_S * SECOND_US) {
        snprintf(sentence, sizeof sentence,
                 "time is %lld s ahead of the service's clock; at most %d s are allowed: set the "
                 "sender's clock",
                 (long long)(-behind_us / SECOND_US), USAGE_FUTURE_MAX_S);
        item->refused = true;
        return reject(batch, item, 422, "future", sentence, fault);
    }
    if (behind_us > (int64_t)USAGE_LATE_MAX_S * SECOND_US && !batch->backfill) {
        snprintf(sentence, sizeof sentence,
                 "time is %lld days ago; at most %d are taken: an admin may send it again as a "
                 "backfill",
                 (long long)(behind_us / SECOND_US / 86400), USAGE_LATE_MAX_S / 86400);
        item->refused = true;
        return reject(batch, item, 422, "late", sentence, fault);
    }
    return FAULT_NONE;
}

/* Who could send what the service counts itself would make its numbers wrong, or take the place of
 * an event that is still to come. */
static enum fault_code check_own(const struct usage_batch *batch, const struct usage_event *event,
                                 struct fault *fault)
{
    if (batch->is_own)
        return FAULT_NONE;
    if (event->meter && event->meter->is_own)
        return fault_field(fault, FAULT_INPUT, "meter",
                           "data.meter holds \"%s\", which the service counts itself",
                           event->meter->name);
    if (str_starts(event->source, STR(USAGE_OWN_SOURCES)))
        return fault_field(fault, FAULT_INPUT, "source",
                           "source begins with \"" USAGE_OWN_SOURCES
                           "\", as only the service's own events do; use another");
    return FAULT_NONE;
}

/* What outlives the event's own memory. */
static enum fault_code keep_texts(struct usage_batch *batch, struct usage_event *event,
                                  struct fault *fault)
{
    struct str *const texts[] = {&event->source, &event->id, &event->dimensions};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i]->len == 0)
            continue;
        *texts[i] = arena_copy(batch->arena, *texts[i]);
        if (!texts[i]->ptr)
            return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch of events");
    }
    return FAULT_NONE;
}

/* By way of a tree, which the scratch holds. Of what is not good, source and id are kept where they
 * can be told. */
static enum fault_code read_any(struct usage_batch *batch, struct usage_item *item,
                                struct fault *fault)
{
    const struct json *value;
    struct fault no_room;
    enum fault_code code = json_read(batch->scratch, item->text, &value, fault);
    if (code == FAULT_NONE) {
        code = usage_event_read(batch->scratch, value, &item->event, fault);
        if (code != FAULT_NONE)
            usage_event_name(value, &item->event.source, &item->event.id);
        if (keep_texts(batch, &item->event, &no_room) != FAULT_NONE) {
            *fault = no_room;
            code = FAULT_NO_MEMORY;
        }
    }
    arena_reset(batch->scratch);
    return code;
}

static enum fault_code read_item(struct usage_batch *batch, struct usage_item *item,
                                 struct fault *fault)
{
    struct fault wrong;
    enum fault_code code = FAULT_NONE;
    if (item->text.len > USAGE_EVENT_MAX) {
        item->text = str_take(item->text, 1024); /* what the DLQ keeps of it */
        code = fault_field(&wrong, FAULT_LIMIT, "event", "the event is over the limit of %d bytes",
                           USAGE_EVENT_MAX);
    }
    if (code == FAULT_NONE && !usage_scan_event(batch->arena, item->text, &item->event))
        code = read_any(batch, item, &wrong);
    if (code == FAULT_NONE)
        code = check_own(batch, &item->event, &wrong);
    switch (code) {
    case FAULT_NONE:
        return judge_time(batch, item, fault);
    case FAULT_INPUT:
        item->refused = true;
        return reject(batch, item, 400, "invalid", wrong.text, fault);
    case FAULT_LIMIT:
        item->refused = true;
        return reject(batch, item, 413, "limit", wrong.text, fault);
    default:
        *fault = wrong;
        return code;
    }
}

static enum fault_code make_room(struct usage_batch *batch, struct fault *fault)
{
    if (batch->count == USAGE_BATCH_MAX)
        return fault_field(fault, FAULT_LIMIT, "events",
                           "a request may hold %d events, not more; send the rest in another",
                           USAGE_BATCH_MAX);
    if (batch->count < batch->room)
        return FAULT_NONE;
    size_t room = batch->room ? batch->room * 4 : 16;
    struct usage_item *items = arena_alloc(batch->arena, room * sizeof *items);
    if (!items)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch of events");
    if (batch->count > 0)
        memcpy(items, batch->items, batch->count * sizeof *items);
    batch->items = items;
    batch->room = room;
    return FAULT_NONE;
}

enum fault_code usage_batch_add(struct usage_batch *batch, struct str text, struct fault *fault)
{
    enum fault_code code = make_room(batch, fault);
    if (code != FAULT_NONE)
        return code;
    struct usage_item *item = &batch->items[batch->count];
    *item = (struct usage_item){.text = text};
    code = read_item(batch, item, fault);
    if (code == FAULT_NONE)
        batch->count++;
    return code;
}

/* --- within the transaction ----------------------------------------------------------------- */

/* What is the same for all events of a batch. */
struct taking {
    struct usage_batch *batch;
    struct store *store;
    struct usage_account *account;
    struct usage_counting counting;
    int64_t seq; /* the last one given */
    struct sha256_state *chain;
    struct usage_dlq_books books;
    bool has_books;
};

/* Into the DLQ. Its books are read with the first such event and written after the last one. */
static enum fault_code put_away(struct taking *taking, struct usage_item *item, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    if (!taking->has_books)
        code = usage_dlq_books_read(taking->store, taking->batch->tenant, &taking->books, fault);
    taking->has_books = code == FAULT_NONE;
    return code == FAULT_NONE
               ? usage_dlq_put(taking->store, taking->batch, item, &taking->books, fault)
               : code;
}

/* Whether the event is to be taken. If not, its outcome is told. */
static enum fault_code judge_key(struct taking *taking, struct usage_item *item, bool *out_new,
                                 struct fault *fault)
{
    enum usage_match match;
    enum fault_code code = usage_account_match(taking->account, &item->event, &match, fault);
    if (code != FAULT_NONE)
        return code;
    *out_new = match == USAGE_IS_NEW;
    if (match == USAGE_IS_SAME) {
        item->outcome = USAGE_DUPLICATE;
        item->status = 200;
    } else if (match == USAGE_IS_OTHER) {
        code = reject(taking->batch, item, 409, "clash",
                      "another event with this source, id and time was taken before, and says "
                      "something else: send a void or an amendment of it, or give this one an id "
                      "of its own",
                      fault);
    } else if (match == USAGE_IS_OTHER_AT) {
        code = reject(taking->batch, item, 409, "clash",
                      "an event with this source and id was taken before, with another time: what "
                      "is sent again keeps its time; give another event an id of its own",
                      fault);
    }
    return code;
}

static enum fault_code keep(struct taking *taking, struct usage_item *item,
                            const struct usage_kept *kept, struct fault *fault)
{
    enum fault_code code = usage_account_add(taking->account, &item->event, kept,
                                             taking->batch->received_us, &taking->seq, fault);
    if (code != FAULT_NONE)
        return code;
    item->outcome = USAGE_ACCEPTED;
    item->status = 201;
    sha256_add(taking->chain, (struct str){(const char *)item->event.content, USAGE_CONTENT_SIZE});
    return FAULT_NONE;
}

static enum fault_code take_use(struct taking *taking, struct usage_item *item, struct fault *fault)
{
    struct usage_kept kept = {
        .meter = item->event.meter,
        .time_us = item->event.time_us,
        .quantity = item->event.quantity,
    };
    bool is_new = false;
    enum fault_code code = judge_key(taking, item, &is_new, fault);
    if (code != FAULT_NONE || !is_new)
        return code;
    code = usage_account_dimset(taking->account, &item->event, &kept.dimset, fault);
    if (code == FAULT_NONE)
        code = keep(taking, item, &kept, fault);
    if (code == FAULT_NONE)
        code = usage_count_use(&taking->counting, &kept, item->event.key, fault);
    return code;
}

static enum fault_code take_correction(struct taking *taking, struct usage_item *item,
                                       struct fault *fault)
{
    struct usage_kept kept;
    bool found = false;
    bool is_new = false;
    enum fault_code code =
        usage_count_find(&taking->counting, item->event.refers_to, &found, &kept, fault);
    if (code != FAULT_NONE)
        return code;
    if (!found)
        return reject(taking->batch, item, 404, "unknown_event",
                      "data.refers_to names an event that has not come; when it comes, replay this "
                      "one",
                      fault);
    if (kept.kind != USAGE_USE)
        return reject(taking->batch, item, 422, "not_a_use",
                      "data.refers_to names a correction; correct the use itself again", fault);
    if (kept.meter->is_own)
        return reject(taking->batch, item, 422, "own",
                      "data.refers_to names an event that the service counted itself; its numbers "
                      "agree with its records, and are not corrected",
                      fault);
    code = judge_key(taking, item, &is_new, fault);
    if (code == FAULT_NONE && is_new)
        code = keep(taking, item, &kept, fault);
    if (code == FAULT_NONE && is_new)
        code = usage_count_correction(&taking->counting, &kept, &item->event, fault);
    return code;
}

static enum fault_code take_items(struct taking *taking, struct fault *fault)
{
    struct usage_batch *batch = taking->batch;
    enum fault_code code = FAULT_NONE;
    batch->accepted = batch->duplicates = batch->rejected = batch->unkept = 0;
    for (size_t i = 0; i < batch->count && code == FAULT_NONE; i++) {
        struct usage_item *item = &batch->items[i];
        if (!item->refused)
            code = item->event.kind == USAGE_USE ? take_use(taking, item, fault)
                                                 : take_correction(taking, item, fault);
        if (code == FAULT_NONE && item->outcome == USAGE_REJECTED)
            code = put_away(taking, item, fault);
        batch->accepted += item->outcome == USAGE_ACCEPTED;
        batch->duplicates += item->outcome == USAGE_DUPLICATE;
        batch->rejected += item->outcome == USAGE_REJECTED;
        batch->unkept += item->outcome == USAGE_REJECTED && item->unkept;
    }
    if (code == FAULT_NONE && taking->has_books)
        code = usage_dlq_books_write(taking->store, batch->tenant, &taking->books, fault);
    return code;
}

static enum fault_code begin_chain(struct taking *taking, struct fault *fault)
{
    const struct sha256 before = usage_account_chain(taking->account);
    taking->chain = sha256_new();
    if (!taking->chain)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a batch");
    sha256_add(taking->chain, (struct str){(const char *)before.bytes, SHA256_SIZE});
    return FAULT_NONE;
}

static enum fault_code end_chain(struct taking *taking, struct fault *fault)
{
    struct sha256 chain = sha256_end(taking->chain);
    taking->chain = NULL;
    if (taking->batch->accepted == 0)
        return FAULT_NONE;
    return usage_account_chain_set(taking->account, &chain, taking->seq, taking->batch->accepted,
                                   taking->batch->received_us, fault);
}

enum fault_code usage_batch_store_in(struct usage_batch *batch, struct store *store,
                                     struct fault *fault)
{
    struct usage_ledger *ledger = NULL;
    struct taking taking = {.batch = batch, .store = store};
    enum fault_code code = usage_ledger_open(store, &ledger, fault);
    if (code == FAULT_NONE)
        code = usage_ledger_account(ledger, batch->tenant, &taking.account, fault);
    if (code != FAULT_NONE)
        return code;
    taking.counting = (struct usage_counting){.store = store,
                                              .tenant = batch->tenant,
                                              .rollup = usage_account_rollup(taking.account),
                                              .account = taking.account};
    code = begin_chain(&taking, fault);
    if (code == FAULT_NONE)
        code = take_items(&taking, fault);
    if (code == FAULT_NONE)
        code = end_chain(&taking, fault);
    sha256_free(taking.chain);
    return code;
}

static enum fault_code store_in(struct store *store, void *context, struct fault *fault)
{
    struct usage_batch *batch = context;
    return usage_batch_store_in(batch, store, fault);
}

enum fault_code usage_batch_store(struct usage_batch *batch, struct store_pool *pool,
                                  struct fault *fault)
{
    return store_pool_write(pool, store_in, batch, fault);
}
