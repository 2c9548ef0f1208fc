#include "service/audit/tests/fixture.h"

#include <pthread.h>
#include <sys/stat.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/sign.h"
#include "libs/text/json.h"

static enum fault_code append(struct fixture *fixture, const struct audit_record *record,
                              int64_t *index, struct buf *note, struct fault *fault)
{
    good(store_begin(fixture->store, fault), fault);
    enum fault_code code = audit_append(fixture->audit, fixture->store, record, index, note, fault);
    if (code == FAULT_NONE)
        good(store_commit(fixture->store, fault), fault);
    else
        store_rollback(fixture->store);
    return code;
}

static int64_t fixed_us(void)
{
    return 1764000000123456;
}

static void audit_append__writes_what_happened_and_leaves_out_what_is_empty(void **state)
{
    struct fixture *fixture = *state;
    struct os_platform fixed = os_posix;
    fixed.now_us = fixed_us;
    const struct audit_count counts[] = {{"rows", 12}, {"entities_new", 3}};
    struct audit_record record = {.action = "handoff.committed",
                                  .result = "success",
                                  .tenant = STR("acme"),
                                  .subject = STR("ann \"the\nfirst\""),
                                  .handoff = STR("h1"),
                                  .counts = counts,
                                  .count_count = 2};
    struct buf out;
    struct fault fault;
    int64_t index = -1;
    buf_init(&out, 10000);
    os_platform_set(&fixed);
    enum fault_code code = append(fixture, &record, &index, &out, &fault);
    os_platform_set(&os_posix);
    good(code, &fault);
    assert_int_equal(index, 0);
    buf_clear(&out);
    good(audit_list(fixture->store, STR("acme"), -1, 10, &out, &fault), &fault);
    assert_true(
        str_equal(buf_str(&out),
                  STR("[{\"index\":0,\"record\":{\"version\":1,\"time_us\":1764000000123456,"
                      "\"action\":\"handoff.committed\",\"result\":\"success\",\"tenant\":\"acme\","
                      "\"subject\":\"ann \\\"the\\nfirst\\\"\",\"handoff\":\"h1\","
                      "\"counts\":{\"rows\":12,\"entities_new\":3}}}]")));
    buf_done(&out);
}

static void audit_append__gives_a_signed_note_of_the_published_form(void **state)
{
    struct fixture *fixture = *state;
    struct audit_record record = {
        .action = "token.used", .result = "success", .tenant = STR("acme")};
    struct buf note;
    struct buf entry;
    struct buf expected;
    struct fault fault;
    int64_t index = -1;
    buf_init(&note, 1000);
    buf_init(&entry, 1000);
    buf_init(&expected, 1000);
    good(append(fixture, &record, &index, &note, &fault), &fault);

    /* One record: the root is its leaf hash. */
    good(audit_tile(fixture->store, STR("acme"), STR("entries/000.p/1"), &entry, &fault), &fault);
    struct sha256 leaf = merkle_leaf(str_skip(buf_str(&entry), 2));
    buf_add(&expected, STR("intelgraphd/acme\n1\n"));
    base64_add(&expected, (struct str){(const char *)leaf.bytes, SHA256_SIZE});
    buf_add(&expected, STR("\n\n\xe2\x80\x94 intelgraphd/acme "));
    assert_true(str_starts(buf_str(&note), buf_str(&expected)));
    struct str coded = str_trim(str_skip(buf_str(&note), expected.len));
    assert_int_equal(note.ptr[note.len - 1], '\n');

    /* The verifier key's name, hash and bytes are those of the signature line. */
    struct buf vkey;
    struct buf signed_bytes;
    struct str name;
    struct str rest;
    struct str hash;
    struct str key;
    uint8_t key_hash[4];
    buf_init(&vkey, 1000);
    buf_init(&signed_bytes, 1000);
    audit_add_verifier_key(fixture->audit, STR("acme"), &vkey);
    assert_true(str_cut(buf_str(&vkey), '+', &name, &rest));
    assert_true(str_cut(rest, '+', &hash, &key));
    assert_true(str_equal(name, STR("intelgraphd/acme")));
    assert_true(hex_to(hash, key_hash, 4));
    assert_true(base64_decode_add(&signed_bytes, coded));
    assert_int_equal(signed_bytes.len, 4 + 64);
    assert_memory_equal(signed_bytes.ptr, key_hash, 4);
    struct buf typed;
    buf_init(&typed, 1000);
    buf_add(&typed, STR("intelgraphd/acme\n"));
    assert_true(base64_decode_add(&typed, key));
    assert_int_equal(typed.len, 17 + 33);
    assert_int_equal(typed.ptr[17], 1);
    assert_memory_equal(sha256_of(buf_str(&typed)).bytes, key_hash, 4);
    buf_done(&typed);
    buf_done(&vkey);
    buf_done(&signed_bytes);
    buf_done(&note);
    buf_done(&entry);
    buf_done(&expected);
}

static void audit_append__rolled_back_leaves_the_log_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    struct audit_record record = {.action = "a", .result = "success", .tenant = STR("acme")};
    struct buf before;
    struct buf after;
    struct buf verdict;
    struct fault fault;
    int64_t index;
    buf_init(&before, 1000);
    buf_init(&after, 10000);
    buf_init(&verdict, 10000);
    fixture_append(fixture, STR("acme"), 3, true);
    good(audit_checkpoint(fixture->audit, fixture->store, STR("acme"), &before, &fault), &fault);
    for (int i = 0; i < 5; i++) {
        good(store_begin(fixture->store, &fault), &fault);
        good(audit_append(fixture->audit, fixture->store, &record, &index, &after, &fault), &fault);
        assert_int_equal(index, 3);
        store_rollback(fixture->store);
    }
    buf_clear(&after);
    good(audit_checkpoint(fixture->audit, fixture->store, STR("acme"), &after, &fault), &fault);
    assert_true(str_equal(buf_str(&before), buf_str(&after)));
    fixture_append(fixture, STR("acme"), 1, true);
    good(audit_verify(fixture->audit, fixture->store, NULL, &verdict, &fault), &fault);
    assert_true(str_starts(buf_str(&verdict), STR("good  tenant acme: 4 records, head ")));
    buf_done(&before);
    buf_done(&after);
    buf_done(&verdict);
}

static void audit_append__keeps_tenants_apart(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    struct fault fault;
    buf_init(&out, 10000);
    fixture_append(fixture, STR("acme"), 2, true);
    fixture_append(fixture, STR("Zeta.1_x-y"), 1, true);
    fixture_append(fixture, STR(AUDIT_SERVICE_TENANT), 3, true);
    good(audit_verify(fixture->audit, fixture->store, NULL, &out, &fault), &fault);
    assert_true(str_find(buf_str(&out), STR("tenant Zeta.1_x-y: 1 records")) < out.len);
    assert_true(str_find(buf_str(&out), STR("tenant _service: 3 records")) < out.len);
    assert_true(str_find(buf_str(&out), STR("tenant acme: 2 records")) < out.len);
    buf_clear(&out);
    good(audit_list(fixture->store, STR("Zeta.1_x-y"), -1, 10, &out, &fault), &fault);
    assert_true(str_find(buf_str(&out), STR("acme")) == out.len);
    buf_clear(&out);
    good(audit_list(fixture->store, STR("nobody"), -1, 10, &out, &fault), &fault);
    assert_true(str_equal(buf_str(&out), STR("[]")));
    buf_clear(&out);
    assert_int_equal(audit_checkpoint(fixture->audit, fixture->store, STR("nobody"), &out, &fault),
                     FAULT_NOT_FOUND);
    buf_done(&out);
}

static void audit_append__refuses_a_tenant_that_would_break_the_note(void **state)
{
    struct fixture *fixture = *state;
    char long_name[66];
    memset(long_name, 'a', sizeof long_name);
    const struct str wrong[] = {
        STR(""),    STR("a b"),  STR("a+b"),      STR("a\nb"),
        STR("a/b"), STR("a\0b"), STR("\xc3\xbc"), {long_name, 65},
    };
    struct buf note;
    struct fault fault;
    int64_t index = 77;
    buf_init(&note, 1000);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct audit_record record = {.action = "a", .result = "failure", .tenant = wrong[i]};
        assert_int_equal(append(fixture, &record, &index, &note, &fault), FAULT_INPUT);
        assert_string_equal(fault.field, "tenant");
    }
    assert_int_equal(index, 77);
    assert_int_equal(note.len, 0);
    struct audit_record longest = {
        .action = "a", .result = "failure", .tenant = {long_name, AUDIT_TENANT_MAX}};
    good(append(fixture, &longest, &index, &note, &fault), &fault);
    buf_done(&note);
}

static void audit_append__refuses_a_record_over_the_limit(void **state)
{
    struct fixture *fixture = *state;
    static char big[AUDIT_ENTRY_MAX];
    memset(big, 'x', sizeof big);
    struct audit_record record = {
        .action = "a", .result = "success", .tenant = STR("acme"), .reason = {big, sizeof big}};
    struct buf out;
    struct fault fault;
    int64_t index = 77;
    buf_init(&out, 100000);
    assert_int_equal(append(fixture, &record, &index, &out, &fault), FAULT_LIMIT);
    assert_string_equal(fault.text, "the audit record is over the limit of 61440 bytes");
    assert_int_equal(index, 77);
    record.reason.len = sizeof big - 200;
    good(append(fixture, &record, &index, &out, &fault), &fault);
    buf_clear(&out);
    good(audit_tile(fixture->store, STR("acme"), STR("entries/000.p/1"), &out, &fault), &fault);
    assert_int_equal((uint8_t)out.ptr[0] << 8 | (uint8_t)out.ptr[1], out.len - 2);
    buf_done(&out);
}

static void audit_append__refuses_a_checkpoint_that_finds_no_room(void **state)
{
    struct fixture *fixture = *state;
    struct audit_record record = {.action = "a", .result = "success", .tenant = STR("acme")};
    struct buf note;
    struct fault fault;
    int64_t index = 77;
    buf_init(&note, 10);
    assert_int_equal(append(fixture, &record, &index, &note, &fault), FAULT_LIMIT);
    assert_int_equal(index, 77);
    assert_int_equal(note.len, 0);
    buf_done(&note);
}

static void audit_append__never_signs_a_history_that_was_rewritten(void **state)
{
    struct fixture *fixture = *state;
    struct audit_record record = {.action = "a", .result = "success", .tenant = STR("acme")};
    struct buf note;
    struct fault fault;
    int64_t index;
    buf_init(&note, 1000);
    fixture_append(fixture, STR("acme"), 2, true);
    fixture_append(fixture, STR("other"), 2, true);
    /* All that can be changed without the key: here a whole head of another log. */
    fixture_tamper(fixture, "UPDATE audit_heads SET root = o.root, edge = o.edge, size = o.size "
                            "FROM audit_heads o WHERE o.tenant = 'other' "
                            "AND audit_heads.tenant = 'acme'");
    assert_int_equal(append(fixture, &record, &index, &note, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "tenant acme: the head of 2 records is not signed"));
    fixture_tamper(fixture, "UPDATE audit_heads SET checkpoint = o.checkpoint "
                            "FROM audit_heads o WHERE o.tenant = 'other' "
                            "AND audit_heads.tenant = 'acme'");
    assert_int_equal(append(fixture, &record, &index, &note, &fault), FAULT_CORRUPT);
    fixture_tamper(fixture, "UPDATE audit_heads SET edge = x'00'");
    assert_int_equal(append(fixture, &record, &index, &note, &fault), FAULT_CORRUPT);
    fixture_tamper(fixture, "DELETE FROM audit_heads WHERE tenant = 'acme'");
    assert_int_equal(append(fixture, &record, &index, &note, &fault), FAULT_CORRUPT);
    assert_string_equal(fault.text,
                        "tenant acme: record 0 is stored, but the log's head does not know it");
    assert_int_equal(note.len, 0);
    buf_done(&note);
}

static void audit_list__goes_back_page_by_page(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    struct fault fault;
    buf_init(&out, 10000);
    fixture_append(fixture, STR("acme"), 5, false);
    good(audit_list(fixture->store, STR("acme"), -1, 2, &out, &fault), &fault);
    assert_true(str_starts(buf_str(&out), STR("[{\"index\":4,")));
    assert_true(str_find(buf_str(&out), STR("{\"index\":3,")) < out.len);
    assert_true(str_find(buf_str(&out), STR("{\"index\":2,")) == out.len);
    good(json_check(buf_str(&out), &fault), &fault);
    buf_clear(&out);
    good(audit_list(fixture->store, STR("acme"), 1, 500, &out, &fault), &fault);
    assert_true(str_starts(buf_str(&out), STR("[{\"index\":0,")));
    buf_clear(&out);
    good(audit_list(fixture->store, STR("acme"), 0, 500, &out, &fault), &fault);
    assert_true(str_equal(buf_str(&out), STR("[]")));

    buf_clear(&out);
    fixture_tamper(fixture, "UPDATE audit_entries SET entry = x'7b22' WHERE idx = 3");
    assert_int_equal(audit_list(fixture->store, STR("acme"), -1, 10, &out, &fault), FAULT_CORRUPT);
    assert_string_equal(fault.text, "tenant acme: record 3 is not JSON");
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void audit_tile__gives_hashes_and_records_up_to_the_end_only(void **state)
{
    struct fixture *fixture = *state;
    static const char *const there[] = {
        "0/000",     "0/001.p/44",  "0/001.p/1",        "0/000.p/9",
        "1/000.p/1", "entries/000", "entries/001.p/44", "entries/000.p/255"};
    static const char *const beyond[] = {"0/001",
                                         "0/001.p/45",
                                         "1/000",
                                         "1/000.p/2",
                                         "0/002",
                                         "2/000.p/1",
                                         "entries/001",
                                         "entries/001.p/45",
                                         "9/000",
                                         "63/000",
                                         "0/x999/x999/x999/x999/x999/999"};
    struct buf out;
    struct fault fault;
    buf_init(&out, 1 << 20);
    fixture_append(fixture, STR("acme"), 300, false);
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
        buf_clear(&out);
        good(audit_tile(fixture->store, STR("acme"), str_of(there[i]), &out, &fault), &fault);
        assert_true(out.len > 0);
    }
    buf_clear(&out);
    buf_add(&out, STR("kept"));
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        enum fault_code code =
            audit_tile(fixture->store, STR("acme"), str_of(beyond[i]), &out, &fault);
        if (code != FAULT_NOT_FOUND)
            fail_msg("%s gave %d", beyond[i], code);
    }
    assert_int_equal(audit_tile(fixture->store, STR("none"), STR("0/000.p/1"), &out, &fault),
                     FAULT_NOT_FOUND);
    assert_int_equal(audit_tile(fixture->store, STR("acme"), STR("0/0"), &out, &fault),
                     FAULT_INPUT);
    assert_string_equal(fault.field, "tile");

    /* The hash of level 1 is the root of the first 256 of level 0. */
    buf_clear(&out);
    good(audit_tile(fixture->store, STR("acme"), STR("0/000"), &out, &fault), &fault);
    assert_int_equal(out.len, 256 * SHA256_SIZE);
    struct merkle_range range = {.size = 0};
    struct sha256 made[MERKLE_HEIGHTS];
    for (int i = 0; i < 256; i++) {
        struct sha256 hash;
        memcpy(hash.bytes, out.ptr + i * SHA256_SIZE, SHA256_SIZE);
        merkle_append(&range, &hash, made);
    }
    struct sha256 root = merkle_root(&range);
    buf_clear(&out);
    good(audit_tile(fixture->store, STR("acme"), STR("1/000.p/1"), &out, &fault), &fault);
    assert_int_equal(out.len, SHA256_SIZE);
    assert_memory_equal(out.ptr, root.bytes, SHA256_SIZE);

    fixture_tamper(fixture, "DELETE FROM audit_hashes WHERE level = 0 AND idx = 7");
    assert_int_equal(audit_tile(fixture->store, STR("acme"), STR("0/000"), &out, &fault),
                     FAULT_CORRUPT);
    assert_int_equal(out.len, SHA256_SIZE);
    buf_done(&out);
}

static void audit_proofs__hold_for_every_size(void **state)
{
    struct fixture *fixture = *state;
    enum { SIZE = 270 };
    static struct sha256 leaves[SIZE];
    static struct sha256 roots[SIZE + 1];
    struct merkle_range range = {.size = 0};
    struct buf tile;
    struct fault fault;
    buf_init(&tile, 1 << 20);
    fixture_append(fixture, STR("acme"), SIZE, false);
    good(audit_tile(fixture->store, STR("acme"), STR("0/000"), &tile, &fault), &fault);
    good(audit_tile(fixture->store, STR("acme"), STR("0/001.p/14"), &tile, &fault), &fault);
    for (int i = 0; i < SIZE; i++) {
        struct sha256 made[MERKLE_HEIGHTS];
        memcpy(leaves[i].bytes, tile.ptr + i * SHA256_SIZE, SHA256_SIZE);
        merkle_append(&range, &leaves[i], made);
        roots[i + 1] = merkle_root(&range);
    }
    struct merkle_proof proof;
    for (int64_t size = 1; size <= SIZE; size += 13) {
        for (int64_t index = 0; index < size; index += 7) {
            good(audit_inclusion(fixture->store, STR("acme"), index, size, &proof, &fault), &fault);
            assert_true(merkle_verify_inclusion((uint64_t)index, (uint64_t)size, &leaves[index],
                                                &proof, &roots[size]));
        }
        good(audit_consistency(fixture->store, STR("acme"), size, SIZE, &proof, &fault), &fault);
        assert_true(
            merkle_verify_consistency((uint64_t)size, SIZE, &roots[size], &roots[SIZE], &proof));
    }
    struct store *store = fixture->store;
    assert_int_equal(audit_inclusion(store, STR("acme"), -1, 2, &proof, &fault), FAULT_INPUT);
    assert_int_equal(audit_inclusion(store, STR("acme"), 2, 2, &proof, &fault), FAULT_INPUT);
    assert_int_equal(audit_inclusion(store, STR("acme"), INT64_MAX, INT64_MAX, &proof, &fault),
                     FAULT_INPUT);
    assert_int_equal(audit_inclusion(store, STR("acme"), 0, SIZE + 1, &proof, &fault),
                     FAULT_NOT_FOUND);
    assert_int_equal(audit_inclusion(store, STR("none"), 0, 1, &proof, &fault), FAULT_NOT_FOUND);
    assert_int_equal(audit_consistency(store, STR("acme"), 0, 1, &proof, &fault), FAULT_INPUT);
    assert_int_equal(audit_consistency(store, STR("acme"), 5, 4, &proof, &fault), FAULT_INPUT);
    assert_int_equal(audit_consistency(store, STR("acme"), 5, SIZE + 1, &proof, &fault),
                     FAULT_NOT_FOUND);
    buf_done(&tile);
}

static void audit_open__keeps_one_key_and_says_when_it_is_lost_or_another(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    struct audit *audit = NULL;
    struct stat info;
    assert_int_equal(stat(fixture->key, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    fixture_append(fixture, STR("acme"), 2, true);
    fixture_close(fixture);
    fixture_open(fixture);
    fixture_append(fixture, STR("acme"), 1, true);

    struct buf key;
    struct buf vkey;
    buf_init(&key, 1000);
    buf_init(&vkey, 1000);
    good(file_read(fixture->key, &key, &fault), &fault);
    good(file_read(fixture->vkey, &vkey, &fault), &fault);
    assert_true(str_starts(buf_str(&vkey), STR("intelgraphd/_service+")));

    /* Lost. */
    unlink(fixture->key);
    assert_int_equal(audit_open(fixture->folder, fixture->store, &audit, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "audit.key is missing while the log holds records"));
    assert_int_equal(access(fixture->key, F_OK), -1);

    /* Another key, its verifier key beside it or not. */
    struct sign_key *other;
    good(sign_key_new(&other, &fault), &fault);
    good(sign_key_save(other, fixture->key, &fault), &fault);
    sign_key_free(other);
    assert_int_equal(audit_open(fixture->folder, fixture->store, &audit, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "is not signed by this log's key"));
    assert_non_null(strstr(fault.text, fixture->key));
    unlink(fixture->vkey);
    assert_int_equal(audit_open(fixture->folder, fixture->store, &audit, &fault), FAULT_CORRUPT);
    assert_int_equal(access(fixture->vkey, F_OK), -1);

    /* Damaged. */
    good(file_replace(fixture->key, STR("no key"), 0600, &fault), &fault);
    assert_int_equal(audit_open(fixture->folder, fixture->store, &audit, &fault), FAULT_CORRUPT);
    assert_null(audit);

    /* The right key beside another's verifier key. */
    good(file_replace(fixture->key, buf_str(&key), 0600, &fault), &fault);
    good(file_replace(fixture->vkey, STR("intelgraphd/_service+00000000+AAAA\n"), 0644, &fault),
         &fault);
    assert_int_equal(audit_open(fixture->folder, fixture->store, &audit, &fault), FAULT_CORRUPT);
    assert_non_null(strstr(fault.text, "is not the one that"));

    good(file_replace(fixture->vkey, buf_str(&vkey), 0644, &fault), &fault);
    good(audit_open(fixture->folder, fixture->store, &audit, &fault), &fault);
    audit_close(audit);
    audit_close(NULL);
    buf_done(&key);
    buf_done(&vkey);
}

struct writer {
    pthread_t thread;
    struct fixture *fixture;
    int failures;
};

static void *write_records(void *argument)
{
    struct writer *writer = argument;
    struct audit_record record = {.action = "a", .result = "success", .tenant = STR("acme")};
    struct store *store = NULL;
    struct fault fault;
    struct buf note;
    buf_init(&note, 1000);
    enum fault_code code = store_open(writer->fixture->file, &store, &fault);
    for (int i = 0; i < 25 && code == FAULT_NONE; i++) {
        int64_t index;
        buf_clear(&note);
        code = store_begin(store, &fault);
        if (code == FAULT_NONE)
            code = audit_append(writer->fixture->audit, store, &record, &index, &note, &fault);
        if (code == FAULT_NONE && i % 5 == 4)
            store_rollback(store); /* taken back: the next one gets the same index */
        else if (code == FAULT_NONE)
            code = store_commit(store, &fault);
    }
    writer->failures = code != FAULT_NONE;
    store_close(store);
    buf_done(&note);
    return NULL;
}

static void audit_append__from_several_threads_makes_one_log_without_gaps(void **state)
{
    struct fixture *fixture = *state;
    struct writer writers[4] = {0};
    struct buf verdict;
    struct fault fault;
    buf_init(&verdict, 1000);
    for (int i = 0; i < 4; i++) {
        writers[i].fixture = fixture;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_records, &writers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failures, 0);
    }
    good(audit_verify(fixture->audit, fixture->store, NULL, &verdict, &fault), &fault);
    assert_true(str_starts(buf_str(&verdict), STR("good  tenant acme: 80 records")));
    buf_done(&verdict);
}

static void audit_export__says_what_it_cannot_write(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault;
    char folder[256];
    snprintf(folder, sizeof folder, "%s/log", fixture->folder);
    assert_int_equal(audit_export(fixture->store, STR("acme"), folder, &fault), FAULT_NOT_FOUND);
    assert_int_equal(access(folder, F_OK), -1);
    fixture_append(fixture, STR("acme"), 3, false);
    assert_int_equal(audit_export(fixture->store, STR("acme"), fixture->vkey, &fault), FAULT_IO);
    assert_non_null(strstr(fault.text, fixture->vkey));
    assert_false(store_is_writing(fixture->store));
    fixture_append(fixture, STR("acme"), 1, true);
}

static int64_t left_before_refusal;

static void *refusing_resize(void *ptr, size_t size)
{
    if (size > 0 && left_before_refusal-- == 0)
        return NULL;
    return os_posix.resize(ptr, size);
}

static void audit_append__survives_every_refused_allocation(void **state)
{
    struct fixture *fixture = *state;
    struct audit_record record = {.action = "a", .result = "success", .tenant = STR("acme")};
    struct os_platform refusing = os_posix;
    struct buf verdict;
    struct fault fault;
    refusing.resize = refusing_resize;
    buf_init(&verdict, 10000);
    fixture_append(fixture, STR("acme"), 1, true);
    int64_t records = 1;
    bool reached = true;
    for (int n = 0; reached; n++) {
        struct buf note;
        int64_t index = -1;
        buf_init(&note, 1000);
        fixture_close(fixture); /* so that each statement is prepared anew */
        fixture_open(fixture);
        good(store_begin(fixture->store, &fault), &fault);
        left_before_refusal = n;
        os_platform_set(&refusing);
        enum fault_code code =
            audit_append(fixture->audit, fixture->store, &record, &index, &note, &fault);
        os_platform_set(&os_posix);
        reached = left_before_refusal < 0;
        if (code == FAULT_NONE) {
            good(store_commit(fixture->store, &fault), &fault);
            assert_int_equal(index, records++);
        } else {
            store_rollback(fixture->store);
            assert_int_equal(code, FAULT_NO_MEMORY);
            assert_int_equal(index, -1);
            assert_int_equal(note.len, 0);
        }
        buf_done(&note);
        assert_true(n < 2000);
    }
    char expected[64];
    snprintf(expected, sizeof expected, "good  tenant acme: %d records", (int)records);
    good(audit_verify(fixture->audit, fixture->store, NULL, &verdict, &fault), &fault);
    assert_true(str_starts(buf_str(&verdict), str_of(expected)));
    buf_done(&verdict);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_remove)
    const struct CMUnitTest tests[] = {
        TEST(audit_append__writes_what_happened_and_leaves_out_what_is_empty),
        TEST(audit_append__gives_a_signed_note_of_the_published_form),
        TEST(audit_append__rolled_back_leaves_the_log_as_it_was),
        TEST(audit_append__keeps_tenants_apart),
        TEST(audit_append__refuses_a_tenant_that_would_break_the_note),
        TEST(audit_append__refuses_a_record_over_the_limit),
        TEST(audit_append__refuses_a_checkpoint_that_finds_no_room),
        TEST(audit_append__never_signs_a_history_that_was_rewritten),
        TEST(audit_list__goes_back_page_by_page),
        TEST(audit_tile__gives_hashes_and_records_up_to_the_end_only),
        TEST(audit_proofs__hold_for_every_size),
        TEST(audit_open__keeps_one_key_and_says_when_it_is_lost_or_another),
        TEST(audit_append__from_several_threads_makes_one_log_without_gaps),
        TEST(audit_export__says_what_it_cannot_write),
        TEST(audit_append__survives_every_refused_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
