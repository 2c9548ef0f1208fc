#include "libs/graph/normalise.h"

#include <string.h>

#include "libs/graph/family.h"

static const char *const type_names[] = {
    [GRAPH_TYPE_ADDRESS - GRAPH_KIND_COUNT] = "address",
    [GRAPH_TYPE_NAME - GRAPH_KIND_COUNT] = "name",
    [GRAPH_TYPE_DEVICE - GRAPH_KIND_COUNT] = "device",
    [GRAPH_TYPE_HASH - GRAPH_KIND_COUNT] = "hash",
    [GRAPH_TYPE_COMMAND - GRAPH_KIND_COUNT] = "command",
    [GRAPH_TYPE_PRINCIPAL - GRAPH_KIND_COUNT] = "principal",
};

const char *graph_type_name(int type)
{
    if (type < GRAPH_KIND_COUNT)
        return graph_kind_info((enum graph_kind)type)->name;
    return type_names[type - GRAPH_KIND_COUNT];
}

bool graph_type_of_name(struct str name, int *out_type)
{
    for (int type = 0; type < GRAPH_TYPE_COUNT; type++) {
        if (str_equal(name, str_of(graph_type_name(type)))) {
            *out_type = type;
            return true;
        }
    }
    return false;
}

/* What programs write for "nothing": in lower case. Values that say nothing about one kind only
 * (0.0.0.0, all-zero hashes and MACs, localhost, the null SID) are with their family. */
bool graph_is_placeholder(struct str text)
{
    enum { LONGEST = 14 };
#define WORD(text)                                                                                 \
    {                                                                                              \
        sizeof(text) - 1, text                                                                     \
    }
    /* With their lengths, which nearly every value differs in from nearly every word. */
    static const struct {
        size_t len;
        char text[LONGEST + 1];
    } words[] = {
        WORD("-"),
        WORD("--"),
        WORD("---"),
        WORD("?"),
        WORD("*"),
        WORD("."),
        WORD("\\n"),
        WORD("na"),
        WORD("n/a"),
        WORD("n.a."),
        WORD("n\\a"),
        WORD("#n/a"),
        WORD("nil"),
        WORD("nan"),
        WORD("none"),
        WORD("(none)"),
        WORD("<none>"),
        WORD("[none]"),
        WORD("null"),
        WORD("(null)"),
        WORD("<null>"),
        WORD("[null]"),
        WORD("empty"),
        WORD("(empty)"),
        WORD("<empty>"),
        WORD("[empty]"),
        WORD("unknown"),
        WORD("(unknown)"),
        WORD("<unknown>"),
        WORD("[unknown]"),
        WORD("undefined"),
        WORD("(undefined)"),
        WORD("undef"),
        WORD("not set"),
        WORD("(not set)"),
        WORD("unset"),
        WORD("(unset)"),
        WORD("no value"),
        WORD("not found"),
        WORD("not available"),
        WORD("not applicable"),
        WORD("unspecified"),
        WORD("unassigned"),
        WORD("any"),
        WORD("tbd"),
        WORD("{}"),
        WORD("[]"),
        WORD("()"),
        WORD("\"\""),
        WORD("''"),
        WORD("-\\-"),
    };
#undef WORD
    char lower[LONGEST];
    if (text.len == 0)
        return true;
    if (text.len > LONGEST)
        return false;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = graph_lower_byte(text.ptr[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].len == text.len && memcmp(words[i].text, lower, text.len) == 0)
            return true;
    return false;
}

/* The lower-case letter of a two-byte sequence, where it is a fixed step away and of two bytes too.
 */
static unsigned lower_point(unsigned point)
{
    if ((point >= 0xc0 && point <= 0xde && point != 0xd7) || /* Latin-1 */
        (point >= 0x391 && point <= 0x3a9) ||                /* Greek */
        (point >= 0x410 && point <= 0x42f))                  /* Cyrillic */
        return point + 0x20;
    if (point >= 0x400 && point <= 0x40f)
        return point + 0x50;
    bool even_is_upper = (point >= 0x100 && point <= 0x137 && point != 0x130) ||
                         (point >= 0x14a && point <= 0x177); /* Latin Extended-A, in pairs */
    if (even_is_upper && point % 2 == 0)
        return point + 1;
    bool odd_is_upper = (point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17e);
    if (odd_is_upper && point % 2 == 1)
        return point + 1;
    return point;
}

void graph_lower(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        text[i] = graph_lower_byte(text[i]);
        if (byte < 0xc3 || byte > 0xd1 || i + 1 == len)
            continue;
        unsigned point = (byte & 0x1fu) << 6 | ((unsigned char)text[i + 1] & 0x3fu);
        point = lower_point(point);
        text[i] = (char)(0xc0 | point >> 6);
        text[++i] = (char)(0x80 | (point & 0x3f));
    }
}

bool graph_put(struct graph_value *out, struct str text)
{
    if (text.len > GRAPH_VALUE_MAX - out->len)
        return false;
    if (text.len)
        memcpy(out->text + out->len, text.ptr, text.len);
    out->len += text.len;
    return true;
}

/* No control characters, and UTF-8: what a graph shows must be text. */
static bool is_text(struct str raw)
{
    bool ascii = true;
    for (size_t i = 0; i < raw.len; i++) {
        unsigned char byte = (unsigned char)raw.ptr[i];
        if (byte < 0x20 || byte == 0x7f)
            return false;
        ascii = ascii && byte < 0x80;
    }
    return ascii || str_is_utf8(raw);
}

/* The types that hold a machine or a name of one. */
static enum graph_verdict read_machine(int type, struct str raw, struct graph_value *out)
{
    bool dotted;
    if (type != GRAPH_DOMAIN && type != GRAPH_HOST) {
        enum graph_verdict verdict = graph_ip_read(raw, out);
        if (verdict != GRAPH_VALUE_INVALID)
            return verdict;
    }
    if (type != GRAPH_DOMAIN && type != GRAPH_TYPE_NAME && str_starts(raw, STR("\\\\")))
        raw = str_skip(raw, 2); /* \\SERVER, as Windows writes a machine */
    enum graph_verdict verdict = graph_name_read(raw, &dotted, out);
    if (verdict != GRAPH_VALUE_GOOD)
        return verdict;
    bool is_host =
        type == GRAPH_HOST || type == GRAPH_TYPE_DEVICE || !dotted ||
        (type == GRAPH_TYPE_ADDRESS && graph_name_is_inside((struct str){out->text, out->len}));
    if (type == GRAPH_DOMAIN && !dotted)
        return GRAPH_VALUE_INVALID;
    out->kind = is_host && type != GRAPH_DOMAIN ? GRAPH_HOST : GRAPH_DOMAIN;
    return GRAPH_VALUE_GOOD;
}

static enum graph_verdict read_type(int type, struct str raw, struct graph_value *out)
{
    switch (type) {
    case GRAPH_IP:
        return graph_ip_read(raw, out);
    case GRAPH_URL:
        return graph_url_read(raw, out);
    case GRAPH_MASKED:
        return graph_masked_read(raw, out);
    case GRAPH_EMAIL:
        return graph_email_read(raw, out);
    case GRAPH_USER:
        return graph_user_read(raw, out);
    case GRAPH_TYPE_PRINCIPAL:
        return graph_principal_read(raw, out);
    case GRAPH_PROCESS:
    case GRAPH_FILE:
        out->kind = (enum graph_kind)type;
        return graph_path_read(raw, out);
    case GRAPH_TYPE_COMMAND:
        return graph_command_read(raw, out);
    case GRAPH_REGISTRY_KEY:
        return graph_registry_read(raw, out);
    case GRAPH_CVE:
        return graph_cve_read(raw, out);
    case GRAPH_JA3:
    case GRAPH_JA3S:
        out->kind = (enum graph_kind)type;
        return graph_ja3_read(raw, out);
    case GRAPH_CERTIFICATE:
        return graph_certificate_read(raw, out);
    case GRAPH_MAC:
        return graph_mac_read(raw, out);
    case GRAPH_MD5:
    case GRAPH_SHA1:
    case GRAPH_SHA256:
    case GRAPH_SHA512:
    case GRAPH_TYPE_HASH:
        return graph_hash_read(type, raw, out);
    default:
        return read_machine(type, raw, out);
    }
}

/* The program stands at the start of a command line; a script behind it may be long and of many
 * lines. */
static struct str start_of_command(struct str raw)
{
    raw = str_take(raw, GRAPH_VALUE_MAX);
    for (size_t i = 0; i < raw.len; i++)
        if ((unsigned char)raw.ptr[i] < 0x20)
            raw.len = i;
    for (int i = 0; i < 4 && raw.len == GRAPH_VALUE_MAX - (size_t)i; i++)
        if ((unsigned char)raw.ptr[raw.len - 1] >= 0x80) /* perhaps a character cut in half */
            raw.len--;
    return str_trim(raw);
}

enum graph_verdict graph_normalise(int type, struct str raw, struct graph_value *out)
{
    struct graph_value work;
    work.len = 0;
    raw = str_trim(raw);
    if (graph_is_placeholder(raw))
        return GRAPH_VALUE_PLACEHOLDER;
    if (type == GRAPH_TYPE_COMMAND)
        raw = start_of_command(raw);
    if (raw.len > GRAPH_VALUE_MAX)
        return GRAPH_VALUE_TOO_LONG;
    if (!is_text(raw))
        return GRAPH_VALUE_INVALID;
    enum graph_verdict verdict = read_type(type, raw, &work);
    if (verdict != GRAPH_VALUE_GOOD)
        return verdict;
    out->kind = work.kind;
    out->len = work.len;
    memcpy(out->text, work.text, work.len);
    out->text[work.len] = '\0';
    return GRAPH_VALUE_GOOD;
}

bool graph_is_normal(enum graph_kind kind, struct str value)
{
    struct graph_value normal;
    return graph_normalise((int)kind, value, &normal) == GRAPH_VALUE_GOOD && normal.kind == kind &&
           str_equal(value, (struct str){normal.text, normal.len});
}
