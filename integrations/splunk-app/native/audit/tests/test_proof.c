/* A service that lies, in each way we know of: what the proof says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "integrations/splunk-app/native/audit/proof.h"

enum { RECORDS = 13, LEAF_BYTES = 512 };

/* A log as a service holds it. */
struct log {
    struct sign_key *key;
    char vkey[NOTE_VKEY_MAX];
    char leaves[RECORDS][LEAF_BYTES];
    struct sha256 hashes[RECORDS];
    struct buf notes[RECORDS + 1]; /* the signed head of each size */
    struct sha256 roots[RECORDS + 1];
};

static struct log honest;
static struct log forked;  /* from its record 5 on other ones; the same key */
static struct log foreign; /* the same records under another key */

static enum fault_code read_hash(void *context, int height, uint64_t index, struct sha256 *out,
                                 struct fault *fault)
{
    const struct log *log = context;
    struct merkle_range range = {.size = 0};
    struct sha256 made[MERKLE_HEIGHTS];
    (void)fault;
    for (uint64_t i = index << height; i < (index + 1) << height; i++)
        merkle_append(&range, &log->hashes[i], made);
    *out = merkle_root(&range);
    return FAULT_NONE;
}

static void make_leaf(int number, const char *analyst, char out[LEAF_BYTES])
{
    char digest[SHA256_HEX + 1];
    struct sha256 title = sha256_of(STR("Beaconing"));
    hex_of(title.bytes, sizeof title.bytes, digest);
    snprintf(
        out, LEAF_BYTES,
        "{\"version\":1,\"time_us\":%d,\"action\":\"handoff.committed\",\"result\":\"success\","
        "\"tenant\":\"acme\",\"subject\":\"%s\",\"handoff\":\"%032d\",\"sid\":\"1.%d\","
        "\"search_head\":\"sh1\",\"title_sha256\":\"%s\",\"counts\":{\"entities\":3,"
        "\"relations\":2}}",
        1000 + number, analyst, number, number, digest);
}

static void make_log(struct log *log, uint8_t seed_byte, int fork_at)
{
    uint8_t seed[SIGN_SEED_SIZE] = {seed_byte};
    struct fault fault;
    struct merkle_range range = {.size = 0};
    struct sha256 made[MERKLE_HEIGHTS];
    struct buf vkey = {.ptr = log->vkey, .room = sizeof log->vkey, .limit = sizeof log->vkey - 1};
    assert_int_equal(sign_key_of_seed(seed, &log->key, &fault), FAULT_NONE);
    struct sign_public public_key = sign_key_public(log->key);
    note_add_vkey(&public_key, STR("acme"), &vkey);
    log->vkey[vkey.len] = '\0';
    for (int i = 0; i < RECORDS; i++) {
        make_leaf(i, i < fork_at ? "mara" : "theo", log->leaves[i]);
        log->hashes[i] = merkle_leaf(str_of(log->leaves[i]));
        merkle_append(&range, &log->hashes[i], made);
        log->roots[i + 1] = merkle_root(&range);
        struct note_head head = {STR("acme"), i + 1, log->roots[i + 1]};
        buf_init(&log->notes[i + 1], NOTE_MAX);
        assert_int_equal(note_sign(log->key, &head, &log->notes[i + 1], &fault), FAULT_NONE);
    }
}

static void free_log(struct log *log)
{
    for (int i = 1; i <= RECORDS; i++)
        buf_done(&log->notes[i]);
    sign_key_free(log->key);
}

/* What one asks a service for, and what was kept, in memory that lives for a test. */
struct scene {
    struct arena arena;
    struct wire_audit_page page;
    struct kept_list kept;
    struct proof_log log;
};

/* The page of all records of a log of `size`, newest first. */
static void show(struct scene *scene, struct log *log, int size)
{
    struct fault fault;
    struct wire_audit_page *page = &scene->page;
    *page = (struct wire_audit_page){
        .size = size, .checkpoint = buf_str(&log->notes[size]), .key = str_of(log->vkey)};
    page->records = arena_alloc(&scene->arena, RECORDS * sizeof *page->records);
    for (int i = size - 1; i >= 0; i--) {
        struct wire_audit_record *record = &page->records[page->count++];
        *record = (struct wire_audit_record){.index = i,
                                             .leaf = str_of(log->leaves[i]),
                                             .title = STR("Beaconing"),
                                             .has_consistency = true};
        assert_int_equal(merkle_prove_inclusion((uint64_t)i, (uint64_t)size, read_hash, log,
                                                &record->inclusion, &fault),
                         FAULT_NONE);
        assert_int_equal(merkle_prove_consistency((uint64_t)i + 1, (uint64_t)size, read_hash, log,
                                                  &record->consistency, &fault),
                         FAULT_NONE);
    }
}

/* The receipts of the records first..last of a log. */
static void keep(struct scene *scene, const struct log *log, int first, int last)
{
    scene->kept.items = arena_alloc(&scene->arena, RECORDS * sizeof *scene->kept.items);
    scene->kept.count = 0;
    for (int i = first; i <= last; i++) {
        char *handoff = arena_alloc(&scene->arena, 33);
        snprintf(handoff, 33, "%032d", i);
        scene->kept.items[scene->kept.count++] = (struct kept){.index = i,
                                                               .root = log->roots[i + 1],
                                                               .note = buf_str(&log->notes[i + 1]),
                                                               .handoff = str_of(handoff)};
    }
}

/* As igaudit does: head, newest kept head, then each record. Gives how many are verified. */
static int judge(struct scene *scene, struct log *shown, const char *pinned, const char *reason)
{
    struct fault fault;
    int64_t from = 0;
    int good = 0;
    if (proof_open(STR("acme"), str_of(pinned), &scene->page, &scene->log) &&
        proof_needs_consistency(&scene->log, &scene->kept, &from) && from > 0) {
        struct merkle_proof proof;
        assert_int_equal(merkle_prove_consistency((uint64_t)from, (uint64_t)scene->page.size,
                                                  read_hash, shown, &proof, &fault),
                         FAULT_NONE);
        proof_is_consistent(&scene->log, &scene->kept, &proof);
    }
    for (size_t i = 0; i < scene->page.count; i++) {
        struct proof_record record;
        assert_int_equal(proof_check(&scene->log, &scene->kept, &scene->page.records[i],
                                     &scene->arena, &record, &fault),
                         FAULT_NONE);
        good += record.verified;
        if (record.verified)
            assert_string_equal(record.reason, "");
        else if (!reason ||
                 str_find(str_of(record.reason), str_of(reason)) == strlen(record.reason))
            fail_msg("record %d: \"%s\"", (int)scene->page.records[i].index, record.reason);
    }
    return good;
}

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.page = {.size = 0}};
    arena_init(&scene.arena, 16 << 20);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    arena_done(&scene->arena);
    return 0;
}

static void proof__verifies_each_record_of_an_honest_log_of_any_size(void **state)
{
    struct scene *scene = *state;
    for (int size = 1; size <= RECORDS; size++) {
        show(scene, &honest, size);
        keep(scene, &honest, 0, size - 1);
        assert_int_equal(judge(scene, &honest, "", NULL), size);
        assert_int_equal(judge(scene, &honest, honest.vkey, NULL), size);
    }
}

static void proof__verifies_without_anything_kept(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    assert_int_equal(judge(scene, &honest, "", NULL), RECORDS);
}

static void proof__reads_what_the_record_says(void **state)
{
    struct scene *scene = *state;
    struct proof_record record;
    struct fault fault;
    show(scene, &honest, 3);
    assert_true(proof_open(STR("acme"), STR(""), &scene->page, &scene->log));
    assert_int_equal(proof_check(&scene->log, &scene->kept, &scene->page.records[0], &scene->arena,
                                 &record, &fault),
                     FAULT_NONE);
    assert_true(record.verified);
    assert_int_equal(record.time_us, 1002);
    assert_true(str_equal(record.analyst, STR("mara")));
    assert_true(str_equal(record.sid, STR("1.2")));
    assert_true(str_equal(record.search_head, STR("sh1")));
    assert_true(str_equal(record.title, STR("Beaconing")));
    assert_int_equal(record.entities, 3);
    assert_int_equal(record.relations, 2);
}

static void proof__finds_an_edited_record_and_no_other(void **state)
{
    struct scene *scene = *state;
    char edited[LEAF_BYTES];
    show(scene, &honest, RECORDS);
    make_leaf(4, "theo", edited);
    scene->page.records[RECORDS - 1 - 4].leaf = str_of(edited);
    assert_int_equal(judge(scene, &honest, "", "this is not record 4 of the log"), RECORDS - 1);
}

static void proof__finds_a_record_at_a_wrong_index(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    scene->page.records[2].index = 3;
    assert_int_equal(judge(scene, &honest, "", "this is not record 3 of the log"), RECORDS - 1);
    scene->page.records[2].index = RECORDS;
    assert_int_equal(judge(scene, &honest, "", "this is not record 13 of the log"), RECORDS - 1);
}

static void proof__finds_records_that_changed_places(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    struct str leaf = scene->page.records[1].leaf;
    scene->page.records[1].leaf = scene->page.records[2].leaf;
    scene->page.records[2].leaf = leaf;
    assert_int_equal(judge(scene, &honest, "", "of the log: it was edited, moved or put in"),
                     RECORDS - 2);
}

static void proof__finds_a_title_that_is_not_the_one_on_record(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    scene->page.records[0].title = STR("Nothing to see");
    assert_int_equal(judge(scene, &honest, "", "the title is not the one on record"), RECORDS - 1);
}

static void proof__believes_no_head_that_another_key_signed(void **state)
{
    struct scene *scene = *state;
    show(scene, &foreign, RECORDS);
    assert_int_equal(judge(scene, &foreign, honest.vkey, "another key than audit_key"), 0);
    scene->page.key = str_of(honest.vkey);
    assert_int_equal(judge(scene, &foreign, "", "is not signed by the log's key"), 0);
    assert_int_equal(judge(scene, &foreign, honest.vkey, "is not signed by the log's key"), 0);
    show(scene, &foreign, RECORDS);
    keep(scene, &honest, 3, 3);
    assert_int_equal(judge(scene, &foreign, "", "kept is not signed by the key that signs today"),
                     0);
}

static void proof__believes_no_key_of_another_log(void **state)
{
    struct scene *scene = *state;
    char vkey[NOTE_VKEY_MAX];
    struct buf text = {.ptr = vkey, .room = sizeof vkey, .limit = sizeof vkey};
    struct sign_public key = sign_key_public(honest.key);
    note_add_vkey(&key, STR("globex"), &text);
    show(scene, &honest, RECORDS);
    scene->page.key = buf_str(&text);
    assert_int_equal(judge(scene, &honest, "", "is of the log of globex, not of acme"), 0);
    scene->page.key = STR("key");
    assert_int_equal(judge(scene, &honest, "", "tells no verifier key"), 0);
    assert_int_equal(judge(scene, &honest, "igt", "audit_key is no verifier key"), 0);
}

static void proof__believes_no_head_that_was_edited_or_is_not_of_the_proofs(void **state)
{
    struct scene *scene = *state;
    char note[NOTE_MAX];
    show(scene, &honest, RECORDS);
    struct str good = scene->page.checkpoint;
    for (size_t i = 0; i < good.len; i++) {
        memcpy(note, good.ptr, good.len);
        note[i] ^= 1;
        scene->page.checkpoint = (struct str){note, good.len};
        assert_false(proof_open(STR("acme"), STR(""), &scene->page, &scene->log));
        assert_int_not_equal(scene->log.reason[0], '\0');
    }
    scene->page.checkpoint = buf_str(&honest.notes[RECORDS - 1]);
    assert_int_equal(judge(scene, &honest, "", "for another head than the signed one"), 0);
    scene->page.checkpoint = STR("");
    assert_int_equal(judge(scene, &honest, "", "gives no signed head"), 0);
}

static void proof__finds_a_log_that_was_cut(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, 7);
    keep(scene, &honest, 0, 9);
    assert_int_equal(judge(scene, &honest, "",
                           "the log was cut: this search head kept a head of 10"
                           " records, the service shows one of 7"),
                     0);
}

static void proof__finds_a_fork_by_the_newest_kept_head(void **state)
{
    struct scene *scene = *state;
    show(scene, &forked, RECORDS);
    keep(scene, &honest, 8, 8);
    assert_int_equal(judge(scene, &forked, "", "the log was forked or rewritten: its first 9"), 0);
    keep(scene, &honest, RECORDS - 1, RECORDS - 1);
    assert_int_equal(judge(scene, &forked, "", "kept another head of the same 13 records"), 0);
}

static void proof__finds_a_fork_by_the_head_kept_with_the_record(void **state)
{
    struct scene *scene = *state;
    /* The newest head kept is the fork's own: a service that showed two histories. */
    show(scene, &forked, RECORDS);
    keep(scene, &honest, 6, 6);
    scene->kept.items[1] =
        (struct kept){.index = 10, .root = forked.roots[11], .note = buf_str(&forked.notes[11])};
    scene->kept.count = 2;
    assert_int_equal(judge(scene, &forked, "", "the log was forked or rewritten: its first 7"),
                     RECORDS - 1);
}

static void proof__of_a_fork_after_what_was_kept_is_not_to_be_had(void **state)
{
    /* Records 0 to 4 are the same in both: who kept no later head cannot tell. */
    struct scene *scene = *state;
    show(scene, &forked, RECORDS);
    keep(scene, &honest, 0, 4);
    assert_int_equal(judge(scene, &forked, "", NULL), RECORDS);
}

static void proof__is_wanted_for_what_was_kept(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    keep(scene, &honest, 0, 12);
    scene->page.records[0].has_consistency = false;
    assert_int_equal(judge(scene, &honest, "", "does not prove that the head"), RECORDS - 1);
}

static void proof__finds_another_handoff_under_an_acknowledged_index(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    keep(scene, &honest, 0, 12);
    scene->kept.items[3].handoff = STR("0123456789abcdef0123456789abcdef");
    assert_int_equal(judge(scene, &honest, "",
                           "record 3 was of the hand-off 0123456789abcdef0123456789abcdef when"),
                     RECORDS - 1);
}

static void proof__of_a_leaf_that_is_no_json_is_a_sentence_and_no_fault(void **state)
{
    struct scene *scene = *state;
    show(scene, &honest, RECORDS);
    scene->page.records[0].leaf = STR("\xff\x00{");
    assert_int_equal(judge(scene, &honest, "", "this is not record 12 of the log"), RECORDS - 1);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(proof__verifies_each_record_of_an_honest_log_of_any_size),
        IN_SCENE(proof__verifies_without_anything_kept),
        IN_SCENE(proof__reads_what_the_record_says),
        IN_SCENE(proof__finds_an_edited_record_and_no_other),
        IN_SCENE(proof__finds_a_record_at_a_wrong_index),
        IN_SCENE(proof__finds_records_that_changed_places),
        IN_SCENE(proof__finds_a_title_that_is_not_the_one_on_record),
        IN_SCENE(proof__believes_no_head_that_another_key_signed),
        IN_SCENE(proof__believes_no_key_of_another_log),
        IN_SCENE(proof__believes_no_head_that_was_edited_or_is_not_of_the_proofs),
        IN_SCENE(proof__finds_a_log_that_was_cut),
        IN_SCENE(proof__finds_a_fork_by_the_newest_kept_head),
        IN_SCENE(proof__finds_a_fork_by_the_head_kept_with_the_record),
        IN_SCENE(proof__of_a_fork_after_what_was_kept_is_not_to_be_had),
        IN_SCENE(proof__is_wanted_for_what_was_kept),
        IN_SCENE(proof__finds_another_handoff_under_an_acknowledged_index),
        IN_SCENE(proof__of_a_leaf_that_is_no_json_is_a_sentence_and_no_fault),
    };
    make_log(&honest, 7, RECORDS);
    make_log(&forked, 7, 5);
    make_log(&foreign, 8, RECORDS);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_log(&honest);
    free_log(&forked);
    free_log(&foreign);
    return failed;
}
