#include "integrations/splunk-app/native/handoff/origin.h"

#include <stdio.h>

#include "libs/core/os.h"

/* A search without an id cannot be recognised when it comes again: it gets one of its own. */
static enum fault_code search_id(struct str sid, struct arena *arena, struct str *out,
                                 struct fault *fault)
{
    uint8_t bytes[16];
    char hex[33];
    char text[64];
    if (sid.len > 0) {
        *out = sid;
        return FAULT_NONE;
    }
    if (os_random(bytes, sizeof bytes) < 0)
        return fault_set(fault, FAULT_IO, "no random numbers for a search without an id");
    hex_of(bytes, sizeof bytes, hex);
    snprintf(text, sizeof text, "without-sid-%s", hex);
    *out = arena_copy(arena, str_of(text));
    return out->ptr ? FAULT_NONE : fault_set(fault, FAULT_NO_MEMORY, "no memory left for an id");
}

static enum fault_code check_text(const char *what, struct str text, size_t most,
                                  struct fault *fault)
{
    if (text.len <= most)
        return FAULT_NONE;
    return fault_set(fault, FAULT_LIMIT, "%s has %zu bytes, at most %zu can be handed off", what,
                     text.len, most);
}

static enum fault_code check_texts(const struct origin *origin, struct str sid, struct fault *fault)
{
    enum fault_code code = check_text("the search id", sid, WIRE_TEXT_MAX, fault);
    if (code == FAULT_NONE)
        code = check_text("the user name", origin->user, WIRE_TEXT_MAX, fault);
    if (code == FAULT_NONE)
        code = check_text("the app's name", origin->app, WIRE_TEXT_MAX, fault);
    if (code == FAULT_NONE)
        code =
            check_text("the command with its arguments", origin->command, WIRE_COMMAND_MAX, fault);
    return code;
}

enum fault_code origin_name(const struct origin *origin, const struct settings *settings,
                            struct arena *arena, char out_id[WIRE_ID_HEX + 1],
                            struct wire_handoff *out, struct fault *fault)
{
    char digest[SHA256_HEX + 1];
    struct str sid = STR("");
    enum fault_code code = search_id(origin->sid, arena, &sid, fault);
    if (code == FAULT_NONE)
        code = check_texts(origin, sid, fault);
    struct str command = arena_copy(arena, origin->command);
    if (code == FAULT_NONE && !command.ptr)
        code = fault_set(fault, FAULT_NO_MEMORY, "no memory left for an id");
    if (code == FAULT_NONE)
        code = wire_handoff_id(settings->tenant, sid, command, settings->url, out_id, fault);
    if (code != FAULT_NONE)
        return code;
    struct sha256 search = sha256_of(origin->search);
    hex_of(search.bytes, sizeof search.bytes, digest);
    struct str search_sha256 = arena_copy(arena, str_of(origin->search.ptr ? digest : ""));
    if (!search_sha256.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for a digest");
    *out = (struct wire_handoff){
        .id = str_of(out_id),
        .tenant = settings->tenant,
        .sid = sid,
        .command = command,
        .target = settings->url,
        .title = origin->title,
        .investigation = origin->investigation,
        .user = origin->user,
        .app = origin->app,
        .search_sha256 = search_sha256,
        .client = STR("intelgraph/" IG_VERSION),
        .earliest_us = origin->earliest_us,
        .latest_us = origin->latest_us,
        .parts = 1,
    };
    return FAULT_NONE;
}
