#include "service/identity/identity_rules.h"

#include <assert.h>

/* Who may what. Tenants do not appear: a caller acts within the tenant of the credential only. */
/* clang-format off */
static const bool table[PERMIT_COUNT][ROLE_COUNT] = {
    /*                        viewer analyst auditor admin  broker meter */
    [PERMIT_PUBLIC]        = {true,  true,  true,  true,  true,  true},
    [PERMIT_SESSION]       = {true,  true,  true,  true,  true,  true},
    [PERMIT_HANDOFF_WRITE] = {false, true,  false, true,  false, false},
    [PERMIT_HANDOFF_READ]  = {true,  true,  true,  true,  false, false},
    [PERMIT_AUDIT_OWN]     = {true,  true,  true,  true,  false, false},
    [PERMIT_AUDIT_READ]    = {false, false, true,  true,  false, false},
    [PERMIT_TOKEN_ADMIN]   = {false, false, false, true,  false, false},
    [PERMIT_TOKEN_ISSUE]   = {false, false, false, false, true,  false},
    [PERMIT_USAGE_WRITE]   = {false, false, false, true,  false, true},
    [PERMIT_USAGE_READ]    = {true,  true,  true,  true,  false, false},
    [PERMIT_USAGE_ADMIN]   = {false, false, false, true,  false, false},
    [PERMIT_BUDGET_READ]   = {true,  true,  true,  true,  false, false},
    [PERMIT_BUDGET_ADMIN]  = {false, false, false, true,  false, false},
    [PERMIT_NOTICE_ADMIN]  = {false, false, false, true,  false, false},
    [PERMIT_DECIDE]        = {false, true,  false, true,  false, true},
};
/* clang-format on */

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_VIEWER] = "viewer", [ROLE_ANALYST] = "analyst", [ROLE_AUDITOR] = "auditor",
    [ROLE_ADMIN] = "admin",   [ROLE_BROKER] = "broker",   [ROLE_METER] = "meter",
};

static const char *const permission_names[PERMIT_COUNT] = {
    [PERMIT_PUBLIC] = "public",
    [PERMIT_SESSION] = "session",
    [PERMIT_HANDOFF_WRITE] = "write hand-offs",
    [PERMIT_HANDOFF_READ] = "read hand-offs",
    [PERMIT_AUDIT_OWN] = "read own audit records",
    [PERMIT_AUDIT_READ] = "read the audit log",
    [PERMIT_TOKEN_ADMIN] = "manage tokens",
    [PERMIT_TOKEN_ISSUE] = "issue tokens",
    [PERMIT_USAGE_WRITE] = "report usage",
    [PERMIT_USAGE_READ] = "read usage",
    [PERMIT_USAGE_ADMIN] = "manage usage",
    [PERMIT_BUDGET_READ] = "read budgets",
    [PERMIT_BUDGET_ADMIN] = "manage budgets",
    [PERMIT_NOTICE_ADMIN] = "manage notices",
    [PERMIT_DECIDE] = "ask for decisions",
};

const char *identity_role_name(enum identity_role role)
{
    assert(role >= 0 && role < ROLE_COUNT);
    return role_names[role];
}

bool identity_role_of_name(struct str name, enum identity_role *out_role)
{
    for (int i = 0; i < ROLE_COUNT; i++)
        if (str_equal(name, str_of(role_names[i]))) {
            *out_role = (enum identity_role)i;
            return true;
        }
    return false;
}

const char *identity_permission_name(enum identity_permission permission)
{
    assert(permission >= 0 && permission < PERMIT_COUNT);
    return permission_names[permission];
}

bool identity_may(enum identity_role role, enum identity_permission permission)
{
    assert(role >= 0 && role < ROLE_COUNT && permission >= 0 && permission < PERMIT_COUNT);
    return table[permission][role];
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

bool identity_tenant_is_good(struct str tenant)
{
    if (tenant.len < 1 || tenant.len > IDENTITY_NAME_MAX || tenant.ptr[0] == '_' ||
        tenant.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < tenant.len; i++)
        if (!is_plain(tenant.ptr[i]))
            return false;
    return true;
}

bool identity_name_is_good(struct str name)
{
    if (name.len < 1 || name.len > IDENTITY_NAME_MAX || str_trim(name).len != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_plain(name.ptr[i]) && name.ptr[i] != ' ' && name.ptr[i] != '@')
            return false;
    return true;
}

static bool is_hex(struct str text, size_t bytes)
{
    if (text.len != bytes * 2)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') &&
            !(text.ptr[i] >= 'a' && text.ptr[i] <= 'f'))
            return false;
    return true;
}

static bool split(struct str token, struct str prefix, struct str *out_id, struct str *out_secret)
{
    struct str id;
    struct str secret;
    if (!str_starts(token, prefix) || !str_cut(str_skip(token, 4), '_', &id, &secret) ||
        !is_hex(id, IDENTITY_ID_BYTES) || !is_hex(secret, IDENTITY_SECRET_BYTES))
        return false;
    *out_id = id;
    *out_secret = secret;
    return true;
}

bool identity_token_split(struct str token, struct str *out_id, struct str *out_secret)
{
    return split(token, STR(IDENTITY_TOKEN_PREFIX), out_id, out_secret);
}

bool identity_grant_split(struct str token, struct str *out_id, struct str *out_secret)
{
    return split(token, STR(IDENTITY_GRANT_PREFIX), out_id, out_secret);
}

enum identity_state identity_token_state(int64_t expires_us, int64_t revoked_us, int64_t now_us)
{
    if (revoked_us != 0)
        return TOKEN_REVOKED;
    return expires_us != 0 && now_us >= expires_us ? TOKEN_EXPIRED : TOKEN_GOOD;
}

/* What stands between "://" and the next slash. */
static struct str authority_of(struct str url)
{
    size_t at = str_find(url, STR("://"));
    if (at == url.len)
        return (struct str){0};
    struct str rest = str_skip(url, at + 3);
    return str_take(rest, str_find_byte(rest, '/'));
}

bool identity_origin_is_ours(struct str origin, struct str host, struct str public_url)
{
    struct str from = authority_of(origin);
    if (from.len == 0)
        return false; /* "null", or no web page at all */
    return str_equal_nocase(from, host) || str_equal_nocase(from, authority_of(public_url));
}
