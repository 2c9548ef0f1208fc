/* A notice as an e-mail (RFC 5322, MIME). */
#ifndef IG_NOTIFY_NOTIFY_MAIL_H
#define IG_NOTIFY_NOTIFY_MAIL_H

#include "libs/core/buf.h"
#include "service/notify/notify.h"

struct notify_mail {
    struct str id;   /* the message's: one Message-ID for all attempts */
    struct str from; /* plain addresses, checked before */
    struct str to;
    int64_t at_us; /* of this attempt */
};

/* Adds header and body, each line ended by CR LF. What is not plain ASCII is encoded; no text of
 * the message can begin a line of the header. */
void notify_add_mail(struct buf *out, const struct notify_mail *mail,
                     const struct notify_message *message);

#endif
