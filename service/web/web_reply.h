/* Problems that only the server itself can meet: statuses that no fault code stands for. */
#ifndef IG_WEB_WEB_REPLY_H
#define IG_WEB_WEB_REPLY_H

#include "service/web/web.h"

struct web_problem {
    int status;
    const char *slug;  /* type is "urn:intelgraph:problem:<slug>" */
    const char *title; /* the same words for every occurrence */
};

extern const struct web_problem web_problem_method;   /* 405 */
extern const struct web_problem web_problem_length;   /* 411 */
extern const struct web_problem web_problem_target;   /* 414 */
extern const struct web_problem web_problem_encoding; /* 415 */
extern const struct web_problem web_problem_headers;  /* 431 */
extern const struct web_problem web_problem_version;  /* 505 */

/* The problem that a fault code stands for. */
const struct web_problem *web_problem_of(enum fault_code code);

void web_reply_problem(struct web_request *request, struct web_reply *reply,
                       const struct web_problem *problem, const struct fault *fault);

bool web_reply_has(const struct web_reply *reply, const char *name);

#endif
