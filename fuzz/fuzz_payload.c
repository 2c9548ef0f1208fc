/* An alert action's payload: a refusal has its sentence, what was read stays within its limits, and
 * the first row, which is passed over, makes no difference. */
#include <assert.h>
#include <string.h>

#include "integrations/splunk-app/native/alert/alert_payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parameters(const struct alert_payload *payload, struct arena *arena)
{
    static struct args args;
    struct fault fault = {0};
    struct buf canonical;
    if (alert_payload_parameters(payload, arena, &args, &fault) != FAULT_NONE) {
        assert(fault.text[0] != '\0');
        return;
    }
    assert(args.title.len <= ARGS_TEXT_MAX && str_is_utf8(args.title));
    assert(args.max_entities >= 0 && args.max_entities <= 100000);
    buf_init(&canonical, 1 << 20);
    alert_payload_add_canonical(payload, &args, &canonical);
    assert(str_starts(buf_str(&canonical), STR("sendalert send_to_intelgraph")));
    buf_done(&canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alert_payload payload;
    struct arena arena;
    struct fault fault = {0};
    arena_init(&arena, 64 << 20);
    enum fault_code code =
        alert_payload_read(&arena, (struct str){(const char *)data, size}, &payload, &fault);
    if (code == FAULT_NONE) {
        assert(payload.sid.len > 0 && payload.results_file.len > 0);
        assert(payload.result_id.len == 0 || payload.per_result);
        check_parameters(&payload, &arena);
    } else {
        assert(fault.text[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
