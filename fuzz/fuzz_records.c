/* What the app reads of GET /v1/audit/handoffs: a page that is taken is written back and read as
 * the same; one that is refused says why and leaves what was there. */
#include <assert.h>

#include "libs/wire/audit.h"

enum { LIMIT = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_page(struct buf *buf, const struct wire_audit_page *page)
{
    struct json_out out = json_out_to(buf);
    wire_audit_open(&out, page->size, page->checkpoint, page->key);
    for (size_t i = 0; i < page->count; i++)
        wire_audit_put(&out, &page->records[i]);
    wire_audit_close(&out, page->next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct wire_audit_page page = {.size = -7};
    struct wire_audit_page again;
    struct merkle_proof proof = {.count = -7};
    struct fault fault = {0};
    struct arena arena;
    struct buf once;
    struct buf twice;
    arena_init(&arena, LIMIT);
    buf_init(&once, LIMIT);
    buf_init(&twice, LIMIT);
    if (wire_read_audit_page(&arena, text, &page, &fault) == FAULT_NONE) {
        assert(page.size >= 0 && page.count <= WIRE_AUDIT_RECORDS_MAX);
        write_page(&once, &page);
        enum fault_code code = wire_read_audit_page(&arena, buf_str(&once), &again, &fault);
        assert(code == FAULT_NONE);
        write_page(&twice, &again);
        assert(str_equal(buf_str(&once), buf_str(&twice)));
    } else {
        assert(page.size == -7 && fault.text[0] != '\0');
    }
    fault.text[0] = '\0';
    if (wire_read_consistency(&arena, text, 1, 2, &proof, &fault) != FAULT_NONE)
        assert(proof.count == -7 && fault.text[0] != '\0');
    else
        assert(proof.count >= 0 && proof.count <= MERKLE_PROOF_MAX);
    arena_done(&arena);
    buf_done(&once);
    buf_done(&twice);
    return 0;
}
