/* Hand-offs that come in parts: opened, filled in any order, committed. */
#include "service/handoffs/tests/writing.h"

#include "service/handoffs/handoffs_rules.h"

static void open_parted(struct parcel *parcel, const char *sid, int parts)
{
    parcel_open(parcel, "acme", sid);
    parcel->manifest.parts = parts;
}

static void post_opening(struct parcel *parcel, struct answer *out)
{
    buf_clear(&parcel->body);
    wire_add_handoff(&parcel->body, &parcel->manifest);
    parcel_post(parcel, buf_str(&analyst), out);
}

static int put_part(struct parcel *parcel, const char *part, struct str lines)
{
    char path[128];
    struct answer answer;
    snprintf(path, sizeof path, "/v1/handoffs/%s/parts/%s", parcel->id, part);
    ask(&(struct ask){.method = "PUT", .path = path, .token = buf_str(&analyst), .body = lines},
        &answer);
    house_fault = answer.fault;
    if (answer.status == 204)
        assert_int_equal(answer.reply.body.len, 0);
    answer_done(&answer);
    return answer.status;
}

static void post_commit(struct parcel *parcel, struct answer *out)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/handoffs/%s/commit", parcel->id);
    buf_clear(&parcel->body);
    parcel_seal(parcel);
    wire_add_commit(&parcel->body, &parcel->commit);
    ask(&(struct ask){.method = "POST",
                      .path = path,
                      .token = buf_str(&analyst),
                      .body = buf_str(&parcel->body)},
        out);
}

/* The content cut after its second line: the second part's relations reach back into the first. */
static void cut_content(const struct parcel *parcel, struct str *out_first, struct str *out_second)
{
    struct str rest = buf_str(&parcel->content);
    struct str line;
    wire_next_line(&rest, &line);
    wire_next_line(&rest, &line);
    *out_first = str_take(buf_str(&parcel->content), parcel->content.len - rest.len);
    *out_second = rest;
}

static void parts__come_in_any_order_and_again_and_are_one_handoff(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    struct str first;
    struct str second;
    open_parted(&parcel, "1.1", 2);
    parcel_fill(&parcel);
    cut_content(&parcel, &first, &second);
    post_opening(&parcel, &answer);
    assert_int_equal(answer.status, 202);
    assert_int_equal(whole_of(answer.json, "parts"), 2);
    assert_int_equal(length_of(json_member(answer.json, "received")), 0);
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "2", second), 204);
    assert_int_equal(put_part(&parcel, "1", second), 204); /* in its place by mistake */
    assert_int_equal(put_part(&parcel, "1", first), 204);
    post_opening(&parcel, &answer); /* a retry learns what is here */
    assert_int_equal(answer.status, 202);
    assert_int_equal(length_of(json_member(answer.json, "received")), 2);
    answer_done(&answer);
    post_commit(&parcel, &answer);
    if (answer.status != 201)
        fail_msg("%s", answer.fault.text);
    assert_int_equal(whole_of(answer.json, "entities_new"), 3);
    assert_int_equal(whole_of(answer.json, "relations_new"), 2);
    answer_done(&answer);
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs_parts"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs_open"), 0);
    assert_int_equal(house_whole("SELECT count(*) FROM graph_handoff_relations"), 2);

    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(boolean_of(answer.json, "duplicate"));
    assert_true(boolean_of(answer.json, "same_content"));
    answer_done(&answer);
    post_opening(&parcel, &answer); /* a re-run need not send the parts */
    assert_int_equal(answer.status, 200);
    assert_true(boolean_of(answer.json, "duplicate"));
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "1", first), 409);
    parcel_done(&parcel);
}

static void commit__names_the_first_missing_part_and_keeps_what_came(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    open_parted(&parcel, "1.1", 3);
    parcel_fill(&parcel);
    post_opening(&parcel, &answer);
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "1", buf_str(&parcel.content)), 204);
    assert_int_equal(put_part(&parcel, "3", STR("")), 204);
    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 409);
    assert_non_null(strstr(answer.fault.text, "the first that is missing is 2"));
    answer_done(&answer);
    assert_nothing_committed();
    assert_int_equal(put_part(&parcel, "2", STR("")), 204);
    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 201);
    answer_done(&answer);
    parcel_done(&parcel);
}

static void commit__of_parts_that_are_not_what_it_says_is_refused(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    struct str first;
    struct str second;
    open_parted(&parcel, "1.1", 2);
    parcel_fill(&parcel);
    cut_content(&parcel, &first, &second);
    post_opening(&parcel, &answer);
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "1", first), 204);
    assert_int_equal(put_part(&parcel, "2", STR("")), 204);
    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 400);
    assert_text(text_of(answer.json, "field"), "commit.entities");
    answer_done(&answer);
    assert_nothing_committed();
    assert_int_equal(put_part(&parcel, "1", second), 204);
    assert_int_equal(put_part(&parcel, "2", first), 204);
    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 400);
    assert_non_null(strstr(answer.fault.text, "part 1, line 2: relation.to"));
    answer_done(&answer);
    assert_nothing_committed();
    parcel_done(&parcel);
}

static void part__that_is_wrong_is_refused_when_it_comes(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    open_parted(&parcel, "1.1", 2);
    assert_int_equal(put_part(&parcel, "1", STR("")), 404); /* not open yet */
    post_opening(&parcel, &answer);
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "0", STR("")), 400);
    assert_int_equal(put_part(&parcel, "3", STR("")), 400);
    assert_int_equal(put_part(&parcel, "x", STR("")), 400);
    assert_string_equal(house_fault.field, "part");
    assert_int_equal(put_part(&parcel, "1", STR("{\"entity\":{}}\n")), 400);
    assert_string_equal(house_fault.text, "line 1: entity.kind is missing");
    assert_int_equal(put_part(&parcel, "1", STR("{\"handoff\":{}}\n")), 400);
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs_parts"), 0);
    parcel_done(&parcel);
}

static void commit__that_was_never_opened_is_not_found(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    open_parted(&parcel, "1.1", 2);
    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 404);
    answer_done(&answer);
    snprintf(parcel.id, sizeof parcel.id, "x' OR 1=1 --");
    post_commit(&parcel, &answer);
    assert_int_equal(answer.status, 404);
    answer_done(&answer);
    parcel_done(&parcel);
}

static void reopening__with_another_manifest_starts_anew(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    open_parted(&parcel, "1.1", 2);
    post_opening(&parcel, &answer);
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "1", STR("")), 204);
    parcel.manifest.parts = 5;
    post_opening(&parcel, &answer);
    assert_int_equal(answer.status, 202);
    assert_int_equal(length_of(json_member(answer.json, "received")), 0);
    answer_done(&answer);
    assert_int_equal(put_part(&parcel, "5", STR("")), 204);
    parcel_done(&parcel);
}

static void open_handoffs__are_bounded_and_stale_ones_make_room(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    char sid[16];
    for (int i = 0; i < HANDOFFS_OPEN_MAX + 1; i++) {
        snprintf(sid, sizeof sid, "1.%d", i);
        open_parted(&parcel, sid, 2);
        post_opening(&parcel, &answer);
        assert_int_equal(answer.status, i < HANDOFFS_OPEN_MAX ? 202 : 503);
        answer_done(&answer);
        if (i < HANDOFFS_OPEN_MAX) {
            assert_int_equal(put_part(&parcel, "1", STR("")), 204);
            parcel_done(&parcel);
        }
    }
    house_sql("UPDATE handoffs_open SET touched_us = touched_us - 86400000001"
              " WHERE id IN (SELECT id FROM handoffs_open LIMIT 3)");
    post_opening(&parcel, &answer);
    assert_int_equal(answer.status, 202);
    answer_done(&answer);
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs_open"), HANDOFFS_OPEN_MAX - 2);
    assert_int_equal(house_whole("SELECT count(*) FROM handoffs_parts"), HANDOFFS_OPEN_MAX - 3);
    parcel_done(&parcel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(parts__come_in_any_order_and_again_and_are_one_handoff),
        TEST(commit__names_the_first_missing_part_and_keeps_what_came),
        TEST(commit__of_parts_that_are_not_what_it_says_is_refused),
        TEST(part__that_is_wrong_is_refused_when_it_comes),
        TEST(commit__that_was_never_opened_is_not_found),
        TEST(reopening__with_another_manifest_starts_anew),
        TEST(open_handoffs__are_bounded_and_stale_ones_make_room),
    };
    return cmocka_run_group_tests_name("handoffs_parts", tests, NULL, NULL);
}
