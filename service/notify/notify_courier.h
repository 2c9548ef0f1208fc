/* The courier: a process of its own that makes the outgoing connections, so that the service, which
 * holds the store and the signing key, makes none. Between them lies a pair of sockets that keeps
 * the bounds of messages (SOCK_SEQPACKET). Each half checks what the other says. */
#ifndef IG_NOTIFY_NOTIFY_COURIER_H
#define IG_NOTIFY_NOTIFY_COURIER_H

#include "libs/core/arena.h"
#include "libs/http/outbound.h"

enum { NOTIFY_FRAME_MAX = 96 * 1024 };

/* The service's half; the socket does not block. *out_sent is false when there is no room now.
 * FAULT_UNAVAILABLE: the courier is gone. */
enum fault_code notify_courier_send(int fd, const struct http_outbound_request *request,
                                    bool *out_sent, struct fault *fault) MUST_USE;

/* *out_got is false when there is no answer now. FAULT_CORRUPT: one that is none. */
enum fault_code notify_courier_receive(int fd, bool *out_got, struct http_outbound_answer *out,
                                       struct fault *fault) MUST_USE;

/* The courier's half: does what comes until the other end is closed. */
enum fault_code notify_courier_serve(int fd, const struct http_outbound_settings *settings,
                                     enum fault_code (*ready)(void *context, struct fault *fault),
                                     void *context, struct fault *fault) MUST_USE;

/* Frames, for the two above and the fuzzer. Texts of the request are within the frame. */
bool notify_frame_read_request(struct str frame, struct http_outbound_request *out);
bool notify_frame_read_answer(struct str frame, struct http_outbound_answer *out);

#endif
