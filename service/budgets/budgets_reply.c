#include "service/budgets/budgets_reply.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "libs/text/time.h"

enum { PROBLEM_MAX = 16 * 1024 };

/* What a header of numbers may hold (RFC 9651, 3.3.1). */
#define HEADER_MAX INT64_C(999999999999999)

void budgets_put_time(struct json_out *out, const char *name, int64_t at_us)
{
    char room[40];
    struct buf text = {.ptr = room, .room = sizeof room, .limit = sizeof room};
    time_add_rfc3339(&text, at_us);
    json_put_text(out, name, buf_str(&text));
}

void budgets_put_quantity(struct json_out *out, const char *name, int64_t quantity)
{
    char text[24];
    if (quantity < 0) {
        json_put_null(out, name);
        return;
    }
    snprintf(text, sizeof text, "%" PRId64, quantity);
    json_put_text(out, name, str_of(text));
}

/* --- allowed -------------------------------------------------------------------------------- */

static void put_view(struct json_out *out, const struct budgets_view *view)
{
    json_open(out, '{');
    json_put_text(out, "id", str_of(view->id));
    json_put_text(out, "name", str_of(view->name));
    budgets_amount_put(out, "used", view->basis, view->used);
    budgets_amount_put(out, "reserved", view->basis, view->reserved);
    budgets_amount_put(out, "limit", view->basis, view->limit);
    budgets_put_time(out, "resets_at", view->resets_us);
    json_put_text(out, "mode", str_of(budgets_mode_name(view->mode)));
    json_put_boolean(out, "shadow", view->shadow);
    if (view->would != BUDGETS_ALLOWED)
        json_put_text(out, "would", str_of(budgets_verdict_name(view->would)));
    json_close(out, '}');
}

void budgets_put_allowed(struct json_out *out, const struct budgets_decision *decision,
                         const char *token)
{
    char id[BUDGETS_DECISION_ID_SIZE];
    budgets_decision_id(decision, id);
    json_put_text(out, "decision", str_of(id));
    json_put_text(out, "verdict", STR("allow"));
    if (token[0]) {
        json_put_text(out, "reservation", str_of(token));
        budgets_put_time(out, "expires_at", decision->reservation.expires_us);
    }
    json_open_at(out, "budgets", '[');
    for (int i = 0; i < decision->view_count; i++)
        put_view(out, &decision->views[i]);
    json_close(out, ']');
}

/* --- refused -------------------------------------------------------------------------------- */

int budgets_refusal_status(const struct budgets_decision *decision)
{
    assert(decision->verdict != BUDGETS_ALLOWED);
    return decision->verdict == BUDGETS_THROTTLED ? 429 : 402;
}

static void add_amount(struct buf *out, const struct budgets_view *view, int64_t amount)
{
    budgets_amount_add(out, view->basis, amount);
}

/* Says what happened, until when, and whom to ask. */
static void add_detail(struct buf *out, const struct budgets_decision *decision)
{
    const struct budgets_view *view = &decision->refused_by;
    buf_addf(out, "The budget \"%s\" ", view->name);
    if (decision->verdict == BUDGETS_THROTTLED)
        buf_addf(out, "is near its limit and lets work through slowly: try again in %" PRId64 " s",
                 view->retry_after_s);
    else if ((__int128)view->limit - view->used - view->reserved <= 0)
        buf_add_c(out, "is spent");
    else
        buf_add_c(out, "has less left than that");
    buf_add_c(out, " (");
    add_amount(out, view, view->used);
    buf_add_c(out, " used, ");
    add_amount(out, view, view->reserved);
    buf_add_c(out, " reserved of ");
    add_amount(out, view, view->limit);
    buf_add_c(out, "; ");
    add_amount(out, view, view->amount);
    buf_add_c(out, " asked for). It begins anew at ");
    time_add_rfc3339(out, view->resets_us);
    buf_addf(out, "; whom to ask: %s.", decision->contact);
}

void budgets_put_refusal(struct json_out *out, const struct budgets_decision *decision)
{
    const struct budgets_view *view = &decision->refused_by;
    bool throttled = decision->verdict == BUDGETS_THROTTLED;
    char id[BUDGETS_DECISION_ID_SIZE];
    struct buf detail;
    buf_init(&detail, 4096);
    add_detail(&detail, decision);
    budgets_decision_id(decision, id);
    json_put_text(out, "type",
                  throttled ? STR("urn:intelgraph:problem:budget-throttled")
                            : STR("urn:intelgraph:problem:budget-blocked"));
    json_put_text(out, "title",
                  throttled ? STR("A budget lets work through slowly") : STR("A budget is spent"));
    json_put_whole(out, "status", budgets_refusal_status(decision));
    json_put_text(out, "detail", buf_str(&detail));
    json_put_text(out, "verdict", str_of(budgets_verdict_name(decision->verdict)));
    json_put_text(out, "budget", str_of(view->id));
    json_put_text(out, "budget_name", str_of(view->name));
    budgets_amount_put(out, "used", view->basis, view->used);
    budgets_amount_put(out, "reserved", view->basis, view->reserved);
    budgets_amount_put(out, "limit", view->basis, view->limit);
    budgets_put_time(out, "resets_at", view->resets_us);
    json_put_text(out, "contact", str_of(decision->contact));
    json_put_text(out, "decision", str_of(id));
    json_put_whole(out, "retry_after_s", view->retry_after_s);
    buf_done(&detail);
}

static int64_t fit(__int128 number)
{
    return number < 0 ? 0 : number > HEADER_MAX ? HEADER_MAX : (int64_t)number;
}

/* RateLimit and RateLimit-Policy as draft-ietf-httpapi-ratelimit-headers-10 has them: the quota in
 * a window of so many seconds, what remains of it, and when it is there again. */
static void put_headers(struct web_request *request, struct web_reply *reply,
                        const struct budgets_decision *decision)
{
    const struct budgets_view *view = &decision->refused_by;
    bool throttled = decision->verdict == BUDGETS_THROTTLED;
    char text[192];
    int64_t window_s = fit(throttled ? (view->burst + view->rate - 1) / view->rate
                                     : (view->resets_us - view->starts_us) / 1000000);
    __int128 left = throttled ? 0 : (__int128)view->limit - view->used - view->reserved;
    snprintf(text, sizeof text, "%" PRId64, fit(view->retry_after_s));
    web_reply_header(request, reply, "Retry-After", str_of(text));
    snprintf(text, sizeof text, "\"%s\";q=%" PRId64 ";w=%" PRId64, view->id,
             fit(throttled ? view->burst : view->limit), window_s > 0 ? window_s : 1);
    web_reply_header(request, reply, "RateLimit-Policy", str_of(text));
    snprintf(text, sizeof text, "\"%s\";r=%" PRId64 ";t=%" PRId64, view->id, fit(left),
             fit(view->retry_after_s));
    web_reply_header(request, reply, "RateLimit", str_of(text));
}

enum fault_code budgets_reply_refusal(struct web_request *request, struct web_reply *reply,
                                      const struct budgets_decision *decision, struct fault *fault)
{
    reply->status = budgets_refusal_status(decision);
    reply->content_type = STR("application/problem+json");
    buf_clear(&reply->body);
    struct json_out out = json_out_to(&reply->body);
    json_open(&out, '{');
    budgets_put_refusal(&out, decision);
    json_close(&out, '}');
    put_headers(request, reply, decision);
    return buf_check(&reply->body, "the answer", fault);
}
