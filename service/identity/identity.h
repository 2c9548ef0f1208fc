/* Who calls, for which tenant, in which role, and what that role may do. */
#ifndef IG_IDENTITY_IDENTITY_H
#define IG_IDENTITY_IDENTITY_H

#include <stdint.h>

#include "libs/core/fault.h"
#include "libs/core/str.h"
#include "libs/store/store_pool.h"
#include "service/audit/audit.h"
#include "service/web/web.h"

enum identity_role {
    ROLE_VIEWER,
    ROLE_ANALYST,
    ROLE_AUDITOR,
    ROLE_ADMIN,
    ROLE_BROKER, /* of a Splunk app: issues tokens for analysts, and may nothing else */
    ROLE_METER,  /* of a program that reports usage, and may nothing else */
    ROLE_COUNT
};

const char *identity_role_name(enum identity_role role); /* "viewer" ... */
bool identity_role_of_name(struct str name, enum identity_role *out_role);

/* The one table (identity_rules.c) says which role has which permission. */
enum identity_permission {
    PERMIT_PUBLIC,  /* no credential needed: health, sign-in, assets, metrics */
    PERMIT_SESSION, /* any good credential */
    PERMIT_HANDOFF_WRITE,
    PERMIT_HANDOFF_READ,
    PERMIT_AUDIT_OWN, /* the caller's own audit records, and proofs, which tell nothing */
    PERMIT_AUDIT_READ,
    PERMIT_TOKEN_ADMIN,
    PERMIT_TOKEN_ISSUE,
    PERMIT_USAGE_WRITE,
    PERMIT_USAGE_READ,
    PERMIT_USAGE_ADMIN, /* backfills, the DLQ */
    PERMIT_BUDGET_READ, /* prices and costs too */
    PERMIT_BUDGET_ADMIN,
    PERMIT_DECIDE,       /* check; to reserve and settle takes PERMIT_USAGE_WRITE too */
    PERMIT_NOTICE_ADMIN, /* recipients, deliveries */
    PERMIT_COUNT
};

bool identity_may(enum identity_role role, enum identity_permission permission);

struct identity_caller {
    struct str tenant;      /* from the credential only */
    struct str name;        /* the token's name: who or what it was made for; the analyst's */
    struct str token;       /* its public id */
    struct str via;         /* of the token that issued it for an analyst; empty: an API token */
    struct str search_head; /* that it was issued for; empty: an API token */
    enum identity_role role;
    bool by_cookie; /* a browser session: state-changing requests were checked against CSRF */
    int64_t expires_us;
};

struct identity; /* safe to share between threads */

/* Borrows pool and audit. */
enum fault_code identity_new(struct store_pool *pool, struct audit *audit, struct identity **out,
                             struct fault *fault) MUST_USE;
void identity_free(struct identity *taken);

/* The address that browsers use when it is not the request's Host (behind a proxy). Borrowed; set
 * before the server starts. With https, cookies are sent over TLS only. */
void identity_public_url_set(struct identity *identity, struct str url);

/* The first lines of every route. Reads `Authorization: Bearer` or the session cookie, checks
 * expiry, revocation and the permission; sets request->gated. Appends the audit records for a
 * denial and for the first use of a token by a client in a while. FAULT_UNSIGNED or FAULT_DENIED.
 * Texts of the caller live in the request's arena. PERMIT_PUBLIC never fails and leaves *out_caller
 * empty. */
enum fault_code identity_gate(struct identity *identity, struct web_request *request,
                              enum identity_permission permission,
                              struct identity_caller *out_caller, struct fault *fault) MUST_USE;

/* Puts a change that a caller asked for on record, within the transaction that makes it. `reason`
 * says what changed. */
struct identity_change {
    const char *action; /* "budget.changed" */
    struct str reason;
};
enum fault_code identity_change_record(struct audit *audit, struct store *store,
                                       const struct web_request *request,
                                       const struct identity_caller *caller,
                                       const struct identity_change *change,
                                       struct fault *fault) MUST_USE;

/* Whether the request bears a credential that holds; nothing is said about what it may. For a
 * request whose body is not read yet. Records a denial. */
enum fault_code identity_admit(struct identity *identity, struct web_request *request,
                               struct fault *fault) MUST_USE;

/* A new API token: `igt_<public id>_<secret>`, shown once; only a hash of the secret is stored.
 * Tenant and name: 1..64 of [A-Za-z0-9._-] (a name may hold blanks and @). expires_us 0: never. */
enum fault_code identity_token_create(struct identity *identity, struct str tenant,
                                      enum identity_role role, struct str name, int64_t expires_us,
                                      struct buf *out_token, struct fault *fault) MUST_USE;

struct identity_token {
    struct str id;
    struct str tenant;
    struct str name;
    struct str role;
    struct str parent;      /* public id of the token that issued it; empty for an API token */
    struct str search_head; /* that it was issued for; empty for an API token */
    int64_t created_us;
    int64_t expires_us;   /* 0: never */
    int64_t revoked_us;   /* 0: not */
    int64_t last_used_us; /* 0: never; to within IDENTITY_USED_EVERY_US */
};

/* A use is recorded when the token was not used by the same client for that long. */
#define IDENTITY_USED_EVERY_US (INT64_C(5) * 60 * 1000000)

/* Each token of the tenant, or of all when it is empty, oldest first. Texts live for the visit. */
enum fault_code identity_token_each(struct identity *identity, struct str tenant,
                                    void (*visit)(void *context,
                                                  const struct identity_token *token),
                                    void *context, struct fault *fault) MUST_USE;

/* Ends the token and its sessions, for good. `request` and `by` are NULL on the command line. Of
 * another tenant than `tenant` (when not empty) is FAULT_NOT_FOUND. A second time changes nothing.
 */
enum fault_code identity_token_revoke(struct identity *identity, struct str tenant, struct str id,
                                      const struct web_request *request,
                                      const struct identity_caller *by,
                                      struct fault *fault) MUST_USE;

/* Session and token routes; ends with WEB_ROUTES_END. */
extern const struct web_route identity_routes[];

#endif
