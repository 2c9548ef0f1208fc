#include "service/handoffs/tests/house.h"

#include "libs/tlog/note.h"
#include "libs/wire/audit.h"
#include "service/handoffs/handoffs_records.h"

static struct buf analyst;  /* "Bearer ..." of tenant acme */
static struct buf other;    /* another token of tenant acme, an analyst's too */
static struct buf auditor;  /* of tenant acme */
static struct buf stranger; /* of tenant globex, an admin's */

static int set_up(void **state)
{
    int failed = house_open(state);
    struct buf *const tokens[] = {&analyst, &other, &auditor, &stranger};
    for (size_t i = 0; i < LENGTH(tokens); i++)
        buf_init(tokens[i], 256);
    if (!failed) {
        house_token("acme", ROLE_ANALYST, &analyst);
        house_token("acme", ROLE_ANALYST, &other);
        house_token("acme", ROLE_AUDITOR, &auditor);
        house_token("globex", ROLE_ADMIN, &stranger);
    }
    return failed;
}

static int tear_down(void **state)
{
    buf_done(&analyst);
    buf_done(&other);
    buf_done(&auditor);
    buf_done(&stranger);
    return house_close(state);
}

/* A page as the app reads it; end with answer_done. */
static struct wire_audit_page get_page(const struct buf *token, const char *query,
                                       struct answer *out)
{
    struct wire_audit_page page = {.size = 0};
    ask(
        &(struct ask){
            .method = "GET", .path = "/v1/audit/handoffs", .query = query, .token = buf_str(token)},
        out);
    if (out->status != 200)
        fail_msg("%d %s", out->status, out->fault.text);
    MUST(wire_read_audit_page(&out->arena, buf_str(&out->reply.body), &page, &house_fault));
    return page;
}

static size_t count_page(const struct buf *token, const char *query)
{
    struct answer answer;
    struct wire_audit_page page = get_page(token, query, &answer);
    answer_done(&answer);
    return page.count;
}

static int ask_status(const struct buf *token, const char *query, const char *field)
{
    struct answer answer;
    ask(
        &(struct ask){
            .method = "GET", .path = "/v1/audit/handoffs", .query = query, .token = buf_str(token)},
        &answer);
    int status = answer.status;
    if (field)
        assert_string_equal(answer.fault.field, field);
    answer_done(&answer);
    return status;
}

/* A hand-off as `user` by the token. */
static void deliver_as(const char *user, const char *sid, const struct buf *token)
{
    struct parcel parcel;
    parcel_open(&parcel, "acme", sid);
    parcel.manifest.user = str_of(user);
    parcel_fill(&parcel);
    parcel_deliver(&parcel, buf_str(token));
    parcel_done(&parcel);
}

static void records__of_an_empty_log_are_none_and_the_key_is_told(void **state)
{
    (void)state;
    struct answer answer;
    struct str log;
    struct sign_public key;
    struct wire_audit_page page = get_page(&auditor, NULL, &answer);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.next.len, 0);
    assert_true(note_read_vkey(page.key, &log, &key));
    assert_true(str_equal(log, STR("acme")));
    answer_done(&answer);
}

/* All that a verifier does, by what is in libs alone. */
static void check_record(const struct wire_audit_page *page, const struct wire_audit_record *record)
{
    struct str log;
    struct sign_public key;
    struct note_head head;
    assert_true(note_read_vkey(page->key, &log, &key));
    assert_true(note_read(page->checkpoint, &head));
    assert_true(note_holds(&key, &head, page->checkpoint));
    assert_int_equal(head.size, page->size);
    struct sha256 leaf = merkle_leaf(record->leaf);
    assert_true(merkle_verify_inclusion((uint64_t)record->index, (uint64_t)head.size, &leaf,
                                        &record->inclusion, &head.root));
}

static void records__are_proved_against_the_signed_head(void **state)
{
    (void)state;
    char sid[16];
    struct answer answer;
    for (int i = 0; i < 9; i++) {
        snprintf(sid, sizeof sid, "1.%d", i);
        deliver_as("mara", sid, &analyst);
    }
    struct wire_audit_page page = get_page(&auditor, NULL, &answer);
    assert_int_equal(page.count, 9);
    for (size_t i = 0; i < page.count; i++) {
        check_record(&page, &page.records[i]);
        assert_true(i == 0 || page.records[i].index < page.records[i - 1].index);
        assert_true(str_equal(page.records[i].title, STR("Beaconing")));
    }
    struct json const *leaf;
    struct fault fault;
    assert_int_equal(json_read(&answer.arena, page.records[0].leaf, &leaf, &fault), FAULT_NONE);
    assert_true(str_equal(text_of(leaf, "sid"), STR("1.8")));
    char digest[SHA256_HEX + 1];
    struct sha256 title = sha256_of(STR("Beaconing"));
    hex_of(title.bytes, sizeof title.bytes, digest);
    assert_true(str_equal(text_of(leaf, "title_sha256"), str_of(digest)));
    answer_done(&answer);
}

static void records__of_commits_prove_that_the_receipts_head_is_the_beginning_of_todays(
    void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer receipt;
    struct answer answer;
    struct note_head kept;
    struct note_head head;
    parcel_open(&parcel, "acme", "1.1");
    parcel_fill(&parcel);
    parcel_send(&parcel, buf_str(&analyst), &receipt);
    assert_int_equal(receipt.status, 201);
    for (int i = 2; i < 7; i++) {
        char sid[16];
        snprintf(sid, sizeof sid, "1.%d", i);
        deliver_as("mara", sid, &analyst);
    }
    struct wire_audit_page page = get_page(&auditor, "sid=1.1", &answer);
    assert_int_equal(page.count, 1);
    const struct wire_audit_record *record = &page.records[0];
    assert_true(note_read(text_of(receipt.json, "checkpoint"), &kept));
    assert_true(note_read(page.checkpoint, &head));
    assert_int_equal(kept.size, record->index + 1);
    assert_true(record->has_consistency && head.size > kept.size);
    assert_true(merkle_verify_consistency((uint64_t)kept.size, (uint64_t)head.size, &kept.root,
                                          &head.root, &record->consistency));
    answer_done(&answer);
    answer_done(&receipt);
    parcel_done(&parcel);
}

static void records__are_found_by_analyst_search_and_time(void **state)
{
    (void)state;
    char query[128];
    deliver_as("mara", "1.1", &analyst);
    deliver_as("jo\xc3\xa3o \"x\"", "1.2", &analyst);
    deliver_as("mara", "1.3", &analyst);
    assert_int_equal(count_page(&auditor, NULL), 3);
    assert_int_equal(count_page(&auditor, "analyst=mara"), 2);
    assert_int_equal(count_page(&auditor, "analyst=jo%C3%A3o+%22x%22"), 1);
    assert_int_equal(count_page(&auditor, "analyst=nobody"), 0);
    assert_int_equal(count_page(&auditor, "sid=1.2"), 1);
    assert_int_equal(count_page(&auditor, "sid=1.2&analyst=mara"), 0);
    int64_t middle = house_whole("SELECT max(time_us) FROM audit_handoffs WHERE sid = '1.2'");
    snprintf(query, sizeof query, "from=%lld", (long long)middle);
    assert_int_equal(count_page(&auditor, query), 2);
    snprintf(query, sizeof query, "to=%lld", (long long)middle);
    assert_int_equal(count_page(&auditor, query), 1);
    snprintf(query, sizeof query, "from=%lld&to=%lld&analyst=mara", (long long)middle,
             (long long)middle + 1);
    assert_int_equal(count_page(&auditor, query), 0);
}

static void records__hold_refusals_duplicates_and_clicks_too(void **state)
{
    (void)state;
    struct parcel parcel;
    struct answer answer;
    char path[80];
    parcel_open(&parcel, "acme", "1.1");
    snprintf(path, sizeof path, "/open/handoffs/%s", parcel.id);
    parcel_fill(&parcel);
    parcel_deliver(&parcel, buf_str(&analyst));
    parcel_send(&parcel, buf_str(&analyst), &answer);
    assert_int_equal(answer.status, 200);
    answer_done(&answer);
    ask(&(struct ask){.method = "GET", .path = path, .token = buf_str(&analyst)}, &answer);
    assert_int_equal(answer.status, 303);
    answer_done(&answer);
    parcel.commit.entities = 99;
    parcel.manifest.tenant = STR("globex");
    parcel_pack(&parcel);
    parcel_post(&parcel, buf_str(&analyst), &answer);
    assert_int_equal(answer.status, 403);
    answer_done(&answer);
    struct wire_audit_page page = get_page(&auditor, NULL, &answer);
    assert_int_equal(page.count, 4);
    for (size_t i = 0; i < page.count; i++)
        assert_int_equal(page.records[i].has_consistency, i == 3);
    answer_done(&answer);
    parcel_done(&parcel);
}

static void records__of_all_pages_prove_against_the_head_of_the_first(void **state)
{
    (void)state;
    char query[128];
    struct answer first;
    for (int i = 0; i < 7; i++) {
        snprintf(query, sizeof query, "1.%d", i);
        deliver_as("mara", query, &analyst);
    }
    struct wire_audit_page page = get_page(&auditor, "limit=3", &first);
    struct str checkpoint = page.checkpoint;
    int64_t size = page.size;
    size_t seen = page.count;
    struct str next = page.next;
    deliver_as("mara", "1.late", &analyst);
    while (next.len > 0) {
        struct answer answer;
        snprintf(query, sizeof query, "limit=3&after=%.*s", STR_ARG(next));
        page = get_page(&auditor, query, &answer);
        assert_int_equal(page.checkpoint.len, 0);
        assert_int_equal(page.size, size);
        page.checkpoint = checkpoint;
        for (size_t i = 0; i < page.count; i++)
            check_record(&page, &page.records[i]);
        seen += page.count;
        next = arena_copy(&first.arena, page.next);
        answer_done(&answer);
    }
    assert_int_equal(seen, 7);
    answer_done(&first);
}

static void records__are_own_ones_for_who_may_not_read_the_log(void **state)
{
    (void)state;
    deliver_as("mara", "1.1", &analyst);
    deliver_as("theo", "1.2", &other);
    assert_int_equal(count_page(&analyst, NULL), 1);
    assert_int_equal(count_page(&other, NULL), 1);
    assert_int_equal(count_page(&analyst, "analyst=theo"), 0);
    assert_int_equal(count_page(&analyst, "sid=1.2"), 0);
    assert_int_equal(count_page(&auditor, NULL), 2);
}

static void records__of_another_tenant_are_not_told_of(void **state)
{
    (void)state;
    deliver_as("mara", "1.1", &analyst);
    assert_int_equal(count_page(&stranger, NULL), 0);
    assert_int_equal(count_page(&stranger, "sid=1.1"), 0);
    assert_int_equal(ask_status(&stranger, "after=999.5.0", "after"), 404);
}

static void records__need_a_credential_and_sound_parameters(void **state)
{
    (void)state;
    struct buf nobody;
    char query[400] = "analyst=";
    buf_init(&nobody, 16);
    deliver_as("mara", "1.1", &analyst);
    assert_int_equal(ask_status(&nobody, NULL, NULL), 401);
    assert_int_equal(ask_status(&auditor, "limit=0", "limit"), 400);
    assert_int_equal(ask_status(&auditor, "limit=501", "limit"), 400);
    assert_int_equal(ask_status(&auditor, "from=-1", "from"), 400);
    assert_int_equal(ask_status(&auditor, "from=2&to=1", "from"), 400);
    assert_int_equal(ask_status(&auditor, "to=tomorrow", "to"), 400);
    assert_int_equal(ask_status(&auditor, "after=1", "after"), 400);
    assert_int_equal(ask_status(&auditor, "after=1.2.x", "after"), 400);
    assert_int_equal(ask_status(&auditor, "after=1.5.1", "after"), 400);
    assert_int_equal(ask_status(&auditor, "after=999999.5.0", "after"), 404);
    memset(query + 8, 'a', WIRE_TEXT_MAX + 1);
    assert_int_equal(ask_status(&auditor, query, "analyst"), 413);
}

static void handoffs_read_cursor__takes_its_own_form_only(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "1",
                                        "1.2",
                                        "0.1.0",
                                        "1.2.3.",
                                        "1.2.-1",
                                        " 1.2.0",
                                        "1.2.1",
                                        "a.b.c",
                                        "1..0",
                                        "9223372036854775807.1.0",
                                        "5.1.0x",
                                        "5.99999999999999999999.0"};
    struct handoffs_cursor cursor;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(handoffs_read_cursor(str_of(wrong[i]), &cursor));
    assert_true(handoffs_read_cursor(STR("300.1763863200000000.212"), &cursor));
    assert_int_equal(cursor.size, 300);
    assert_int_equal(cursor.time_us, INT64_C(1763863200000000));
    assert_int_equal(cursor.index, 212);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(records__of_an_empty_log_are_none_and_the_key_is_told),
        IN_HOUSE(records__are_proved_against_the_signed_head),
        IN_HOUSE(records__of_commits_prove_that_the_receipts_head_is_the_beginning_of_todays),
        IN_HOUSE(records__are_found_by_analyst_search_and_time),
        IN_HOUSE(records__hold_refusals_duplicates_and_clicks_too),
        IN_HOUSE(records__of_all_pages_prove_against_the_head_of_the_first),
        IN_HOUSE(records__are_own_ones_for_who_may_not_read_the_log),
        IN_HOUSE(records__of_another_tenant_are_not_told_of),
        IN_HOUSE(records__need_a_credential_and_sound_parameters),
        cmocka_unit_test(handoffs_read_cursor__takes_its_own_form_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
