/* What splunkd writes before a body: getinfo and execute metadata. A refusal has its sentence, and
 * arguments that were taken have one canonical spelling, which reads back as itself. */
#include <assert.h>
#include <string.h>

#include "integrations/splunk-app/native/handoff/args.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Splits the canonical spelling into words as splunkd would: at blanks outside of quotes, quotes
 * and their backslashes gone. */
static void split(struct str text, struct arena *arena, struct scp_getinfo *info)
{
    char *room = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    size_t start = 0;
    bool quoted = false;
    assert(room);
    info->arg_count = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : ' ';
        if (c == ' ' && !quoted) {
            if (start > 0) /* the first word is the command */
                info->args[info->arg_count++] = (struct str){room + start, len - start};
            room[len++] = ' ';
            start = len;
        } else if (c == '"') {
            quoted = !quoted;
        } else {
            i += c == '\\' && quoted;
            room[len++] = text.ptr[i];
        }
    }
}

static void check_canonical(const struct args *args, struct arena *arena)
{
    static struct scp_getinfo info;
    static struct args again;
    struct fault fault;
    struct buf once;
    struct buf twice;
    for (size_t i = 0; i < args->field_count; i++) /* names that splunkd would quote */
        if (memchr(args->fields[i].ptr, '"', args->fields[i].len))
            return;
    buf_init(&once, 1 << 20);
    buf_init(&twice, 1 << 20);
    args_add_canonical(args, &once);
    split(buf_str(&once), arena, &info);
    enum fault_code code = args_read(&info, &again, &fault);
    assert(code == FAULT_NONE);
    args_add_canonical(&again, &twice);
    assert(str_equal(buf_str(&once), buf_str(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scp_getinfo info;
    static struct args args;
    struct str text = {(const char *)data, size};
    struct scp_metadata metadata;
    struct arena arena;
    struct fault fault = {0};
    arena_init(&arena, 64 << 20);
    if (scp_metadata_read(&arena, text, &metadata, &fault) != FAULT_NONE)
        assert(fault.text[0] != '\0');
    if (scp_getinfo_read(&arena, text, &info, &fault) == FAULT_NONE) {
        if (args_read(&info, &args, &fault) == FAULT_NONE)
            check_canonical(&args, &arena);
        else
            assert(fault.field[0] != '\0' && fault.text[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
