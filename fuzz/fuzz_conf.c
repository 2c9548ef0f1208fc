/* Conf files: a refusal names file and line; what was read, written in the plainest form, reads as
 * the same. */
#include "libs/scp/conf.h"

#include <assert.h>
#include <string.h>

#include "libs/core/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const stanzas[] = {"default", "a", "instance:default", "handoff"};

enum { STANZAS = sizeof stanzas / sizeof stanzas[0] };

/* The settings in force as a conf text. A line feed within a value stands as a backslash and the
 * line's end; a value that cannot be written so ends the comparison. */
static bool write_conf(const struct scp_conf *conf, struct buf *out)
{
    for (size_t i = 0; i < STANZAS; i++) {
        struct str stanza = str_of(stanzas[i]);
        const struct scp_conf_item *item = NULL;
        if (scp_conf_has_stanza(conf, stanza))
            buf_addf(out, "[%s]\n", stanzas[i]);
        while ((item = scp_conf_next(conf, stanza, item))) {
            struct str key = scp_conf_key(item);
            struct str value;
            bool found = scp_conf_get(conf, stanza, key, &value);
            assert(found);
            if (memchr(value.ptr, '\n', value.len) || memchr(key.ptr, '\n', key.len) ||
                str_ends(value, STR("\\")) || key.ptr[0] == '[' || key.ptr[0] == '#')
                return false;
            buf_add(out, key);
            buf_add_c(out, " = ");
            buf_add(out, value);
            buf_add_byte(out, '\n');
        }
    }
    return true;
}

/* Whether each key that was set has the same value in force in both. */
static void check_same(const struct scp_conf *conf, const struct scp_conf *again)
{
    for (size_t i = 0; i < STANZAS; i++) {
        const struct scp_conf_item *item = NULL;
        struct str stanza = str_of(stanzas[i]);
        while ((item = scp_conf_next(conf, stanza, item))) {
            struct str want;
            struct str got;
            bool found = scp_conf_get(conf, stanza, scp_conf_key(item), &want) &&
                         scp_conf_get(again, stanza, scp_conf_key(item), &got);
            assert(found && str_equal(want, got));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct scp_conf conf;
    struct scp_conf again;
    struct arena arena;
    struct buf once;
    struct fault fault = {0};
    arena_init(&arena, 256 << 20);
    buf_init(&once, 64 << 20);
    scp_conf_init(&conf, &arena);
    scp_conf_init(&again, &arena);
    if (scp_conf_add(&conf, "fuzz.conf", text, &fault) != FAULT_NONE) {
        assert(str_starts(str_of(fault.text), STR("fuzz.conf line ")));
    } else if (size < 4096 && write_conf(&conf, &once)) {
        enum fault_code code = scp_conf_add(&again, "again", buf_str(&once), &fault);
        assert(code == FAULT_NONE);
        check_same(&conf, &again);
    }
    buf_done(&once);
    arena_done(&arena);
    return 0;
}
