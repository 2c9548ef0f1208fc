/* Receipts: what goes into the log of receipts, the bundle that comes out, and tampering with it.
 */
#include "service/audit/tests/fixture.h"

#include "libs/crypto/hash.h"
#include "libs/crypto/sign.h"
#include "service/audit/audit_dsse.h"
#include "service/audit/audit_receipt.h"

enum { BUNDLE_MAX = 256 * 1024 };

#define HANDOFF "0123456789abcdef0123456789abcdef"
#define DIGEST  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static enum fault_code append(struct fixture *fixture, const char *handoff, struct fault *fault)
{
    const struct audit_count counts[] = {{"rows", 3}};
    const struct audit_receipt receipt = {
        .tenant = STR("acme"),
        .handoff = str_of(handoff),
        .content_sha256 = STR(DIGEST),
        .user = STR("ann \"the\" analyst"),
        .committed_us = 1764000000000000,
        .latest_us = 17,
        .audit_index = 4,
        .counts = counts,
        .count_count = 1,
    };
    enum fault_code code = store_begin(fixture->store, fault);
    if (code == FAULT_NONE)
        code = audit_receipt_append(fixture->audit, fixture->store, &receipt, fault);
    if (code == FAULT_NONE)
        code = store_commit(fixture->store, fault);
    store_rollback(fixture->store);
    return code;
}

static enum fault_code bundle_of(struct fixture *fixture, const char *tenant, const char *handoff,
                                 struct buf *out, struct fault *fault)
{
    return audit_receipt_bundle(fixture->audit, fixture->store, str_of(tenant), str_of(handoff),
                                out, fault);
}

static void expect_verdict(struct fixture *fixture, const char *sentence)
{
    struct buf out;
    struct fault fault = {.text = ""};
    buf_init(&out, 10000);
    enum fault_code code = audit_verify(fixture->audit, fixture->store, NULL, &out, &fault);
    if (code != FAULT_CORRUPT || strcmp(fault.text, sentence) != 0)
        fail_msg("expected \"%s\", got %d \"%s\"", sentence, code, fault.text);
    buf_done(&out);
}

static void audit_receipt__has_a_log_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    struct buf out;
    buf_init(&out, BUNDLE_MAX);
    fixture_append(fixture, STR("acme"), 5, true);
    good(append(fixture, HANDOFF, &fault), &fault);
    good(audit_checkpoint(fixture->audit, fixture->store, STR("acme/receipts"), &out, &fault),
         &fault);
    assert_true(str_starts(buf_str(&out), STR("intelgraphd/acme/receipts\n1\n")));
    buf_clear(&out);
    good(audit_verify(fixture->audit, fixture->store, NULL, &out, &fault), &fault);
    assert_true(str_find(buf_str(&out), STR("good  tenant acme/receipts: 1 records")) < out.len);
    buf_clear(&out);
    good(bundle_of(fixture, "acme", HANDOFF, &out, &fault), &fault);
    assert_true(str_starts(
        buf_str(&out),
        STR("{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"verification")));
    buf_done(&out);
}

static void audit_receipt__states_what_was_handed_off_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    struct statement *query;
    bool row = false;
    static const char sql[] = "SELECT statement FROM audit_receipts";
    good(append(fixture, HANDOFF, &fault), &fault);
    good(store_prepare(fixture->store, sql, &query, &fault), &fault);
    good(store_step(query, &row, &fault), &fault);
    struct str expected = STR(
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"" HANDOFF
        "\",\"digest\":{\"sha256\":\"" DIGEST
        "\"}}],\"predicateType\":\"urn:intelgraph:handoff-receipt:v1\",\"predicate\":{\"handoff\":"
        "\"" HANDOFF "\",\"tenant\":\"acme\",\"user\":\"ann \\\"the\\\" "
        "analyst\",\"sid\":\"\",\"search_sha256\":"
        "\"\",\"committed_us\":1764000000000000,\"latest_us\":17,\"audit_index\":4,\"counts\":{"
        "\"rows\":3}}}");
    struct str stated = store_text(query, 0);
    if (!str_equal(stated, expected))
        fail_msg("%.*s", STR_ARG(stated));
    store_reset(query);
}

static void audit_receipt__is_of_one_handoff_and_one_tenant(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    struct buf out;
    buf_init(&out, BUNDLE_MAX);
    good(append(fixture, HANDOFF, &fault), &fault);
    assert_int_equal(append(fixture, HANDOFF, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "is there already"));
    assert_int_equal(bundle_of(fixture, "other", HANDOFF, &out, &fault), FAULT_NOT_FOUND);
    assert_int_equal(bundle_of(fixture, "acme", "unknown", &out, &fault), FAULT_NOT_FOUND);
    assert_int_equal(bundle_of(fixture, "acme/receipts", HANDOFF, &out, &fault), FAULT_INPUT);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
    good(audit_verify(fixture->audit, fixture->store, NULL, &out, &fault), &fault);
    buf_done(&out);
}

static void audit_receipt__is_not_signed_again_when_it_was_edited(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    struct buf out;
    buf_init(&out, BUNDLE_MAX);
    good(append(fixture, HANDOFF, &fault), &fault);
    fixture_tamper(fixture, "UPDATE audit_receipts SET statement = x'7b7d'");
    assert_int_equal(bundle_of(fixture, "acme", HANDOFF, &out, &fault), FAULT_CORRUPT);
    assert_int_equal(out.len, 0);
    expect_verdict(fixture,
                   "tenant acme: the statement of receipt 0 is not the one that was logged");
    buf_done(&out);
}

static void audit_verify__sees_receipts_that_are_missing(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    good(append(fixture, "first", &fault), &fault);
    good(append(fixture, "second", &fault), &fault);
    fixture_append(fixture, STR("acme"), 2, true);
    fixture_tamper(fixture, "UPDATE audit_receipts SET idx = 5 WHERE idx = 1");
    expect_verdict(fixture, "tenant acme: the statement of receipt 1 is missing");
    fixture_tamper(fixture, "UPDATE audit_receipts SET idx = 1 WHERE idx = 5");
    fixture_tamper(fixture, "INSERT INTO audit_receipts VALUES ('acme', 2, 'third', x'7b7d')");
    expect_verdict(fixture, "tenant acme: 3 receipts are stored, but 2 are in their log");
    fixture_tamper(fixture, "DELETE FROM audit_receipts WHERE idx = 2");
    fixture_tamper(fixture, "DELETE FROM audit_heads WHERE tenant = 'acme/receipts'");
    fixture_tamper(fixture, "DELETE FROM audit_hashes WHERE tenant = 'acme/receipts'");
    fixture_tamper(fixture, "DELETE FROM audit_entries WHERE tenant = 'acme/receipts'");
    expect_verdict(fixture, "tenant acme: 2 receipts are stored, but 0 are in their log");
}

static void audit_log_name__takes_tenants_only(void **state)
{
    (void)state;
    char log[AUDIT_LOG_MAX];
    struct fault fault;
    char longest[AUDIT_TENANT_MAX + 2];
    memset(longest, 't', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(audit_log_name(str_of(longest), true, log, &fault), FAULT_INPUT);
    longest[AUDIT_TENANT_MAX] = '\0';
    good(audit_log_name(str_of(longest), true, log, &fault), &fault);
    assert_int_equal(strlen(log), AUDIT_TENANT_MAX + strlen("/receipts"));
    assert_int_equal(audit_log_name(STR("acme/receipts"), false, log, &fault), FAULT_INPUT);
    assert_int_equal(audit_log_name(STR(""), false, log, &fault), FAULT_INPUT);
    assert_string_equal(fault.field, "tenant");
}

/* As the example of DSSE's specification, with our type. */
static void audit_dsse__signs_type_and_payload_with_their_lengths(void **state)
{
    (void)state;
    static const uint8_t seed[SIGN_SEED_SIZE] = {9};
    struct sign_key *key;
    struct signature signature;
    struct fault fault;
    struct buf entry;
    buf_init(&entry, BUNDLE_MAX);
    good(sign_key_of_seed(seed, &key, &fault), &fault);
    struct sign_public public_key = sign_key_public(key);
    good(audit_dsse_entry(key, STR("hello world"), &entry, &signature, &fault), &fault);
    assert_true(sign_verify(
        &public_key, STR("DSSEv1 28 application/vnd.in-toto+json 11 hello world"), &signature));
    assert_false(sign_verify(&public_key, STR("hello world"), &signature));
    assert_true(str_starts(buf_str(&entry), STR("{\"apiVersion\":\"0.0.1\",\"kind\":\"dsse\",")));
    sign_key_free(key);
    buf_done(&entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(audit_receipt__has_a_log_of_its_own, fixture_make,
                                        fixture_remove),
        cmocka_unit_test_setup_teardown(audit_receipt__states_what_was_handed_off_and_no_more,
                                        fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(audit_receipt__is_of_one_handoff_and_one_tenant,
                                        fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(audit_receipt__is_not_signed_again_when_it_was_edited,
                                        fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(audit_verify__sees_receipts_that_are_missing, fixture_make,
                                        fixture_remove),
        cmocka_unit_test(audit_log_name__takes_tenants_only),
        cmocka_unit_test(audit_dsse__signs_type_and_payload_with_their_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
