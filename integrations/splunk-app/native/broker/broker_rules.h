/* What the broker decides, without asking anybody: what is asked, who may, what an answer says. */
#ifndef IG_NATIVE_BROKER_RULES_H
#define IG_NATIVE_BROKER_RULES_H

#include "integrations/splunk-app/native/broker/broker_cache.h"
#include "integrations/splunk-app/native/peers/splunkd.h"
#include "libs/scp/persist.h"

enum { BROKER_TTL_S = 300 };

/* What a caller may say. Who the caller is, is not among it. */
struct broker_ask {
    struct str instance;
    enum token_scope scope;
    bool renew; /* the service has refused the last one */
};

/* FAULT_INPUT names the field. Fields that are not known, or stand twice, are refused. */
enum fault_code broker_ask_read(const struct persist_call *call, struct broker_ask *out,
                                struct fault *fault) MUST_USE;

/* The session must be the one that splunkd named, and its user must have the capability. */
enum fault_code broker_check_caller(const struct persist_call *call,
                                    const struct splunkd_context *context, enum token_scope scope,
                                    struct fault *fault) MUST_USE;

/* The body of POST /v1/tokens. */
void broker_request_add(struct buf *out, struct str subject, enum token_scope scope,
                        struct str search_head);

/* Reads the service's answer. The tenant must be the one that intelgraph.conf names: a token of
 * another tenant would carry what is found there. Every refusal tells what an admin is to mend.
 * `asked_us` is when the request began. */
enum fault_code broker_grant_read(const struct settings *settings, int status,
                                  const struct json *body, int64_t asked_us,
                                  struct broker_grant *out, struct fault *fault) MUST_USE;

/* The status of the broker's own answer. */
int broker_status_of(enum fault_code code);

#endif
