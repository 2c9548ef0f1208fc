/* Hands a finished reply to the HTTP library, with the headers that every reply has. */
#ifndef IG_WEB_WEB_SEND_H
#define IG_WEB_WEB_SEND_H

#include <microhttpd.h>

#include "service/web/web.h"

/* `reply` and `deflated` (initialised here) must live until the reply is sent. *out_sent is the
 * length of the body on the wire. */
enum MHD_Result web_send(struct MHD_Connection *connection, const struct web_request *request,
                         struct web_reply *reply, struct buf *deflated, bool closing,
                         size_t *out_sent);

#endif
