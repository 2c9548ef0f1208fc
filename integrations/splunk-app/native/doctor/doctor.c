#include "integrations/splunk-app/native/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libs/core/os.h"
#include "libs/http/client.h"

enum { ARENA_BYTES = 32 << 20 };

static void check_settings(struct doctor *doctor);

/* One row a check: what must have gone well before it, how long it may take, and what runs it. A
 * check depends on itself where it depends on none. */
static const struct {
    const char *name;
    enum doctor_check needs;
    int limit_ms;
    doctor_run_check *run;
} checks[DOCTOR_CHECK_COUNT] = {
    [DOCTOR_SETTINGS] = {"settings", DOCTOR_SETTINGS, 1000, check_settings},
    [DOCTOR_DNS] = {"dns", DOCTOR_SETTINGS, 5000, doctor_dns},
    [DOCTOR_TCP] = {"tcp", DOCTOR_DNS, 10000, doctor_tcp},
    [DOCTOR_TLS] = {"tls", DOCTOR_PROXY, 10000, doctor_tls},
    [DOCTOR_PROXY] = {"proxy", DOCTOR_TCP, 10000, doctor_proxy},
    [DOCTOR_CLOCK] = {"clock", DOCTOR_TLS, 10000, doctor_clock},
    [DOCTOR_TOKEN] = {"token", DOCTOR_CLOCK, 10000, doctor_token},
    [DOCTOR_SCOPE] = {"scope", DOCTOR_TOKEN, 10000, doctor_scope},
    [DOCTOR_TENANT] = {"tenant", DOCTOR_TOKEN, 1000, doctor_tenant},
    [DOCTOR_KVSTORE] = {"kvstore", DOCTOR_SETTINGS, 10000, doctor_kvstore},
    [DOCTOR_OUTBOX] = {"outbox", DOCTOR_OUTBOX, 1000, doctor_outbox},
    [DOCTOR_LOG] = {"log", DOCTOR_LOG, 1000, doctor_log},
    [DOCTOR_BINARY] = {"binary", DOCTOR_BINARY, 1000, doctor_binary},
    [DOCTOR_SERVICE] = {"service", DOCTOR_TOKEN, 10000, doctor_service},
    [DOCTOR_BUDGET] = {"budget", DOCTOR_TOKEN, 10000, doctor_budget},
    [DOCTOR_AUDIT] = {"audit", DOCTOR_TENANT, 10000, doctor_audit},
};

/* What waits for nobody first: that the network is slow takes nothing from it. */
static const enum doctor_check order[DOCTOR_CHECK_COUNT] = {
    DOCTOR_SETTINGS, DOCTOR_OUTBOX,  DOCTOR_LOG,    DOCTOR_BINARY, DOCTOR_KVSTORE, DOCTOR_DNS,
    DOCTOR_TCP,      DOCTOR_PROXY,   DOCTOR_TLS,    DOCTOR_CLOCK,  DOCTOR_TOKEN,   DOCTOR_SCOPE,
    DOCTOR_TENANT,   DOCTOR_SERVICE, DOCTOR_BUDGET, DOCTOR_AUDIT,
};

const char *doctor_check_name(enum doctor_check check)
{
    return checks[check].name;
}

enum doctor_check doctor_check_needs(enum doctor_check check)
{
    return checks[check].needs;
}

int doctor_check_limit_ms(enum doctor_check check)
{
    return checks[check].limit_ms;
}

const char *doctor_status_name(enum doctor_status status)
{
    static const char *const names[] = {
        [DOCTOR_SKIPPED] = "skipped",
        [DOCTOR_OK] = "ok",
        [DOCTOR_WARNING] = "warning",
        [DOCTOR_FAILED] = "failed",
    };
    return names[status];
}

/* A cut in the middle of a character would make the row no text: the bytes after the last whole one
 * go too. */
static void end_whole(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && !str_is_utf8((struct str){text, len}) && len + 4 > strlen(text))
        len--;
    if (str_is_utf8((struct str){text, len}))
        text[len] = '\0';
}

void doctor_tell(struct doctor *doctor, enum doctor_check check, enum doctor_status status,
                 enum doctor_cure cure, const char *format, ...)
{
    struct doctor_row *row = &doctor->rows[check];
    va_list args;
    va_start(args, format);
    vsnprintf(row->value, sizeof row->value, format, args);
    va_end(args);
    end_whole(row->value);
    row->status = status;
    row->cure = doctor_cures[cure].text;
}

int doctor_time(const struct doctor *doctor, enum doctor_check check)
{
    int64_t left_ms = (doctor->until_us - os_monotonic_us()) / 1000;
    if (left_ms < 1)
        return 1;
    return left_ms < checks[check].limit_ms ? (int)left_ms : checks[check].limit_ms;
}

/* --- checks that ask nobody ------------------------------------------------------------------ */

static void check_settings(struct doctor *doctor)
{
    doctor_tell(doctor, DOCTOR_SETTINGS, DOCTOR_OK, CURE_NONE, "%.*s, tenant %.*s",
                STR_ARG(doctor->settings.url), STR_ARG(doctor->settings.tenant));
}

/* One that is switched off is only a failure for who asked for it by its name. */
static void tell_no_settings(struct doctor *doctor, bool is_named, const struct fault *fault)
{
    bool disabled = strcmp(fault->field, "disabled") == 0;
    if (disabled && !is_named)
        doctor_tell(doctor, DOCTOR_SETTINGS, DOCTOR_SKIPPED, CURE_NONE,
                    "the instance is disabled in intelgraph.conf");
    else
        doctor_tell(doctor, DOCTOR_SETTINGS, DOCTOR_FAILED,
                    disabled ? CURE_DISABLED : CURE_SETTINGS, "%s", fault->text);
}

/* --- all of them ----------------------------------------------------------------------------- */

/* What is to be mended first: the check that failed, behind those that were skipped for it. */
static enum doctor_check root_of(const struct doctor *doctor, enum doctor_check check)
{
    while (doctor->rows[check].status == DOCTOR_SKIPPED && checks[check].needs != check &&
           doctor->rows[checks[check].needs].status != DOCTOR_OK &&
           doctor->rows[checks[check].needs].status != DOCTOR_WARNING)
        check = checks[check].needs;
    return check;
}

static void run_check(struct doctor *doctor, enum doctor_check check)
{
    enum doctor_check needs = checks[check].needs;
    enum doctor_status before = doctor->rows[needs].status;
    if (needs != check && before != DOCTOR_OK && before != DOCTOR_WARNING) {
        enum doctor_check root = root_of(doctor, needs);
        doctor_tell(doctor, check, DOCTOR_SKIPPED, CURE_NONE, "not tried: the check %s %s",
                    checks[root].name,
                    doctor->rows[root].status == DOCTOR_FAILED ? "failed" : "was not made");
    } else if (os_monotonic_us() >= doctor->until_us)
        doctor_tell(doctor, check, DOCTOR_SKIPPED, CURE_NONE,
                    "not tried: the checks before it took all of the %d seconds there are for one "
                    "instance",
                    DOCTOR_WHOLE_MS / 1000);
    else
        checks[check].run(doctor);
}

void doctor_run(struct doctor *doctor, const struct places *places, const struct scp_getinfo *info,
                struct str instance, bool is_named, int64_t until_us)
{
    struct fault fault;
    int64_t own_us = os_monotonic_us() + (int64_t)DOCTOR_WHOLE_MS * 1000;
    *doctor = (struct doctor){
        .places = places, .info = info, .until_us = own_us < until_us ? own_us : until_us};
    arena_init(&doctor->arena, ARENA_BYTES);
    bool readable =
        settings_read(places, instance, &doctor->arena, &doctor->settings, &fault) == FAULT_NONE;
    for (size_t i = 0; i < DOCTOR_CHECK_COUNT; i++)
        if (order[i] == DOCTOR_SETTINGS && !readable)
            tell_no_settings(doctor, is_named, &fault);
        else
            run_check(doctor, order[i]);
}

void doctor_done(struct doctor *doctor)
{
    http_client_free(doctor->plain);
    http_client_free(doctor->signed_in);
    http_secret_done(&doctor->token);
    arena_wipe(&doctor->arena);
}
