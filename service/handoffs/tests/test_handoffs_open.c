#include "service/handoffs/tests/house.h"

static struct buf analyst;  /* "Bearer ..." of tenant acme */
static struct buf stranger; /* of tenant globex */

static int set_up(void **state)
{
    int failed = house_open(state);
    buf_init(&analyst, 256);
    buf_init(&stranger, 256);
    if (!failed) {
        house_token("acme", ROLE_ANALYST, &analyst);
        house_token("globex", ROLE_ADMIN, &stranger);
    }
    return failed;
}

static int tear_down(void **state)
{
    buf_done(&analyst);
    buf_done(&stranger);
    return house_close(state);
}

static void assert_text(struct str got, const char *want)
{
    if (!str_equal(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", STR_ARG(got), want);
}

static void open_as(struct str token, const char *query, const char *accept, struct answer *out)
{
    ask(&(struct ask){.method = "GET",
                      .path = "/open/entities",
                      .query = query,
                      .accept = accept,
                      .token = token},
        out);
}

static void value__of_a_field_leads_to_the_newest_hand_off_that_names_it(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "field=src_ip&value=10.0.0.1",
        "field=src&value=10.0.0.1",
        "kind=ip&value=10%5B.%5D0.0.1", /* as people write what must not be clicked */
        "kind=address&value=%2010.0.0.1",
    };
    char first[WIRE_ID_HEX + 1];
    char newest[WIRE_ID_HEX + 1];
    char page[96];
    deliver("acme", "1.1", buf_str(&analyst), first);
    deliver("acme", "1.2", buf_str(&analyst), newest);
    snprintf(page, sizeof page, "/handoffs/%s?entity=1", newest);
    for (size_t i = 0; i < LENGTH(queries); i++) {
        struct answer answer;
        open_as(buf_str(&analyst), queries[i], NULL, &answer);
        assert_int_equal(answer.status, 303);
        assert_text(location_of(&answer), page);
        answer_done(&answer);
    }
    assert_int_equal(house_recorded("acme", "\"entity.opened\""), LENGTH(queries));
    assert_int_equal(house_recorded("acme", "10.0.0.1"), 0);
}

static void value__that_is_not_known_is_404_for_programs_and_a_page_for_people(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *page;
    } cases[] = {
        {"kind=ip&value=10.9.9.9", "/handoffs?missing=10.9.9.9"},
        {"field=src_ip&value=-", "/handoffs?missing=-"},
        {"field=user&value=%22%3E%3Cscript%3EX%3A%20y%26z%3D1%23%C3%A9",
         "/handoffs?missing=%22%3E%3Cscript%3EX%3A%20y%26z%3D1%23%C3%A9"},
        {"kind=process&value=c%3A%5Ca%20b.exe", "/handoffs?missing=c%3A%5Ca%20b.exe"},
    };
    char id[WIRE_ID_HEX + 1];
    deliver("acme", "1.1", buf_str(&analyst), id);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct answer answer;
        open_as(buf_str(&analyst), cases[i].query, NULL, &answer);
        assert_int_equal(answer.status, 404);
        answer_done(&answer);
        open_as(buf_str(&analyst), cases[i].query, "text/html", &answer);
        assert_int_equal(answer.status, 303);
        assert_text(location_of(&answer), cases[i].page);
        answer_done(&answer);
    }
    assert_int_equal(house_recorded("acme", "\"entity.opened\""), 0);
}

static void question__that_is_wrong_is_told_with_its_field(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *field;
    } cases[] = {
        {"", "field"},
        {"value=10.0.0.1", "field"},
        {"field=src_ip&kind=ip&value=10.0.0.1", "field"},
        {"field=nonsense&value=10.0.0.1", "field"},
        {"kind=nonsense&value=10.0.0.1", "kind"},
        {"kind=ip", "value"},
        {"field=user&value=a%0d%0aX-Y%3A%20z", "value"}, /* no control character is taken */
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct answer answer;
        open_as(buf_str(&analyst), cases[i].query, "text/html", &answer);
        assert_int_equal(answer.status, 400);
        assert_text(text_of(answer.json, "field"), cases[i].field);
        answer_done(&answer);
    }
}

static void value__of_another_tenant_is_not_known(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct answer answer;
    deliver("acme", "1.1", buf_str(&analyst), id);
    open_as(buf_str(&stranger), "kind=ip&value=10.0.0.1", NULL, &answer);
    assert_int_equal(answer.status, 404);
    answer_done(&answer);
}

static void browser__without_a_session_signs_in_and_comes_back_to_the_same_value(void **state)
{
    (void)state;
    struct answer answer;
    open_as(STR(""), "field=src_ip&value=a%26b%3D%22%25", "text/html", &answer);
    assert_int_equal(answer.status, 303);
    assert_text(location_of(&answer), "/signin?next=/open/entities%3Ffield%3Dsrc_ip%26value%3D"
                                      "a%2526b%253D%2522%2525");
    answer_done(&answer);
    open_as(STR(""), "field=src_ip&value=10.0.0.1", "application/json", &answer);
    assert_int_equal(answer.status, 401);
    answer_done(&answer);
}

static void click__without_a_record_is_refused_and_a_look_is_none(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct answer answer;
    deliver("acme", "1.1", buf_str(&analyst), id);
    struct ask look = {.method = "HEAD",
                       .path = "/open/entities",
                       .query = "kind=ip&value=10.0.0.1",
                       .token = buf_str(&analyst)};
    ask(&look, &answer);
    assert_int_equal(answer.status, 303);
    answer_done(&answer);
    assert_int_equal(house_recorded("acme", "\"entity.opened\""), 0);
    house_sql(house_break_log());
    open_as(buf_str(&analyst), "kind=ip&value=10.0.0.1", NULL, &answer);
    assert_int_equal(answer.status, 507);
    answer_done(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(value__of_a_field_leads_to_the_newest_hand_off_that_names_it),
        TEST(value__that_is_not_known_is_404_for_programs_and_a_page_for_people),
        TEST(question__that_is_wrong_is_told_with_its_field),
        TEST(value__of_another_tenant_is_not_known),
        TEST(browser__without_a_session_signs_in_and_comes_back_to_the_same_value),
        TEST(click__without_a_record_is_refused_and_a_look_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
