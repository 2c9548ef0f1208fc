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

/* GET as the analyst; `format` makes the path from the id. */
static void get(const char *format, const char *id, const char *query, struct answer *out)
{
    char path[128];
    /* Only %s of the id stands in it. */
    struct str before;
    struct str after;
    str_cut(str_of(format), '*', &before, &after);
    snprintf(path, sizeof path, "%.*s%s%.*s", STR_ARG(before), id, STR_ARG(after));
    ask(&(struct ask){.method = "GET", .path = path, .query = query, .token = buf_str(&analyst)},
        out);
}

static void handoff__is_shown_with_what_was_sent_and_counted(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct answer answer;
    deliver("acme", "1763863200.42", buf_str(&analyst), id);
    get("/v1/handoffs/*", id, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_text(text_of(answer.json, "id"), id);
    assert_text(text_of(answer.json, "title"), "Beaconing");
    assert_text(text_of(answer.json, "investigation"), "");
    assert_text(text_of(answer.json, "user"), "mara");
    assert_text(text_of(answer.json, "app"), "search");
    assert_text(text_of(answer.json, "sid"), "1763863200.42");
    assert_text(text_of(answer.json, "command"), "ighandoff title=Beaconing");
    assert_text(text_of(answer.json, "target"), "https://ig.example/");
    assert_text(text_of(answer.json, "client"), "intelgraph/0.1.0");
    assert_int_equal(whole_of(answer.json, "rows"), 120);
    assert_int_equal(whole_of(answer.json, "entities"), 3);
    assert_int_equal(whole_of(answer.json, "relations"), 2);
    assert_int_equal(whole_of(answer.json, "entities_new"), 3);
    assert_int_equal(whole_of(answer.json, "entities_merged"), 0);
    assert_int_equal(whole_of(answer.json, "entities_skipped"), 7);
    assert_int_equal(whole_of(answer.json, "relations_new"), 2);
    assert_int_equal(whole_of(answer.json, "relations_merged"), 0);
    assert_int_equal(whole_of(answer.json, "relations_skipped"), 8);
    assert_int_equal(whole_of(answer.json, "opens"), 0);
    answer_done(&answer);
}

static void receipt__is_given_again_as_it_was(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer first;
    struct answer again;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_send(&parcel, buf_str(&analyst), &first);
    get("/v1/handoffs/*/receipt", parcel.id, NULL, &again);
    assert_int_equal(again.status, 200);
    assert_true(str_equal(buf_str(&first.reply.body), buf_str(&again.reply.body)));
    answer_done(&first);
    answer_done(&again);
    parcel_done(&parcel);
}

static void list__is_paged_newest_first(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    char sid[16];
    struct answer answer;
    char query[64];
    for (int i = 1; i <= 5; i++) {
        snprintf(sid, sizeof sid, "1.%d", i);
        deliver("acme", sid, buf_str(&analyst), id);
    }
    get("/v1/handoffs", "", "limit=2", &answer);
    const struct json *list = json_member(answer.json, "handoffs");
    assert_int_equal(length_of(list), 2);
    assert_text(text_of(json_first(list), "sid"), "1.5");
    snprintf(query, sizeof query, "limit=3&before=%.*s", STR_ARG(text_of(answer.json, "next")));
    answer_done(&answer);
    get("/v1/handoffs", "", query, &answer);
    list = json_member(answer.json, "handoffs");
    assert_int_equal(length_of(list), 3);
    assert_text(text_of(json_first(list), "sid"), "1.3");
    assert_true(json_is_null(json_member(answer.json, "next")));
    answer_done(&answer);
    get("/v1/handoffs", "", "limit=201", &answer);
    assert_int_equal(answer.status, 400);
    assert_text(text_of(answer.json, "field"), "limit");
    answer_done(&answer);
    get("/v1/handoffs", "", "before=x", &answer);
    assert_int_equal(answer.status, 400);
    answer_done(&answer);
}

static void graph__holds_entities_relations_and_the_handoff(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct answer answer;
    deliver("acme", "1.1", buf_str(&analyst), id);
    get("/v1/handoffs/*/graph", id, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_text(text_of(json_member(answer.json, "handoff"), "id"), id);
    assert_int_equal(whole_of(json_member(answer.json, "total"), "entities"), 3);
    assert_int_equal(whole_of(json_member(answer.json, "total"), "relations"), 2);
    assert_false(boolean_of(answer.json, "truncated"));
    const struct json *entity = json_first(json_member(answer.json, "entities"));
    assert_text(text_of(entity, "kind"), "ip"); /* the one of degree 2 comes first */
    assert_text(text_of(entity, "value"), "10.0.0.1");
    assert_int_equal(whole_of(entity, "degree"), 2);
    assert_int_equal(whole_of(entity, "count"), 5);
    assert_int_equal(whole_of(entity, "first_us"), 100);
    assert_int_equal(whole_of(entity, "last_us"), 200);
    assert_int_equal(whole_of(entity, "earlier_handoffs"), 0);
    struct str field;
    assert_true(json_text(json_first(json_member(entity, "fields")), &field));
    assert_text(field, "src_ip");
    const struct json *sample = json_first(json_member(entity, "samples"));
    assert_int_equal(whole_of(sample, "row"), 3);
    assert_int_equal(whole_of(sample, "time_us"), 100);
    assert_text(text_of(sample, "ref"), "5:1");
    assert_true(json_is_null(json_member(json_next(sample), "time_us")));
    const struct json *relation = json_first(json_member(answer.json, "relations"));
    assert_int_equal(whole_of(relation, "from"), whole_of(entity, "id"));
    assert_true(json_is_null(json_member(relation, "first_us")));
    assert_int_equal(length_of(json_member(relation, "samples")), 0);
    answer_done(&answer);
}

static void hostile_values__come_out_as_json_texts(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    static const char hostile[] = "<img src=x onerror=alert(1)>\"'&";
    parcel_open(&parcel, "acme", "1.1");
    parcel.manifest.title = str_of(hostile);
    parcel_entity(&parcel, "process", hostile);
    parcel_deliver(&parcel, buf_str(&analyst));
    get("/v1/handoffs/*/graph", parcel.id, NULL, &answer);
    assert_text(text_of(json_member(answer.json, "handoff"), "title"), hostile);
    assert_text(text_of(json_first(json_member(answer.json, "entities")), "value"), hostile);
    answer_done(&answer);
    parcel_done(&parcel);
}

static void entities__are_filtered_and_paged(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct answer answer;
    char query[64];
    deliver("acme", "1.1", buf_str(&analyst), id);
    get("/v1/handoffs/*/entities", id, "kind=ip&limit=1", &answer);
    assert_int_equal(whole_of(answer.json, "total"), 2);
    const struct json *list = json_member(answer.json, "entities");
    assert_int_equal(length_of(list), 1);
    assert_text(text_of(json_first(list), "value"), "10.0.0.1");
    snprintf(query, sizeof query, "kind=ip&limit=1&after=%.*s",
             STR_ARG(text_of(answer.json, "next")));
    answer_done(&answer);
    get("/v1/handoffs/*/entities", id, query, &answer);
    assert_text(text_of(json_first(json_member(answer.json, "entities")), "value"), "192.0.2.9");
    assert_true(json_is_null(json_member(answer.json, "next")));
    answer_done(&answer);
    get("/v1/handoffs/*/entities", id, "q=EVIL", &answer);
    assert_int_equal(whole_of(answer.json, "total"), 1);
    answer_done(&answer);
    get("/v1/handoffs/*/entities", id, "kind=ipp", &answer);
    assert_int_equal(answer.status, 400);
    assert_text(text_of(answer.json, "field"), "kind");
    answer_done(&answer);
}

/* --- the link ------------------------------------------------------------------------------- */

static void click__is_recorded_counted_and_sent_on(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    char page[64];
    struct answer answer;
    deliver("acme", "1.1", buf_str(&analyst), id);
    get("/open/handoffs/*", id, NULL, &answer);
    assert_int_equal(answer.status, 303);
    snprintf(page, sizeof page, "/handoffs/%s", id);
    assert_text(location_of(&answer), page);
    answer_done(&answer);
    assert_int_equal(house_whole("SELECT opens FROM handoffs"), 1);
    assert_int_equal(house_recorded("acme", "\"handoff.opened\""), 1);
    get("/open/handoffs/*", "00000000000000000000000000000000", NULL, &answer);
    assert_int_equal(answer.status, 404);
    answer_done(&answer);
    assert_int_equal(house_recorded("acme", "\"handoff.opened\""), 1);
}

static void click__is_none_when_only_the_head_is_asked_for(void **state)
{
    (void)state;
    struct answer answer;
    char id[WIRE_ID_HEX + 1];
    char path[96];
    deliver("acme", "1.1", buf_str(&analyst), id);
    snprintf(path, sizeof path, "/open/handoffs/%s", id);
    struct ask look = {.method = "HEAD", .path = path, .token = buf_str(&analyst)};
    ask(&look, &answer);
    assert_int_equal(answer.status, 303);
    answer_done(&answer);
    assert_int_equal(house_whole("SELECT opens FROM handoffs"), 0);
}

static void click__without_a_record_is_refused(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct answer answer;
    deliver("acme", "1.1", buf_str(&analyst), id);
    house_sql(house_break_log());
    get("/open/handoffs/*", id, NULL, &answer);
    assert_int_equal(answer.status, 507);
    answer_done(&answer);
    assert_int_equal(house_whole("SELECT opens FROM handoffs"), 0);
}

static void click__of_a_browser_without_a_session_goes_by_the_sign_in(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    char path[128];
    char wanted[128];
    struct answer answer;
    deliver("acme", "1.1", buf_str(&analyst), id);
    snprintf(path, sizeof path, "/open/handoffs/%s", id);
    snprintf(wanted, sizeof wanted, "/signin?next=%s", path);
    struct ask click = {.method = "GET", .path = path, .accept = "text/html,*/*"};
    ask(&click, &answer);
    assert_int_equal(answer.status, 303);
    assert_text(location_of(&answer), wanted);
    answer_done(&answer);
    click.accept = "application/json";
    ask(&click, &answer);
    assert_int_equal(answer.status, 401);
    answer_done(&answer);
    /* What is no id goes into no address. */
    click.path = "/open/handoffs/x\r\nSet-Cookie: a=b";
    click.accept = "text/html";
    ask(&click, &answer);
    assert_int_equal(answer.status, 401);
    answer_done(&answer);
    assert_int_equal(house_recorded("acme", "\"handoff.opened\""), 0);
}

/* --- tenants and roles ---------------------------------------------------------------------- */

static const char *const shown[] = {
    "/v1/handoffs/*",          "/v1/handoffs/*/receipt", "/v1/handoffs/*/graph",
    "/v1/handoffs/*/entities", "/open/handoffs/*",
};

/* The body of the 404 that a caller gets for an id. */
static void get_missing(const char *format, const char *id, struct str token, struct buf *out)
{
    char path[128];
    struct str before;
    struct str after;
    struct answer answer;
    str_cut(str_of(format), '*', &before, &after);
    snprintf(path, sizeof path, "%.*s%s%.*s", STR_ARG(before), id, STR_ARG(after));
    ask(&(struct ask){.method = "GET", .path = path, .token = token}, &answer);
    assert_int_equal(answer.status, 404);
    buf_clear(out);
    buf_add(out, buf_str(&answer.reply.body));
    answer_done(&answer);
}

static void handoff__of_another_tenant_is_answered_as_one_that_is_not(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    struct buf foreign;
    struct buf unknown;
    struct answer answer;
    buf_init(&foreign, 4096);
    buf_init(&unknown, 4096);
    deliver("acme", "1.1", buf_str(&analyst), id);
    for (size_t i = 0; i < LENGTH(shown); i++) {
        get_missing(shown[i], id, buf_str(&stranger), &foreign);
        get_missing(shown[i], "0123456789abcdef0123456789abcdef", buf_str(&stranger), &unknown);
        assert_true(str_equal(buf_str(&foreign), buf_str(&unknown)));
    }
    ask(&(struct ask){.method = "GET", .path = "/v1/handoffs", .token = buf_str(&stranger)},
        &answer);
    assert_int_equal(length_of(json_member(answer.json, "handoffs")), 0);
    answer_done(&answer);
    buf_done(&foreign);
    buf_done(&unknown);
}

static void tenants__know_nothing_of_each_others_entities(void **state)
{
    (void)state;
    char mine[WIRE_ID_HEX + 1];
    char theirs[WIRE_ID_HEX + 1];
    struct answer answer;
    deliver("globex", "9.1", buf_str(&stranger), theirs);
    deliver("acme", "1.1", buf_str(&analyst), mine);
    get("/v1/handoffs/*/graph", mine, NULL, &answer);
    const struct json *entity = json_first(json_member(answer.json, "entities"));
    assert_int_equal(whole_of(entity, "earlier_handoffs"), 0);
    assert_int_equal(whole_of(entity, "id"), 1);
    answer_done(&answer);
    assert_int_equal(house_whole("SELECT max(handoffs) FROM graph_entities"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_entities"), 6);
}

struct door {
    const char *method;
    const char *path;
    bool writes;
};

static const struct door doors[] = {
    {"POST", "/v1/handoffs", true},
    {"PUT", "/v1/handoffs/0123456789abcdef0123456789abcdef/parts/1", true},
    {"POST", "/v1/handoffs/0123456789abcdef0123456789abcdef/commit", true},
    {"GET", "/v1/handoffs", false},
    {"GET", "/v1/handoffs/0123456789abcdef0123456789abcdef", false},
    {"GET", "/v1/handoffs/0123456789abcdef0123456789abcdef/receipt", false},
    {"GET", "/v1/handoffs/0123456789abcdef0123456789abcdef/graph", false},
    {"GET", "/v1/handoffs/0123456789abcdef0123456789abcdef/entities", false},
    {"GET", "/open/handoffs/0123456789abcdef0123456789abcdef", false},
};

static void routes__ask_who_calls_and_what_the_role_may(void **state)
{
    (void)state;
    struct buf token;
    buf_init(&token, 256);
    for (size_t i = 0; i < LENGTH(doors); i++) {
        struct answer answer;
        struct ask knock = {.method = doors[i].method, .path = doors[i].path};
        ask(&knock, &answer);
        assert_int_equal(answer.status, 401);
        answer_done(&answer);
        for (int role = 0; role < ROLE_COUNT; role++) {
            enum identity_permission permission =
                doors[i].writes ? PERMIT_HANDOFF_WRITE : PERMIT_HANDOFF_READ;
            house_token("acme", (enum identity_role)role, &token);
            knock.token = buf_str(&token);
            ask(&knock, &answer);
            bool denied = answer.status == 403;
            if (denied == identity_may((enum identity_role)role, permission))
                fail_msg("%s %s as %s: %d", doors[i].method, doors[i].path,
                         identity_role_name((enum identity_role)role), answer.status);
            answer_done(&answer);
        }
    }
    buf_done(&token);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(handoff__is_shown_with_what_was_sent_and_counted),
        TEST(receipt__is_given_again_as_it_was),
        TEST(list__is_paged_newest_first),
        TEST(graph__holds_entities_relations_and_the_handoff),
        TEST(hostile_values__come_out_as_json_texts),
        TEST(entities__are_filtered_and_paged),
        TEST(click__is_recorded_counted_and_sent_on),
        TEST(click__is_none_when_only_the_head_is_asked_for),
        TEST(click__without_a_record_is_refused),
        TEST(click__of_a_browser_without_a_session_goes_by_the_sign_in),
        TEST(handoff__of_another_tenant_is_answered_as_one_that_is_not),
        TEST(tenants__know_nothing_of_each_others_entities),
        TEST(routes__ask_who_calls_and_what_the_role_may),
    };
    return cmocka_run_group_tests_name("handoffs_read", tests, NULL, NULL);
}
