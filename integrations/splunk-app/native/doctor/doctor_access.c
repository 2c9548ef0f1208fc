/* What the service lets us do: the token, its scope and tenant, the service's version, its log. */
#include "integrations/splunk-app/native/doctor/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integrations/splunk-app/native/audit/proof.h"
#include "integrations/splunk-app/native/frame/command.h"
#include "integrations/splunk-app/native/peers/capability.h"
#include "integrations/splunk-app/native/peers/instance.h"
#include "integrations/splunk-app/native/peers/service.h"
#include "integrations/splunk-app/native/peers/token.h"
#include "libs/core/os.h"
#include "libs/text/time.h"

enum { TOKEN_ENDS_DAYS = 14 };

/* The services that this app works with: from the one that first answered as it expects, to before
 * the next that may answer otherwise. */
#define SERVICE_LEAST "0.1.0"
#define SERVICE_BELOW "1.0.0"

/* --- token ----------------------------------------------------------------------------------- */

static struct token_session session_of(const struct doctor *doctor, enum doctor_check check)
{
    return (struct token_session){.splunkd_uri = doctor->info->splunkd_uri,
                                  .session_key = doctor->info->session_key,
                                  .user = doctor->info->username,
                                  .timeout_ms = doctor_time(doctor, check)};
}

static bool is_from_file(const struct doctor *doctor)
{
    return instance_has_own_token(&doctor->settings);
}

static void tell_no_token(struct doctor *doctor, const struct fault *fault)
{
    enum doctor_cure cure = CURE_BROKER;
    if (strcmp(fault->field, "credential") == 0)
        cure = CURE_CREDENTIAL;
    else if (fault->code == FAULT_UNSIGNED)
        cure = CURE_STORE_TOKEN;
    else if (fault->code == FAULT_DENIED)
        cure = CURE_CAPABILITY;
    doctor_tell(doctor, DOCTOR_TOKEN, DOCTOR_FAILED, cure, "%s", fault->text);
}

/* A token for looking. Who may not is told before the broker is asked. A new one, not what the
 * broker keeps: the stored API token may have been replaced since, and is what is tested. */
static enum fault_code get_token(struct doctor *doctor, struct fault *fault)
{
    bool may = true;
    struct token_session session = session_of(doctor, DOCTOR_TOKEN);
    enum fault_code code = FAULT_NONE;
    if (!is_from_file(doctor))
        code = capability_has(doctor->places, &doctor->settings, &session, TOKEN_READ, &may, fault);
    if (code != FAULT_NONE)
        return code;
    if (!may)
        return fault_set(fault, FAULT_DENIED, "the user %.*s lacks the capability %s",
                         STR_ARG(str_take(session.user, 64)), token_scope_capability(TOKEN_READ));
    return token_obtain(doctor->places, &doctor->settings, &session, TOKEN_READ, true,
                        &doctor->token, fault);
}

static enum fault_code read_caller(struct doctor *doctor, struct str body, struct fault *fault)
{
    const struct json *top;
    struct doctor_caller caller = {.expires_us = 0};
    if (json_read(&doctor->arena, body, &top, fault) != FAULT_NONE)
        return fault_prefix(fault, "GET /v1/whoami: ");
    caller.scopes = json_member(top, "scopes");
    if (!json_text(json_member(top, "tenant"), &caller.tenant) ||
        !json_text(json_member(top, "subject"), &caller.subject) ||
        !json_text(json_member(top, "role"), &caller.role) ||
        !json_text(json_member(top, "version"), &caller.version) || !json_is_array(caller.scopes))
        return fault_set(fault, FAULT_UNAVAILABLE,
                         "GET /v1/whoami: tenant, subject, role, scopes and version are expected");
    if (!json_whole(json_member(top, "expires_us"), &caller.expires_us))
        caller.expires_us = 0;
    doctor->caller = caller;
    return FAULT_NONE;
}

static void tell_caller(struct doctor *doctor)
{
    const struct doctor_caller *caller = &doctor->caller;
    char room[64] = "";
    struct buf until = {.ptr = room, .room = sizeof room, .limit = sizeof room - 1};
    int64_t left_us = caller->expires_us - os_now_us();
    bool soon = is_from_file(doctor) && caller->expires_us != 0 &&
                left_us < INT64_C(86400) * 1000000 * TOKEN_ENDS_DAYS;
    if (caller->expires_us != 0)
        time_add_rfc3339(&until, caller->expires_us / 1000000 * 1000000);
    room[until.len] = '\0';
    doctor_tell(doctor, DOCTOR_TOKEN, soon ? DOCTOR_WARNING : DOCTOR_OK,
                soon ? CURE_TOKEN_ENDS : CURE_NONE, "%s %.*s, %s%s",
                is_from_file(doctor) ? "the API token" : "the app's broker gave one for",
                STR_ARG(caller->subject), caller->expires_us ? "until " : "without an end", room);
}

void doctor_token(struct doctor *doctor)
{
    struct fault fault;
    struct str body = {0};
    enum fault_code code = get_token(doctor, &fault);
    if (code != FAULT_NONE) {
        tell_no_token(doctor, &fault);
        return;
    }
    code = instance_client_new(doctor->places, &doctor->settings, &doctor->token,
                               &doctor->signed_in, &fault);
    if (code == FAULT_NONE) {
        int limit_ms = doctor_time(doctor, DOCTOR_TOKEN);
        http_client_limit(doctor->signed_in, limit_ms, limit_ms);
        code = service_get(doctor->signed_in, "v1/whoami", &doctor->arena, &body, &fault);
    }
    if (code == FAULT_NONE)
        code = read_caller(doctor, body, &fault);
    if (code == FAULT_NONE)
        tell_caller(doctor);
    else
        doctor_tell(doctor, DOCTOR_TOKEN, DOCTOR_FAILED,
                    code == FAULT_UNSIGNED    ? CURE_NEW_TOKEN
                    : code == FAULT_NOT_FOUND ? CURE_UPGRADE_SERVICE
                                              : CURE_NO_ANSWER,
                    "%s", fault.text);
}

/* --- scope, tenant ---------------------------------------------------------------------------- */

static bool may(const struct doctor *doctor, struct str scope)
{
    struct str name;
    for (const struct json *at = json_first(doctor->caller.scopes); at; at = json_next(at))
        if (json_text(at, &name) && str_equal(name, scope))
            return true;
    return false;
}

/* The token at hand is for looking; whether there would be one to hand off splunkd says. */
static bool may_hand_off(struct doctor *doctor)
{
    bool yes = may(doctor, STR("handoff"));
    struct fault ignored;
    struct token_session session = session_of(doctor, DOCTOR_SCOPE);
    if (!yes && !is_from_file(doctor) &&
        capability_has(doctor->places, &doctor->settings, &session, TOKEN_HANDOFF, &yes,
                       &ignored) != FAULT_NONE)
        return false;
    return yes;
}

void doctor_scope(struct doctor *doctor)
{
    bool looks = may(doctor, STR("read"));
    bool hands_off = may_hand_off(doctor);
    enum doctor_cure cure = is_from_file(doctor) ? CURE_ROLE : CURE_SCOPE;
    if (looks && hands_off)
        doctor_tell(doctor, DOCTOR_SCOPE, DOCTOR_OK, CURE_NONE, "hand off, look (role %.*s)",
                    STR_ARG(doctor->caller.role));
    else
        doctor_tell(doctor, DOCTOR_SCOPE, looks || hands_off ? DOCTOR_WARNING : DOCTOR_FAILED, cure,
                    "%s (role %.*s)",
                    looks       ? "may look, but not hand off"
                    : hands_off ? "may hand off, but not look"
                                : "may neither hand off nor look",
                    STR_ARG(doctor->caller.role));
}

void doctor_tenant(struct doctor *doctor)
{
    struct str tenant = doctor->settings.tenant;
    if (str_equal(tenant, doctor->caller.tenant))
        doctor_tell(doctor, DOCTOR_TENANT, DOCTOR_OK, CURE_NONE, "the service says %.*s too",
                    STR_ARG(tenant));
    else
        doctor_tell(doctor, DOCTOR_TENANT, DOCTOR_FAILED, CURE_TENANT,
                    "the settings say %.*s, the service takes the token for %.*s", STR_ARG(tenant),
                    STR_ARG(str_take(doctor->caller.tenant, 64)));
}

/* --- service ---------------------------------------------------------------------------------- */

/* "1.20.3" as a number that compares as versions do; what follows a hyphen is passed over. False
 * for what is no version. */
static bool read_version(struct str text, int64_t *out)
{
    int64_t number = 0;
    struct str rest = str_take(text, str_find_byte(text, '-'));
    for (int i = 0; i < 3; i++) {
        struct str part;
        uint64_t value;
        bool more = str_cut(rest, '.', &part, &rest);
        if (more != (i < 2) || !str_to_u64(part, 999999, &value))
            return false;
        number = number * 1000000 + (int64_t)value;
    }
    *out = number;
    return true;
}

static void tell_version(struct doctor *doctor, bool is_ready, const char *lacks)
{
    struct str version = doctor->caller.version;
    int64_t number;
    int64_t least = 0;
    int64_t below = 0;
    bool known = read_version(STR(SERVICE_LEAST), &least) &&
                 read_version(STR(SERVICE_BELOW), &below) && read_version(version, &number);
    bool older = known && number < least;
    bool fits = known && !older && number < below;
    enum doctor_status status = !fits ? DOCTOR_FAILED : is_ready ? DOCTOR_OK : DOCTOR_WARNING;
    enum doctor_cure cure = older       ? CURE_UPGRADE_SERVICE
                            : !fits     ? CURE_UPGRADE_APP
                            : !is_ready ? CURE_NOT_READY
                                        : CURE_NONE;
    doctor_tell(doctor, DOCTOR_SERVICE, status, cure,
                "intelgraphd %.*s; this app, " IG_VERSION ", works with " SERVICE_LEAST
                " and newer, below " SERVICE_BELOW "%s%s",
                STR_ARG(str_take(version, 64)), is_ready ? "" : "; it is not ready: ", lacks);
}

void doctor_service(struct doctor *doctor)
{
    struct str body;
    struct fault fault = {.text = ""};
    int limit_ms = doctor_time(doctor, DOCTOR_SERVICE);
    http_client_limit(doctor->signed_in, limit_ms, limit_ms);
    bool is_ready =
        service_get(doctor->signed_in, "readyz", &doctor->arena, &body, &fault) == FAULT_NONE;
    tell_version(doctor, is_ready, fault.text);
}

/* --- audit ------------------------------------------------------------------------------------ */

static enum fault_code check_continues(struct doctor *doctor, struct proof_log *log,
                                       const struct kept_list *kept, struct fault *fault)
{
    char path[128];
    int64_t from = 0;
    struct str body;
    struct merkle_proof proof;
    if (!proof_needs_consistency(log, kept, &from) || from == 0)
        return FAULT_NONE;
    snprintf(path, sizeof path, "v1/audit/consistency?from=%" PRId64 "&to=%" PRId64, from,
             log->head.size);
    enum fault_code code = service_get(doctor->signed_in, path, &doctor->arena, &body, fault);
    if (code == FAULT_NONE)
        code = wire_read_consistency(&doctor->arena, body, from, log->head.size, &proof, fault);
    if (code == FAULT_NONE)
        proof_is_consistent(log, kept, &proof);
    return code;
}

static enum fault_code check_log(struct doctor *doctor, const struct kept_list *kept,
                                 struct proof_log *log, struct fault *fault)
{
    struct str body;
    struct wire_audit_page page;
    enum fault_code code =
        service_get(doctor->signed_in, "v1/audit/handoffs?limit=1", &doctor->arena, &body, fault);
    if (code == FAULT_NONE)
        code = wire_read_audit_page(&doctor->arena, body, &page, fault);
    if (code == FAULT_NONE &&
        proof_open(doctor->settings.tenant, doctor->settings.audit_key, &page, log))
        code = check_continues(doctor, log, kept, fault);
    return code;
}

void doctor_audit(struct doctor *doctor)
{
    struct kept_list kept;
    struct proof_log log = {.holds = false};
    struct fault fault;
    int limit_ms = doctor_time(doctor, DOCTOR_AUDIT);
    enum fault_code code = sha256_ready(&fault);
    if (code == FAULT_NONE)
        code =
            kept_read(doctor->places, doctor->settings.tenant, doctor->settings.url, &kept, &fault);
    if (code != FAULT_NONE) {
        doctor_tell(doctor, DOCTOR_AUDIT, DOCTOR_SKIPPED, CURE_NONE, "%s", fault.text);
        return;
    }
    http_client_limit(doctor->signed_in, limit_ms, limit_ms);
    code = check_log(doctor, &kept, &log, &fault);
    if (code == FAULT_DENIED)
        doctor_tell(doctor, DOCTOR_AUDIT, DOCTOR_SKIPPED, CURE_NONE,
                    "this token may not see the log's head");
    else if (code != FAULT_NONE)
        doctor_tell(doctor, DOCTOR_AUDIT, DOCTOR_FAILED, CURE_AUDIT, "%s", fault.text);
    else if (!log.holds)
        doctor_tell(doctor, DOCTOR_AUDIT, DOCTOR_FAILED, CURE_AUDIT, "%s", log.reason);
    else
        doctor_tell(doctor, DOCTOR_AUDIT, DOCTOR_OK, CURE_NONE,
                    "the head of %" PRId64 " %s is signed%s; this search head kept %zu %s%s",
                    log.head.size, command_plural((uint64_t)log.head.size, "record", "records"),
                    doctor->settings.audit_key.len ? " by audit_key" : "", kept.count,
                    command_plural(kept.count, "head", "heads"),
                    kept.count ? ", and the log continues the newest" : "");
    kept_done(&kept);
}
