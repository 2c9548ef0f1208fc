/* The n-th allocation of a request is refused, n = 1, 2, ...: nothing breaks, nothing leaks, what
 * was acknowledged is there, and what was not is not there in part. */
#include "service/handoffs/tests/house.h"

#include "libs/core/os.h"

static struct buf analyst;
static long allocations_left; /* until one is refused; < 0: none is */

static void *resize_until_refused(void *ptr, size_t size)
{
    if (size > 0 && allocations_left == 0)
        return NULL;
    if (size > 0 && allocations_left > 0)
        allocations_left--;
    return os_posix.resize(ptr, size);
}

static struct os_platform short_of_memory;

static int set_up(void **state)
{
    allocations_left = -1;
    short_of_memory = os_posix;
    short_of_memory.resize = resize_until_refused;
    os_platform_set(&short_of_memory);
    int failed = house_open(state);
    buf_init(&analyst, 256);
    if (!failed)
        house_token("acme", ROLE_ANALYST, &analyst);
    return failed;
}

static int tear_down(void **state)
{
    buf_done(&analyst);
    int failed = house_close(state);
    os_platform_set(&os_posix);
    return failed;
}

/* Sends the request with `allowed` allocations; true when it went through all the same. */
static bool ask_short(const struct ask *asked, long allowed, int good_status)
{
    struct answer answer = {0};
    arena_init(&answer.arena, 64 << 20);
    buf_init(&answer.reply.body, HOUSE_BODY_MAX);
    struct web_request request = {
        .method = str_of(asked->method),
        .path = str_of(asked->path),
        .client = STR("192.0.2.7"),
        .body = asked->body,
        .arena = &answer.arena,
    };
    add_header(&request, "Authorization", asked->token);
    const struct web_route *route = house_route(&request);
    allocations_left = allowed;
    answer.code = route->handler(&house.service, &request, &answer.reply, &answer.fault);
    bool spent = allocations_left == 0;
    allocations_left = -1;
    assert_true(request.gated);
    bool good = answer.code == FAULT_NONE;
    if (good)
        assert_int_equal(answer.reply.status ? answer.reply.status : 200, good_status);
    else if (!spent)
        fail_msg("with memory left: %s", answer.fault.text);
    /* A refusal for want of memory is never told as the sender's fault. */
    if (!good && (answer.code == FAULT_INPUT || answer.code == FAULT_NOT_FOUND ||
                  answer.code == FAULT_DENIED || answer.code == FAULT_CONFLICT))
        fail_msg("after %ld allocations: %d %s", allowed, answer.code, answer.fault.text);
    answer_done(&answer);
    return good;
}

static void commit__is_whole_or_absent_whichever_allocation_is_refused(void **state)
{
    (void)state;
    struct parcel parcel;
    bool done = false;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_seal(&parcel);
    parcel_pack(&parcel);
    const struct ask post = {.method = "POST",
                             .path = "/v1/handoffs",
                             .token = buf_str(&analyst),
                             .body = buf_str(&parcel.body)};
    for (long allowed = 0; !done; allowed++) {
        assert_true(allowed < 20000);
        done = ask_short(&post, allowed, 201);
        int64_t rows = house_whole("SELECT count(*) FROM handoffs");
        int64_t entities = house_whole("SELECT count(*) FROM graph_entities");
        int records = house_recorded("acme", "\"handoff.committed\"");
        if (rows != (done ? 1 : 0) || entities != 3 * rows || records != rows)
            fail_msg("after %ld allocations: %d rows, %d entities, %d records", allowed, (int)rows,
                     (int)entities, records);
    }
    parcel_done(&parcel);
}

static void graph__is_shown_or_refused_whichever_allocation_is_refused(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    char path[128];
    deliver("acme", "1.1", buf_str(&analyst), id);
    snprintf(path, sizeof path, "/v1/handoffs/%s/graph", id);
    const struct ask get = {.method = "GET", .path = path, .token = buf_str(&analyst)};
    for (long allowed = 0; !ask_short(&get, allowed, 200); allowed++)
        assert_true(allowed < 20000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(commit__is_whole_or_absent_whichever_allocation_is_refused),
        TEST(graph__is_shown_or_refused_whichever_allocation_is_refused),
    };
    return cmocka_run_group_tests_name("handoffs_refused_memory", tests, NULL, NULL);
}
