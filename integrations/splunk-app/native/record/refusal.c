#include "integrations/splunk-app/native/record/refusal.h"

#include <stdio.h>
#include <string.h>

#include "libs/text/json.h"
#include "libs/text/time.h"

enum { ARENA_BYTES = 1 << 20, BODY_MAX = 64 << 10, WHY_BYTES = 400 };

/* --- members -------------------------------------------------------------------------------- */

/* Cut where a character ends, without control characters: it goes into sentences and logs. */
static void keep(struct str text, char *out, size_t size)
{
    text = str_take(text, size - 1);
    for (size_t back = 0; back < 4 && text.len > 0 && !str_is_utf8(text); back++)
        text.len--;
    memcpy(out, text.ptr ? text.ptr : "", text.len);
    out[text.len] = '\0';
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = ' ';
}

static void keep_member(const struct json *top, const char *name, char *out, size_t size)
{
    struct str text;
    if (json_text(json_member(top, name), &text))
        keep(text, out, size);
}

/* Amounts are decimal texts; anything else would be a sentence of somebody else's in ours. */
static void keep_amount(const struct json *top, const char *name, char out[REFUSAL_AMOUNT_BYTES])
{
    struct str text;
    if (!json_text(json_member(top, name), &text) || text.len >= REFUSAL_AMOUNT_BYTES)
        return;
    for (size_t i = 0; i < text.len; i++)
        if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') && text.ptr[i] != '.' && text.ptr[i] != '-')
            return;
    keep(text, out, REFUSAL_AMOUNT_BYTES);
}

static void keep_moment(const struct json *top, const char *name, char out[REFUSAL_ID_BYTES])
{
    int64_t us;
    struct str text;
    if (json_text(json_member(top, name), &text) && text.len < REFUSAL_ID_BYTES &&
        time_read_us(text, &us))
        keep(text, out, REFUSAL_ID_BYTES);
}

/* The header is the rule; a gateway may have taken it away. */
static int retry_after(const struct http_reply *reply, const struct json *top)
{
    int64_t seconds = reply->retry_after_s;
    struct str text;
    uint64_t said;
    const struct json *member = json_member(top, "retry_after_s");
    if (seconds <= 0 && !json_whole(member, &seconds))
        seconds = json_text(member, &text) && str_to_u64(text, REFUSAL_RETRY_MAX_S, &said)
                      ? (int64_t)said
                      : 0;
    if (seconds < 0)
        return 0;
    return seconds > REFUSAL_RETRY_MAX_S ? REFUSAL_RETRY_MAX_S : (int)seconds;
}

void refusal_read(const struct http_reply *reply, struct refusal *out)
{
    const struct json *top = NULL;
    struct arena arena;
    struct fault ignored;
    *out = (struct refusal){.verdict = REFUSAL_NONE};
    if (reply->status != 402 && reply->status != 429)
        return;
    arena_init(&arena, ARENA_BYTES);
    if (reply->body.len > BODY_MAX ||
        json_read(&arena, buf_str(&reply->body), &top, &ignored) != FAULT_NONE)
        top = NULL;
    keep_member(top, "budget", out->budget, sizeof out->budget);
    keep_member(top, "budget_name", out->name, sizeof out->name);
    keep_member(top, "contact", out->contact, sizeof out->contact);
    keep_member(top, "decision", out->decision, sizeof out->decision);
    keep_amount(top, "used", out->used);
    keep_amount(top, "reserved", out->reserved);
    keep_amount(top, "limit", out->limit);
    keep_moment(top, "resets_at", out->resets_at);
    out->retry_after_s = retry_after(reply, top);
    if (reply->status == 429)
        out->verdict = REFUSAL_THROTTLED;
    else if (out->name[0] || out->budget[0])
        out->verdict = REFUSAL_BLOCKED;
    arena_done(&arena);
}

/* --- sentences ------------------------------------------------------------------------------ */

const char *refusal_word(enum refusal_verdict verdict)
{
    static const char *const words[] = {
        [REFUSAL_NONE] = "", [REFUSAL_THROTTLED] = "throttled", [REFUSAL_BLOCKED] = "blocked"};
    return words[verdict];
}

/* "100 of 100 used, 2 reserved, until 2026-11-24T00:00:00Z; the next in 30 s; ask ..." */
static void add_why(struct buf *out, const struct refusal *refusal)
{
    bool reserves =
        refusal->reserved[0] && strspn(refusal->reserved, "0.") < strlen(refusal->reserved);
    if (refusal->used[0] && refusal->limit[0])
        buf_addf(out, "%s of %s used", refusal->used, refusal->limit);
    if (out->len && reserves)
        buf_addf(out, ", %s reserved", refusal->reserved);
    if (refusal->resets_at[0] && refusal->verdict == REFUSAL_BLOCKED)
        buf_addf(out, "%suntil %s", out->len ? ", " : "", refusal->resets_at);
    if (refusal->retry_after_s > 0 && refusal->verdict == REFUSAL_THROTTLED)
        buf_addf(out, "%sthe next in %d s", out->len ? "; " : "", refusal->retry_after_s);
    if (refusal->contact[0])
        buf_addf(out, "%sask %s", out->len ? "; " : "", refusal->contact);
}

enum fault_code refusal_tell(const struct refusal *refusal, struct fault *fault)
{
    char room[WHY_BYTES];
    char who[REFUSAL_NAME_BYTES + 16];
    struct buf why = {.ptr = room, .room = sizeof room, .limit = sizeof room - 1};
    const char *name = refusal->name[0] ? refusal->name : refusal->budget;
    bool blocked = refusal->verdict == REFUSAL_BLOCKED;
    add_why(&why, refusal);
    room[why.len] = '\0';
    snprintf(who, sizeof who, name[0] ? "the budget \"%s\"" : "IntelGraph", name);
    return fault_set(fault, FAULT_UNAVAILABLE, "%s lets %s%s%s%s", who,
                     blocked ? "nothing more through" : "hand-offs through slowly",
                     why.len ? " (" : "", room, why.len ? ")" : "");
}
