/* The checks behind igdoctor: one instance, from its settings to the service's log, each with a
 * status, what was found, and the cure. A check never fails the search. */
#ifndef IG_NATIVE_DOCTOR_H
#define IG_NATIVE_DOCTOR_H

#include "integrations/splunk-app/native/settings/settings.h"
#include "libs/http/probe.h"
#include "libs/scp/getinfo.h"
#include "libs/text/json.h"

/* In the order of the rows. */
enum doctor_check {
    DOCTOR_SETTINGS,
    DOCTOR_DNS,
    DOCTOR_TCP,
    DOCTOR_TLS,
    DOCTOR_PROXY,
    DOCTOR_CLOCK,
    DOCTOR_TOKEN,
    DOCTOR_SCOPE,
    DOCTOR_TENANT,
    DOCTOR_KVSTORE,
    DOCTOR_OUTBOX,
    DOCTOR_LOG,
    DOCTOR_BINARY,
    DOCTOR_SERVICE,
    DOCTOR_BUDGET,
    DOCTOR_AUDIT,
    DOCTOR_CHECK_COUNT
};

enum doctor_status { DOCTOR_SKIPPED, DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

enum {
    DOCTOR_VALUE_BYTES = 2048,
    DOCTOR_WHOLE_MS = 30000, /* for all checks of one instance; what is left over is skipped */
    DOCTOR_ALL_MS = 120000,  /* for all instances */
};

struct doctor_row {
    enum doctor_status status;
    const char *cure; /* of doctor_cures; "" when there is nothing to cure */
    char value[DOCTOR_VALUE_BYTES];
};

/* What the service says of the caller (GET /v1/whoami). Texts live in the doctor's arena. */
struct doctor_caller {
    struct str tenant;
    struct str subject;
    struct str role;
    struct str version;
    const struct json *scopes;
    int64_t expires_us; /* 0: never */
};

struct doctor {
    const struct places *places;
    const struct scp_getinfo *info;
    struct arena arena; /* wiped at the end: a stored secret may pass through it */
    int64_t until_us;   /* by the monotonic clock */
    struct settings settings;
    struct http_client *plain; /* without a token; NULL until a check has made it */
    struct http_client *signed_in;
    struct http_secret token;
    struct http_probe probe;
    struct doctor_caller caller;
    struct doctor_row rows[DOCTOR_CHECK_COUNT];
};

const char *doctor_check_name(enum doctor_check check);
enum doctor_check doctor_check_needs(enum doctor_check check); /* itself: none */
int doctor_check_limit_ms(enum doctor_check check);
const char *doctor_status_name(enum doctor_status status);

/* Runs all checks for the instance of this name until `until_us` at most. */
void doctor_run(struct doctor *doctor, const struct places *places, const struct scp_getinfo *info,
                struct str instance, bool is_named, int64_t until_us);
void doctor_done(struct doctor *doctor);

/* --- for the files of the checks ---------------------------------------------------------------
 */

/* What cures what, by check: docs/runbooks/doctor.md has the same sentences. */
enum doctor_cure {
    CURE_NONE,
    CURE_SETTINGS,
    CURE_DISABLED,
    CURE_NAME,
    CURE_RESOLVER,
    CURE_PROXY_NAME,
    CURE_REFUSED,
    CURE_FIREWALL,
    CURE_PROXY_AWAY,
    CURE_AUTHORITY,
    CURE_EXPIRED,
    CURE_ENDS_SOON,
    CURE_OTHER_NAME,
    CURE_CLIENT_CERT,
    CURE_HANDSHAKE,
    CURE_PROXY_CREDENTIAL,
    CURE_PROXY_REFUSES,
    CURE_PROXY_AUTHORITY,
    CURE_CLOCK,
    CURE_NO_ANSWER,
    CURE_STORE_TOKEN,
    CURE_NEW_TOKEN,
    CURE_CAPABILITY,
    CURE_CREDENTIAL,
    CURE_TOKEN_ENDS,
    CURE_BROKER,
    CURE_SCOPE,
    CURE_ROLE,
    CURE_TENANT,
    CURE_KVSTORE,
    CURE_KVSTORE_ADMIN,
    CURE_SPLUNKD,
    CURE_WAITING,
    CURE_OUTBOX_FULL,
    CURE_OUTBOX_REFUSED,
    CURE_OUTBOX_FOLDER,
    CURE_LOG_FOLDER,
    CURE_LOG_SPACE,
    CURE_BINARY,
    CURE_UPGRADE_SERVICE,
    CURE_UPGRADE_APP,
    CURE_NOT_READY,
    CURE_NOT_OURS,
    CURE_BUDGET_BLOCKED,
    CURE_BUDGET_THROTTLED,
    CURE_BUDGET_NEAR,
    CURE_BUDGET_AWAY,
    CURE_AUDIT,
    CURE_COUNT
};

struct doctor_cure_text {
    enum doctor_check check;
    const char *text;
};
extern const struct doctor_cure_text doctor_cures[CURE_COUNT];

/* Fills the check's row. */
void doctor_tell(struct doctor *doctor, enum doctor_check check, enum doctor_status status,
                 enum doctor_cure cure, const char *format, ...) PRINTF_LIKE(5, 6);

/* Milliseconds for a step of the check: its own limit, or what is left of the whole; at least 1. */
int doctor_time(const struct doctor *doctor, enum doctor_check check);

typedef void doctor_run_check(struct doctor *doctor);

doctor_run_check doctor_dns, doctor_tcp, doctor_tls, doctor_proxy, doctor_clock; /* doctor_way.c */
doctor_run_check doctor_token, doctor_scope, doctor_tenant, doctor_service,
    doctor_audit;                                                          /* doctor_access.c */
doctor_run_check doctor_budget;                                            /* doctor_budget.c */
doctor_run_check doctor_kvstore, doctor_outbox, doctor_log, doctor_binary; /* doctor_here.c */

#endif
