/* What splunkd and an admin write: getinfo and execute metadata, conf files, multivalue fields. No
 * crash, and a multivalue field that was read writes back to itself. The first byte chooses the
 * reader. */
#include <assert.h>

#include "integrations/splunk-app/native/args.h"
#include "libs/core/buf.h"
#include "libs/scp/conf.h"
#include "libs/scp/multivalue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_metadata(struct arena *arena, struct str text)
{
    static struct scp_getinfo info;
    struct scp_metadata metadata;
    static struct args args;
    struct fault fault;
    if (scp_metadata_read(arena, text, &metadata, &fault) != FAULT_NONE)
        assert(fault.text[0] != '\0');
    if (scp_getinfo_read(arena, text, &info, &fault) == FAULT_NONE &&
        args_read(&info, &args, &fault) != FAULT_NONE)
        assert(fault.field[0] != '\0');
}

static void read_conf(struct arena *arena, struct str text)
{
    struct scp_conf conf;
    struct fault fault;
    struct str value;
    scp_conf_init(&conf, arena);
    if (scp_conf_add(&conf, "fuzz.conf", text, &fault) == FAULT_NONE)
        scp_conf_get(&conf, STR("a"), STR("b"), &value);
}

static void read_multivalue(struct arena *arena, struct str text)
{
    struct str rest = text;
    struct str value;
    struct buf again;
    struct fault fault;
    bool more = true;
    enum fault_code code = FAULT_NONE;
    buf_init(&again, 2 * text.len + 16);
    while (code == FAULT_NONE && more) {
        code = scp_multivalue_next(&rest, arena, &value, &more, &fault);
        if (code != FAULT_NONE || !more)
            break;
        buf_add_c(&again, again.len ? ";$" : "$");
        for (size_t i = 0; i < value.len; i++) {
            buf_add_byte(&again, value.ptr[i]);
            if (value.ptr[i] == '$')
                buf_add_byte(&again, '$');
        }
        buf_add_byte(&again, '$');
    }
    if (code == FAULT_NONE)
        assert(str_equal(buf_str(&again), text));
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    arena_init(&arena, 64 << 20);
    if (data[0] % 3 == 0)
        read_metadata(&arena, text);
    else if (data[0] % 3 == 1)
        read_conf(&arena, text);
    else
        read_multivalue(&arena, text);
    arena_done(&arena);
    return 0;
}
