#include "service/notify/notify_rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libs/crypto/hash.h"
#include "libs/text/json.h"

/* Neither a control character nor DEL. */
static bool is_printed(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return str_is_utf8(text);
}

enum fault_code notify_line_check(const char *field, struct str text, size_t most,
                                  struct fault *fault)
{
    if (text.len >= 1 && text.len <= most && is_printed(text) && str_trim(text).len == text.len)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, field,
                       "%s must have 1 to %zu bytes of text on one line, without a blank at either "
                       "end",
                       field, most);
}

/* Lines of text: line feeds and tabs are the only controls. */
static bool is_prose(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if ((byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f)
            return false;
    }
    return str_is_utf8(text);
}

static bool is_kind(struct str kind)
{
    bool good = kind.len > 0 && kind.len <= NOTIFY_KIND_MAX;
    for (size_t i = 0; i < kind.len && good; i++)
        good = (kind.ptr[i] >= 'a' && kind.ptr[i] <= 'z') ||
               (kind.ptr[i] >= '0' && kind.ptr[i] <= '9') || kind.ptr[i] == '_' ||
               kind.ptr[i] == '.';
    return good;
}

static bool is_object(struct str json)
{
    struct str text = str_trim(json);
    struct fault ignored;
    return text.len > 0 && text.ptr[0] == '{' && json_check(text, &ignored) == FAULT_NONE;
}

enum fault_code notify_message_check(const struct notify_message *message, struct fault *fault)
{
    if (!is_kind(message->kind))
        return fault_field(fault, FAULT_INPUT, "kind",
                           "a notice's kind must have 1 to %d of a-z, 0-9, '_' and dots",
                           NOTIFY_KIND_MAX);
    enum fault_code code = notify_line_check("key", message->key, NOTIFY_KEY_MAX, fault);
    if (code == FAULT_NONE)
        code = notify_line_check("subject", message->subject, NOTIFY_SUBJECT_MAX, fault);
    if (code != FAULT_NONE)
        return code;
    if (message->recipient_count > NOTIFY_RECIPIENTS_MAX)
        return fault_field(fault, FAULT_LIMIT, "recipients",
                           "a notice has %zu recipients; it may have %d", message->recipient_count,
                           NOTIFY_RECIPIENTS_MAX);
    if (message->text.len > NOTIFY_TEXT_MAX || message->json.len > NOTIFY_JSON_MAX)
        return fault_field(fault, FAULT_LIMIT, "text",
                           "a notice has %zu bytes of text and %zu of JSON; it may have %d and %d",
                           message->text.len, message->json.len, NOTIFY_TEXT_MAX, NOTIFY_JSON_MAX);
    if (!is_prose(message->text))
        return fault_field(fault, FAULT_INPUT, "text",
                           "a notice's text holds a control character or is not UTF-8");
    if (!is_object(message->json))
        return fault_field(fault, FAULT_INPUT, "json", "a notice's JSON must be an object");
    return FAULT_NONE;
}

/* --- addresses ------------------------------------------------------------------------------ */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Labels of 1 to 63 letters, digits and inner hyphens, with dots between. */
static bool is_domain(struct str domain)
{
    if (domain.len == 0 || domain.len > 253)
        return false;
    for (bool more = true; more;) {
        struct str label;
        struct str rest = {0};
        more = str_cut(domain, '.', &label, &rest);
        domain = rest;
        if (label.len < 1 || label.len > 63 || label.ptr[0] == '-' ||
            label.ptr[label.len - 1] == '-')
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_letter_or_digit(label.ptr[i]) && label.ptr[i] != '-')
                return false;
    }
    return true;
}

/* RFC 5322's dot-atom. */
static bool is_local_part(struct str local)
{
    if (local.len < 1 || local.len > 64 || local.ptr[0] == '.' || local.ptr[local.len - 1] == '.')
        return false;
    for (size_t i = 0; i < local.len; i++) {
        char c = local.ptr[i];
        if (!is_letter_or_digit(c) && !strchr("!#$%&'*+-/=?^_`{|}~.", c))
            return false;
        if (c == '.' && local.ptr[i + 1] == '.')
            return false;
    }
    return true;
}

enum fault_code notify_address_check(struct str address, struct fault *fault)
{
    struct str local;
    struct str domain;
    if (address.len <= NOTIFY_ADDRESS_MAX &&
        memchr(address.ptr ? address.ptr : "", '\0', address.len) == NULL &&
        str_cut(address, '@', &local, &domain) && is_local_part(local) && is_domain(domain))
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "to",
                       "to must be one plain address, such as finance@corp.example, of at most %d "
                       "bytes",
                       NOTIFY_ADDRESS_MAX);
}

/* host, host:port, [v6], [v6]:port. */
static bool is_authority(struct str authority)
{
    struct str host = authority;
    struct str port = {0};
    uint64_t number;
    if (authority.len > 0 && authority.ptr[0] == '[') {
        size_t end = str_find_byte(authority, ']');
        if (end == authority.len || end < 3)
            return false;
        for (size_t i = 1; i < end; i++)
            if (!strchr("0123456789abcdefABCDEF:.", authority.ptr[i]))
                return false;
        host = STR("v6");
        struct str rest = str_skip(authority, end + 1);
        if (rest.len > 0 && rest.ptr[0] != ':')
            return false;
        port = rest.len > 0 ? str_skip(rest, 1) : STR("443");
    } else if (!str_cut(authority, ':', &host, &port)) {
        port = STR("443");
    }
    return is_domain(host) && str_to_u64(port, 65535, &number) && number > 0;
}

enum fault_code notify_url_check(struct str url, struct fault *fault)
{
    bool plain = str_starts(url, STR("http://"));
    bool good = (plain || str_starts(url, STR("https://"))) && url.len <= NOTIFY_URL_MAX;
    for (size_t i = 0; i < url.len && good; i++)
        good = url.ptr[i] > ' ' && (unsigned char)url.ptr[i] < 0x7f &&
               !strchr("\"'<>\\#`{}|^", url.ptr[i]);
    if (good) {
        struct str rest = str_skip(url, plain ? 7 : 8);
        size_t end = str_find_byte(rest, '/');
        size_t query = str_find_byte(rest, '?');
        good = is_authority(str_take(rest, end < query ? end : query));
    }
    if (good)
        return FAULT_NONE;
    return fault_field(fault, FAULT_INPUT, "to",
                       "to must be a URL such as https://hooks.corp.example/budget, of at most %d "
                       "bytes, without user, password or fragment",
                       NOTIFY_URL_MAX);
}

/* --- ids ------------------------------------------------------------------------------------ */

void notify_id_of(const char *prefix, const unsigned char bytes[16], char out[NOTIFY_ID_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strlen(prefix);
    assert(len + 22 < NOTIFY_ID_MAX);
    memcpy(out, prefix, len);
    for (size_t i = 0; i < 22; i++) {
        unsigned value = 0;
        for (size_t bit = i * 6; bit < i * 6 + 6; bit++)
            value = value << 1 | (bit < 128 ? bytes[bit / 8] >> (7 - bit % 8) & 1U : 0U);
        out[len + i] = digits[value];
    }
    out[len + 22] = '\0';
}

void notify_message_id(struct str tenant, struct str key, char out[NOTIFY_MESSAGE_ID_MAX])
{
    /* A tenant's name holds no line feed. */
    char text[NOTIFY_KEY_MAX + 128];
    char id[NOTIFY_ID_MAX];
    int len = snprintf(text, sizeof text, "%.*s\n%.*s", STR_ARG(tenant), STR_ARG(key));
    assert(len > 0 && (size_t)len < sizeof text);
    struct sha256 digest = sha256_of((struct str){text, (size_t)len});
    notify_id_of("msg_", digest.bytes, id);
    memcpy(out, id, strlen(id) + 1);
}
