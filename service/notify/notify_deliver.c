#include "service/notify/notify_deliver.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/notify/notify_courier.h"
#include "service/notify/notify_mail.h"
#include "service/notify/notify_secret.h"
#include "service/notify/notify_sign.h"
#include "service/notify/notify_store.h"

enum {
    LOOK_MS = 500,
    POLL_MS = 100,
    RENEW_MS = JOBS_LEASE_S * 1000 / 4,
    LOST_MS = 3 * NOTIFY_TIMEOUT_MS, /* then the courier has forgotten it */
    DUE_MAX = 2 * NOTIFY_AT_ONCE,
    TENANT_MAX = 65,
    ARENA_MAX = 4 << 20,
    GONE = 410,
};

/* An attempt under way. */
struct flight {
    bool is_used;
    uint64_t ticket;
    char tenant[TENANT_MAX];
    char recipient[NOTIFY_ID_MAX];
    int64_t id;
    int64_t attempts; /* before this one */
    bool is_mail;
    bool is_failing;
    int64_t began_us;                     /* monotonic */
    char broken[HTTP_OUTBOUND_ERROR_MAX]; /* why it could not even be sent; "": it was */
};

struct notify_deliverer {
    int fd;
    char from[256];
    struct notify_vault vault;
    struct service_counters *counters;
    uint64_t last_ticket;
    struct flight flights[NOTIFY_AT_ONCE];
    struct arena arena; /* of one look */
    int64_t looked_us;
    int64_t wrote_us;
};

enum fault_code notify_deliverer_new(int fd, struct str from, const struct audit *audit,
                                     struct service_counters *counters,
                                     struct notify_deliverer **out, struct fault *fault)
{
    struct notify_deliverer *deliverer = os_alloc(sizeof *deliverer);
    if (!deliverer)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for deliveries");
    deliverer->fd = fd;
    deliverer->counters = counters;
    arena_init(&deliverer->arena, ARENA_MAX);
    enum fault_code code = notify_vault_open(audit, &deliverer->vault, fault);
    if (code == FAULT_NONE && !str_to_c(from, deliverer->from, sizeof deliverer->from))
        code = fault_field(fault, FAULT_INPUT, "smtp-from", "--smtp-from is too long");
    if (code != FAULT_NONE) {
        notify_deliverer_free(deliverer);
        return code;
    }
    *out = deliverer;
    return FAULT_NONE;
}

void notify_deliverer_free(struct notify_deliverer *taken)
{
    if (!taken)
        return;
    arena_wipe(&taken->arena);
    notify_vault_close(&taken->vault);
    os_free(taken);
}

int64_t notify_wait_s(int64_t attempts, unsigned jitter, int retry_after_s)
{
    static const int64_t waits_s[NOTIFY_ATTEMPTS - 1] = {5,     300,   1800,  7200, 18000,
                                                         36000, 50400, 72000, 86400};
    assert(attempts >= 1);
    if (attempts >= NOTIFY_ATTEMPTS)
        return -1;
    int64_t wait_s = waits_s[attempts - 1];
    wait_s += wait_s * (int64_t)(jitter & 0xffff) / 655360;
    return wait_s > retry_after_s ? wait_s : retry_after_s;
}

/* --- what came back ------------------------------------------------------------------------- */

struct landing {
    struct flight flight;
    struct http_outbound_answer answer;
    struct notify_outcome outcome;
};

struct landings {
    size_t count;
    struct landing all[NOTIFY_AT_ONCE];
};

/* A mail server that says "never" (5xx) means the address; but for those that mean us, which an
 * operator mends (RFC 4954, 3207). */
static bool is_final(const struct flight *flight, const struct http_outbound_answer *answer)
{
    return flight->is_mail && answer->status >= 550 && answer->status <= 559;
}

static void judge(struct landing *landing)
{
    const struct flight *flight = &landing->flight;
    const struct http_outbound_answer *answer = &landing->answer;
    unsigned short jitter = 0;
    (void)os_random(&jitter, sizeof jitter); /* without it, no jitter */
    int64_t now_us = os_now_us();
    int64_t wait_s = notify_wait_s(flight->attempts + 1, jitter, answer->retry_after_s);
    landing->outcome = (struct notify_outcome){
        .tenant = str_of(landing->flight.tenant),
        .recipient = str_of(landing->flight.recipient),
        .id = flight->id,
        .is_good = answer->is_good,
        .is_gone = !flight->is_mail && answer->status == GONE,
        .is_dead = !answer->is_good && (wait_s < 0 || is_final(flight, answer)),
        .next_us = now_us + wait_s * 1000000,
        .status = answer->status,
        .error = str_of(landing->answer.error),
        .now_us = now_us,
    };
}

static void land(struct landings *landings, struct flight *flight,
                 const struct http_outbound_answer *answer)
{
    struct landing *landing = &landings->all[landings->count++];
    landing->flight = *flight;
    landing->answer = *answer;
    judge(landing);
    flight->is_used = false;
}

static enum fault_code receive(struct notify_deliverer *deliverer, struct landings *landings,
                               struct fault *fault)
{
    struct http_outbound_answer answer;
    bool got = true;
    enum fault_code code = FAULT_NONE;
    while (code == FAULT_NONE && got && landings->count < NOTIFY_AT_ONCE) {
        code = notify_courier_receive(deliverer->fd, &got, &answer, fault);
        for (int i = 0; code == FAULT_NONE && got && i < NOTIFY_AT_ONCE; i++)
            if (deliverer->flights[i].is_used && deliverer->flights[i].ticket == answer.ticket)
                land(landings, &deliverer->flights[i], &answer);
    }
    return code;
}

/* Those of which no answer will come. */
static void give_up(struct notify_deliverer *deliverer, struct landings *landings)
{
    int64_t now_us = os_monotonic_us();
    for (int i = 0; i < NOTIFY_AT_ONCE && landings->count < NOTIFY_AT_ONCE; i++) {
        struct flight *flight = &deliverer->flights[i];
        struct http_outbound_answer none = {.ticket = flight->ticket};
        bool is_lost = now_us - flight->began_us > LOST_MS * INT64_C(1000);
        if (!flight->is_used || (!is_lost && !flight->broken[0]))
            continue;
        snprintf(none.error, sizeof none.error, "%s",
                 flight->broken[0] ? flight->broken
                                   : "the process that makes outgoing connections told no outcome");
        land(landings, flight, &none);
    }
}

static enum fault_code keep_in(struct store *store, void *context, struct fault *fault)
{
    const struct landings *landings = context;
    enum fault_code code = FAULT_NONE;
    for (size_t i = 0; i < landings->count && code == FAULT_NONE; i++)
        code = notify_outcome_put(store, &landings->all[i].outcome, fault);
    return code;
}

/* After the commit. */
static void tell(struct notify_deliverer *deliverer, const struct notify_outcome *outcome)
{
    if (outcome->is_good) {
        atomic_fetch_add(&deliverer->counters->notices_delivered, 1);
        return;
    }
    atomic_fetch_add(&deliverer->counters->notices_failed, 1);
    if (!outcome->is_dead && !outcome->is_gone)
        return;
    atomic_fetch_add(&deliverer->counters->notices_dead, 1);
    log_event(LOG_WARN, "notify.dead", LOG_TEXT("tenant", outcome->tenant),
              LOG_TEXT("recipient", outcome->recipient), LOG_NUMBER("delivery", outcome->id),
              LOG_TEXT("error", outcome->error));
}

/* --- what goes out -------------------------------------------------------------------------- */

static struct flight *free_flight(struct notify_deliverer *deliverer)
{
    for (int i = 0; i < NOTIFY_AT_ONCE; i++)
        if (!deliverer->flights[i].is_used)
            return &deliverer->flights[i];
    return NULL;
}

/* One attempt a recipient at a time; those that fail leave half of the places to the others. */
static bool may_go(const struct notify_deliverer *deliverer, const struct notify_due *due)
{
    int failing = 0;
    for (int i = 0; i < NOTIFY_AT_ONCE; i++) {
        const struct flight *each = &deliverer->flights[i];
        if (!each->is_used)
            continue;
        if (str_equal(due->tenant, str_of(each->tenant)) &&
            str_equal(due->recipient, str_of(each->recipient)))
            return false;
        failing += each->is_failing ? 1 : 0;
    }
    return !due->is_failing || failing < NOTIFY_FAILING_AT_ONCE;
}

static void wipe(struct buf *secret)
{
    if (secret->ptr)
        explicit_bzero(secret->ptr, secret->len);
    buf_done(secret);
}

static enum fault_code sign(const struct notify_deliverer *deliverer,
                            const struct notify_item *item, struct str recipient, struct str body,
                            struct buf *headers, struct fault *fault)
{
    const struct notify_message *message = &item->message;
    struct buf secret;
    struct buf old;
    buf_init(&secret, NOTIFY_SECRET_MAX);
    buf_init(&old, NOTIFY_SECRET_MAX);
    enum fault_code code = notify_secret_open(&deliverer->vault, message->tenant, recipient,
                                              item->secret, &secret, fault);
    if (code == FAULT_NONE)
        code = notify_secret_open(&deliverer->vault, message->tenant, recipient, item->old_secret,
                                  &old, fault);
    const struct notify_signing signing = {.id = item->message_id,
                                           .body = body,
                                           .secret = buf_str(&secret),
                                           .old_secret = buf_str(&old),
                                           .at_us = os_now_us()};
    if (code == FAULT_NONE)
        code = notify_add_headers(headers, &signing, fault);
    wipe(&secret);
    wipe(&old);
    return code;
}

static enum fault_code make_request(struct notify_deliverer *deliverer,
                                    const struct notify_item *item, struct str recipient,
                                    struct buf *headers, struct buf *body,
                                    struct http_outbound_request *out, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    if (item->is_mail) {
        const struct notify_mail mail = {.id = item->message_id,
                                         .from = str_of(deliverer->from),
                                         .to = item->to,
                                         .at_us = os_now_us()};
        notify_add_mail(body, &mail, &item->message);
    } else {
        notify_add_payload(body, &item->message);
        code = sign(deliverer, item, recipient, buf_str(body), headers, fault);
    }
    if (code == FAULT_NONE)
        code = buf_check(body, "a notice", fault);
    *out = (struct http_outbound_request){
        .ticket = ++deliverer->last_ticket,
        .kind = item->is_mail ? HTTP_OUTBOUND_MAIL : HTTP_OUTBOUND_WEBHOOK,
        .to = item->to,
        .headers = buf_str(headers),
        .body = buf_str(body),
    };
    return code;
}

static enum fault_code launch(struct notify_deliverer *deliverer, const struct notify_due *due,
                              const struct notify_item *item, bool *out_sent, struct fault *fault)
{
    struct flight *flight = free_flight(deliverer);
    struct http_outbound_request request;
    struct buf headers;
    struct buf body;
    buf_init(&headers, 2048);
    buf_init(&body, NOTIFY_FRAME_MAX);
    /* What cannot be sent is this delivery's failure, nobody else's. */
    struct fault broken = {.text = ""};
    enum fault_code code = FAULT_NONE;
    if (make_request(deliverer, item, due->recipient, &headers, &body, &request, &broken) ==
        FAULT_NONE)
        code = notify_courier_send(deliverer->fd, &request, out_sent, fault);
    if (code == FAULT_NONE && *out_sent) {
        *flight = (struct flight){
            .is_used = true,
            .ticket = request.ticket,
            .id = item->id,
            .attempts = item->attempts,
            .is_mail = item->is_mail,
            .is_failing = due->is_failing,
            .began_us = os_monotonic_us(),
        };
        snprintf(flight->broken, sizeof flight->broken, "%.250s", broken.text);
        bool fits = str_to_c(due->tenant, flight->tenant, sizeof flight->tenant) &&
                    str_to_c(due->recipient, flight->recipient, sizeof flight->recipient);
        assert(fits);
    }
    buf_done(&headers);
    buf_done(&body);
    return code;
}

static enum fault_code look(struct notify_deliverer *deliverer, struct store_pool *pool,
                            struct fault *fault)
{
    struct store_list list = {0};
    struct store *store;
    bool sent = true;
    int64_t now_us = os_now_us();
    enum fault_code code = store_pool_take(pool, &store, fault);
    if (code != FAULT_NONE)
        return code;
    code = notify_due_list(store, now_us, DUE_MAX, &deliverer->arena, &list, fault);
    const struct notify_due *due = list.rows;
    for (size_t i = 0; i < list.count && code == FAULT_NONE && sent; i++) {
        struct notify_item item;
        bool found = false;
        if (!free_flight(deliverer))
            break;
        if (!may_go(deliverer, &due[i]))
            continue;
        code = notify_due_next(store, &due[i], now_us, &deliverer->arena, &found, &item, fault);
        if (code == FAULT_NONE && found)
            code = launch(deliverer, &due[i], &item, &sent, fault);
    }
    store_pool_give(pool, store);
    arena_wipe(&deliverer->arena);
    deliverer->looked_us = os_monotonic_us();
    return code;
}

/* --- the loop ------------------------------------------------------------------------------- */

static enum fault_code go_round(struct notify_deliverer *deliverer, struct jobs_turn *turn,
                                struct fault *fault)
{
    struct landings landings = {.count = 0};
    enum fault_code code = receive(deliverer, &landings, fault);
    if (code == FAULT_NONE)
        give_up(deliverer, &landings);
    int64_t now_us = os_monotonic_us();
    bool writes = landings.count > 0;
    if (code == FAULT_NONE && writes) {
        code = jobs_write(turn, keep_in, &landings, fault);
    } else if (code == FAULT_NONE && now_us - deliverer->wrote_us > RENEW_MS * INT64_C(1000)) {
        code = jobs_renew(turn, fault);
        writes = true;
    }
    if (code != FAULT_NONE)
        return code;
    if (writes)
        deliverer->wrote_us = now_us;
    for (size_t i = 0; i < landings.count; i++)
        tell(deliverer, &landings.all[i].outcome);
    if (landings.count > 0 || now_us - deliverer->looked_us > LOOK_MS * INT64_C(1000))
        code = look(deliverer, turn->pool, fault);
    return code;
}

enum fault_code notify_deliver(struct jobs_turn *turn, void *context, struct fault *fault)
{
    struct notify_deliverer *deliverer = context;
    enum fault_code code = FAULT_NONE;
    /* What was under way in an earlier turn is due again; answers to it are nobody's. */
    memset(deliverer->flights, 0, sizeof deliverer->flights);
    deliverer->wrote_us = os_monotonic_us();
    while (code == FAULT_NONE && !atomic_load(turn->ending)) {
        struct pollfd socket = {.fd = deliverer->fd, .events = POLLIN};
        code = go_round(deliverer, turn, fault);
        if (code == FAULT_NONE)
            (void)poll(&socket, 1, POLL_MS);
    }
    return code;
}
