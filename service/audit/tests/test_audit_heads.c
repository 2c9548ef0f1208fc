/* Heads that the Splunk side kept, and what a log must be that they are held against. */
#include "service/audit/tests/fixture.h"

#include "service/audit/audit_receipt.h"

enum { RECORDS = 20, NOTES_MAX = 64 * 1024 };

/* The heads of acme's log, one after the other; at[n] is where that of n+1 records begins. */
struct notes {
    struct buf text;
    size_t at[RECORDS + 1];
};

static struct notes notes;

static int make_log(void **state)
{
    fixture_make(state);
    struct fixture *fixture = *state;
    buf_init(&notes.text, NOTES_MAX);
    for (int i = 0; i < RECORDS; i++) {
        struct fault fault;
        struct audit_record record = {
            .action = "handoff.committed", .result = "success", .tenant = STR("acme")};
        int64_t index;
        notes.at[i] = notes.text.len;
        good(store_begin(fixture->store, &fault), &fault);
        good(audit_append(fixture->audit, fixture->store, &record, &index, &notes.text, &fault),
             &fault);
        good(store_commit(fixture->store, &fault), &fault);
    }
    notes.at[RECORDS] = notes.text.len;
    return 0;
}

static int remove_log(void **state)
{
    buf_done(&notes.text);
    return fixture_remove(state);
}

static struct str note_of(int size)
{
    size_t from = notes.at[size - 1];
    return (struct str){notes.text.ptr + from, notes.at[size] - from};
}

static void expect_unreadable(struct str text, const char *sentence)
{
    struct audit_heads *heads = NULL;
    struct fault fault = {.text = ""};
    enum fault_code code = audit_heads_read(text, &heads, &fault);
    if (code != FAULT_INPUT || !strstr(fault.text, sentence))
        fail_msg("expected \"%s\", got %d \"%s\"", sentence, code, fault.text);
    assert_null(heads);
}

/* What audit_verify says with the heads of `text`. */
static enum fault_code verify(struct fixture *fixture, struct str text, struct buf *out,
                              struct fault *fault)
{
    struct audit_heads *heads = NULL;
    struct fault unread;
    good(audit_heads_read(text, &heads, &unread), &unread);
    enum fault_code code = audit_verify(fixture->audit, fixture->store, heads, out, fault);
    audit_heads_free(heads);
    return code;
}

static void expect_bad(struct fixture *fixture, struct str text, const char *sentence)
{
    struct buf out;
    struct fault fault = {.text = ""};
    buf_init(&out, 10000);
    enum fault_code code = verify(fixture, text, &out, &fault);
    if (code != FAULT_CORRUPT || !strstr(fault.text, sentence))
        fail_msg("expected \"%s\", got %d \"%s\"", sentence, code, fault.text);
    assert_true(str_find(buf_str(&out), str_of(sentence)) < out.len);
    buf_done(&out);
}

static void audit_heads__takes_json_lines_and_checkpoints_in_any_order(void **state)
{
    struct buf text;
    struct buf out;
    struct fault fault;
    buf_init(&text, NOTES_MAX);
    buf_init(&out, 10000);
    buf_add(&text, STR("{\"action\":\"handoff\",\"result\":\"waiting\"}\n\n"));
    buf_add(&text, note_of(7));
    buf_add(&text, STR("\r\n{\"checkpoint\":\""));
    for (size_t i = 0; i < note_of(3).len; i++) {
        char byte = note_of(3).ptr[i];
        buf_add(&text, byte == '\n' ? STR("\\n") : (struct str){&byte, 1});
    }
    buf_add(&text, STR("\"}\n"));
    buf_add(&text, note_of(RECORDS));
    good(verify(*state, buf_str(&text), &out, &fault), &fault);
    assert_true(str_find(buf_str(&out), STR(", extends 3 kept heads\n")) < out.len);
    buf_done(&text);
    buf_done(&out);
}

static void audit_heads__takes_every_head_that_was_given_out(void **state)
{
    struct buf out;
    struct fault fault;
    buf_init(&out, 10000);
    good(verify(*state, buf_str(&notes.text), &out, &fault), &fault);
    assert_true(str_find(buf_str(&out), STR(", extends 20 kept heads\n")) < out.len);
    buf_done(&out);
}

static void audit_heads__names_the_line_that_is_no_head(void **state)
{
    (void)state;
    char cut[600];
    snprintf(cut, sizeof cut, "%.*s", 40, note_of(5).ptr);
    expect_unreadable(STR(""), "there is no checkpoint to compare with");
    expect_unreadable(STR("\n\n{\"result\":\"waiting\"}\n"), "there is no checkpoint");
    expect_unreadable(STR("{\"a\":1}\nwhat is this\n"), "line 2: neither a JSON line");
    expect_unreadable(str_of(cut), "line 1: neither a JSON line");
    expect_unreadable(STR("{\"a\":1}\n{\"checkpoint\":7}\n"), "line 2: the member checkpoint");
    expect_unreadable(STR("{\"checkpoint\":\"x\"}\n"), "line 1: this checkpoint is not one");
    expect_unreadable(STR("{\"checkpoint\":\n"), "line 1: ");
    expect_unreadable(STR("acme\n1\nAA==\n\nx\n"), "line 1: this checkpoint is not one");
    expect_unreadable(STR("intelgraphd/acme\n0\nAA==\n\nx\n"), "line 1: this checkpoint");
    expect_unreadable(STR("intelgraphd/acme\n-1\nAA==\n\nx\n"), "line 1: this checkpoint");
}

static void audit_heads__refuses_one_that_this_key_has_not_signed(void **state)
{
    struct buf text;
    buf_init(&text, NOTES_MAX);
    buf_add(&text, STR("\n"));
    buf_add(&text, note_of(4));
    text.ptr[text.len - 10] = text.ptr[text.len - 10] == 'A' ? 'B' : 'A';
    expect_bad(*state, buf_str(&text), "line 2: the head of 4 records of acme is not signed");
    buf_clear(&text);
    buf_add(&text, note_of(4));
    text.ptr[13] = 'x'; /* of "intelgraphd/acme": another tenant */
    expect_bad(*state, buf_str(&text), "is not signed by this service's key");
    buf_done(&text);
}

static void audit_heads__show_a_cut_log(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "DELETE FROM audit_heads");
    fixture_tamper(fixture, "DELETE FROM audit_hashes");
    fixture_tamper(fixture, "DELETE FROM audit_entries");
    expect_bad(fixture, note_of(6),
               "line 1: a head of the log acme was given out, but there is no");
    fixture_append(fixture, STR("acme"), 5, true);
    expect_bad(fixture, note_of(6),
               "line 1 of the heads knows 6 records, but the log's head counts 5: the log was cut");
}

static void audit_heads__show_a_log_that_was_written_anew(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, NOTES_MAX);
    fixture_tamper(fixture, "DELETE FROM audit_heads");
    fixture_tamper(fixture, "DELETE FROM audit_hashes");
    fixture_tamper(fixture, "DELETE FROM audit_entries");
    fixture_append(fixture, STR("acme"), RECORDS + 5, true);
    buf_add(&text, note_of(RECORDS));
    buf_add(&text, note_of(9));
    expect_bad(fixture, buf_str(&text),
               "line 6 of the heads is another log's: its first 9 records were not the ones");
    buf_done(&text);
}

static void audit_heads__show_an_old_head_over_newer_records(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "UPDATE audit_heads SET size = 16");
    /* The edge of 20 records has two hashes, that of 16 one: as a forger would leave it. */
    fixture_tamper(fixture, "UPDATE audit_heads SET edge = substr(edge, 1, 32)");
    expect_bad(fixture, note_of(18), "an old checkpoint stands as the newest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(audit_heads__takes_json_lines_and_checkpoints_in_any_order,
                                        make_log, remove_log),
        cmocka_unit_test_setup_teardown(audit_heads__takes_every_head_that_was_given_out, make_log,
                                        remove_log),
        cmocka_unit_test_setup_teardown(audit_heads__names_the_line_that_is_no_head, make_log,
                                        remove_log),
        cmocka_unit_test_setup_teardown(audit_heads__refuses_one_that_this_key_has_not_signed,
                                        make_log, remove_log),
        cmocka_unit_test_setup_teardown(audit_heads__show_a_cut_log, make_log, remove_log),
        cmocka_unit_test_setup_teardown(audit_heads__show_a_log_that_was_written_anew, make_log,
                                        remove_log),
        cmocka_unit_test_setup_teardown(audit_heads__show_an_old_head_over_newer_records, make_log,
                                        remove_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
