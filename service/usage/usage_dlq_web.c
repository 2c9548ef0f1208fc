/* The DLQ's inspector: look, mend and replay, discard. Each change goes on record. */
#include "service/usage/usage.h"

#include "libs/core/os.h"
#include "libs/text/json_expect.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"
#include "service/audit/audit.h"
#include "service/identity/identity.h"
#include "service/service.h"
#include "service/usage/usage_dlq.h"
#include "service/usage/usage_query.h"
#include "service/usage/usage_report.h"
#include "service/web/web_page.h"

enum {
    LIST_USUAL = 50,
    EVENT_ARENA_MAX = 4 << 20,
    BODY_MAX = 128 * 1024,
    CHECKPOINT_MAX = 64 * 1024
};

static void put_entry(struct json_out *out, const struct usage_dlq_entry *entry)
{
    json_open(out, '{');
    json_put_whole(out, "id", entry->id);
    json_put_text(out, "state", entry->state);
    json_put_text(out, "reason", entry->reason);
    json_put_text(out, "detail", entry->detail);
    json_put_text(out, "source", entry->source);
    json_put_text(out, "event_id", entry->event_id);
    usage_put_time(out, "received_at", entry->received_us);
    json_put_whole(out, "times", entry->times);
    usage_put_time(out, "last_at", entry->last_us);
    if (entry->ended_us != 0) {
        usage_put_time(out, "ended_at", entry->ended_us);
        json_put_text(out, "ended_by", entry->ended_by);
        json_put_text(out, "ended_why", entry->ended_why);
    }
    json_put_text(out, "event", entry->event); /* as text: it need not be JSON */
    if (entry->replayed.len > 0)
        json_put_text(out, "replayed", entry->replayed);
    json_close(out, '}');
}

/* --- GET ------------------------------------------------------------------------------------ */

static enum fault_code read_id(const struct web_request *request, int64_t *out, struct fault *fault)
{
    uint64_t id;
    if (!str_to_u64(request->parts[0], INT64_MAX, &id) || id == 0)
        return fault_field(fault, FAULT_NOT_FOUND, "id", "there is no such entry in the DLQ");
    *out = (int64_t)id;
    return FAULT_NONE;
}

/* A misspelt state or reason would look like a DLQ without such entries. */
static enum fault_code read_filter(const struct web_request *request, struct web_page *page,
                                   struct usage_dlq_filter *out, struct fault *fault)
{
    static const char *const states[] = {"open", "replayed", "discarded"};
    static const char *const reasons[] = {"invalid", "limit",         "future",    "late",
                                          "clash",   "unknown_event", "not_a_use", "own"};
    enum fault_code code = web_page_read(request, LIST_USUAL, USAGE_DLQ_PAGE_MAX, page, fault);
    if (code == FAULT_NONE)
        code = web_query_word(request, "state", states, sizeof states / sizeof states[0],
                              &out->state, fault);
    if (code == FAULT_NONE)
        code = web_query_word(request, "reason", reasons, sizeof reasons / sizeof reasons[0],
                              &out->reason, fault);
    if (code == FAULT_NONE)
        code = usage_read_source(request, &out->source, fault);
    out->before = page->before;
    out->limit = page->limit + 1;
    return code;
}

static enum fault_code get_list(void *context, struct web_request *request, struct web_reply *reply,
                                struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct web_page page = {.prefix = NULL};
    struct usage_dlq_filter filter;
    struct usage_dlq_books books;
    struct store *store;
    struct store_list list;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_ADMIN, &caller, fault);
    if (code == FAULT_NONE)
        code = read_filter(request, &page, &filter, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = store_begin_read(store, fault);
    if (code == FAULT_NONE)
        code = usage_dlq_books_read(store, caller.tenant, &books, fault);
    if (code == FAULT_NONE)
        code = usage_dlq_list(store, caller.tenant, &filter, request->arena, &list, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    const struct usage_dlq_entry *entries = list.rows;
    size_t shown = web_page_shown(&page, list.count);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_open_at(&out, "entries", '[');
    for (size_t i = 0; i < shown; i++)
        put_entry(&out, &entries[i]);
    json_close(&out, ']');
    web_page_put_next(&out, &page, list.count, shown > 0 ? entries[shown - 1].id : 0);
    json_put_whole(&out, "open", books.open);
    json_put_whole(&out, "open_limit", USAGE_DLQ_OPEN_MAX);
    json_put_whole(&out, "unkept", books.unkept);
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code get_entry(void *context, struct web_request *request,
                                 struct web_reply *reply, struct fault *fault)
{
    struct service *service = context;
    struct identity_caller caller;
    struct usage_dlq_entry entry;
    struct store *store;
    int64_t id = 0;
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_ADMIN, &caller, fault);
    if (code == FAULT_NONE)
        code = read_id(request, &id, fault);
    if (code == FAULT_NONE)
        code = store_pool_take(service->pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = usage_dlq_find(store, caller.tenant, id, request->arena, &entry, fault);
    store_pool_give(service->pool, store);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    put_entry(&out, &entry);
    return buf_check(&reply->body, "the answer", fault);
}

/* --- POST ----------------------------------------------------------------------------------- */

/* An entry on its way out. */
struct ending {
    struct service *service;
    struct web_request *request;
    struct identity_caller caller;
    int64_t id;
    bool replay;
    struct str why;
    struct str event; /* instead of the one that is kept; "": that one */
    struct usage_batch batch;
    struct arena scratch;
};

/* A misspelt event would be the old one, replayed as it was. */
static enum fault_code read_ending(struct ending *ending, struct fault *fault)
{
    static const char *const known[] = {"why", "event"};
    const struct json *body = NULL;
    struct str text;
    enum fault_code code = read_id(ending->request, &ending->id, fault);
    if (code == FAULT_NONE)
        code = json_read(ending->request->arena, ending->request->body, &body, fault);
    if (code == FAULT_NONE)
        code = json_expect_members(body, "body", "the body", known, ending->replay ? 2 : 1, fault);
    if (code == FAULT_NONE && !json_line(json_member(body, "why"), USAGE_TEXT_MAX, &ending->why))
        code = fault_field(fault, FAULT_INPUT, "why",
                           "why must say in 1 to %d bytes, on one line, what makes it right",
                           USAGE_TEXT_MAX);
    if (code != FAULT_NONE)
        return code;
    if (ending->replay && json_member(body, "event")) {
        if (!json_text(json_member(body, "event"), &text) || text.len == 0)
            return fault_field(fault, FAULT_INPUT, "event",
                               "event must be the whole event as a text; without it, the one that "
                               "is kept is replayed");
        ending->event = text;
    }
    return FAULT_NONE;
}

static enum fault_code record(struct ending *ending, struct store *store, struct fault *fault)
{
    const struct identity_caller *caller = &ending->caller;
    const struct audit_count counts[] = {{"entry", ending->id}};
    const struct audit_record entry = {
        .action = ending->replay ? "usage.replayed" : "usage.discarded",
        .result = "success",
        .tenant = caller->tenant,
        .subject = caller->name,
        .token = caller->token,
        .via = caller->via,
        .role = str_of(identity_role_name(caller->role)),
        .client = ending->request->client,
        .reason = ending->why,
        .counts = counts,
        .count_count = 1,
    };
    struct buf checkpoint;
    int64_t index;
    buf_init(&checkpoint, CHECKPOINT_MAX);
    enum fault_code code =
        audit_append(ending->service->audit, store, &entry, &index, &checkpoint, fault);
    buf_done(&checkpoint);
    return code;
}

/* The event again, as if it came now; what keeps it out this time is told, and the entry stays. */
static enum fault_code take_again(struct ending *ending, struct store *store, struct str event,
                                  struct fault *fault)
{
    struct usage_batch *batch = &ending->batch;
    *batch = (struct usage_batch){
        .arena = ending->request->arena,
        .scratch = &ending->scratch,
        .tenant = ending->caller.tenant,
        .backfill = true, /* it was late by waiting here */
        .received_us = ending->request->started_us,
    };
    enum fault_code code = usage_batch_add(batch, event, fault);
    if (code == FAULT_NONE && batch->items[0].refused)
        return fault_field(fault, FAULT_INPUT, "event", "the event is still not good: %.*s",
                           STR_ARG(batch->items[0].detail));
    if (code == FAULT_NONE)
        code = usage_batch_store_in(batch, store, fault);
    if (code == FAULT_NONE && batch->rejected > 0)
        return fault_field(fault, FAULT_CONFLICT, "event", "the event is still not good: %.*s",
                           STR_ARG(batch->items[0].detail));
    return code;
}

static enum fault_code end_in(struct store *store, void *context, struct fault *fault)
{
    struct ending *ending = context;
    struct usage_dlq_entry entry;
    enum fault_code code = usage_dlq_find(store, ending->caller.tenant, ending->id,
                                          ending->request->arena, &entry, fault);
    if (code != FAULT_NONE)
        return code;
    struct str event = ending->event.len > 0 ? ending->event : entry.event;
    const struct usage_dlq_end end = {
        .state = ending->replay ? "replayed" : "discarded",
        .replayed = ending->event,
        .by = ending->caller.name,
        .why = ending->why,
        .at_us = ending->request->started_us,
    };
    code = usage_dlq_end(store, ending->caller.tenant, ending->id, &end, fault);
    if (code == FAULT_NONE && ending->replay)
        code = take_again(ending, store, event, fault);
    return code == FAULT_NONE ? record(ending, store, fault) : code;
}

static enum fault_code end_entry(struct service *service, struct web_request *request,
                                 struct web_reply *reply, bool replay, struct fault *fault)
{
    struct ending ending = {.service = service, .request = request, .replay = replay};
    enum fault_code code =
        identity_gate(service->identity, request, PERMIT_USAGE_ADMIN, &ending.caller, fault);
    if (code == FAULT_NONE)
        code = read_ending(&ending, fault);
    if (code != FAULT_NONE)
        return code;
    arena_init(&ending.scratch, EVENT_ARENA_MAX);
    code = store_pool_write(service->pool, end_in, &ending, fault);
    arena_done(&ending.scratch);
    if (code != FAULT_NONE)
        return code;
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    json_put_whole(&out, "id", ending.id);
    json_put_text(&out, "state", replay ? STR("replayed") : STR("discarded"));
    if (replay)
        json_put_text(&out, "outcome",
                      ending.batch.accepted > 0 ? STR("accepted") : STR("duplicate"));
    json_close(&out, '}');
    return buf_check(&reply->body, "the answer", fault);
}

static enum fault_code post_replay(void *context, struct web_request *request,
                                   struct web_reply *reply, struct fault *fault)
{
    return end_entry(context, request, reply, true, fault);
}

static enum fault_code post_discard(void *context, struct web_request *request,
                                    struct web_reply *reply, struct fault *fault)
{
    return end_entry(context, request, reply, false, fault);
}

const struct web_route usage_dlq_routes[] = {
    {"GET", "/v1/usage/dlq", get_list, 0},
    {"GET", "/v1/usage/dlq/{}", get_entry, 0},
    {"POST", "/v1/usage/dlq/{}/replay", post_replay, BODY_MAX},
    {"POST", "/v1/usage/dlq/{}/discard", post_discard, BODY_MAX},
    WEB_ROUTES_END,
};
