/* What a service says of its log, and what was kept of it, before a key that neither can have
 * signed with: whatever is said, nothing is verified, and every doubt has a reason. The input is
 * the page, a NUL, and lines of intelgraph_audit.log. */
#include <assert.h>

#include "integrations/splunk-app/native/audit/proof.h"

enum { LIMIT = 32 << 20 };

/* Of a seed that is nowhere else. */
static const char pinned[] = "intelgraphd/acme+";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_key(struct buf *out)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {0x5e, 0xed, 0x0f, 0x70, 0x0f};
    struct sign_key *key;
    struct fault fault;
    enum fault_code code = sign_key_of_seed(seed, &key, &fault);
    assert(code == FAULT_NONE);
    struct sign_public public_key = sign_key_public(key);
    buf_init(out, NOTE_VKEY_MAX);
    note_add_vkey(&public_key, STR("acme"), out);
    assert(str_starts(buf_str(out), str_of(pinned)));
    sign_key_free(key);
}

static void check_kept(const struct kept_list *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        const struct kept *item = &kept->items[i];
        assert(item->index >= 0 && item->note.len > 0);
        assert(i == 0 || kept->items[i - 1].index <= item->index);
        assert(kept_find(kept, item->index)->index == item->index);
    }
    assert(kept->count == 0 || kept_newest(kept) == &kept->items[kept->count - 1]);
}

static void judge(struct str key, const struct wire_audit_page *page, const struct kept_list *kept,
                  struct arena *arena)
{
    struct proof_log log;
    struct fault fault;
    int64_t from;
    bool holds = proof_open(STR("acme"), key, page, &log);
    /* Only of a log without a head is there nothing to doubt. */
    assert(!holds || (page->size == 0 && page->checkpoint.len == 0));
    assert(holds || log.reason[0]);
    if (proof_needs_consistency(&log, kept, &from))
        assert(kept->count == 0);
    for (size_t i = 0; i < page->count; i++) {
        struct proof_record record;
        enum fault_code code = proof_check(&log, kept, &page->records[i], arena, &record, &fault);
        assert(code == FAULT_NONE && !record.verified && record.reason[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf key;
    struct str all = {(const char *)data, size};
    struct str text;
    struct str lines;
    struct wire_audit_page page;
    struct kept_list kept;
    struct fault fault;
    struct arena arena;
    if (!key.ptr)
        make_key(&key);
    str_cut(all, '\0', &text, &lines);
    arena_init(&arena, LIMIT);
    if (kept_of_text(lines, STR("acme"), STR("https://ig.example/"), &kept, &fault) == FAULT_NONE) {
        check_kept(&kept);
        if (wire_read_audit_page(&arena, text, &page, &fault) == FAULT_NONE)
            judge(buf_str(&key), &page, &kept, &arena);
        kept_done(&kept);
    }
    arena_done(&arena);
    return 0;
}
