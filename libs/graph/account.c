#include "libs/graph/family.h"

#include <string.h>

enum {
    USER_MAX = 320, /* bytes: a 64-byte name, a sign, a 255-byte domain */
    LOCAL_MAX = 64, /* of an email address, RFC 5321 */
};

/* Accounts that each Windows machine has, by the names and SIDs they go by. */
static const struct {
    const char *alias;
    const char *name;
} well_known[] = {
    {"system", "system@nt authority"},
    {"localsystem", "system@nt authority"},
    {"local system", "system@nt authority"},
    {"s-1-5-18", "system@nt authority"},
    {"local service", "local service@nt authority"},
    {"localservice", "local service@nt authority"},
    {"s-1-5-19", "local service@nt authority"},
    {"network service", "network service@nt authority"},
    {"networkservice", "network service@nt authority"},
    {"s-1-5-20", "network service@nt authority"},
    {"anonymous logon", "anonymous logon@nt authority"},
    {"s-1-5-7", "anonymous logon@nt authority"},
};

static enum graph_verdict put_user(struct str name, struct str domain, struct graph_value *out)
{
    name = str_trim(name);
    domain = str_trim(domain);
    while (domain.len > 0 && domain.ptr[domain.len - 1] == '.')
        domain = str_trim(str_take(domain, domain.len - 1));
    if (graph_is_placeholder(domain))
        domain.len = 0; /* `.\alice` and `-\alice`: of some machine that is not named */
    if (name.len == 0 || name.len + 1 + domain.len > USER_MAX ||
        str_find_byte(domain, '\\') < domain.len || str_find_byte(domain, '@') < domain.len)
        return GRAPH_VALUE_INVALID;
    if (graph_is_placeholder(name) || str_equal_nocase(name, STR("S-1-0-0")))
        return GRAPH_VALUE_PLACEHOLDER;
    out->kind = GRAPH_USER;
    out->len = 0;
    graph_put(out, name);
    graph_put(out, domain.len > 0 ? STR("@") : STR(""));
    graph_put(out, domain);
    graph_lower(out->text, out->len);
    for (size_t i = 0; i < sizeof well_known / sizeof well_known[0]; i++) {
        if (str_equal((struct str){out->text, out->len}, str_of(well_known[i].alias))) {
            out->len = 0;
            graph_put(out, str_of(well_known[i].name));
            break;
        }
    }
    return GRAPH_VALUE_GOOD;
}

/* `DOMAIN\alice`, `alice@DOMAIN` and `alice@domain.tld` become `alice@domain`, in lower case, for
 * Windows and Kerberos realms in practice do not tell case apart and logs mix it. A machine's
 * account keeps its `$`: `NASHUA$@corp` is an account that logs on, not the machine. A plain name
 * stays plain. */
enum graph_verdict graph_user_read(struct str text, struct graph_value *out)
{
    struct str domain;
    struct str name;
    if (str_starts(text, STR("\\")))
        return GRAPH_VALUE_INVALID;
    if (str_cut(text, '\\', &domain, &name)) {
        while (str_starts(name, STR("\\"))) /* `CORP\\alice`, escaped once too often */
            name = str_skip(name, 1);
        if (str_find_byte(name, '\\') < name.len)
            return GRAPH_VALUE_INVALID;
        if (str_find_byte(name, '@') == name.len)
            return put_user(name, domain, out);
        text = name; /* `CORP\alice@corp.example`: the longer name wins */
    }
    if (str_cut(text, '@', &name, &domain) &&
        (domain.len == 0 || str_find_byte(domain, '@') < domain.len))
        return GRAPH_VALUE_INVALID;
    return put_user(name, domain, out);
}

enum graph_verdict graph_principal_read(struct str text, struct graph_value *out)
{
    struct str name;
    struct str realm;
    enum graph_verdict verdict = graph_ip_read(text, out);
    if (verdict != GRAPH_VALUE_INVALID)
        return verdict;
    bool has_sign = str_find_byte(text, '@') < text.len || str_find_byte(text, '\\') < text.len;
    if (has_sign)
        return graph_user_read(text, out);
    if (!str_cut(text, '/', &name, &realm) || realm.len == 0 ||
        str_find_byte(realm, '/') < realm.len)
        return GRAPH_VALUE_INVALID;
    return put_user(name, realm, out);
}

static bool is_local_part(struct str local)
{
    if (local.len == 0 || local.len > LOCAL_MAX)
        return false;
    for (size_t i = 0; i < local.len; i++)
        if (strchr(" \"(),:;<>@[\\]", local.ptr[i]))
            return false;
    return true;
}

/* `local@domain`, the domain as a domain, the local part in lower case: RFC 5321 leaves its case to
 * the receiver, but no mail system of note tells case apart and logs differ in it, so that
 * two spellings are one mailbox. Of `"Mara" <mara@example.org>` only the address counts. */
enum graph_verdict graph_email_read(struct str text, struct graph_value *out)
{
    char plain[GRAPH_VALUE_MAX];
    struct graph_value domain;
    struct str local;
    struct str tail;
    bool dotted;
    text = graph_refang(text, plain, sizeof plain);
    size_t open = str_find_byte(text, '<');
    if (open < text.len) {
        if (text.ptr[text.len - 1] != '>')
            return GRAPH_VALUE_INVALID;
        text = str_trim(str_take(str_skip(text, open + 1), text.len - open - 2));
        if (text.len == 0)
            return GRAPH_VALUE_PLACEHOLDER; /* `<>`: the sender of bounces */
    }
    if (str_equal_nocase(str_take(text, 7), STR("mailto:")))
        text = str_skip(text, 7);
    if (!str_cut(text, '@', &local, &tail) || !is_local_part(local) ||
        str_find_byte(tail, ':') < tail.len)
        return GRAPH_VALUE_INVALID;
    if (graph_name_read(tail, &dotted, &domain) == GRAPH_VALUE_INVALID)
        return GRAPH_VALUE_INVALID; /* root@localhost is an address all the same */
    out->kind = GRAPH_EMAIL;
    out->len = 0;
    graph_put(out, local);
    graph_lower(out->text, out->len);
    graph_put(out, STR("@"));
    graph_put(out, (struct str){domain.text, domain.len});
    return GRAPH_VALUE_GOOD;
}
