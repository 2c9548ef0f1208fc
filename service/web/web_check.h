/* What a request's head must be before anything in it is believed: the headers of RFC 9110 and the
 * message framing of RFC 9112 section 6, strict where readers differ (request smuggling). A body in
 * chunks is refused (411, as section 6.3 lets a server): all clients know its length before, and
 * the library reads chunks less strictly than proxies do. */
#ifndef IG_WEB_WEB_CHECK_H
#define IG_WEB_WEB_CHECK_H

#include <microhttpd.h>

#include "service/web/web_body.h"
#include "service/web/web_reply.h"

enum { WEB_HEADER_BYTES_MAX = 32 * 1024 };

struct web_head {
    bool has_body;
    enum web_coding coding;
    bool expects;    /* Expect: 100-continue */
    bool unclear;    /* where the body ends cannot be trusted */
    uint64_t length; /* declared */
};

/* `method` and `version` as the library passes them: they lie in its buffer, where the head is
 * looked at. Fills request->headers and out_head (its `unclear` on failure too). A refusal that has
 * its own status sets *out_problem, else the fault's code tells it. */
enum fault_code web_check_head(struct MHD_Connection *connection, const char *method,
                               const char *version, struct web_request *request,
                               struct web_head *out_head, const struct web_problem **out_problem,
                               struct fault *fault) MUST_USE;

#endif
