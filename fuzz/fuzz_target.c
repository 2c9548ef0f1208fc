/* Request targets: no crash, no control character or foreign byte gets through, segments and path
 * say the same, a match gives parts of the path, and a query member is found decoded. */
#include "service/web/web_target.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {
    "/", "/v1/handoffs", "/v1/handoffs/{}/parts/{}", "/v1/audit/log/{}/tile/{*}", "/{*}",
};

static void check_text(struct str text)
{
    assert(str_is_utf8(text));
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
}

static void check_segments(const struct web_target *target)
{
    size_t at = 0;
    for (size_t i = 0; i < target->segment_count; i++) {
        struct str segment = target->segments[i];
        struct str rest = str_skip(target->path, at);
        assert(str_starts(rest, STR("/")) && str_starts(str_skip(rest, 1), segment));
        assert(!str_equal(segment, STR(".")) && !str_equal(segment, STR("..")));
        at += 1 + segment.len;
    }
    assert(at == target->path.len);
}

static void check_query(struct arena *arena, struct str query)
{
    static struct web_request request;
    struct fault fault = {0};
    int64_t whole = -7;
    memset(&request, 0, sizeof request);
    request.arena = arena;
    request.query = query;
    check_text(web_query(&request, "q"));
    enum fault_code code = web_query_whole(&request, "limit", 1, 1000, 100, &whole, &fault);
    if (code == FAULT_NONE)
        assert(whole >= 1 && whole <= 1000);
    else
        assert(whole == -7 && strcmp(fault.field, "limit") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str raw = {(const char *)data, size};
    struct web_target target = {.segment_count = 99};
    struct fault fault = {0};
    struct arena arena;
    arena_init(&arena, 4 << 20);
    if (size <= WEB_TARGET_MAX && web_target_read(&arena, raw, &target, &fault) == FAULT_NONE) {
        assert(target.segment_count >= 1 && target.segment_count <= WEB_SEGMENTS_MAX);
        check_text(target.path);
        check_segments(&target);
        check_query(&arena, target.query);
        for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
            struct str parts[WEB_PARTS_MAX] = {{0}};
            if (web_target_matches(&target, patterns[i], parts))
                for (size_t j = 0; j < WEB_PARTS_MAX && parts[j].len > 0; j++)
                    assert(str_find(target.path, parts[j]) + parts[j].len <= target.path.len);
        }
    } else {
        assert(target.segment_count == 99);
    }
    arena_done(&arena);
    return 0;
}
