/* Budgets on hand-offs: what is let through, what is refused and how, and that nothing that is
 * refused, repeated or failed costs anything. */
#include "service/handoffs/tests/house.h"

#include "service/budgets/budgets_store.h"
#include "service/prices/prices.h"

static struct budgets_row row;

static enum fault_code insert_in(struct store *store, void *context, struct fault *fault)
{
    enum fault_code code = budgets_store_insert(store, STR("acme"), context, fault);
    return code == FAULT_NONE ? prices_generation_raise(store, STR("acme"), fault) : code;
}

static void add_budget(enum budgets_mode mode, int64_t limit)
{
    row = (struct budgets_row){
        .id = STR("bdg_0000000000000000000001"),
        .version = 1,
        .definition = {.name = STR("Hand-offs of the month"),
                       .meters = {usage_meter_find(STR("handoffs"))},
                       .meter_count = 1,
                       .limit = limit,
                       .period = ZONE_MONTH,
                       .mode = mode,
                       .has_throttle = mode == BUDGETS_THROTTLE,
                       .throttle = {0, 1, 1},
                       .default_estimate = 1,
                       .contact = STR("soc-lead@corp.example")},
        .created_by = STR("ada"),
        .updated_by = STR("ada"),
    };
    MUST(store_pool_write(house.pool, insert_in, &row, &house_fault));
    budgets_reload(house.budgets, STR("acme"));
}

static struct buf token;

static int open_house(void **state)
{
    buf_init(&token, 256);
    return house_open(state);
}

static int close_house(void **state)
{
    buf_done(&token);
    return house_close(state);
}

static int send(const char *sid, struct answer *out)
{
    struct parcel parcel;
    if (token.len == 0)
        house_token("acme", ROLE_ANALYST, &token);
    parcel_open(&parcel, "acme", sid);
    parcel_fill(&parcel);
    parcel_send(&parcel, buf_str(&token), out);
    parcel_done(&parcel);
    return out->status;
}

static int send_status(const char *sid)
{
    struct answer answer;
    int status = send(sid, &answer);
    answer_done(&answer);
    return status;
}

static struct str header_of(const struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->reply.header_count; i++)
        if (str_equal(answer->reply.headers[i].name, str_of(name)))
            return answer->reply.headers[i].value;
    fail_msg("no header %s", name);
    return STR("");
}

static void assert_text(struct str got, const char *want)
{
    if (!str_equal(got, str_of(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), want);
}

static int64_t committed(void)
{
    return house_whole("SELECT COUNT(*) FROM handoffs");
}

static void handoffs__over_a_budget_are_refused_with_all_that_one_needs_to_know(void **state)
{
    struct answer answer;
    (void)state;
    add_budget(BUDGETS_BLOCK, 2);
    assert_int_equal(send_status("1"), 201);
    assert_int_equal(send_status("2"), 201);
    assert_int_equal(send("3", &answer), 402);
    assert_text(answer.reply.content_type, "application/problem+json");
    assert_text(text_of(answer.json, "type"), "urn:intelgraph:problem:budget-blocked");
    assert_text(text_of(answer.json, "budget"), "bdg_0000000000000000000001");
    assert_text(text_of(answer.json, "budget_name"), "Hand-offs of the month");
    assert_text(text_of(answer.json, "used"), "2");
    assert_text(text_of(answer.json, "reserved"), "0");
    assert_text(text_of(answer.json, "limit"), "2");
    assert_text(text_of(answer.json, "contact"), "soc-lead@corp.example");
    assert_true(whole_of(answer.json, "retry_after_s") > 0);
    assert_int_equal(text_of(answer.json, "decision").len, 30);
    assert_true(
        str_starts(header_of(&answer, "RateLimit"), STR("\"bdg_0000000000000000000001\";r=0;t=")));
    assert_true(header_of(&answer, "Retry-After").len > 0);
    assert_true(str_starts(header_of(&answer, "RateLimit-Policy"),
                           STR("\"bdg_0000000000000000000001\";q=2;w=")));
    answer_done(&answer);
    assert_int_equal(committed(), 2);
    assert_int_equal(house.service.counters.decisions_blocked, 1);
    assert_int_equal(house.service.counters.handoffs_refused, 1);
    budgets_keep(house.budgets);
    assert_int_equal(house_whole("SELECT COUNT(*) FROM budgets_decisions"
                                 " WHERE subject = 'mara' AND verdict = 'block'"),
                     1);
    assert_int_equal(house_recorded("acme", "budget.refused"), 1);
}

/* Like every other refusal of a hand-off; repeats of the same one are counted in its next record.
 */
static void handoffs__over_a_budget_are_each_on_record(void **state)
{
    struct answer answer;
    char reason[160];
    (void)state;
    add_budget(BUDGETS_BLOCK, 1);
    assert_int_equal(send_status("1"), 201);
    assert_int_equal(send("2", &answer), 402);
    snprintf(reason, sizeof reason,
             "\"budget: block by bdg_0000000000000000000001, decision %.*s\"",
             STR_ARG(text_of(answer.json, "decision")));
    answer_done(&answer);
    assert_int_equal(house_recorded("acme", "handoff.refused"), 1);
    assert_int_equal(house_recorded("acme", reason), 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_status("2"), 402);
    assert_int_equal(house_recorded("acme", "handoff.refused"), 1);
    assert_int_equal(send_status("3"), 402);
    assert_int_equal(house_recorded("acme", "handoff.refused"), 2);
    assert_int_equal(house.service.counters.handoffs_refused, 7);
}

static void handoffs__whose_refusal_cannot_be_recorded_are_recorded_with_the_next(void **state)
{
    (void)state;
    add_budget(BUDGETS_BLOCK, 1);
    assert_int_equal(send_status("1"), 201);
    house_sql(house_break_log());
    assert_int_equal(send_status("2"), 402);
    house_sql(house_mend_log());
    assert_int_equal(house_recorded("acme", "handoff.refused"), 0);
    assert_int_equal(send_status("2"), 402);
    assert_int_equal(house_recorded("acme", "handoff.refused"), 1);
    assert_int_equal(house_recorded("acme", "\"refused_before\":1"), 1);
}

static void handoffs__that_are_throttled_say_when_to_come_again(void **state)
{
    struct answer answer;
    (void)state;
    add_budget(BUDGETS_THROTTLE, 1000);
    assert_int_equal(send_status("1"), 201);
    assert_int_equal(send("2", &answer), 429);
    assert_text(text_of(answer.json, "type"), "urn:intelgraph:problem:budget-throttled");
    assert_int_equal(whole_of(answer.json, "retry_after_s"), 1);
    assert_text(header_of(&answer, "Retry-After"), "1");
    answer_done(&answer);
    assert_int_equal(committed(), 1);
}

static void handoffs__that_are_there_already_cost_nothing_and_are_never_refused(void **state)
{
    (void)state;
    add_budget(BUDGETS_BLOCK, 2);
    assert_int_equal(send_status("1"), 201);
    assert_int_equal(send_status("1"), 200); /* reserved, and given back */
    assert_int_equal(send_status("2"), 201);
    assert_int_equal(send_status("2"), 200); /* nothing is left, and nothing is asked */
    assert_int_equal(send_status("3"), 402);
    assert_int_equal(committed(), 2);
}

static void handoffs__that_fail_give_back_what_they_reserved(void **state)
{
    (void)state;
    add_budget(BUDGETS_BLOCK, 1);
    house_token("acme", ROLE_ANALYST, &token);
    house_sql(house_break_log());
    assert_int_not_equal(send_status("1"), 201);
    house_sql(house_mend_log());
    budgets_keep(house.budgets);
    assert_int_equal(send_status("1"), 201);
    assert_int_equal(send_status("2"), 402);
}

static void handoffs__over_a_budget_that_only_notifies_are_let_through(void **state)
{
    (void)state;
    add_budget(BUDGETS_NOTIFY, 1);
    assert_int_equal(send_status("1"), 201);
    assert_int_equal(send_status("2"), 201);
    assert_int_equal(house.service.counters.decisions_allowed, 2);
}

/* A large one: refused when it is opened, before its parts are sent, and at its commit. */
static void handoffs__in_parts_are_refused_at_the_door_and_at_the_commit(void **state)
{
    struct parcel parcel;
    struct answer answer;
    struct buf lines;
    char path[160];
    (void)state;
    add_budget(BUDGETS_BLOCK, 1);
    house_token("acme", ROLE_ANALYST, &token);
    parcel_open(&parcel, "acme", "large");
    parcel.manifest.parts = 2;
    buf_init(&lines, 1 << 20);
    wire_add_handoff(&lines, &parcel.manifest);
    const struct ask open = {.method = "POST",
                             .path = "/v1/handoffs",
                             .token = buf_str(&token),
                             .body = buf_str(&lines)};
    ask(&open, &answer);
    assert_int_equal(answer.status, 202);
    answer_done(&answer);
    assert_int_equal(send_status("other"), 201);
    house_token("acme", ROLE_ANALYST, &token);
    ask(&(struct ask){.method = "POST",
                      .path = "/v1/handoffs",
                      .token = buf_str(&token),
                      .body = buf_str(&lines)},
        &answer);
    assert_int_equal(answer.status, 402);
    answer_done(&answer);
    snprintf(path, sizeof path, "/v1/handoffs/%s/commit", parcel.id);
    parcel_seal(&parcel);
    buf_clear(&lines);
    wire_add_commit(&lines, &parcel.commit);
    ask(
        &(struct ask){
            .method = "POST", .path = path, .token = buf_str(&token), .body = buf_str(&lines)},
        &answer);
    assert_int_equal(answer.status, 402);
    answer_done(&answer);
    buf_done(&lines);
    parcel_done(&parcel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handoffs__over_a_budget_are_refused_with_all_that_one_needs_to_know),
        TEST(handoffs__over_a_budget_are_each_on_record),
        TEST(handoffs__whose_refusal_cannot_be_recorded_are_recorded_with_the_next),
        TEST(handoffs__that_are_throttled_say_when_to_come_again),
        TEST(handoffs__that_are_there_already_cost_nothing_and_are_never_refused),
        TEST(handoffs__that_fail_give_back_what_they_reserved),
        TEST(handoffs__over_a_budget_that_only_notifies_are_let_through),
        TEST(handoffs__in_parts_are_refused_at_the_door_and_at_the_commit),
    };
    return cmocka_run_group_tests_name("handoffs_budget", tests, NULL, NULL);
}
