/* Hands a finished reply to the HTTP library, with the headers that every reply has. */
#ifndef IG_WEB_WEB_SEND_H
#define IG_WEB_WEB_SEND_H

#include <microhttpd.h>

#include "service/web/web.h"

/* A reply as it goes out. */
struct web_packed {
    struct str body;  /* the reply's own, or `spare` */
    struct buf spare; /* deflated, or inflated for who does not take gzip */
    bool gzip;
};

/* Deflates where it is worth it: takes a while for a long reply. `reply` and `out` must live until
 * the reply is sent. */
void web_pack(const struct web_request *request, struct web_reply *reply, struct web_packed *out);

/* *out_sent is the length of the body on the wire. */
enum MHD_Result web_send(struct MHD_Connection *connection, const struct web_request *request,
                         const struct web_reply *reply, const struct web_packed *packed,
                         bool closing, size_t *out_sent);

#endif
