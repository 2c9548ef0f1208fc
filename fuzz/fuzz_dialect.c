/* The translation of SQL texts: what holds none of the words that it knows stays as it is, byte for
 * byte, and nothing grows beyond what each word may become. */
#include "libs/store/store_dialect.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_a_known_word(struct str text)
{
    static const struct str words[] = {STR("CREATE"), STR("INDEXED"), STR("BLOB"), STR("x'"),
                                       STR("-- sqlite:")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_find(text, words[i]) < text.len)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf out;
    struct fault fault;
    buf_init(&out, 5 * size + 64); /* TEXT becomes TEXT COLLATE "C" */
    store_dialect_postgresql(text, &out);
    assert(buf_check(&out, "the translation", &fault) == FAULT_NONE);
    if (!has_a_known_word(text))
        assert(str_equal(buf_str(&out), text));
    buf_done(&out);
    return 0;
}
