/* Hand-offs that come in one request. */
#include "service/handoffs/tests/writing.h"

#include <pthread.h>

/* --- in one --------------------------------------------------------------------------------- */

static void handoff__in_one_is_committed_recorded_and_answered_with_a_receipt(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    struct wire_receipt receipt;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_send(&parcel, buf_str(&analyst), &answer);
    assert_int_equal(answer.status, 201);
    MUST(wire_read_receipt(&answer.arena, buf_str(&answer.reply.body), &receipt, &house_fault));
    assert_text(receipt.id, parcel.id);
    char link[128];
    snprintf(link, sizeof link, "https://ig.example/open/handoffs/%s", parcel.id);
    assert_text(receipt.link, link);
    assert_false(receipt.duplicate);
    assert_true(receipt.same_content);
    assert_int_equal(receipt.rows, 120);
    assert_int_equal(receipt.entities_new, 3);
    assert_int_equal(receipt.entities_merged, 0);
    assert_int_equal(receipt.entities_skipped, 7);
    assert_int_equal(receipt.relations_new, 2);
    assert_int_equal(receipt.relations_merged, 0);
    assert_int_equal(receipt.relations_skipped, 8);
    assert_text(receipt.content_sha256, parcel.digest);
    assert_text(receipt.audit_origin, "intelgraphd/acme");
    assert_true(str_starts(receipt.checkpoint, STR("intelgraphd/acme\n")));
    assert_true(receipt.committed_us > 1700000000000000);
    assert_int_equal(house_recorded("acme", "\"handoff.committed\""), 1);
    assert_int_equal(house_recorded("acme", parcel.id), 1);
    assert_int_equal(house_recorded("acme", parcel.digest), 1);
    assert_int_equal(house_recorded("acme", "10.0.0.1"), 0);
    answer_done(&answer);
    parcel_done(&parcel);
}

static void handoff__without_entities_is_committed_too(void **state)
{
    (void)state;
    struct parcel parcel;
    parcel_open(&parcel, "acme", "1.1");
    parcel_deliver(&parcel, buf_str(&analyst));
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_entities"), 0);
    parcel_done(&parcel);
}

static void handoff__that_names_known_things_merges_them(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    char id[WIRE_ID_HEX + 1];
    deliver("acme", "1.1", buf_str(&analyst), id);
    parcel_open(&parcel, "acme", "1.2");
    parcel_entity(&parcel, "ip", "10.0.0.1");
    parcel_entity(&parcel, "domain", "evil.example");
    parcel_entity(&parcel, "user", "mara");
    parcel_relation(&parcel, "queries", 0, 1);
    parcel_relation(&parcel, "logs-on-to", 2, 0);
    parcel_send(&parcel, buf_str(&analyst), &answer);
    assert_int_equal(answer.status, 201);
    assert_int_equal(whole_of(answer.json, "entities_new"), 1);
    assert_int_equal(whole_of(answer.json, "entities_merged"), 2);
    assert_int_equal(whole_of(answer.json, "relations_new"), 1);
    assert_int_equal(whole_of(answer.json, "relations_merged"), 1);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_entities"), 4);
    assert_int_equal(
        house_whole("SELECT row_count FROM graph_entities WHERE value = 'evil.example'"), 10);
    answer_done(&answer);
    parcel_done(&parcel);
}

static void link__is_derived_from_the_host_when_there_is_no_public_url(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    house.service.public_url = STR("");
    parcel_open(&parcel, "acme", "1.1");
    parcel_seal(&parcel);
    parcel_pack(&parcel);
    struct ask post = {.method = "POST",
                       .path = "/v1/handoffs",
                       .token = buf_str(&analyst),
                       .host = "evil.example/x?",
                       .body = buf_str(&parcel.body)};
    ask(&post, &answer);
    assert_int_equal(answer.status, 400);
    assert_text(text_of(answer.json, "field"), "Host");
    answer_done(&answer);
    assert_nothing_committed();
    post.host = "127.0.0.1:8460";
    ask(&post, &answer);
    assert_int_equal(answer.status, 201);
    assert_true(str_starts(text_of(answer.json, "link"), STR("http://127.0.0.1:8460/open/")));
    answer_done(&answer);
    parcel_done(&parcel);
}

/* --- once ----------------------------------------------------------------------------------- */

static void repeat__gives_the_first_receipt_and_merges_nothing(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer first;
    struct answer second;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_send(&parcel, buf_str(&analyst), &first);
    parcel_send(&parcel, buf_str(&analyst), &second);
    assert_int_equal(second.status, 200);
    assert_true(boolean_of(second.json, "duplicate"));
    assert_true(boolean_of(second.json, "same_content"));
    assert_int_equal(whole_of(second.json, "entities_new"), 3);
    assert_int_equal(whole_of(second.json, "audit_index"), whole_of(first.json, "audit_index"));
    assert_int_equal(whole_of(second.json, "committed_us"), whole_of(first.json, "committed_us"));
    assert_true(str_equal(text_of(second.json, "checkpoint"), text_of(first.json, "checkpoint")));
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs"), 1);
    assert_int_equal(house_whole("SELECT max(handoffs) FROM graph_entities"), 1);
    assert_int_equal(house_recorded("acme", "\"handoff.duplicate\""), 1);
    assert_int_equal(house_recorded("acme", "\"handoff.committed\""), 1);
    answer_done(&first);
    answer_done(&second);
    parcel_done(&parcel);
}

static void repeat__with_other_content_says_so_and_takes_nothing(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_deliver(&parcel, buf_str(&analyst));
    parcel_entity(&parcel, "user", "eve");
    parcel_send(&parcel, buf_str(&analyst), &answer);
    assert_int_equal(answer.status, 200);
    assert_true(boolean_of(answer.json, "duplicate"));
    assert_false(boolean_of(answer.json, "same_content"));
    assert_int_equal(house_whole("SELECT count(*) FROM graph_entities"), 3);
    answer_done(&answer);
    parcel_done(&parcel);
}

enum { POSTERS = 6 };

static void *post_from_thread(void *taken_status)
{
    struct parcel parcel;
    struct answer answer;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_send(&parcel, buf_str(&analyst), &answer);
    *(int *)taken_status = answer.status;
    answer_done(&answer);
    parcel_done(&parcel);
    return NULL;
}

static void equal_posts_at_the_same_time__are_one_commit(void **state)
{
    (void)state;
    pthread_t threads[POSTERS];
    int statuses[POSTERS] = {0};
    int created = 0;
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_from_thread, &statuses[i]), 0);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(statuses[i] == 201 || statuses[i] == 200);
        created += statuses[i] == 201;
    }
    assert_int_equal(created, 1);
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs"), 1);
    assert_int_equal(house_whole("SELECT max(handoffs) FROM graph_entities"), 1);
    assert_int_equal(house_recorded("acme", "\"handoff.committed\""), 1);
    assert_int_equal(house_recorded("acme", "\"handoff.duplicate\""), POSTERS - 1);
}

/* --- what is refused ------------------------------------------------------------------------ */

typedef void lie(struct parcel *parcel);

static void no_lie(struct parcel *parcel)
{
    (void)parcel;
}
static void lie_tenant(struct parcel *parcel)
{
    parcel->manifest.tenant = STR("globex");
}
static void lie_id(struct parcel *parcel)
{
    parcel->id[0] = parcel->id[0] == '0' ? '1' : '0';
}
static void lie_digest(struct parcel *parcel)
{
    parcel->digest[0] = parcel->digest[0] == '0' ? '1' : '0';
}
static void lie_entities(struct parcel *parcel) /* the truth when a line more came */
{
    parcel->commit.entities++;
}
static void lie_relations(struct parcel *parcel)
{
    parcel->commit.relations--;
}
static void count_relation(struct parcel *parcel) /* no lie: there is one more */
{
    parcel->commit.relations++;
}
static void lie_parts(struct parcel *parcel)
{
    parcel->manifest.parts = 2;
}

struct refusal {
    const char *line; /* one more line of content, or NULL */
    lie *lie;         /* after sealing, before packing */
    int status;
    const char *field;
    const char *detail; /* a part of the sentence */
    const char *reason; /* on record */
};

static const struct refusal refusals[] = {
    {NULL, lie_tenant, 403, "handoff.tenant", "\"acme\"", "denied: handoff.tenant"},
    {NULL, lie_id, 400, "handoff.id", "line 1: handoff.id", "input: handoff.id"},
    {NULL, lie_digest, 400, "commit.content_sha256", "not the digest",
     "input: commit.content_sha256"},
    {NULL, lie_entities, 400, "commit.entities", "is 4, but 3 came", "input: commit.entities"},
    {NULL, lie_relations, 400, "commit.relations", "is 1, but 2 came", "input: commit.relations"},
    {NULL, lie_parts, 400, "handoff.parts", "more than the handoff line", "input: handoff.parts"},
    {"{\"entity\":{\"kind\":\"ipp\",\"value\":\"x\",\"count\":1}}", no_lie, 400, "entity.kind",
     "line 7: entity.kind holds the unknown kind \"ipp\"; did you mean \"ip\"?",
     "input: entity.kind"},
    {"{\"entity\":{\"kind\":\"ip\",\"value\":\"010.0.0.1\",\"count\":1}}", no_lie, 400,
     "entity.value", "line 7: entity.value is not in the normal form", "input: entity.value"},
    {"{\"entity\":{\"kind\":\"ip\",\"value\":\"10.0.0.1\",\"count\":1}}", lie_entities, 400,
     "entity", "line 7: the same entity stands twice", "input: entity"},
    {"{\"relation\":{\"type\":\"queries\",\"from\":0,\"to\":1,\"count\":1}}", count_relation, 400,
     "relation", "line 7: the same relation stands twice", "input: relation"},
    {"{\"relation\":{\"type\":\"queries\",\"from\":0,\"to\":3,\"count\":1}}", no_lie, 400,
     "relation.to", "only 3 entities stand before", "input: relation.to"},
    {"{\"commit\":{\"rows\":0,\"entities\":0,\"relations\":0,\"content_sha256\":\"e3b0c44298fc1c14"
     "9afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}}",
     no_lie, 400, "commit", "line 7: a commit line may only be the last", "input: commit"},
    {"garbage", no_lie, 400, NULL, "line 7: not valid JSON", "input"},
    {"", no_lie, 400, "line", "line 7: a line is empty", "input: line"},
};

static void refusal__names_line_field_and_cure_and_leaves_nothing_but_its_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        const struct refusal *refusal = &refusals[i];
        struct parcel parcel;
        struct answer answer;
        char reason[128];
        parcel_open(&parcel, "acme", "1.1");
        parcel_fill(&parcel);
        if (refusal->line) {
            buf_add_c(&parcel.content, refusal->line);
            buf_add_byte(&parcel.content, '\n');
        }
        parcel_seal(&parcel);
        refusal->lie(&parcel);
        parcel_pack(&parcel);
        parcel_post(&parcel, buf_str(&analyst), &answer);
        if (answer.status != refusal->status)
            fail_msg("%zu: status %d: %s", i, answer.status, answer.fault.text);
        if (refusal->field)
            assert_text(text_of(answer.json, "field"), refusal->field);
        struct str detail = text_of(answer.json, "detail");
        if (str_find(detail, str_of(refusal->detail)) == detail.len)
            fail_msg("%zu: %.*s", i, STR_ARG(detail));
        snprintf(reason, sizeof reason, "\"%s\"", refusal->reason);
        if (house_recorded("acme", reason) < 1)
            fail_msg("%zu: not on record: %s", i, reason);
        assert_nothing_committed();
        answer_done(&answer);
        parcel_done(&parcel);
    }
    assert_int_equal(house_recorded("acme", "\"handoff.refused\""), LENGTH(refusals));
    assert_int_equal(house_recorded("globex", "handoff"), 0);
    assert_int_equal(house_recorded("acme", "010.0.0.1"), 0);
}

static void body__that_is_no_handoff_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "\n",
        "hello",
        "{\"entity\":{\"kind\":\"ip\",\"value\":\"10.0.0.1\",\"count\":1}}\n",
        "\x1f\x8b\x08",
        "{\"handoff\":{}}\n",
    };
    for (size_t i = 0; i < LENGTH(bodies); i++) {
        struct answer answer;
        ask(&(struct ask){.method = "POST",
                          .path = "/v1/handoffs",
                          .token = buf_str(&analyst),
                          .body = str_of(bodies[i])},
            &answer);
        assert_int_equal(answer.status, 400);
        assert_true(str_starts(text_of(answer.json, "detail"), STR("line 1: ")));
        answer_done(&answer);
    }
    assert_nothing_committed();
}

static void body__cut_at_any_line_is_refused(void **state)
{
    (void)state;
    struct parcel parcel;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_seal(&parcel);
    parcel_pack(&parcel);
    for (size_t len = parcel.body.len - 2; len > 0; len--) {
        struct answer answer;
        if (parcel.body.ptr[len - 1] != '\n' && len % 37 != 0)
            continue;
        ask(&(struct ask){.method = "POST",
                          .path = "/v1/handoffs",
                          .token = buf_str(&analyst),
                          .body = {parcel.body.ptr, len}},
            &answer);
        if (answer.status != 400)
            fail_msg("cut at %zu: %d", len, answer.status);
        answer_done(&answer);
    }
    assert_nothing_committed();
    parcel_done(&parcel);
}

/* --- the record comes first ----------------------------------------------------------------- */

static void handoff__whose_record_cannot_be_appended_is_not_committed(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_deliver(&parcel, buf_str(&analyst));
    parcel_done(&parcel);
    int64_t entities = house_whole("SELECT count(*) FROM graph_entities");
    const struct {
        const char *break_log, *mend_log;
    } ways[] = {
        {house_break_log(), house_mend_log()},
        {"ALTER TABLE audit_heads RENAME TO audit_heads_gone",
         "ALTER TABLE audit_heads_gone RENAME TO audit_heads"},
    };
    parcel_open(&parcel, "acme", "1.2");
    parcel_fill(&parcel);
    parcel_entity(&parcel, "user", "eve");
    for (size_t i = 0; i < LENGTH(ways); i++) {
        house_sql(ways[i].break_log);
        parcel_send(&parcel, buf_str(&analyst), &answer);
        assert_int_equal(answer.status, 507);
        answer_done(&answer);
        house_sql(ways[i].mend_log);
        assert_int_equal(house_whole("SELECT count(*) FROM handoffs"), 1);
        assert_int_equal(house_whole("SELECT count(*) FROM graph_entities"), entities);
        assert_int_equal(house_whole("SELECT max(handoffs) FROM graph_entities"), 1);
    }
    parcel_deliver(&parcel, buf_str(&analyst)); /* and goes through when the log is well again */
    parcel_done(&parcel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(handoff__in_one_is_committed_recorded_and_answered_with_a_receipt),
        TEST(handoff__without_entities_is_committed_too),
        TEST(handoff__that_names_known_things_merges_them),
        TEST(link__is_derived_from_the_host_when_there_is_no_public_url),
        TEST(repeat__gives_the_first_receipt_and_merges_nothing),
        TEST(repeat__with_other_content_says_so_and_takes_nothing),
        TEST(equal_posts_at_the_same_time__are_one_commit),
        TEST(refusal__names_line_field_and_cure_and_leaves_nothing_but_its_record),
        TEST(body__that_is_no_handoff_is_refused),
        TEST(body__cut_at_any_line_is_refused),
        TEST(handoff__whose_record_cannot_be_appended_is_not_committed),
    };
    return cmocka_run_group_tests_name("handoffs_write", tests, NULL, NULL);
}
