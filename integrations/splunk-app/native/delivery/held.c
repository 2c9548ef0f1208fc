#include "integrations/splunk-app/native/delivery/held.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/file.h"
#include "libs/core/os.h"
#include "libs/crypto/hash.h"
#include "libs/text/json.h"
#include "libs/text/json_write.h"
#include "libs/text/time.h"

enum { FILE_BYTES = 4096, ARENA_BYTES = 256 << 10, NAME_BYTES = 16 };

#define SECOND_US INT64_C(1000000)

/* <outbox>/held/<32 digits of target and tenant>.json */
static bool path_of(const char *outbox, struct str target, struct str tenant, char out[PATH_MAX])
{
    char name[2 * NAME_BYTES + 1];
    struct sha256_state *state = sha256_new();
    if (!state)
        return false;
    sha256_add_sized(state, target);
    sha256_add_sized(state, tenant);
    struct sha256 digest = sha256_end(state);
    hex_of(digest.bytes, NAME_BYTES, name);
    int len = snprintf(out, PATH_MAX, "%s/held/%s.json", outbox, name);
    return len > 0 && len < PATH_MAX;
}

/* --- noting --------------------------------------------------------------------------------- */

static int64_t end_of(const struct refusal *refusal, int64_t now_us)
{
    int64_t most_us = now_us + HELD_MOST_S * SECOND_US;
    int64_t until_us = most_us;
    if (refusal->retry_after_s > 0)
        until_us = now_us + refusal->retry_after_s * SECOND_US;
    else if (!time_read_us(str_of(refusal->resets_at), &until_us) || until_us <= now_us)
        until_us = most_us;
    return until_us < most_us ? until_us : most_us;
}

void held_note(const char *outbox, struct str target, struct str tenant,
               const struct refusal *refusal)
{
    char path[PATH_MAX];
    char folder[PATH_MAX];
    struct fault why;
    struct buf text;
    struct json_out out = json_out_to(&text);
    (void)refusal_tell(refusal, &why);
    buf_init(&text, FILE_BYTES);
    json_open(&out, '{');
    json_put_whole(&out, "until_us", end_of(refusal, os_now_us()));
    json_put_text(&out, "why", str_of(why.text));
    json_close(&out, '}');
    if (text.code == FAULT_NONE && path_of(outbox, target, tenant, path) &&
        snprintf(folder, sizeof folder, "%s/held", outbox) < (int)sizeof folder &&
        file_make_folder(folder, 0700, &why) == FAULT_NONE &&
        file_replace(path, buf_str(&text), 0600, &why) != FAULT_NONE)
        os_unlink(path); /* an older hold would speak of another refusal */
    buf_done(&text);
}

/* --- looking -------------------------------------------------------------------------------- */

bool held_read(struct str text, int64_t now_us, struct held *out)
{
    struct arena arena;
    struct fault ignored;
    struct str why;
    struct held held = {.until_us = 0};
    const struct json *top = NULL;
    arena_init(&arena, ARENA_BYTES);
    bool holds = json_read(&arena, text, &top, &ignored) == FAULT_NONE &&
                 json_whole(json_member(top, "until_us"), &held.until_us) &&
                 json_text(json_member(top, "why"), &why) &&
                 str_to_c(why, held.why, sizeof held.why) && held.until_us > now_us &&
                 held.until_us - now_us <= HELD_MOST_S * SECOND_US;
    arena_done(&arena);
    if (holds)
        *out = held;
    return holds;
}

bool held_look(const char *outbox, struct str target, struct str tenant, struct held *out)
{
    char path[PATH_MAX];
    struct buf text;
    struct fault ignored;
    if (!path_of(outbox, target, tenant, path))
        return false;
    buf_init(&text, FILE_BYTES);
    enum fault_code code = file_read(path, &text, &ignored);
    bool holds = code == FAULT_NONE && held_read(buf_str(&text), os_now_us(), out);
    if (!holds && code != FAULT_NOT_FOUND)
        os_unlink(path);
    buf_done(&text);
    return holds;
}
