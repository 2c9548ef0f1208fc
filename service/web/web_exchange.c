#include "service/web/web_exchange.h"

#include <assert.h>
#include <string.h>

#include "libs/core/log.h"
#include "libs/core/os.h"
#include "service/web/web_body.h"
#include "service/web/web_check.h"
#include "service/web/web_reply.h"
#include "service/web/web_send.h"
#include "service/web/web_routes.h"

enum {
    ARENA_MAX = 64 << 20,
    REPLY_BODY_MAX = 64 << 20,
    BODIES_MAX = 256 << 20, /* all requests together */
    DRAIN_MAX = 16 << 20,   /* read and thrown away, so that the refusal arrives */
    BYTES_PER_S_LEAST = 16 * 1024,
    METHOD_MAX = 16,
};

enum phase {
    PHASE_HEAD,
    PHASE_ADMITTING, /* a worker has it */
    PHASE_ADMITTED,  /* or refused; the connection goes on */
    PHASE_BODY,
    PHASE_DRAIN,
    PHASE_COMPLETE,  /* all of the request is in */
    PHASE_ANSWERING, /* a worker has it */
    PHASE_READY,     /* the reply is; the connection goes on */
    PHASE_ANSWERED,
};

struct web_exchange {
    struct web_work work; /* must be first */
    struct web_shared *shared;
    struct MHD_Connection *connection;
    struct web_guarded *guarded;
    enum phase phase;
    struct arena arena;
    struct str raw_target;
    bool target_cut; /* longer than we keep */
    char method[METHOD_MAX];
    struct web_request request;
    struct web_head head;
    const struct web_route *route;
    struct web_body body;
    bool inflates_later;   /* the body is as it was sent: the worker inflates it */
    uint64_t body_counted; /* our share of shared->body_held */
    uint64_t drained;
    struct web_reply reply;
    struct web_packed packed;
    const struct web_problem *problem; /* the request is refused with it, once it is all in */
    struct fault fault;
    bool closing; /* nothing after this request can be trusted */
    int64_t started_us;
    int64_t complete_us; /* the whole request was in */
    size_t sent;
};

struct web_exchange *web_exchange_new(struct web_shared *shared, const char *target,
                                      struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct web_guarded *guarded = info ? info->socket_context : NULL;
    struct web_exchange *exchange = guarded ? os_alloc(sizeof *exchange) : NULL;
    if (!exchange)
        return NULL;
    exchange->shared = shared;
    exchange->connection = connection;
    exchange->guarded = guarded;
    exchange->started_us = os_monotonic_us();
    arena_init(&exchange->arena, ARENA_MAX);
    struct str raw = str_of(target);
    exchange->target_cut = raw.len > WEB_TARGET_MAX;
    exchange->raw_target = arena_copy(&exchange->arena, str_take(raw, WEB_TARGET_MAX));
    if (!exchange->raw_target.ptr) {
        arena_done(&exchange->arena);
        os_free(exchange);
        return NULL;
    }
    buf_init(&exchange->reply.body, REPLY_BODY_MAX);
    atomic_fetch_add(&shared->under_way, 1);
    web_guarded_deadline(guarded, exchange->started_us + shared->request_timeout_us);
    return exchange;
}

/* Notes the first refusal; it is answered when the request is in. */
static void refuse(struct web_exchange *exchange, const struct web_problem *problem)
{
    if (!exchange->problem)
        exchange->problem = problem ? problem : web_problem_of(exchange->fault.code);
}

static void count_body(struct web_exchange *exchange)
{
    uint64_t now = web_body_held(&exchange->body);
    atomic_fetch_add(&exchange->shared->body_held, now - exchange->body_counted);
    exchange->body_counted = now;
}

static void drop_body(struct web_exchange *exchange)
{
    web_body_done(&exchange->body);
    count_body(exchange);
}

/* The route for method and target, or the refusal: 404, or 405 with what is allowed there. */
static void find_route(struct web_exchange *exchange, const struct web_target *target)
{
    const struct web_shared *shared = exchange->shared;
    struct web_request *request = &exchange->request;
    bool matched = false;
    struct buf allowed;
    buf_init(&allowed, 256);
    exchange->route =
        web_routes_find(shared->tables, shared->table_count, target, request, &matched, &allowed);
    if (!exchange->route && !matched) {
        fault_set(&exchange->fault, FAULT_NOT_FOUND, "there is nothing at this address");
        refuse(exchange, NULL);
    } else if (!exchange->route) {
        fault_set(&exchange->fault, FAULT_INPUT, "this address takes %.*s only",
                  STR_ARG(buf_str(&allowed)));
        web_reply_header(request, &exchange->reply, "Allow", buf_str(&allowed));
        refuse(exchange, &web_problem_method);
    }
    buf_done(&allowed);
}

/* --- admission and body --------------------------------------------------------------------- */

/* A worker does the rest, and then the library asks what came of it. Where it goes on it first
 * reads, if reading is what it had in mind; and finds the end of what a client sends that has
 * closed its half (as it may), takes that for the end of the client, and closes. So the connection
 * is suspended only where nothing is read next: while much of a body is to come yet, or a turn
 * after the request was complete (PHASE_COMPLETE). */
static enum MHD_Result leave_to_worker(struct web_exchange *exchange, enum phase phase)
{
    exchange->phase = phase;
    MHD_suspend_connection(exchange->connection);
    web_workers_add(exchange->shared->workers, &exchange->work);
    return MHD_YES;
}

/* Whether a large body is taken from this caller. */
static void ask_admission(struct web_exchange *exchange)
{
    const struct web_shared *shared = exchange->shared;
    if (shared->admit(shared->service, &exchange->request, &exchange->fault) != FAULT_NONE &&
        !exchange->request.waits)
        refuse(exchange, NULL);
}

static bool needs_admission(const struct web_exchange *exchange)
{
    return !exchange->problem && exchange->shared->admit &&
           exchange->route->body_limit > WEB_BODY_FREE_MAX &&
           exchange->head.length > WEB_BODY_FREE_MAX;
}

/* Forgets what was done of it so far; false when it was done to its end. */
static bool takes_back(struct web_exchange *exchange)
{
    struct web_request *request = &exchange->request;
    struct web_reply *reply = &exchange->reply;
    bool waits = request->waits;
    request->quick = false;
    request->waits = false;
    if (!waits)
        return false;
    request->gated = false;
    exchange->fault = (struct fault){0};
    buf_clear(&reply->body);
    reply->content_type = (struct str){0};
    reply->header_count = 0;
    return true;
}

/* What the body must be, from the checked headers. */
static void prepare_body(struct web_exchange *exchange)
{
    const struct web_head *head = &exchange->head;
    size_t limit = exchange->route->body_limit;
    if (head->has_body && limit == 0) {
        fault_field(&exchange->fault, FAULT_INPUT, "body", "this address takes no body");
        refuse(exchange, NULL);
    } else if (head->length > limit) {
        fault_field(&exchange->fault, FAULT_LIMIT, "body",
                    "the body is over the limit of %zu bytes; send it in smaller parts", limit);
        refuse(exchange, NULL);
    }
    if (exchange->problem)
        return;
    exchange->inflates_later = head->coding != WEB_IDENTITY && head->length <= WEB_BODY_FREE_MAX;
    if (web_body_init(&exchange->body, limit,
                      exchange->inflates_later ? WEB_IDENTITY : head->coding,
                      &exchange->fault) != FAULT_NONE)
        refuse(exchange, NULL);
}

static bool bodies_fit(struct web_exchange *exchange)
{
    if (atomic_load(&exchange->shared->body_held) <= BODIES_MAX)
        return true;
    fault_set(&exchange->fault, FAULT_UNAVAILABLE,
              "too many large requests at once; try again shortly");
    return false;
}

/* By a worker: a short body may inflate to a long one, for callers that are known. */
static void inflate_body(struct web_exchange *exchange)
{
    struct fault *fault = &exchange->fault;
    struct web_body sent = exchange->body;
    enum fault_code code = FAULT_NONE;
    exchange->body = (struct web_body){0};
    if (exchange->shared->admit && exchange->route->body_limit > WEB_BODY_FREE_MAX)
        code = exchange->shared->admit(exchange->shared->service, &exchange->request, fault);
    if (code == FAULT_NONE && !bodies_fit(exchange))
        code = fault->code;
    if (code == FAULT_NONE)
        code = web_body_init(&exchange->body, exchange->route->body_limit, exchange->head.coding,
                             fault);
    if (code == FAULT_NONE)
        code = web_body_add(&exchange->body, buf_str(&sent.bytes), fault);
    if (code == FAULT_NONE)
        code = web_body_end(&exchange->body, fault);
    web_body_done(&sent);
    count_body(exchange);
    if (code != FAULT_NONE)
        refuse(exchange, NULL);
}

/* --- the answer ------------------------------------------------------------------------------ */

/* What belongs to no route is measured by its method too. A version of HTTP that we do not speak is
 * the client's error, whatever its number says. */
static void measure(struct web_exchange *exchange)
{
    const struct web_route *route = exchange->route;
    const struct str method = exchange->request.method;
    bool reads = str_equal(method, STR("GET")) || str_equal(method, STR("HEAD"));
    enum web_sli_kind kind = reads ? WEB_SLI_READ : WEB_SLI_WRITE;
    if (route && route->measure == WEB_MEASURE_NONE)
        return;
    if (route && route->measure == WEB_MEASURE_DECISION)
        kind = WEB_SLI_DECISION;
    int64_t now_us = os_monotonic_us();
    bool failed = exchange->reply.status >= 500 && exchange->problem != &web_problem_version;
    web_sli_add(&exchange->shared->sli, kind, now_us - exchange->complete_us, failed, now_us);
}

static void run_handler(struct web_exchange *exchange)
{
    struct web_request *request = &exchange->request;
    struct web_reply *reply = &exchange->reply;
    request->body = exchange->body.bytes.len > 0 ? buf_str(&exchange->body.bytes) : STR("");
    reply->status = 200;
    enum fault_code code =
        exchange->route->handler(exchange->shared->service, request, reply, &exchange->fault);
    assert(request->gated); /* a route that forgot to ask who calls */
    if (request->waits)
        return;
    if (code != FAULT_NONE) {
        exchange->problem = web_problem_of(code);
        reply->header_count = 0; /* what was set for a success that did not come */
        return;
    }
    /* A reply over our own limit is our error, not the client's. */
    code = buf_check(&reply->body, "the reply", &exchange->fault);
    if (code != FAULT_NONE)
        exchange->problem = web_problem_of(code == FAULT_LIMIT ? FAULT_NONE : code);
}

/* All of the reply but its sending. */
static void finish(struct web_exchange *exchange)
{
    struct web_request *request = &exchange->request;
    struct web_reply *reply = &exchange->reply;
    if (exchange->problem)
        web_reply_problem(request, reply, exchange->problem, &exchange->fault);
    if (reply->status >= 500)
        log_event(LOG_ERROR, "web.failed", LOG_NUMBER("status", reply->status),
                  LOG_TEXT("reason", str_of(exchange->fault.text)));
    measure(exchange);
    drop_body(exchange);
    web_pack(request, reply, &exchange->packed);
}

static enum MHD_Result send_reply(struct web_exchange *exchange)
{
    exchange->phase = PHASE_ANSWERED;
    bool closing = exchange->closing || atomic_load(&exchange->shared->stopping);
    enum MHD_Result queued = web_send(exchange->connection, &exchange->request, &exchange->reply,
                                      &exchange->packed, closing, &exchange->sent);
    web_guarded_deadline(exchange->guarded,
                         os_monotonic_us() + exchange->shared->request_timeout_us +
                             (int64_t)(exchange->sent / BYTES_PER_S_LEAST) * 1000000);
    return queued;
}

static bool is_answered_at_once(struct web_exchange *exchange)
{
    if (exchange->problem)
        return true;
    if (!exchange->route->quick || exchange->inflates_later ||
        exchange->body.bytes.len > WEB_QUICK_BODY_MAX)
        return false;
    exchange->request.quick = true;
    run_handler(exchange);
    return !takes_back(exchange);
}

/* The request is in. */
static enum MHD_Result answer(struct web_exchange *exchange)
{
    exchange->complete_us = os_monotonic_us();
    web_guarded_deadline(exchange->guarded, 0); /* our own time does not count against the client */
    if (!exchange->problem && web_body_end(&exchange->body, &exchange->fault) != FAULT_NONE)
        refuse(exchange, NULL);
    if (!is_answered_at_once(exchange)) {
        exchange->phase = PHASE_COMPLETE; /* the library comes back in its next turn */
        return MHD_YES;
    }
    finish(exchange);
    return send_reply(exchange);
}

void web_exchange_work(struct web_work *work)
{
    struct web_exchange *exchange = (struct web_exchange *)work;
    struct MHD_Connection *connection = exchange->connection;
    if (exchange->phase == PHASE_ADMITTING) {
        ask_admission(exchange);
        exchange->phase = PHASE_ADMITTED;
    } else {
        if (exchange->inflates_later)
            inflate_body(exchange);
        if (!exchange->problem)
            run_handler(exchange);
        finish(exchange);
        exchange->phase = PHASE_READY;
    }
    MHD_resume_connection(connection); /* from here on the exchange may be gone */
}

/* --- steps ---------------------------------------------------------------------------------- */

/* Who sends it may: the body is next. */
static enum MHD_Result go_on_to_body(struct web_exchange *exchange)
{
    const struct web_head *head = &exchange->head;
    if (!exchange->problem)
        prepare_body(exchange);
    exchange->phase = exchange->problem ? PHASE_DRAIN : PHASE_BODY;
    /* A refused body is mostly read and thrown away, so that the client, who may write before it
     * reads, gets the reply; but not one that waits for a word or is too long, nor one whose end
     * cannot be trusted. */
    bool at_once = exchange->problem &&
                   (head->unclear || (head->has_body && head->expects) || head->length > DRAIN_MAX);
    if (!at_once)
        return MHD_YES;
    exchange->closing = true;
    return answer(exchange);
}

/* The head checked, and the route that it names; what is wrong is noted. */
static void read_head(struct web_exchange *exchange, const char *method, const char *version)
{
    struct web_request *request = &exchange->request;
    struct web_target target = {0};
    struct fault *fault = &exchange->fault;
    const struct web_problem *problem = NULL;
    if (web_check_head(exchange->connection, method, version, request, &exchange->head, &problem,
                       fault) != FAULT_NONE) {
        refuse(exchange, problem);
        exchange->closing = true;
    } else if (exchange->target_cut) {
        fault_set(fault, FAULT_LIMIT, "the address is over the limit of %d bytes", WEB_TARGET_MAX);
        refuse(exchange, &web_problem_target);
    } else if (web_target_read(&exchange->arena, exchange->raw_target, &target, fault) !=
               FAULT_NONE) {
        refuse(exchange, NULL);
        exchange->closing = true;
    } else {
        request->path = target.path;
        request->query = target.query;
        find_route(exchange, &target);
    }
}

static enum MHD_Result take_head(struct web_exchange *exchange, const char *method,
                                 const char *version)
{
    struct web_request *request = &exchange->request;
    request->arena = &exchange->arena;
    request->started_us = os_now_us();
    request->client = web_guarded_client(exchange->guarded);
    if (!str_to_c(str_take(str_of(method), METHOD_MAX - 1), exchange->method, METHOD_MAX))
        return MHD_NO;
    request->method = str_of(exchange->method);
    read_head(exchange, method, version);
    if (!needs_admission(exchange))
        return go_on_to_body(exchange);
    request->quick = true;
    ask_admission(exchange);
    if (takes_back(exchange))
        return leave_to_worker(exchange, PHASE_ADMITTING);
    return go_on_to_body(exchange);
}

static enum MHD_Result take_data(struct web_exchange *exchange, struct str data)
{
    atomic_fetch_add(&exchange->shared->bytes_in, data.len);
    if (exchange->phase == PHASE_DRAIN) {
        exchange->drained += data.len;
        return exchange->drained > DRAIN_MAX ? MHD_NO : MHD_YES;
    }
    struct fault *fault = &exchange->fault;
    if (bodies_fit(exchange))
        (void)!web_body_add(&exchange->body, data, fault);
    count_body(exchange);
    if (fault->code != FAULT_NONE) {
        refuse(exchange, NULL);
        drop_body(exchange);
        exchange->phase = PHASE_DRAIN;
        return MHD_YES;
    }
    web_guarded_deadline(exchange->guarded,
                         exchange->started_us + exchange->shared->request_timeout_us +
                             (int64_t)(exchange->body.received * 1000000 / BYTES_PER_S_LEAST));
    return MHD_YES;
}

enum MHD_Result web_exchange_step(struct web_exchange *exchange, const char *method,
                                  const char *version, const char *data, size_t *data_len)
{
    struct str piece = {data, *data_len};
    switch (exchange->phase) {
    case PHASE_HEAD:
        return take_head(exchange, method, version);
    case PHASE_ADMITTED:
        return go_on_to_body(exchange);
    case PHASE_BODY:
    case PHASE_DRAIN:
        if (piece.len == 0)
            return answer(exchange);
        *data_len = 0;
        return take_data(exchange, piece);
    case PHASE_COMPLETE:
        return leave_to_worker(exchange, PHASE_ANSWERING);
    case PHASE_READY:
        return send_reply(exchange);
    case PHASE_ADMITTING:
    case PHASE_ANSWERING:
        assert(!"a suspended connection does not move");
        return MHD_NO;
    case PHASE_ANSWERED:
        break;
    }
    *data_len = 0; /* what comes after a refusal at once */
    return MHD_YES;
}

static void write_access_line(const struct web_exchange *exchange, int status)
{
    const char *route = exchange->route ? exchange->route->pattern : "-";
    log_event(LOG_INFO, "web.request", LOG_TEXT("method", str_of(exchange->method)),
              LOG_TEXT("route", str_of(route)), LOG_NUMBER("status", status),
              LOG_NUMBER("duration_us", os_monotonic_us() - exchange->started_us),
              LOG_NUMBER("bytes", (int64_t)exchange->sent),
              LOG_TEXT("client", web_guarded_client(exchange->guarded)));
}

void web_exchange_end(struct web_exchange *taken, enum MHD_RequestTerminationCode how)
{
    if (!taken)
        return;
    struct web_shared *shared = taken->shared;
    bool answered = taken->phase == PHASE_ANSWERED;
    bool complete = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    /* 408: cut as too slow; 499: the client left before its reply, as nginx has it. */
    int status = answered ? taken->reply.status : web_guarded_cut(taken->guarded) ? 408 : 499;
    atomic_fetch_add(&shared->requests, 1);
    atomic_fetch_add(&shared->by_class[status / 100 % 6], 1);
    if (complete)
        atomic_fetch_add(&shared->bytes_out, taken->sent);
    write_access_line(taken, status);
    /* By then the next request must have begun and sent its first line. */
    web_guarded_deadline(taken->guarded, os_monotonic_us() + 2 * shared->request_timeout_us);
    drop_body(taken);
    buf_done(&taken->reply.body);
    buf_done(&taken->packed.spare);
    arena_done(&taken->arena);
    os_free(taken);
    atomic_fetch_sub(&shared->under_way, 1);
}
