#include "service/notify/notify_courier.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "libs/core/os.h"

enum { WAIT_MS = 1000, MARK = 0x31434749 /* "IGC1" */ };

struct request_head {
    uint64_t ticket;
    uint32_t mark;
    uint32_t kind;
    uint32_t to_len;
    uint32_t headers_len;
    uint32_t body_len;
    uint32_t zero;
};

struct answer_frame {
    uint64_t ticket;
    uint32_t mark;
    uint32_t is_good;
    int32_t status;
    int32_t retry_after_s;
    char error[HTTP_OUTBOUND_ERROR_MAX];
};

/* --- frames --------------------------------------------------------------------------------- */

bool notify_frame_read_request(struct str frame, struct http_outbound_request *out)
{
    struct request_head head;
    if (frame.len < sizeof head)
        return false;
    memcpy(&head, frame.ptr, sizeof head);
    struct str rest = str_skip(frame, sizeof head);
    uint64_t total = (uint64_t)head.to_len + head.headers_len + head.body_len;
    if (head.mark != MARK || head.zero != 0 || total != rest.len ||
        (head.kind != HTTP_OUTBOUND_WEBHOOK && head.kind != HTTP_OUTBOUND_MAIL))
        return false;
    *out = (struct http_outbound_request){
        .ticket = head.ticket,
        .kind = (enum http_outbound_kind)head.kind,
        .to = str_take(rest, head.to_len),
        .headers = str_take(str_skip(rest, head.to_len), head.headers_len),
        .body = str_skip(rest, (size_t)head.to_len + head.headers_len),
    };
    return true;
}

bool notify_frame_read_answer(struct str frame, struct http_outbound_answer *out)
{
    struct answer_frame answer;
    if (frame.len != sizeof answer)
        return false;
    memcpy(&answer, frame.ptr, sizeof answer);
    struct str error = {answer.error, strnlen(answer.error, sizeof answer.error)};
    if (answer.mark != MARK || answer.is_good > 1 || answer.status < 0 || answer.status > 999 ||
        answer.retry_after_s < 0 || answer.retry_after_s > 86400 ||
        error.len == sizeof answer.error)
        return false;
    for (size_t i = 0; i < error.len; i++)
        if (error.ptr[i] < ' ' || error.ptr[i] > '~')
            return false;
    *out = (struct http_outbound_answer){
        .ticket = answer.ticket,
        .status = answer.status,
        .retry_after_s = answer.retry_after_s,
        .is_good = answer.is_good == 1,
    };
    memcpy(out->error, error.ptr, error.len);
    out->error[error.len] = '\0';
    return true;
}

/* --- the service's half --------------------------------------------------------------------- */

static enum fault_code gone(struct fault *fault)
{
    return fault_set(fault, FAULT_UNAVAILABLE,
                     "the process that makes outgoing connections is gone; restart the service");
}

enum fault_code notify_courier_send(int fd, const struct http_outbound_request *request,
                                    bool *out_sent, struct fault *fault)
{
    struct request_head head = {
        .ticket = request->ticket,
        .mark = MARK,
        .kind = (uint32_t)request->kind,
        .to_len = (uint32_t)request->to.len,
        .headers_len = (uint32_t)request->headers.len,
        .body_len = (uint32_t)request->body.len,
    };
    struct iovec parts[] = {
        {&head, sizeof head},
        {(void *)(uintptr_t)request->to.ptr, request->to.len},
        {(void *)(uintptr_t)request->headers.ptr, request->headers.len},
        {(void *)(uintptr_t)request->body.ptr, request->body.len},
    };
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 4};
    ssize_t sent;
    if (sizeof head + request->to.len + request->headers.len + request->body.len > NOTIFY_FRAME_MAX)
        return fault_set(fault, FAULT_LIMIT, "a notice has more than %d bytes", NOTIFY_FRAME_MAX);
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    *out_sent = sent >= 0;
    if (sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return FAULT_NONE;
    return gone(fault);
}

enum fault_code notify_courier_receive(int fd, bool *out_got, struct http_outbound_answer *out,
                                       struct fault *fault)
{
    char frame[sizeof(struct answer_frame) + 1];
    ssize_t got;
    do
        got = recv(fd, frame, sizeof frame, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    *out_got = got > 0;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return FAULT_NONE;
    if (got <= 0)
        return gone(fault);
    if (!notify_frame_read_answer((struct str){frame, (size_t)got}, out))
        return fault_set(fault, FAULT_CORRUPT,
                         "the process that makes outgoing connections says what is no answer");
    return FAULT_NONE;
}

/* --- the courier's half --------------------------------------------------------------------- */

/* A socket that is full is waited for: the service reads it several times a second. */
static bool answer(int fd, const struct http_outbound_answer *said)
{
    struct answer_frame frame = {
        .ticket = said->ticket,
        .mark = MARK,
        .is_good = said->is_good,
        .status = said->status,
        .retry_after_s = said->retry_after_s,
    };
    ssize_t sent;
    memcpy(frame.error, said->error, sizeof frame.error);
    frame.error[sizeof frame.error - 1] = '\0';
    do
        sent = send(fd, &frame, sizeof frame, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

/* false: the service is gone. */
static bool take_requests(int fd, struct http_outbound *outbound, char *frame)
{
    for (;;) {
        struct http_outbound_request request;
        struct fault fault;
        ssize_t got = recv(fd, frame, NOTIFY_FRAME_MAX, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        if (got == 0 || !notify_frame_read_request((struct str){frame, (size_t)got}, &request))
            return false;
        if (http_outbound_add(outbound, &request, &fault) != FAULT_NONE) {
            struct http_outbound_answer no = {.ticket = request.ticket};
            snprintf(no.error, sizeof no.error, "%.250s", fault.text);
            if (!answer(fd, &no))
                return false;
        }
    }
}

static bool give_answers(int fd, struct http_outbound *outbound)
{
    struct http_outbound_answer each;
    while (http_outbound_take(outbound, &each))
        if (!answer(fd, &each))
            return false;
    return true;
}

enum fault_code notify_courier_serve(int fd, const struct http_outbound_settings *settings,
                                     enum fault_code (*ready)(void *context, struct fault *fault),
                                     void *context, struct fault *fault)
{
    struct http_outbound *outbound;
    char *frame = os_alloc(NOTIFY_FRAME_MAX);
    if (!frame)
        return fault_set(fault, FAULT_NO_MEMORY, "no memory left for outgoing requests");
    enum fault_code code = http_outbound_new(settings, &outbound, fault);
    if (code == FAULT_NONE) {
        code = ready ? ready(context, fault) : FAULT_NONE;
        while (code == FAULT_NONE && take_requests(fd, outbound, frame) &&
               give_answers(fd, outbound))
            http_outbound_wait(outbound, fd, WAIT_MS);
        http_outbound_free(outbound);
    }
    os_free(frame);
    return code;
}
