#include "service/identity/identity_grant.h"

#include <assert.h>
#include <string.h>

#include "libs/text/json.h"

/* --- scopes -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum identity_role role;
} scopes[SCOPE_COUNT] = {
    [SCOPE_HANDOFF] = {"handoff", ROLE_ANALYST},
    [SCOPE_READ] = {"read", ROLE_VIEWER},
    [SCOPE_AUDIT] = {"audit", ROLE_AUDITOR},
};

const char *identity_scope_name(enum identity_scope scope)
{
    assert(scope >= 0 && scope < SCOPE_COUNT);
    return scopes[scope].name;
}

bool identity_scope_of_name(struct str name, enum identity_scope *out_scope)
{
    for (int i = 0; i < SCOPE_COUNT; i++)
        if (str_equal(name, str_of(scopes[i].name))) {
            *out_scope = (enum identity_scope)i;
            return true;
        }
    return false;
}

enum identity_role identity_scope_role(enum identity_scope scope)
{
    assert(scope >= 0 && scope < SCOPE_COUNT);
    return scopes[scope].role;
}

/* --- what is asked for --------------------------------------------------------------------- */

/* json_read has taken UTF-8 only; a control character would forge lines where names are shown. */
static bool is_shown_as_it_is(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static enum fault_code read_name(const struct json *body, const char *name, size_t most,
                                 struct str *out, struct fault *fault)
{
    struct str text = STR("");
    if (!json_text(json_member(body, name), &text) || text.len == 0 || text.len > most ||
        !is_shown_as_it_is(text))
        return fault_field(fault, FAULT_INPUT, name,
                           "%s must be text of 1 to %zu bytes without control characters", name,
                           most);
    *out = text;
    return FAULT_NONE;
}

static enum fault_code check_members(const struct json *body, struct fault *fault)
{
    static const char *const known[] = {"subject", "scope", "search_head", "ttl_s"};
    if (!json_is_object(body))
        return fault_field(fault, FAULT_INPUT, "body",
                           "send {\"subject\",\"scope\",\"search_head\",\"ttl_s\"}");
    for (const struct json *at = json_first(body); at; at = json_next(at)) {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && !str_equal(json_name(at), str_of(known[i])))
            i++;
        if (i == sizeof known / sizeof known[0])
            return fault_field(fault, FAULT_INPUT, "body",
                               "the member \"%.*s\" is not known; send subject, scope, "
                               "search_head and ttl_s",
                               STR_ARG(str_take(json_name(at), 40)));
    }
    return FAULT_NONE;
}

enum fault_code identity_grant_ask_read(struct arena *arena, struct str body,
                                        struct identity_grant_ask *out, struct fault *fault)
{
    const struct json *top;
    struct identity_grant_ask ask;
    struct str scope = STR("");
    enum fault_code code = json_read(arena, body, &top, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "body: ");
    code = check_members(top, fault);
    if (code == FAULT_NONE)
        code = read_name(top, "subject", IDENTITY_SUBJECT_MAX, &ask.subject, fault);
    if (code == FAULT_NONE)
        code = read_name(top, "search_head", IDENTITY_SEARCH_HEAD_MAX, &ask.search_head, fault);
    if (code != FAULT_NONE)
        return code;
    if (!json_text(json_member(top, "scope"), &scope) || !identity_scope_of_name(scope, &ask.scope))
        return fault_field(fault, FAULT_INPUT, "scope", "scope must be handoff, read or audit");
    if (!json_whole(json_member(top, "ttl_s"), &ask.ttl_s) || ask.ttl_s < 1 ||
        ask.ttl_s > IDENTITY_GRANT_TTL_MAX_S)
        return fault_field(fault, FAULT_INPUT, "ttl_s",
                           "ttl_s must be a whole number of seconds from 1 to %d",
                           IDENTITY_GRANT_TTL_MAX_S);
    *out = ask;
    return FAULT_NONE;
}

/* --- how many ------------------------------------------------------------------------------ */

/* A slot that is free, or else the one that was used the longest ago: then more pass than should,
 * never fewer. */
static struct identity_pace_slot *find_slot(struct identity_pace *pace, uint64_t key)
{
    struct identity_pace_slot *oldest = &pace->slots[0];
    for (size_t i = 0; i < IDENTITY_PACE_ROOM; i++) {
        struct identity_pace_slot *slot = &pace->slots[i];
        if (slot->key == key)
            return slot;
        if (slot->minute < oldest->minute)
            oldest = slot;
    }
    *oldest = (struct identity_pace_slot){.key = key};
    return oldest;
}

bool identity_pace_takes(struct identity_pace *pace, struct str who, int most, int64_t now_us)
{
    /* Minutes count from 1, so that an unused slot is the oldest. */
    int64_t minute = now_us / ((int64_t)IDENTITY_PACE_S * 1000000) + 1;
    struct identity_pace_slot *slot = find_slot(pace, str_hash(who) | 1);
    if (slot->minute != minute) {
        slot->minute = minute;
        slot->count = 0;
    }
    if (slot->count >= most)
        return false;
    slot->count++;
    return true;
}
