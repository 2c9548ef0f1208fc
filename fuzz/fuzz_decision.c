/* What is asked of POST /v1/decisions: from any text, no crash; what was read is within its limits,
 * and written down again it is read as the same. */
#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"
#include "libs/text/json_write.h"
#include "service/budgets/budgets_ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1 << 20, ARENA_MAX = 64 << 20 };

static const char *const names[] = {"check", "reserve", "settle", "release"};

static void write_request(const struct budgets_request *request, struct buf *out)
{
    struct json_out json = json_out_to(out);
    bool ends = request->action == BUDGETS_SETTLE || request->action == BUDGETS_RELEASE;
    json_open(&json, '{');
    if (request->quantity >= 0) {
        char text[24];
        struct buf number = {.ptr = text, .room = sizeof text, .limit = sizeof text};
        buf_add_i64(&number, request->quantity);
        json_put_text(&json, "quantity", buf_str(&number));
    }
    if (ends)
        json_put_text(&json, "reservation", request->reservation);
    else
        json_put_text(&json, "meter", str_of(request->meter->name));
    if (request->dimensions.len > 0)
        json_put_raw(&json, "dimensions", request->dimensions);
    if (request->action == BUDGETS_RESERVE)
        json_put_whole(&json, "ttl_s", request->ttl_s);
    json_put_text(&json, "action", str_of(names[request->action]));
    json_close(&json, '}');
}

static void check_limits(const struct budgets_request *request)
{
    bool ends = request->action == BUDGETS_SETTLE || request->action == BUDGETS_RELEASE;
    assert(request->quantity >= -1 && request->quantity <= INT64_C(1000000000000000));
    assert(request->ttl_s >= 1 && request->ttl_s <= BUDGETS_TTL_MAX_S);
    assert(request->dimensions.len <= BUDGETS_DIMENSIONS_TEXT);
    assert(ends || request->meter);
    assert(request->action != BUDGETS_SETTLE || request->quantity >= 0);
    assert(request->action != BUDGETS_RESERVE || !request->meter->is_own);
}

static void try_one(struct arena *arena, const struct json *value)
{
    struct budgets_request request;
    struct budgets_request again;
    struct fault fault;
    struct buf text;
    const struct json *written;
    if (budgets_ask_read(arena, value, &request, &fault) != FAULT_NONE) {
        assert(fault.text[0]);
        return;
    }
    check_limits(&request);
    buf_init(&text, TEXT_MAX);
    write_request(&request, &text);
    enum fault_code code = json_read(arena, buf_str(&text), &written, &fault);
    assert(code == FAULT_NONE);
    code = budgets_ask_read(arena, written, &again, &fault);
    assert(code == FAULT_NONE);
    assert(again.action == request.action && again.meter == request.meter &&
           again.quantity == request.quantity && again.ttl_s == request.ttl_s &&
           str_equal(again.dimensions, request.dimensions) &&
           str_equal(again.reservation, request.reservation));
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct fault fault;
    const struct json *body;
    const struct json *first;
    size_t count;
    arena_init(&arena, ARENA_MAX);
    if (json_read(&arena, (struct str){(const char *)data, size}, &body, &fault) == FAULT_NONE &&
        budgets_ask_several(body, &first, &count, &fault) == FAULT_NONE) {
        assert(count >= 1 && count <= BUDGETS_ASKS_MAX);
        if (!first)
            try_one(&arena, body);
        for (; first; first = json_next(first), count--)
            try_one(&arena, first);
    }
    arena_done(&arena);
    return 0;
}
