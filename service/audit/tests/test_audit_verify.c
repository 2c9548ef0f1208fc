/* Each way to tamper with a log, and the record that the verdict must name. */
#include "service/audit/tests/fixture.h"

#include "libs/crypto/hash.h"
#include "libs/crypto/sign.h"
#include "libs/tlog/note.h"

enum { RECORDS = 300 };

static int make_log(void **state)
{
    fixture_make(state);
    struct fixture *fixture = *state;
    fixture_append(fixture, STR("acme"), RECORDS, false);
    fixture_append(fixture, STR("before"), 3, false);
    fixture_append(fixture, STR("zeta"), 3, false);
    return 0;
}

/* The verdict on acme is `sentence`; the other logs are still told to be good. */
static void expect(struct fixture *fixture, const char *sentence)
{
    struct buf out;
    struct fault fault = {.text = ""};
    buf_init(&out, 10000);
    enum fault_code code = audit_verify(fixture->audit, fixture->store, NULL, &out, &fault);
    if (code != FAULT_CORRUPT || strcmp(fault.text, sentence) != 0)
        fail_msg("expected \"%s\", got %d \"%s\"", sentence, code, fault.text);
    char line[600];
    snprintf(line, sizeof line, "BAD   %s\n", sentence);
    assert_true(str_find(buf_str(&out), str_of(line)) < out.len);
    assert_true(str_find(buf_str(&out), STR("good  tenant before: 3 records")) < out.len);
    assert_true(str_find(buf_str(&out), STR("good  tenant zeta: 3 records")) < out.len);
    buf_done(&out);
}

static void audit_verify__finds_nothing_wrong_with_an_honest_log(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    struct fault fault;
    buf_init(&out, 10000);
    good(audit_verify(fixture->audit, fixture->store, NULL, &out, &fault), &fault);
    assert_true(str_starts(buf_str(&out), STR("good  tenant acme: 300 records, head ")));
    buf_done(&out);
    buf_init(&out, 10);
    assert_int_equal(audit_verify(fixture->audit, fixture->store, NULL, &out, &fault), FAULT_LIMIT);
    buf_done(&out);
}

static void audit_verify__names_an_edited_record(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "UPDATE audit_entries SET entry = CAST(entry || x'20' AS BLOB) "
                            "WHERE tenant = 'acme' AND idx = 17");
    expect(fixture, "tenant acme: record 17 does not match its stored hash");
}

static void audit_verify__names_the_record_of_an_edited_hash(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "UPDATE audit_hashes SET hash = "
                            "x'0000000000000000000000000000000000000000000000000000000000000000' "
                            "WHERE tenant = 'acme' AND level = 0 AND idx = 299");
    expect(fixture, "tenant acme: record 299 does not match its stored hash");
}

static void audit_verify__names_the_first_of_two_records_that_changed_places(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "UPDATE audit_entries SET entry = (SELECT o.entry FROM audit_entries o "
                            "WHERE o.tenant = 'acme' AND o.idx = 231 - audit_entries.idx) "
                            "WHERE tenant = 'acme' AND idx IN (100, 131)");
    expect(fixture, "tenant acme: record 100 does not match its stored hash");
}

static void audit_verify__names_the_block_of_records_whose_hashes_were_edited_too(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "UPDATE audit_entries SET entry = (SELECT o.entry FROM audit_entries o "
                            "WHERE o.tenant = 'acme' AND o.idx = 5 - audit_entries.idx) "
                            "WHERE tenant = 'acme' AND idx IN (2, 3)");
    fixture_tamper(fixture, "UPDATE audit_hashes SET hash = (SELECT o.hash FROM audit_hashes o "
                            "WHERE o.tenant = 'acme' AND o.level = 0 "
                            "AND o.idx = 5 - audit_hashes.idx) "
                            "WHERE tenant = 'acme' AND level = 0 AND idx IN (2, 3)");
    expect(fixture, "tenant acme: one of the records 0 to 255 is not what the stored hash of them "
                    "all says");
}

static void audit_verify__names_the_tail_records_whose_hashes_were_edited_too(void **state)
{
    struct fixture *fixture = *state;
    /* 300 = 256 + 32 + 8 + 4: records 288 to 295 are one subtree of the head. */
    fixture_tamper(fixture, "UPDATE audit_entries SET entry = (SELECT o.entry FROM audit_entries o "
                            "WHERE o.tenant = 'acme' AND o.idx = 579 - audit_entries.idx) "
                            "WHERE tenant = 'acme' AND idx IN (289, 290)");
    fixture_tamper(fixture, "UPDATE audit_hashes SET hash = (SELECT o.hash FROM audit_hashes o "
                            "WHERE o.tenant = 'acme' AND o.level = 0 "
                            "AND o.idx = 579 - audit_hashes.idx) "
                            "WHERE tenant = 'acme' AND level = 0 AND idx IN (289, 290)");
    expect(fixture, "tenant acme: one of the records 288 to 295 is not what the signed head says");
}

static void audit_verify__names_a_record_that_was_taken_out(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "DELETE FROM audit_entries WHERE tenant = 'acme' AND idx = 42");
    expect(fixture, "tenant acme: record 42 is missing");
}

static void audit_verify__names_a_record_that_was_taken_out_with_its_hash(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "DELETE FROM audit_entries WHERE tenant = 'acme' AND idx = 42");
    fixture_tamper(fixture, "DELETE FROM audit_hashes WHERE tenant = 'acme' AND level = 0 "
                            "AND idx = 42");
    expect(fixture, "tenant acme: record 42 is missing");
}

static void audit_verify__names_the_first_record_of_a_tail_that_was_cut(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "DELETE FROM audit_entries WHERE tenant = 'acme' AND idx >= 290");
    expect(fixture, "tenant acme: record 290 is missing while its hash is stored");
    fixture_tamper(fixture, "DELETE FROM audit_hashes WHERE tenant = 'acme' AND level = 0 "
                            "AND idx >= 290");
    expect(fixture, "tenant acme: record 290 is missing: the signed head counts it");
}

static void audit_verify__refuses_a_head_that_was_cut_to_fit(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "DELETE FROM audit_entries WHERE tenant = 'acme' AND idx >= 256");
    fixture_tamper(fixture, "DELETE FROM audit_hashes WHERE tenant = 'acme' AND level = 0 "
                            "AND idx >= 256");
    /* 256 records: edge and root are the one hash of level 1. */
    fixture_tamper(fixture, "UPDATE audit_heads SET size = 256, "
                            "root = (SELECT hash FROM audit_hashes h WHERE h.tenant = 'acme' "
                            "AND level = 1), edge = (SELECT hash FROM audit_hashes h "
                            "WHERE h.tenant = 'acme' AND level = 1) WHERE tenant = 'acme'");
    expect(fixture, "tenant acme: the head of 256 records is not signed by this log's key");
}

static void audit_verify__names_a_record_that_was_added(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "INSERT INTO audit_entries (tenant, idx, entry) "
                            "VALUES ('acme', 300, x'7b7d')");
    expect(fixture, "tenant acme: record 300 is not covered by the signed head");
}

static void audit_verify__names_a_log_whose_head_is_gone(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "DELETE FROM audit_heads WHERE tenant = 'acme'");
    expect(fixture, "tenant acme: record 0 is not covered by the signed head");
    fixture_tamper(fixture, "DELETE FROM audit_entries WHERE tenant = 'acme'");
    expect(fixture, "tenant acme: record 0 is missing while its hash is stored");
}

static void audit_verify__refuses_the_head_of_another_log(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "UPDATE audit_heads SET checkpoint = o.checkpoint "
                            "FROM audit_heads o WHERE o.tenant = 'zeta' "
                            "AND audit_heads.tenant = 'acme'");
    expect(fixture, "tenant acme: the head of 300 records is not signed by this log's key");
}

static void audit_verify__finds_hashes_that_were_added_or_taken_out(void **state)
{
    struct fixture *fixture = *state;
    fixture_tamper(fixture, "INSERT INTO audit_hashes (tenant, level, idx, hash) "
                            "VALUES ('acme', 2, 0, "
                            "x'0000000000000000000000000000000000000000000000000000000000000000')");
    expect(fixture, "tenant acme: 2 hashes are stored above the records', not 1");
    fixture_tamper(fixture, "DELETE FROM audit_hashes WHERE tenant = 'acme' AND level > 0");
    expect(fixture, "tenant acme: one of the records 0 to 255 is not what the stored hash of them "
                    "all says");
}

/* A whole log rewritten by the rules, but for the key: signed by one of the forger's own. */
static void audit_verify__refuses_a_head_that_another_key_signed(void **state)
{
    struct fixture *fixture = *state;
    static const char sql_read[] = "SELECT root FROM audit_heads WHERE tenant = 'acme'";
    static const char sql_write[] = "UPDATE audit_heads SET checkpoint = $1 WHERE tenant = 'acme'";
    struct sign_key *forger;
    struct statement *statement;
    struct fault fault;
    struct buf note;
    bool row;
    struct note_head head = {.log = STR("acme"), .size = RECORDS};
    buf_init(&note, 1000);
    good(store_prepare(fixture->store, sql_read, &statement, &fault), &fault);
    good(store_step(statement, &row, &fault), &fault);
    memcpy(head.root.bytes, store_text(statement, 0).ptr, SHA256_SIZE);
    store_reset(statement);
    good(sign_key_new(&forger, &fault), &fault);
    good(note_sign(forger, &head, &note, &fault), &fault);
    good(store_prepare(fixture->store, sql_write, &statement, &fault), &fault);
    store_bind_bytes(statement, 1, buf_str(&note));
    good(store_run(statement, &fault), &fault);
    expect(fixture, "tenant acme: the head of 300 records is not signed by this log's key");
    sign_key_free(forger);
    buf_done(&note);
}

static void note_holds__refuses_every_changed_byte(void **state)
{
    (void)state;
    struct sign_key *key;
    struct fault fault;
    struct buf note;
    struct note_head head = {.log = STR("acme"), .size = 12345, .root = sha256_of(STR("root"))};
    buf_init(&note, 1000);
    good(sign_key_new(&key, &fault), &fault);
    struct sign_public owner = sign_key_public(key);
    good(note_sign(key, &head, &note, &fault), &fault);
    assert_true(note_holds(&owner, &head, buf_str(&note)));
    for (size_t i = 0; i < note.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            note.ptr[i] ^= (char)(1 << bit);
            assert_false(note_holds(&owner, &head, buf_str(&note)));
            note.ptr[i] ^= (char)(1 << bit);
        }
        assert_false(note_holds(&owner, &head, str_take(buf_str(&note), i)));
    }
    buf_add(&note, STR("\n"));
    assert_false(note_holds(&owner, &head, buf_str(&note)));
    sign_key_free(key);
    buf_done(&note);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_log, fixture_remove)
    const struct CMUnitTest tests[] = {
        TEST(audit_verify__finds_nothing_wrong_with_an_honest_log),
        TEST(audit_verify__names_an_edited_record),
        TEST(audit_verify__names_the_record_of_an_edited_hash),
        TEST(audit_verify__names_the_first_of_two_records_that_changed_places),
        TEST(audit_verify__names_the_block_of_records_whose_hashes_were_edited_too),
        TEST(audit_verify__names_the_tail_records_whose_hashes_were_edited_too),
        TEST(audit_verify__names_a_record_that_was_taken_out),
        TEST(audit_verify__names_a_record_that_was_taken_out_with_its_hash),
        TEST(audit_verify__names_the_first_record_of_a_tail_that_was_cut),
        TEST(audit_verify__refuses_a_head_that_was_cut_to_fit),
        TEST(audit_verify__names_a_record_that_was_added),
        TEST(audit_verify__names_a_log_whose_head_is_gone),
        TEST(audit_verify__refuses_the_head_of_another_log),
        TEST(audit_verify__finds_hashes_that_were_added_or_taken_out),
        TEST(audit_verify__refuses_a_head_that_another_key_signed),
        cmocka_unit_test(note_holds__refuses_every_changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
