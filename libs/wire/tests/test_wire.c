/* Long because each line of the format goes both ways here, and each wrong one is in one table. */
#include "libs/wire/handoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/text/json.h"

#define ID  "5456e6d6ae8ff4d0055cdd61d2c3d35c"
#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NEED                                                                                       \
    "\"version\":1,\"id\":\"" ID                                                                   \
    "\",\"tenant\":\"acme\",\"sid\":\"1.2\",\"command\":\"c\",\"target\":\"t\""

static struct arena arena;
static struct buf buf;
static struct fault fault;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    buf_init(&buf, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    buf_done(&buf);
    return 0;
}

static void assert_text(struct str got, struct str want)
{
    if (!str_equal(got, want))
        fail_msg("got \"%.*s\", want \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

/* The one line that was encoded into buf, decoded. */
static struct wire_line decode(void)
{
    struct wire_line line = {0};
    struct str body = buf_str(&buf);
    struct str text;
    assert_true(wire_next_line(&body, &text));
    assert_int_equal(body.len, 0);
    if (wire_read_line(&arena, text, &line, &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
    return line;
}

/* --- ids ----------------------------------------------------------------------------------- */

/* The expected ids were computed with another program (Python's hashlib). */
static void id__is_the_hash_of_the_four_texts_with_their_lengths(void **state)
{
    (void)state;
    char id[WIRE_ID_HEX + 1];
    assert_int_equal(wire_handoff_id(STR("acme"), STR("1763863200.42"),
                                     STR("ighandoff title=Beaconing"), STR("https://ig.example/"),
                                     id, &fault),
                     FAULT_NONE);
    assert_string_equal(id, ID);
    assert_int_equal(wire_handoff_id(STR(""), STR(""), STR(""), STR(""), id, &fault), FAULT_NONE);
    assert_string_equal(id, "66687aadf862bd776c8fc18b8e9f8e20");
}

static void id__differs_when_a_byte_moves_from_one_text_to_the_next(void **state)
{
    (void)state;
    char a[WIRE_ID_HEX + 1];
    char b[WIRE_ID_HEX + 1];
    assert_int_equal(wire_handoff_id(STR("ab"), STR("c"), STR(""), STR(""), a, &fault), FAULT_NONE);
    assert_int_equal(wire_handoff_id(STR("a"), STR("bc"), STR(""), STR(""), b, &fault), FAULT_NONE);
    assert_string_not_equal(a, b);
}

static void is_id__takes_32_lower_case_digits_only(void **state)
{
    (void)state;
    assert_true(wire_is_id(STR(ID)));
    assert_false(wire_is_id(STR("5456E6d6ae8ff4d0055cdd61d2c3d35c")));
    assert_false(wire_is_id(STR("5456e6d6ae8ff4d0055cdd61d2c3d35")));
    assert_false(wire_is_id(STR("5456e6d6ae8ff4d0055cdd61d2c3d35\0")));
    assert_false(wire_is_id(STR("")));
}

/* --- lines --------------------------------------------------------------------------------- */

static void next_line__gives_each_line_and_a_last_one_without_line_feed(void **state)
{
    (void)state;
    struct str body = STR("a\n\nbc");
    struct str line;
    assert_true(wire_next_line(&body, &line));
    assert_text(line, STR("a"));
    assert_true(wire_next_line(&body, &line));
    assert_text(line, STR(""));
    assert_true(wire_next_line(&body, &line));
    assert_text(line, STR("bc"));
    assert_false(wire_next_line(&body, &line));
}

static void handoff__comes_back_as_it_was_sent(void **state)
{
    (void)state;
    const struct wire_handoff sent = {
        .id = STR(ID),
        .tenant = STR("acme"),
        .sid = STR("1763863200.42"),
        .command = STR("ighandoff title=\"Beacon\xc3\xadng\""),
        .target = STR("https://ig.example/"),
        .title = STR("Beaconing"),
        .investigation = STR("INV-7"),
        .user = STR("mara"),
        .app = STR("search"),
        .search_sha256 = STR(SHA),
        .client = STR("intelgraph/0.1.0"),
        .earliest_us = 1763863200000000,
        .latest_us = 1763866800000000,
        .parts = 3,
    };
    wire_add_handoff(&buf, &sent);
    struct wire_line line = decode();
    assert_int_equal(line.kind, WIRE_HANDOFF);
    assert_text(line.handoff.id, sent.id);
    assert_text(line.handoff.tenant, sent.tenant);
    assert_text(line.handoff.sid, sent.sid);
    assert_text(line.handoff.command, sent.command);
    assert_text(line.handoff.target, sent.target);
    assert_text(line.handoff.title, sent.title);
    assert_text(line.handoff.investigation, sent.investigation);
    assert_text(line.handoff.user, sent.user);
    assert_text(line.handoff.app, sent.app);
    assert_text(line.handoff.search_sha256, sent.search_sha256);
    assert_text(line.handoff.client, sent.client);
    assert_true(line.handoff.earliest_us == sent.earliest_us);
    assert_true(line.handoff.latest_us == sent.latest_us);
    assert_int_equal(line.handoff.parts, 3);
}

static void encoder__leaves_out_what_says_nothing(void **state)
{
    (void)state;
    const struct graph_relation relation = {
        .type = GRAPH_QUERIES,
        .from = 1,
        .to = 0,
        .count = 2,
        .first_us = GRAPH_NO_TIME,
        .last_us = GRAPH_NO_TIME,
        .sample_count = 1,
        .samples = {{.row = 4, .time_us = GRAPH_NO_TIME}},
    };
    wire_add_relation(&buf, &relation);
    assert_text(buf_str(&buf), STR("{\"relation\":{\"type\":\"queries\",\"from\":1,\"to\":0,"
                                   "\"count\":2,\"samples\":[{\"row\":4}]}}\n"));
    buf_clear(&buf);
    wire_add_handoff(&buf, &(struct wire_handoff){.id = STR(ID),
                                                  .tenant = STR("acme"),
                                                  .sid = STR("1"),
                                                  .command = STR("c"),
                                                  .target = STR("t"),
                                                  .parts = 1});
    assert_text(buf_str(&buf), STR("{\"handoff\":{\"version\":1,\"id\":\"" ID "\",\"tenant\":"
                                   "\"acme\",\"sid\":\"1\",\"command\":\"c\",\"target\":\"t\","
                                   "\"parts\":1}}\n"));
}

static struct graph_mapping *new_mapping(void)
{
    struct graph_mapping *mapping = NULL;
    if (graph_mapping_read(STR("field,kind,role\nsrc_ip,ip,src\ndest_ip,ip,dest\n"), &mapping,
                           &fault) != FAULT_NONE)
        fail_msg("%s", fault.text);
    return mapping;
}

static void entity__comes_back_as_it_was_sent(void **state)
{
    (void)state;
    struct graph_mapping *mapping = new_mapping();
    const struct graph_entity sent = {
        .kind = GRAPH_IP,
        .value = STR("10.0.0.1"),
        .count = 5,
        .first_us = 1763863200000000,
        .last_us = 1763863200000001,
        .fields = {1, 0},
        .field_count = 2,
        .sample_count = 2,
        .samples = {{.row = 0, .time_us = 1763863200000000, .ref = STR("5:1234")},
                    {.row = 7, .time_us = GRAPH_NO_TIME}},
    };
    wire_add_entity(&buf, &sent, mapping);
    struct wire_line line = decode();
    const struct wire_entity *got = &line.entity;
    assert_int_equal(line.kind, WIRE_ENTITY);
    assert_int_equal(got->kind, GRAPH_IP);
    assert_text(got->value, sent.value);
    assert_int_equal(got->count, 5);
    assert_true(got->first_us == sent.first_us && got->last_us == sent.last_us);
    assert_int_equal(got->field_count, 2);
    assert_text(got->fields[0], graph_mapping_at(mapping, 1)->name);
    assert_text(got->fields[1], graph_mapping_at(mapping, 0)->name);
    assert_int_equal(got->sample_count, 2);
    assert_int_equal(got->samples[0].row, 0);
    assert_true(got->samples[0].time_us == sent.samples[0].time_us);
    assert_text(got->samples[0].ref, STR("5:1234"));
    assert_int_equal(got->samples[1].row, 7);
    assert_true(got->samples[1].time_us == GRAPH_NO_TIME);
    graph_mapping_free(mapping);
}

static void relation__comes_back_as_it_was_sent(void **state)
{
    (void)state;
    for (int type = 0; type < GRAPH_RELATION_TYPE_COUNT; type++) {
        const struct graph_relation sent = {
            .type = (enum graph_relation_type)type,
            .from = 3,
            .to = WIRE_ENTITIES_MAX - 1,
            .count = 9,
            .first_us = 0,
            .last_us = 0,
        };
        buf_clear(&buf);
        wire_add_relation(&buf, &sent);
        struct wire_line line = decode();
        assert_int_equal(line.kind, WIRE_RELATION);
        assert_int_equal(line.relation.type, type);
        assert_int_equal(line.relation.from, 3);
        assert_int_equal(line.relation.to, WIRE_ENTITIES_MAX - 1);
        assert_int_equal(line.relation.count, 9);
        assert_int_equal(line.relation.first_us, 0);
        assert_int_equal(line.relation.sample_count, 0);
    }
}

static void commit__comes_back_as_it_was_sent(void **state)
{
    (void)state;
    const struct wire_commit sent = {1, 2, 3, 4, 5, 6, 9, 10, 7, 8, STR(SHA)};
    wire_add_commit(&buf, &sent);
    struct wire_line line = decode();
    assert_int_equal(line.kind, WIRE_COMMIT);
    assert_int_equal(line.commit.rows, 1);
    assert_int_equal(line.commit.entities, 2);
    assert_int_equal(line.commit.relations, 3);
    assert_int_equal(line.commit.values, 4);
    assert_int_equal(line.commit.placeholders, 5);
    assert_int_equal(line.commit.invalid, 6);
    assert_int_equal(line.commit.masked, 9);
    assert_int_equal(line.commit.dropped, 10);
    assert_int_equal(line.commit.entities_left_out, 7);
    assert_int_equal(line.commit.relations_left_out, 8);
    assert_text(line.commit.content_sha256, STR(SHA));
}

/* --- mending ------------------------------------------------------------------------------- */

static void fit__gives_back_what_is_fit_already(void **state)
{
    (void)state;
    char room[16];
    struct str text = STR("gr\xc3\xbcn");
    assert_ptr_equal(wire_fit(text, 5, room).ptr, text.ptr);
}

static void fit__mends_bytes_and_control_characters_and_cuts_at_a_character(void **state)
{
    (void)state;
    char room[16];
    assert_text(wire_fit(STR("a\xff\tb\0c\x7f"), 16, room), STR("a\xef\xbf\xbd b c "));
    assert_text(wire_fit(STR("abc\xc3\xbc"), 4, room), STR("abc"));
    assert_text(wire_fit(STR("\xff\xff"), 5, room), STR("\xef\xbf\xbd"));
    assert_text(wire_fit(STR("abc"), 0, room), STR(""));
}

static void encoder__sends_no_reference_the_decoder_refuses(void **state)
{
    (void)state;
    char ref[GRAPH_REF_MAX];
    memset(ref, '\xff', sizeof ref);
    const struct graph_relation relation = {
        .type = GRAPH_QUERIES,
        .count = 1,
        .first_us = INT64_MAX, /* beyond what JSON keeps: not sent */
        .last_us = INT64_MAX,
        .sample_count = 1,
        .samples = {{.row = 0, .time_us = INT64_MAX, .ref = {ref, sizeof ref}}},
    };
    wire_add_relation(&buf, &relation);
    struct wire_line line = decode();
    assert_int_equal(line.relation.samples[0].ref.len, GRAPH_REF_MAX / 3 * 3);
    assert_true(line.relation.first_us == GRAPH_NO_TIME);
    assert_true(line.relation.samples[0].time_us == GRAPH_NO_TIME);
}

static void encoder__sends_no_handoff_line_the_decoder_refuses(void **state)
{
    (void)state;
    char worst[WIRE_COMMAND_MAX + 10];
    memset(worst, '"', sizeof worst);
    struct str text = {worst, sizeof worst};
    wire_add_handoff(&buf, &(struct wire_handoff){.id = STR(ID),
                                                  .tenant = text,
                                                  .sid = text,
                                                  .command = text,
                                                  .target = text,
                                                  .title = text,
                                                  .investigation = text,
                                                  .user = text,
                                                  .app = text,
                                                  .client = text,
                                                  .parts = 1});
    struct wire_line line = decode();
    assert_int_equal(line.handoff.command.len, WIRE_COMMAND_MAX);
    assert_int_equal(line.handoff.title.len, WIRE_TEXT_MAX);
}

/* --- bad lines ----------------------------------------------------------------------------- */

struct bad_line {
    const char *line;
    const char *field;
    const char *sentence; /* a part of it */
};

static const struct bad_line bad_lines[] = {
    {"", "line", "a line is empty"},
    {"{}", "line", "one member"},
    {"[1]", "line", "one member"},
    {"7", "line", "one member"},
    {"{\"entity\":{},\"commit\":{}}", "line", "one member"},
    {"{\"entty\":{}}", "line", "\"entty\"; did you mean \"entity\"?"},
    {"{\"zzzzzzzzz\":{}}", "line", "known are handoff, entity, relation, commit"},
    {"{\"entity\":", "", "not valid JSON at byte 10"},
    {"{\"entity\":7}", "entity", "must be an object"},
    {"{\"entity\":{\"kind\":\"ip\",\"value\":\"10.0.0.1\"}}", "entity.count", "is missing"},
    {"{\"entity\":{\"knid\":\"ip\"}}", "entity", "\"knid\"; did you mean \"kind\"?"},
    {"{\"entity\":{\"kind\":7}}", "entity.kind", "must be a text"},
    {"{\"entity\":{\"kind\":\"domian\"}}", "entity.kind", "did you mean \"domain\"?"},
    {"{\"entity\":{\"value\":null}}", "entity.value", "must be a text"},
    {"{\"entity\":{\"value\":\"\"}}", "entity.value", "must not be empty"},
    {"{\"entity\":{\"count\":0}}", "entity.count", "from 1 to 9007199254740991"},
    {"{\"entity\":{\"count\":1.5}}", "entity.count", "must be a whole number"},
    {"{\"entity\":{\"count\":\"5\"}}", "entity.count", "must be a whole number"},
    {"{\"entity\":{\"count\":1e300}}", "entity.count", "must be a whole number"},
    {"{\"entity\":{\"count\":1,\"c\\u006funt\":2}}", "", "stands twice in one object"},
    {"{\"entity\":{\"fields\":\"src\"}}", "entity.fields", "array of field names"},
    {"{\"entity\":{\"fields\":[\"\"]}}", "entity.fields", "1 to 128 bytes"},
    {"{\"entity\":{\"fields\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}}",
     "entity.fields", "more than 8 names"},
    {"{\"entity\":{\"samples\":{}}}", "entity.samples", "array of samples"},
    {"{\"entity\":{\"samples\":[{}]}}", "entity.samples.row", "is missing"},
    {"{\"entity\":{\"samples\":[{\"row\":-1}]}}", "entity.samples.row", "from 0"},
    {"{\"entity\":{\"samples\":[{\"row\":1,\"reff\":\"\"}]}}", "entity.samples",
     "did you mean \"ref\"?"},
    {"{\"entity\":{\"samples\":[{\"row\":1},{\"row\":1},{\"row\":1},{\"row\":1}]}}",
     "entity.samples", "more than 3 samples"},
    {"{\"entity\":{\"kind\":\"ip\",\"value\":\"10.0.0.1\",\"count\":1,\"first_us\":1}}",
     "entity.last_us", "is missing: first_us stands without it"},
    {"{\"entity\":{\"kind\":\"ip\",\"value\":\"10.0.0.1\",\"count\":1,\"first_us\":2,"
     "\"last_us\":1}}",
     "entity.last_us", "is before first_us"},
    {"{\"entity\":{\"kind\":\"domain\",\"value\":\"Example.COM\",\"count\":1}}", "entity.value",
     "not in the normal form of its kind \"domain\""},
    {"{\"relation\":{\"type\":\"conects-to\"}}", "relation.type", "did you mean \"connects-to\"?"},
    {"{\"relation\":{\"from\":-1}}", "relation.from", "from 0 to 999999"},
    {"{\"relation\":{\"to\":1000000}}", "relation.to", "from 0 to 999999"},
    {"{\"relation\":{\"type\":\"queries\",\"from\":0,\"to\":1}}", "relation.count", "is missing"},
    {"{\"handoff\":{\"version\":2}}", "handoff.version", "speaks version 1"},
    {"{\"handoff\":{\"id\":\"xyz\"}}", "handoff.id", "32 lower-case hexadecimal digits"},
    {"{\"handoff\":{\"search_sha256\":\"\"}}", "handoff.search_sha256", "64 lower-case"},
    {"{\"handoff\":{" NEED ",\"parts\":0}}", "handoff.parts", "from 1 to 1000"},
    {"{\"handoff\":{" NEED ",\"titel\":\"x\"}}", "handoff", "did you mean \"title\"?"},
    {"{\"handoff\":{\"version\":1}}", "handoff.id", "is missing"},
    {"{\"commit\":{\"rows\":1,\"entities\":0,\"relations\":0}}", "commit.content_sha256",
     "is missing"},
    {"{\"commit\":{\"entities\":1000001}}", "commit.entities", "from 0 to 1000000"},
    {"{\"commit\":{\"invalid\":-1}}", "commit.invalid", "from 0"},
};

static void decoder__names_what_is_wrong_with_a_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_lines / sizeof bad_lines[0]; i++) {
        const struct bad_line *bad = &bad_lines[i];
        struct wire_line line;
        memset(&line, 0x5a, sizeof line);
        struct wire_line before = line;
        fault = (struct fault){0};
        enum fault_code code = wire_read_line(&arena, str_of(bad->line), &line, &fault);
        if (code != FAULT_INPUT && code != FAULT_LIMIT)
            fail_msg("accepted: %s", bad->line);
        if (strcmp(fault.field, bad->field) != 0 || !strstr(fault.text, bad->sentence))
            fail_msg("%s\n gives %s: %s", bad->line, fault.field, fault.text);
        assert_memory_equal(&line, &before, sizeof line);
        arena_reset(&arena);
    }
}

static void decoder__refuses_texts_and_lines_over_their_limits(void **state)
{
    (void)state;
    static char long_text[WIRE_LINE_MAX];
    struct wire_line line;
    memset(long_text, 'a', sizeof long_text);
    buf_addf(&buf, "{\"handoff\":{\"title\":\"%.*s\"}}", WIRE_TEXT_MAX + 1, long_text);
    assert_int_equal(wire_read_line(&arena, buf_str(&buf), &line, &fault), FAULT_LIMIT);
    assert_string_equal(fault.text, "handoff.title has 257 bytes, more than the limit of 256");
    struct str over = {long_text, sizeof long_text};
    assert_int_equal(wire_read_line(&arena, over, &line, &fault), FAULT_LIMIT);
    assert_non_null(strstr(fault.text, "more than the limit of 32768"));
}

static void decoder__says_when_its_memory_is_too_small(void **state)
{
    (void)state;
    struct arena small;
    struct wire_line line;
    arena_init(&small, 256);
    assert_int_equal(wire_read_line(&small,
                                    STR("{\"relation\":{\"type\":\"queries\",\"from\":0,\"to\":1,"
                                        "\"count\":1}}"),
                                    &line, &fault),
                     FAULT_LIMIT);
    arena_done(&small);
}

/* --- the receipt --------------------------------------------------------------------------- */

static const struct wire_receipt a_receipt = {
    .id = STR(ID),
    .link = STR("https://ig.example/open/handoffs/" ID),
    .duplicate = true,
    .same_content = false,
    .rows = 120,
    .entities_new = 1,
    .entities_merged = 2,
    .entities_skipped = 3,
    .relations_new = 4,
    .relations_merged = 5,
    .relations_skipped = 6,
    .committed_us = 1763863200000000,
    .audit_index = 0,
    .audit_origin = STR("intelgraphd/acme"),
    .checkpoint = STR("intelgraphd/acme\n1\nhash=\n\n\xe2\x80\x94 intelgraphd/acme sig=\n"),
    .content_sha256 = STR(SHA),
};

static void receipt__comes_back_as_it_was_sent(void **state)
{
    (void)state;
    struct wire_receipt got;
    wire_add_receipt(&buf, &a_receipt);
    assert_int_equal(wire_read_receipt(&arena, buf_str(&buf), &got, &fault), FAULT_NONE);
    assert_text(got.id, a_receipt.id);
    assert_text(got.link, a_receipt.link);
    assert_true(got.duplicate);
    assert_false(got.same_content);
    assert_int_equal(got.rows, 120);
    assert_int_equal(got.entities_new, 1);
    assert_int_equal(got.entities_merged, 2);
    assert_int_equal(got.entities_skipped, 3);
    assert_int_equal(got.relations_new, 4);
    assert_int_equal(got.relations_merged, 5);
    assert_int_equal(got.relations_skipped, 6);
    assert_true(got.committed_us == a_receipt.committed_us);
    assert_int_equal(got.audit_index, 0);
    assert_text(got.audit_origin, a_receipt.audit_origin);
    assert_text(got.checkpoint, a_receipt.checkpoint);
    assert_text(got.content_sha256, a_receipt.content_sha256);
}

static void receipt__of_a_newer_service_may_say_more(void **state)
{
    (void)state;
    struct wire_receipt got;
    wire_add_receipt(&buf, &a_receipt);
    buf.len--; /* the closing bracket */
    buf_add_c(&buf, ",\"tokens_left\":{\"n\":1}}");
    assert_int_equal(wire_read_receipt(&arena, buf_str(&buf), &got, &fault), FAULT_NONE);
    assert_int_equal(got.rows, 120);
}

static void receipt__that_is_not_one_is_refused_with_the_field(void **state)
{
    (void)state;
    struct wire_receipt got;
    assert_int_equal(wire_read_receipt(&arena, STR("<html>"), &got, &fault), FAULT_INPUT);
    assert_int_equal(wire_read_receipt(&arena, STR("[]"), &got, &fault), FAULT_INPUT);
    assert_string_equal(fault.text, "receipt must be an object");
    assert_int_equal(wire_read_receipt(&arena, STR("{\"duplicate\":1}"), &got, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.field, "receipt.duplicate");
    assert_int_equal(wire_read_receipt(&arena, STR("{\"id\":\"" ID "\"}"), &got, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.text, "receipt.link is missing");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(id__is_the_hash_of_the_four_texts_with_their_lengths),
        TEST(id__differs_when_a_byte_moves_from_one_text_to_the_next),
        TEST(is_id__takes_32_lower_case_digits_only),
        TEST(next_line__gives_each_line_and_a_last_one_without_line_feed),
        TEST(handoff__comes_back_as_it_was_sent),
        TEST(encoder__leaves_out_what_says_nothing),
        TEST(entity__comes_back_as_it_was_sent),
        TEST(relation__comes_back_as_it_was_sent),
        TEST(commit__comes_back_as_it_was_sent),
        TEST(fit__gives_back_what_is_fit_already),
        TEST(fit__mends_bytes_and_control_characters_and_cuts_at_a_character),
        TEST(encoder__sends_no_reference_the_decoder_refuses),
        TEST(encoder__sends_no_handoff_line_the_decoder_refuses),
        TEST(decoder__names_what_is_wrong_with_a_line),
        TEST(decoder__refuses_texts_and_lines_over_their_limits),
        TEST(decoder__says_when_its_memory_is_too_small),
        TEST(receipt__comes_back_as_it_was_sent),
        TEST(receipt__of_a_newer_service_may_say_more),
        TEST(receipt__that_is_not_one_is_refused_with_the_field),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
