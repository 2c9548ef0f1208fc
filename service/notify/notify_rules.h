/* What a message, a recipient and an address must look like; nothing of the store. */
#ifndef IG_NOTIFY_RULES_H
#define IG_NOTIFY_RULES_H

#include "libs/core/buf.h"
#include "service/notify/notify.h"

enum {
    NOTIFY_URL_MAX = 1000,
    NOTIFY_ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1.3 */
    NOTIFY_NAME_MAX = 80,
};

/* The rules of struct notify_message. */
enum fault_code notify_message_check(const struct notify_message *message,
                                     struct fault *fault) MUST_USE;

/* An http or https URL with a host, without user, password or fragment. */
enum fault_code notify_url_check(struct str url, struct fault *fault) MUST_USE;

/* A plain address, local@domain.example: no name beside it, no quotes, nothing that could end a
 * line or a command. */
enum fault_code notify_address_check(struct str address, struct fault *fault) MUST_USE;

/* 1..`most` bytes of UTF-8 on one line, no blank at either end. */
enum fault_code notify_line_check(const char *field, struct str text, size_t most,
                                  struct fault *fault) MUST_USE;

/* "msg_" and 128 bits of SHA-256 over tenant and key, in base64url: the same whoever makes it. */
enum { NOTIFY_MESSAGE_ID_MAX = 32 };
void notify_message_id(struct str tenant, struct str key, char out[NOTIFY_MESSAGE_ID_MAX]);

/* `prefix` and the 16 bytes in base64url without padding. */
void notify_id_of(const char *prefix, const unsigned char bytes[16], char out[NOTIFY_ID_MAX]);

#endif
