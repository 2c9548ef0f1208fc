#include "libs/wire/handoff.h"

#include <string.h>

enum fault_code wire_handoff_id(struct str tenant, struct str sid, struct str command,
                                struct str target, char out[WIRE_ID_HEX + 1], struct fault *fault)
{
    struct sha256_state *state = sha256_new();
    if (!state)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the id of a hand-off");
    sha256_add_sized(state, tenant);
    sha256_add_sized(state, sid);
    sha256_add_sized(state, command);
    sha256_add_sized(state, target);
    struct sha256 digest = sha256_end(state);
    hex_of(digest.bytes, WIRE_ID_HEX / 2, out);
    return FAULT_NONE;
}

bool wire_next_line(struct str *body, struct str *out_line)
{
    struct str rest = *body;
    if (rest.len == 0)
        return false;
    str_cut(rest, '\n', out_line, body);
    return true;
}

/* Bytes of the character that s begins with, or 0 when it is none. */
static size_t character_len(struct str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++)
        if (str_is_utf8(str_take(s, len)))
            return len;
    return 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool is_fit(struct str text, size_t most)
{
    if (text.len > most || !str_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (is_control(text.ptr[i]))
            return false;
    return true;
}

struct str wire_fit(struct str text, size_t most, char *room)
{
    size_t used = 0;
    if (is_fit(text, most))
        return text;
    while (text.len > 0) {
        size_t len = character_len(text);
        struct str piece = len ? str_take(text, len) : STR("\xef\xbf\xbd");
        if (is_control(text.ptr[0]))
            piece = STR(" ");
        if (used + piece.len > most)
            break;
        memcpy(room + used, piece.ptr, piece.len);
        used += piece.len;
        text = str_skip(text, len ? len : 1);
    }
    return (struct str){room, used};
}
