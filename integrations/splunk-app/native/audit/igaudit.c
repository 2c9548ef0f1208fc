#include "integrations/splunk-app/native/audit/igaudit.h"

#include <stdio.h>
#include <string.h>

#include "integrations/splunk-app/native/frame/options.h"
#include "integrations/splunk-app/native/peers/capability.h"
#include "integrations/splunk-app/native/peers/instance.h"
#include "integrations/splunk-app/native/peers/service.h"
#include "integrations/splunk-app/native/peers/token.h"
#include "integrations/splunk-app/native/settings/link.h"
#include "libs/wire/handoff.h"

enum {
    ARENA_BYTES = 16 << 20,
    PAGE_ARENA_BYTES = 64 << 20, /* a page of HTTP_REPLY_MAX, its JSON and its proofs */
    PATH_BYTES = 4096,
    ROWS_USUAL = 1000,
    ROWS_MAX = 100000,
    TEXT_MAX = 256,
    CLOCKS_US = 300 * 1000000, /* that the two sides' clocks may differ */
};

static const char *const columns[] = {
    "_time",    "analyst",  "action",    "outcome",        "sid",       "search_head", "handoff_id",
    "title",    "entities", "relations", "intelgraph_url", "log_index", "verified",    "reason",
    "instance", NULL,
};

#define USAGE      "igaudit [analyst=<user>] [sid=<search id>] [limit=<1 to 100000>] [instance=<name>]"
#define AT(member) offsetof(struct igaudit, args.member)

static const struct option options[] = {
    {"analyst", "analyst=<user>", OPTION_TEXT, AT(analyst), 1, TEXT_MAX},
    {"sid", "sid=<search id>", OPTION_TEXT, AT(sid), 1, TEXT_MAX},
    {"limit", "limit=<1 to 100000>", OPTION_WHOLE, AT(limit), 1, ROWS_MAX},
    {"instance", "instance=<name>", OPTION_TEXT, AT(instance), 1, SETTINGS_NAME_MAX},
};

void igaudit_init(struct igaudit *audit)
{
    *audit = (struct igaudit){.args = {.limit = ROWS_USUAL}};
    arena_init(&audit->arena, ARENA_BYTES);
    arena_init(&audit->page, PAGE_ARENA_BYTES);
}

void igaudit_done(struct igaudit *audit)
{
    http_client_free(audit->client);
    http_secret_done(&audit->token);
    kept_done(&audit->kept);
    arena_done(&audit->page);
    arena_done(&audit->arena);
}

static enum fault_code start(void *state, const struct scp_getinfo *info, struct fault *fault)
{
    struct igaudit *audit = state;
    audit->info = info;
    enum fault_code code =
        options_read(info, USAGE, options, sizeof options / sizeof options[0], audit, fault);
    if (code == FAULT_NONE)
        code = places_find(&audit->places, fault);
    if (code == FAULT_NONE)
        code = settings_read(&audit->places, audit->args.instance, &audit->arena, &audit->settings,
                             fault);
    audit->left = audit->args.limit;
    return code;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* The widest that the analyst's capabilities give. A token from a file has its own. */
static enum fault_code get_token(struct igaudit *audit, struct fault *fault)
{
    struct token_session session = {.splunkd_uri = audit->info->splunkd_uri,
                                    .session_key = audit->info->session_key,
                                    .user = audit->info->username};
    enum fault_code code = FAULT_NONE;
    if (!instance_has_own_token(&audit->settings))
        code = capability_has(&audit->places, &audit->settings, &session, TOKEN_AUDIT,
                              &audit->sees_all, fault);
    if (code != FAULT_NONE)
        return fault_prefix(fault, "no token for IntelGraph: ");
    return token_obtain(&audit->places, &audit->settings, &session,
                        audit->sees_all ? TOKEN_AUDIT : TOKEN_READ, false, &audit->token, fault);
}

static enum fault_code begin(struct igaudit *audit, struct fault *fault)
{
    enum fault_code code = sha256_ready(fault);
    if (code == FAULT_NONE)
        code = get_token(audit, fault);
    if (code == FAULT_NONE)
        code = kept_read(&audit->places, audit->settings.tenant, audit->settings.url, &audit->kept,
                         fault);
    if (code == FAULT_NONE)
        code = instance_client_new(&audit->places, &audit->settings, &audit->token, &audit->client,
                                   fault);
    return code;
}

static void add_time(struct buf *path, const char *name, int64_t us)
{
    char text[24];
    if (us <= 0)
        return;
    snprintf(text, sizeof text, "%lld", (long long)us);
    service_add_query(path, name, str_of(text));
}

static enum fault_code get_page(struct igaudit *audit, struct fault *fault)
{
    char limit[24];
    struct buf path;
    struct str body = {0};
    int64_t most = audit->left < WIRE_AUDIT_RECORDS_MAX ? audit->left : WIRE_AUDIT_RECORDS_MAX;
    buf_init(&path, PATH_BYTES);
    snprintf(limit, sizeof limit, "%lld", (long long)most);
    buf_add_c(&path, "v1/audit/handoffs");
    service_add_query(&path, "limit", str_of(limit));
    service_add_query(&path, "analyst", audit->args.analyst);
    service_add_query(&path, "sid", audit->args.sid);
    add_time(&path, "from", audit->info->earliest_us);
    add_time(&path, "to", audit->info->latest_us);
    service_add_query(&path, "after", str_of(audit->next));
    buf_add_byte(&path, '\0');
    enum fault_code code = buf_check(&path, "the request for audit records", fault);
    arena_reset(&audit->page);
    audit->at = 0;
    audit->now = (struct wire_audit_page){.size = 0};
    if (code == FAULT_NONE)
        code = service_get(audit->client, path.ptr, &audit->page, &body, fault);
    buf_done(&path);
    if (code == FAULT_NONE &&
        wire_read_audit_page(&audit->page, body, &audit->now, fault) != FAULT_NONE) {
        code = fault->code = fault->code == FAULT_NO_MEMORY ? FAULT_NO_MEMORY : FAULT_UNAVAILABLE;
        fault_prefix(fault, "what answers at %.*s is not this version's IntelGraph: ",
                     STR_ARG(audit->settings.url));
    }
    if (code == FAULT_NONE && !str_to_c(audit->now.next, audit->next, sizeof audit->next))
        audit->next[0] = '\0';
    audit->through = audit->next[0] == '\0';
    return code;
}

/* The newest kept head must be the beginning of the log that is shown. A service that does not give
 * the proof does not prove it. */
static enum fault_code check_kept(struct igaudit *audit, struct fault *fault)
{
    char path[128];
    int64_t from = 0;
    struct str body;
    struct fault told = {.text = ""};
    struct merkle_proof proof = {.count = 0};
    if (!proof_needs_consistency(&audit->log, &audit->kept, &from) || from == 0)
        return FAULT_NONE;
    snprintf(path, sizeof path, "v1/audit/consistency?from=%lld&to=%lld", (long long)from,
             (long long)audit->log.head.size);
    enum fault_code code = service_get(audit->client, path, &audit->page, &body, &told);
    if (code == FAULT_NONE)
        code = wire_read_consistency(&audit->page, body, from, audit->log.head.size, &proof, &told);
    if (code == FAULT_NO_MEMORY) {
        *fault = told;
        return code;
    }
    if (code == FAULT_NONE) {
        proof_is_consistent(&audit->log, &audit->kept, &proof);
        return FAULT_NONE;
    }
    audit->log.holds = false;
    snprintf(audit->log.reason, sizeof audit->log.reason,
             "the service does not prove that its log continues the one of %lld records that this "
             "search head knows: %.150s",
             (long long)from, told.text);
    return FAULT_NONE;
}

static enum fault_code open_first(struct igaudit *audit, struct fault *fault)
{
    enum fault_code code = begin(audit, fault);
    if (code == FAULT_NONE)
        code = get_page(audit, fault);
    if (code != FAULT_NONE)
        return code;
    audit->checkpoint = arena_copy(&audit->arena, audit->now.checkpoint);
    if (!audit->checkpoint.ptr)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for the log's head");
    struct wire_audit_page first = audit->now;
    first.checkpoint = audit->checkpoint;
    if (!proof_open(audit->settings.tenant, audit->settings.audit_key, &first, &audit->log))
        return FAULT_NONE;
    return check_kept(audit, fault);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void put_time(struct generating_rows *rows, int64_t us)
{
    char text[32] = "";
    if (us >= 0)
        snprintf(text, sizeof text, "%lld.%06lld", (long long)(us / 1000000),
                 (long long)(us % 1000000));
    generating_put(rows, str_of(text));
}

static void put_count(struct generating_rows *rows, int64_t number)
{
    if (number < 0)
        generating_put(rows, STR(""));
    else
        generating_put_whole(rows, number);
}

static void put_row(struct igaudit *audit, struct generating_rows *rows,
                    const struct proof_record *record, int64_t index)
{
    char link[LINK_BYTES] = "";
    bool opens = record->handoff.len == WIRE_ID_HEX && wire_is_id(record->handoff);
    if (opens)
        link_write(&audit->settings, record->handoff, link);
    put_time(rows, record->time_us);
    generating_put(rows, record->analyst);
    generating_put(rows, record->action);
    generating_put(rows, record->outcome);
    generating_put(rows, record->sid);
    generating_put(rows, record->search_head);
    generating_put(rows, record->handoff);
    generating_put(rows, record->title);
    put_count(rows, record->entities);
    put_count(rows, record->relations);
    generating_put(rows, str_of(link));
    generating_put_whole(rows, index);
    generating_put_boolean(rows, record->verified);
    generating_put(rows, str_of(record->reason));
    generating_put(rows, audit->settings.instance);
    audit->rows++;
    audit->doubted += !record->verified;
    audit->left--;
}

/* Pages that follow have to be of the log of the first. */
static void check_page(struct igaudit *audit)
{
    if (audit->log.holds && audit->now.size != audit->log.head.size) {
        audit->log.holds = false;
        snprintf(audit->log.reason, sizeof audit->log.reason,
                 "the proofs are for another head than the signed one");
    }
}

static enum fault_code put_shown(struct igaudit *audit, struct generating_rows *rows,
                                 struct arena *arena, struct fault *fault)
{
    enum fault_code code = FAULT_NONE;
    while (code == FAULT_NONE && audit->left > 0 && !generating_is_full(rows)) {
        struct proof_record record;
        if (audit->at == audit->now.count) {
            if (audit->through)
                break;
            code = get_page(audit, fault);
            if (code == FAULT_NONE)
                check_page(audit);
            continue;
        }
        const struct wire_audit_record *next = &audit->now.records[audit->at++];
        code = proof_check(&audit->log, &audit->kept, next, arena, &record, fault);
        if (code != FAULT_NONE)
            break;
        kept_meet(&audit->kept, next->index, record.handoff);
        put_row(audit, rows, &record, next->index);
    }
    return code;
}

/* Whether the service had to show this hand-off: it is within what was asked for, and one that this
 * user may see. The service's clock says when the record was made, ours when the receipt was
 * written down: what is as near to an end of the range as clocks may differ is not judged. */
static bool is_asked_for(const struct igaudit *audit, const struct kept *kept)
{
    const struct scp_getinfo *info = audit->info;
    if (info->latest_us > 0 && kept->time_us >= info->latest_us - CLOCKS_US)
        return false;
    if (info->earliest_us > 0 && kept->time_us < info->earliest_us + CLOCKS_US)
        return false;
    if (audit->args.analyst.len > 0 && !str_equal(kept->user, audit->args.analyst))
        return false;
    if (audit->args.sid.len > 0 && !str_equal(kept->sid, audit->args.sid))
        return false;
    return audit->sees_all || str_equal(kept->user, info->username);
}

/* What was acknowledged to this search head, and is not among what the service shows. */
static void put_hidden(struct igaudit *audit, struct generating_rows *rows)
{
    while (audit->left > 0 && audit->kept_at < audit->kept.count && !generating_is_full(rows)) {
        const struct kept *kept = &audit->kept.items[audit->kept_at++];
        if (kept->met || !is_asked_for(audit, kept))
            continue;
        struct proof_record record = {
            .time_us = kept->time_us,
            .analyst = kept->user,
            .action = STR("handoff.committed"),
            .outcome = STR("missing"),
            .sid = kept->sid,
            .handoff = kept->handoff,
            .title = kept->title,
            .entities = kept->entities,
            .relations = kept->relations,
            .reason = "the service acknowledged this hand-off to this search head, but does not "
                      "show it",
        };
        put_row(audit, rows, &record, kept->index);
    }
}

static void say(struct igaudit *audit, bool more, struct command_messages *messages)
{
    if (audit->said)
        return;
    audit->said = true;
    if (audit->doubted > 0)
        command_say(messages, COMMAND_WARN,
                    "IntelGraph: %llu of %llu records are not verified; their column `reason` says "
                    "why. What to do: docs/runbooks/audit.md.",
                    (unsigned long long)audit->doubted, (unsigned long long)audit->rows);
    if (more)
        command_say(messages, COMMAND_INFO,
                    "IntelGraph: there are more records than limit=%lld; narrow the time range, or "
                    "give a higher limit.",
                    (long long)audit->args.limit);
    if (audit->kept.cut)
        command_say(messages, COMMAND_INFO,
                    "IntelGraph: only the newest %d MiB of intelgraph_audit.log were compared with "
                    "the service's log.",
                    KEPT_BYTES_MAX >> 20);
}

static enum fault_code next(void *state, struct generating_rows *rows, bool *out_more,
                            struct command_messages *messages, struct arena *arena,
                            struct fault *fault)
{
    struct igaudit *audit = state;
    enum fault_code code = audit->client ? FAULT_NONE : open_first(audit, fault);
    if (code == FAULT_NONE)
        code = put_shown(audit, rows, arena, fault);
    if (code != FAULT_NONE)
        return code;
    bool shown = audit->through && audit->at == audit->now.count;
    if (shown)
        put_hidden(audit, rows);
    bool more = !shown || audit->kept_at < audit->kept.count;
    *out_more = more && audit->left > 0;
    if (!*out_more)
        say(audit, !shown, messages);
    return FAULT_NONE;
}

struct generating_source igaudit_source(struct igaudit *audit)
{
    return (struct generating_source){
        .name = "igaudit", .columns = columns, .state = audit, .start = start, .next = next};
}
