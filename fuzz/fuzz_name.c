/* Domain names and URLs have one spelling: capitals in what has none, a final dot, blanks around it
 * change nothing. The first byte chooses: `A` reads a domain, `B` a URL. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "libs/graph/normalise.h"

enum { ROOM = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct graph_value *a, const struct graph_value *b)
{
    return a->kind == b->kind && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Reads `text` with `before` and `after` around it; it must be the same value. */
static void check_around(int type, const struct graph_value *value, struct str text,
                         const char *before, const char *after)
{
    static struct graph_value again;
    char room[GRAPH_VALUE_MAX + 8];
    size_t start = strlen(before);
    size_t end = strlen(after);
    if (text.len + start + end > GRAPH_VALUE_MAX)
        return;
    memcpy(room, before, start);
    memcpy(room + start, text.ptr, text.len);
    memcpy(room + start + text.len, after, end);
    struct str whole = {room, start + text.len + end};
    assert(graph_normalise(type, whole, &again) == GRAPH_VALUE_GOOD && same(value, &again));
}

static void check_upper(int type, const struct graph_value *value, size_t count)
{
    static struct graph_value again;
    char room[GRAPH_VALUE_MAX];
    for (size_t i = 0; i < value->len; i++)
        room[i] = i < count ? upper(value->text[i]) : value->text[i];
    struct str shout = {room, value->len};
    assert(graph_normalise(type, shout, &again) == GRAPH_VALUE_GOOD && same(value, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct graph_value value;
    if (size < 2 || size > ROOM)
        return 0;
    struct str raw = {(const char *)data + 1, size - 1};
    int type = data[0] % 2 ? GRAPH_DOMAIN : GRAPH_URL;
    if (graph_normalise(type, raw, &value) != GRAPH_VALUE_GOOD)
        return 0;
    struct str normal = {value.text, value.len};
    check_around(type, &value, (struct str){value.text, value.len}, " \t", "\r\n");
    if (type == GRAPH_DOMAIN) {
        check_upper(type, &value, value.len);
        if (value.len > 3 && value.len < 250) /* "n.a." says that there is none */
            check_around(type, &value, (struct str){value.text, value.len}, "", ".");
    } else {
        size_t colon = str_find_byte(normal, ':');
        bool scheme = str_find(normal, STR("://")) == colon && colon < str_find_byte(normal, '/');
        check_upper(type, &value, scheme ? colon : 0);
    }
    return 0;
}
