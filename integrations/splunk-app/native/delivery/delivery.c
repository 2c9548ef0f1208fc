#include "integrations/splunk-app/native/delivery/delivery.h"

#include <stdio.h>

#include "integrations/splunk-app/native/delivery/courier.h"
#include "integrations/splunk-app/native/delivery/held.h"
#include "integrations/splunk-app/native/delivery/outbox.h"
#include "integrations/splunk-app/native/peers/instance.h"
#include "integrations/splunk-app/native/record/trail.h"
#include "integrations/splunk-app/native/settings/link.h"
#include "libs/core/os.h"

enum {
    LATE_MOST = 50, /* waiting hand-offs that one search takes along */
    HEAD_ARENA_BYTES = 4 << 20,
    LATE_BUDGET_US = 10 * 1000000, /* and how long it may take over them */
};

/* What a budget refuses waits like the rest: the record says so, and its `error` says why. */
static const char *const result_names[] = {
    [DELIVERY_SENT] = "sent",      [DELIVERY_DUPLICATE] = "duplicate",
    [DELIVERY_QUEUED] = "queued",  [DELIVERY_THROTTLED] = "queued",
    [DELIVERY_BLOCKED] = "queued", [DELIVERY_REFUSED] = "refused",
    [DELIVERY_LOST] = "failed",
};

/* One delivery under way. */
struct run {
    const struct places *places;
    const struct settings *settings;
    const struct token_session *session;
    struct arena *arena;
    struct command_messages *messages;
    struct courier *courier; /* NULL when it could not be made */
};

static bool is_refusal(enum fault_code code)
{
    return code == FAULT_INPUT || code == FAULT_LIMIT;
}

/* The budget that is in the way of what was just tried; NULL when it is something else. */
static const struct refusal *refused_by(const struct run *run)
{
    return run->courier && courier_is_refused(run->courier) ? courier_refusal(run->courier) : NULL;
}

static enum delivery_result result_of_failure(const struct run *run, enum fault_code code)
{
    const struct refusal *refusal = refused_by(run);
    if (refusal)
        return refusal->verdict == REFUSAL_BLOCKED ? DELIVERY_BLOCKED : DELIVERY_THROTTLED;
    return is_refusal(code) ? DELIVERY_REFUSED : DELIVERY_QUEUED;
}

static bool is_waiting(enum delivery_result result)
{
    return result == DELIVERY_QUEUED || result == DELIVERY_THROTTLED || result == DELIVERY_BLOCKED;
}

/* --- one parcel ---------------------------------------------------------------------------- */

/* Hand-offs in the outbox when this one is done with; -1 when it cannot be read. */
static int64_t waiting_after(const struct run *run, struct str id, enum delivery_result result)
{
    struct fault ignored;
    size_t others;
    int64_t bytes;
    if (outbox_depth(run->places->outbox, id, &others, &bytes, &ignored) != FAULT_NONE)
        return -1;
    return (int64_t)others + (is_waiting(result) ? 1 : 0);
}

static int64_t ms_since(int64_t start_us)
{
    return (os_monotonic_us() - start_us) / 1000;
}

/* `graph` is NULL for what comes out of the outbox: it was counted by kind when it went in. */
static void record(const struct run *run, const struct parcel *parcel, const struct graph *graph,
                   const struct delivery *delivery, int64_t latency_ms, const struct fault *why)
{
    struct wire_line head;
    struct wire_line commit;
    struct fault fault;
    char link[LINK_BYTES];
    if (wire_read_line(run->arena, str_trim(buf_str(&parcel->head)), &head, &fault) == FAULT_NONE &&
        wire_read_line(run->arena, str_trim(buf_str(&parcel->commit)), &commit, &fault) ==
            FAULT_NONE) {
        bool has_receipt =
            delivery->result == DELIVERY_SENT || delivery->result == DELIVERY_DUPLICATE;
        link_write(run->settings, head.handoff.id, link);
        struct trail_entry entry = {
            .result = result_names[delivery->result],
            .late = !graph,
            .handoff = &head.handoff,
            .commit = &commit.commit,
            .receipt = has_receipt ? &delivery->receipt : NULL,
            .instance = run->settings->instance,
            .graph = graph,
            .link = str_of(link),
            .latency_ms = latency_ms,
            .bytes = (int64_t)(parcel->head.len + parcel->lines.len + parcel->commit.len),
            .outbox_waiting = waiting_after(run, head.handoff.id, delivery->result),
            .refusal = run->courier ? courier_refusal(run->courier) : NULL,
            .is_refused = refused_by(run) != NULL,
            .waited_ms = run->courier ? courier_waited_ms(run->courier) : 0,
            .fault = why,
        };
        if (trail_append(run->places, &entry, &fault) == FAULT_NONE)
            return;
    }
    command_say(run->messages, COMMAND_WARN,
                "IntelGraph: the audit record of this hand-off could not be written on the Splunk "
                "side: %s",
                fault.text);
}

/* What becomes of what could not be sent, to the analyst. */
static void say_kept(const struct run *run, enum delivery_result result, const struct fault *why)
{
    if (result == DELIVERY_REFUSED)
        command_say(run->messages, COMMAND_ERROR,
                    "IntelGraph refused this hand-off: %s. It is kept in %s/refused.", why->text,
                    run->places->outbox);
    else if (result == DELIVERY_BLOCKED)
        command_say(run->messages, COMMAND_WARN,
                    "IntelGraph: not handed off, because %s: it waits in the outbox and goes out "
                    "with your next hand-off once the budget allows.",
                    why->text);
    else if (result == DELIVERY_THROTTLED)
        command_say(run->messages, COMMAND_WARN,
                    "IntelGraph: not handed off yet, because %s: it waits in the outbox and goes "
                    "out with your next hand-off after that.",
                    why->text);
    else
        command_say(run->messages, COMMAND_WARN,
                    "IntelGraph: not handed off yet: %s. It waits in the outbox and goes out with "
                    "your next hand-off; the link works from then on.",
                    why->text);
}

/* Keeps what could not be sent. */
static void keep(const struct run *run, const struct wire_handoff *handoff,
                 const struct parcel *parcel, const struct fault *why, struct delivery *out)
{
    struct fault fault;
    const char *outbox = run->places->outbox;
    enum fault_code code;
    out->why = why->code;
    out->result = result_of_failure(run, why->code);
    if (out->result == DELIVERY_REFUSED)
        code = outbox_keep_refused(outbox, handoff->id, parcel, &fault);
    else
        code = outbox_keep(outbox, handoff->id, parcel, run->settings->outbox_max_mb << 20, &fault);
    if (code == FAULT_NONE) {
        say_kept(run, out->result, why);
        return;
    }
    out->result = DELIVERY_LOST;
    command_say(run->messages, COMMAND_ERROR,
                "IntelGraph: nothing was handed off. %s. It could not be kept for later either: "
                "%s. Run the search again when this is mended.",
                why->text, fault.text);
}

/* A search that took longer for a budget's sake says so. */
static void say_waited(const struct run *run)
{
    struct fault why;
    int64_t waited_ms = courier_waited_ms(run->courier);
    if (waited_ms == 0)
        return;
    (void)refusal_tell(courier_refusal(run->courier), &why);
    command_say(run->messages, COMMAND_INFO, "IntelGraph: waited %lld s, because %s.",
                (long long)(waited_ms + 999) / 1000, why.text);
}

static void say_sent(const struct run *run, const struct wire_handoff *handoff,
                     const struct graph *graph, const struct delivery *delivery)
{
    const struct wire_receipt *receipt = &delivery->receipt;
    size_t entities = graph_entity_count(graph);
    size_t relations = graph_relation_count(graph);
    unsigned long long rows = graph_counts(graph).rows;
    char link[LINK_BYTES];
    link_write(run->settings, handoff->id, link);
    if (delivery->result == DELIVERY_SENT)
        command_say(run->messages, COMMAND_INFO,
                    "IntelGraph: handed off %zu %s (%lld new, %lld merged) and %zu %s from %llu "
                    "%s. Open in IntelGraph: %s",
                    entities, command_plural(entities, "entity", "entities"),
                    (long long)receipt->entities_new, (long long)receipt->entities_merged,
                    relations, command_plural(relations, "relation", "relations"), rows,
                    command_plural(rows, "row", "rows"), link);
    else if (receipt->same_content)
        command_say(run->messages, COMMAND_INFO,
                    "IntelGraph: this search was handed off before, with the same content; nothing "
                    "was added. Open in IntelGraph: %s",
                    link);
    else
        command_say(
            run->messages, COMMAND_WARN,
            "IntelGraph: this search was handed off before, with other content; the first "
            "hand-off stands and nothing was added. Run it as a new search to hand off what "
            "it finds now. Open in IntelGraph: %s",
            link);
}

/* --- what waits ---------------------------------------------------------------------------- */

/* Delivers one waiting hand-off, without patience: nobody asked for it. False when the service is
 * not to be had, or a budget is in the way: the others wait on. */
static bool deliver_waiting(struct run *run, struct str id, struct parcel *parcel)
{
    const char *outbox = run->places->outbox;
    struct delivery late;
    struct fault fault;
    int64_t start_us = os_monotonic_us();
    enum fault_code code = outbox_load(outbox, id, parcel, &fault);
    if (code == FAULT_NOT_FOUND)
        return true; /* another search delivered it meanwhile */
    if (code == FAULT_NONE)
        code = courier_deliver(run->courier, parcel, 0, run->arena, &late.receipt, &fault);
    if (code == FAULT_NONE) {
        late.result = late.receipt.duplicate ? DELIVERY_DUPLICATE : DELIVERY_SENT;
        record(run, parcel, NULL, &late, ms_since(start_us), NULL);
        outbox_remove(outbox, id);
        return true;
    }
    if (refused_by(run))
        held_note(outbox, run->settings->url, run->settings->tenant, refused_by(run));
    if (!is_refusal(code))
        return false;
    late.result = DELIVERY_REFUSED;
    record(run, parcel, NULL, &late, ms_since(start_us), &fault);
    outbox_refuse(outbox, id);
    command_say(run->messages, COMMAND_WARN,
                "IntelGraph refused the hand-off %.*s that waited in the outbox: %s. It is kept in "
                "%s/refused.",
                STR_ARG(id), fault.text, outbox);
    return true;
}

/* Whether what waits may go with this search: to its service and tenant and, where each analyst has
 * a token of the analyst's own, only what the same analyst handed off. What cannot be read is taken
 * up, and then told and moved out of the way. */
static bool is_ours(const struct run *run, struct str id, struct str user)
{
    struct wire_handoff head;
    struct fault ignored;
    struct arena arena;
    arena_init(&arena, HEAD_ARENA_BYTES);
    bool ours = outbox_head(run->places->outbox, id, &arena, &head, &ignored) != FAULT_NONE ||
                (str_equal(head.target, run->settings->url) &&
                 str_equal(head.tenant, run->settings->tenant) &&
                 (instance_has_own_token(run->settings) || str_equal(head.user, user)));
    arena_done(&arena);
    return ours;
}

/* Leaves those of the list that this search may take along. */
static size_t keep_ours(const struct run *run, struct str user, int64_t until_us, struct str *ids,
                        size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && os_monotonic_us() < until_us; i++)
        if (is_ours(run, ids[i], user))
            ids[kept++] = ids[i];
    return kept;
}

/* Those of the list that went out. */
static size_t deliver_some(struct run *run, const struct str *ids, size_t count, int64_t until_us)
{
    struct parcel parcel;
    size_t done = 0;
    parcel_init(&parcel);
    while (done < count && done < LATE_MOST && os_monotonic_us() < until_us &&
           deliver_waiting(run, ids[done], &parcel))
        done++;
    parcel_done(&parcel);
    return done;
}

static void deliver_outbox(struct run *run, struct str user)
{
    struct fault fault;
    struct held held;
    struct str *ids;
    size_t count;
    size_t done = 0;
    const struct settings *settings = run->settings;
    const char *outbox = run->places->outbox;
    int64_t until_us = os_monotonic_us() + LATE_BUDGET_US;
    outbox_sweep(outbox);
    if (outbox_list(outbox, run->arena, &ids, &count, &fault) != FAULT_NONE) {
        command_say(run->messages, COMMAND_WARN, "IntelGraph: the outbox cannot be read: %s",
                    fault.text);
        return;
    }
    count = keep_ours(run, user, until_us, ids, count);
    if (count == 0)
        return;
    bool holds = held_look(outbox, settings->url, settings->tenant, &held);
    if (!holds) {
        done = deliver_some(run, ids, count, until_us);
        holds = done < count && held_look(outbox, settings->url, settings->tenant, &held);
    }
    if (holds) {
        long long left_s = (held.until_us - os_now_us()) / 1000000;
        command_say(run->messages, COMMAND_INFO,
                    "IntelGraph: outbox: %zu of %zu waiting hand-offs went out; the rest is not "
                    "tried for %lld s, because %s.",
                    done, count, left_s + 1, held.why);
    } else {
        command_say(run->messages, COMMAND_INFO,
                    "IntelGraph: outbox: %zu of %zu waiting hand-offs went out.", done, count);
    }
}

/* --- all ----------------------------------------------------------------------------------- */

static void deliver(struct run *run, struct wire_handoff *handoff, const struct graph *graph,
                    const struct parcel *parcel, struct delivery *out)
{
    struct fault fault = {.code = FAULT_NONE};
    int64_t start_us = os_monotonic_us();
    enum fault_code code =
        courier_new(run->places, run->settings, run->session, &run->courier, &fault);
    if (code == FAULT_NONE)
        code = courier_deliver(run->courier, parcel, run->settings->throttle_wait_ms, run->arena,
                               &out->receipt, &fault);
    int64_t latency_ms = ms_since(start_us);
    if (code == FAULT_NONE) {
        out->result = out->receipt.duplicate ? DELIVERY_DUPLICATE : DELIVERY_SENT;
        outbox_remove(run->places->outbox, handoff->id);
        say_sent(run, handoff, graph, out);
        say_waited(run);
    } else {
        keep(run, handoff, parcel, &fault, out);
    }
    record(run, parcel, graph, out, latency_ms, &fault);
    if (code == FAULT_NONE)
        deliver_outbox(run, handoff->user);
    courier_free(run->courier);
}

enum fault_code delivery_run(const struct places *places, const struct settings *settings,
                             const struct token_session *session, struct wire_handoff *handoff,
                             const struct graph *graph, const struct graph_mapping *mapping,
                             struct arena *arena, struct command_messages *messages,
                             struct delivery *out, struct fault *fault)
{
    struct run run = {places, settings, session, arena, messages, NULL};
    struct parcel parcel;
    parcel_init(&parcel);
    enum fault_code code = parcel_pack(&parcel, handoff, graph, mapping, fault);
    if (code == FAULT_NONE)
        deliver(&run, handoff, graph, &parcel, out);
    parcel_done(&parcel);
    return code;
}
